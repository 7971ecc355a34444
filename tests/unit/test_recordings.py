import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.events.recordings import Fault, Recorded, read_recordings, split
from tests.strategies import any_text, json_values

FILE = Path("f.json")
A, B, C = ({"id": name, "data": {"x": [{"y": "}]\n{"}]}} for name in "abc")


def found(text: str) -> list[str | int]:
    """Return the ids of the messages, and the lines of the faults."""
    return [each.line if isinstance(each, Fault) else json.loads(each.text)["id"] for each in split(text, FILE)]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([A, B, C]),
        json.dumps([A, B, C], indent=2),
        json.dumps([[A], [B, C]]),
        "\n".join(map(json.dumps, (A, B, C))),
        "\r\n".join(map(json.dumps, (A, B, C))) + "\r\n\r\n",
        "\n".join(json.dumps(each, indent=1) for each in (A, B, C)),
        f"[{json.dumps(A)}]\n[{json.dumps(B)}, {json.dumps(C)}]\n",
        "\ufeff" + json.dumps([A, B, C]),
    ],
    ids=["array", "indented", "nested", "lines", "windows lines", "objects", "lines of arrays", "byte order mark"],
)
def test_every_way_to_write_messages_is_read(text: str) -> None:
    assert found(text) == ["a", "b", "c"]


def test_a_message_knows_its_line_and_keeps_its_text() -> None:
    text = '[\n  {"id": "a"},\n\n  {"id":   "b"}\n]'

    assert list(split(text, FILE)) == [Recorded(FILE, 2, '{"id": "a"}'), Recorded(FILE, 4, '{"id":   "b"}')]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"id": "a"}\n{"id": \n{"id": "c"}', ["a", 2, "c"]),
        ('{"id": "a"}\nnonsense\n{"id": "c"}', ["a", 2, "c"]),
        ('[\n{"id": "a"},\n{"id": "b",\n  "data": oops},\n{"id": "c"}\n]', ["a", 3, "c"]),
        ('[{"id": "a"},\n{"id": "b"', ["a", 2]),
        ("", [1]),
        ("\n\n", [1]),
        ("[]", []),
        ("42", [1]),
        ("{" * 5 + "\n" + '{"id": "c"}', [1, "c"]),
        ('{"id": ' + "[" * 100_000 + "\n" + '{"id": "c"}', [1, "c"]),
        ('{"n": ' + "9" * 5000 + '}\n{"id": "c"}', [1, "c"]),
    ],
    ids=range(11),
)
def test_what_cannot_be_read_is_named_by_its_line_and_hides_nothing_else(text: str, expected: list) -> None:
    assert found(text) == expected


@given(st.lists(st.dictionaries(any_text, json_values, max_size=3), max_size=5), st.sampled_from([None, 0, 2]))
def test_no_message_is_lost(messages: list[dict], indent: int | None) -> None:
    lines = "\n".join(json.dumps(message, indent=indent) for message in messages)
    for text in (json.dumps(messages, indent=indent), lines):
        read = [json.loads(each.text) for each in split(text, FILE) if isinstance(each, Recorded)]

        assert json.dumps(read) == json.dumps(messages)


@given(any_text)
def test_no_text_crashes_the_reader(text: str) -> None:
    assert all(each.line >= 1 for each in split(text, FILE))


def test_a_folder_stands_for_the_messages_below_it_and_a_file_is_read_once(tmp_path: Path) -> None:
    inner = tmp_path / "AUDIT" / "2026" / "1" / "2" / "3"
    inner.mkdir(parents=True)
    (inner / "b.json").write_text('[{"id": "b"}]')
    (tmp_path / "a.jsonl").write_text('{"id": "a"}\n')
    (tmp_path / "notes.md").write_text("not ours")

    read = list(read_recordings([tmp_path, inner / "b.json"]))

    assert [each.file.name for each in read] == ["b.json", "a.jsonl"]


def test_a_file_that_cannot_be_read_is_named_and_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"id": "a"}\n\xff\xfe')
    (tmp_path / "b.json").write_text('{"id": "b"}')

    faulty, whole = read_recordings([tmp_path / "a.json", tmp_path / "gone.json", tmp_path / "b.json"][::2])

    assert isinstance(faulty, Fault)
    assert (faulty.file.name, faulty.line) == ("a.json", 2)
    assert isinstance(whole, Recorded)


def test_a_file_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    (fault,) = read_recordings([tmp_path / "gone.json"])

    assert isinstance(fault, Fault)
    assert "FileNotFoundError" in fault.reason
