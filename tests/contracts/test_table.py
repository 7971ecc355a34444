import pytest
from azure.data.tables import TableClient

from audit.adapters.storage import AzureTable
from audit.errors import Conflict, Unavailable
from audit.ports import Create, Delete, Replace, Row, Table, Write
from tests.strategies import HOSTILE_TEXTS

ALL = ("a", "z")
HOSTILE = [text for text in HOSTILE_TEXTS if text.isprintable() or text.startswith("\x00")]


def row(key: str, value: str | int | bool | bytes = "x", etag: str = "") -> Row:
    return Row(key, {"v": 1, "body": value}, etag)


def create(table: Table, *keys: str) -> list[Row]:
    table.commit("p", [Create(row(key)) for key in keys])
    return table.rows("p", *ALL)


def stored(table: Table, partition: str = "p") -> dict[str, object]:
    return {each.key: each.values["body"] for each in table.rows(partition, *ALL)}


def test_what_was_committed_is_read_again(table: Table) -> None:
    table.commit("p", [Create(Row("a", {"v": 1, "text": "x", "yes": True, "raw": b"\x00\xff"}))])

    (found,) = table.rows("p", *ALL)

    assert (found.key, dict(found.values)) == ("a", {"v": 1, "text": "x", "yes": True, "raw": b"\x00\xff"})
    assert found.etag


def test_a_transaction_writes_all_of_it(table: Table) -> None:
    one, two = create(table, "a", "b")

    table.commit("p", [Create(row("c")), Replace(row("a", "y", one.etag)), Delete("b", two.etag)])

    assert stored(table) == {"a": "y", "c": "x"}


STALE = "W/\"datetime'2026-11-21T09%3A00%3A00.0000000Z'\""


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize(
    "refused",
    [
        Create(row("a")),
        Replace(row("a", "y", STALE)),
        Delete("a", STALE),
        Replace(row("gone", "y", STALE)),
        Delete("gone", STALE),
    ],
    ids=["created already", "replaced meanwhile", "changed before its deletion", "gone", "deleted already"],
)
def test_one_row_that_is_not_as_expected_refuses_the_whole_transaction(
    table: Table, refused: Write, position: int
) -> None:
    create(table, "a")
    writes: list[Write] = [Create(row("b")), Create(row("c"))]
    writes.insert(position, refused)

    with pytest.raises(Conflict):
        table.commit("p", writes)

    assert stored(table) == {"a": "x"}


@pytest.mark.parametrize("second", [Replace, Delete])
def test_an_etag_is_good_for_one_write(table: Table, second: type) -> None:
    (found,) = create(table, "a")
    table.commit("p", [Replace(row("a", "y", found.etag))])
    again = Replace(row("a", "z", found.etag)) if second is Replace else Delete("a", found.etag)

    with pytest.raises(Conflict):
        table.commit("p", [again])

    assert stored(table) == {"a": "y"}


def test_the_returned_etags_are_good_for_the_next_transaction(table: Table) -> None:
    first = table.commit("p", [Create(row("a")), Create(row("b"))])
    second = table.commit("p", [Replace(row("a", "y", first[0])), Delete("b", first[1]), Create(row("c"))])

    table.commit("p", [Replace(row("a", "z", second[0])), Delete("c", second[2])])

    assert second[1] == ""
    assert stored(table) == {"a": "z"}


def test_a_replaced_row_keeps_nothing_of_the_old_one(table: Table) -> None:
    table.commit("p", [Create(Row("a", {"v": 1, "old": "x"}))])
    (found,) = table.rows("p", *ALL)

    table.commit("p", [Replace(Row("a", {"v": 2}, found.etag))])

    assert dict(table.rows("p", *ALL)[0].values) == {"v": 2}


def test_a_range_is_sorted_and_its_end_is_not_in_it(table: Table) -> None:
    create(table, "d", "b", "a", "c", "b-1", "b.")

    assert [each.key for each in table.rows("p", "b", "d")] == ["b", "b-1", "b.", "c"]
    assert [each.key for each in table.rows("p", "b-", "b.")] == ["b-1"]


@pytest.mark.parametrize(
    ("limit", "keys"), [(1, ["a"]), (2, ["a", "b"]), (9, ["a", "b", "c"]), (None, ["a", "b", "c"])]
)
def test_a_limit_gives_the_first_rows(table: Table, limit: int | None, keys: list[str]) -> None:
    create(table, "c", "a", "b")

    assert [each.key for each in table.rows("p", *ALL, limit)] == keys


def test_an_empty_range_is_empty(table: Table) -> None:
    assert table.rows("p", *ALL) == []


def test_partitions_know_nothing_of_each_other(table: Table) -> None:
    create(table, "a")
    table.commit("q", [Create(row("a", "other"))])

    assert (stored(table), stored(table, "q")) == ({"a": "x"}, {"a": "other"})


def test_more_rows_than_a_page_are_read_in_order(table: Table) -> None:
    keys = [f"k{number:05d}" for number in range(1_150)]
    for start in range(0, len(keys), 100):
        table.commit("p", [Create(row(key)) for key in keys[start : start + 100]])

    assert [each.key for each in table.rows("p", "a", "z")] == keys
    assert [each.key for each in table.rows("p", "a", "z", 1_050)] == keys[:1_050]


def test_a_transaction_takes_a_hundred_writes(table: Table) -> None:
    create(table, *(f"k{number:03d}" for number in range(100)))

    assert len(table.rows("p", *ALL)) == 100


@pytest.mark.parametrize("content", [b"", bytes(range(256)), b"x" * 65_536], ids=["empty", "all bytes", "64 KiB"])
def test_bytes_come_back_as_they_were(table: Table, content: bytes) -> None:
    table.commit("p", [Create(row("a", content))])

    assert stored(table)["a"] == content


@pytest.mark.parametrize("text", [*HOSTILE, "", " ", "2026-11-21T09:00:00Z", "42", "true", "ä€😀", "x" * 32_768])
def test_texts_come_back_as_they_were(table: Table, text: str) -> None:
    table.commit("p", [Create(row("a", text))])

    assert stored(table)["a"] == text


@pytest.mark.parametrize("value", [0, -1, 2**31 - 1, -(2**31), True, False])
def test_numbers_and_switches_come_back_as_they_were(table: Table, value: int) -> None:
    table.commit("p", [Create(row("a", value))])

    found = stored(table)["a"]

    assert (type(found), found) == (type(value), value)


def test_a_hostile_partition_finds_itself_and_nothing_else(table: Table) -> None:
    name = "' or PartitionKey ne '"
    create(table, "a")
    table.commit(name, [Create(row("b"))])

    assert stored(table, name) == {"b": "x"}


@pytest.mark.azurite
def test_a_table_that_is_not_there_is_unavailable_and_no_conflict(storage_connection: str) -> None:
    with TableClient.from_connection_string(storage_connection, "missing") as client:
        missing = AzureTable(client)

        with pytest.raises(Unavailable, match="tried to commit 1 rows"):
            missing.commit("p", [Create(row("a"))])
        with pytest.raises(Unavailable, match="tried to read rows"):
            missing.rows("p", *ALL)
