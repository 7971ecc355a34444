from datetime import UTC, datetime

from audit.ports import Row
from audit.record import keys, ledger
from audit.record.evidence import Link
from audit.record.outbox import Outbox, OutboxHead, read_outbox, told_body
from tests.unit.test_ledger import notice

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HEAD = OutboxHead("/parent", Link(1, "d", NOW), owner="m-1", alert="a-1", told_from=NOW)


def row(key: str, value: object) -> Row:
    return ledger.row(key, value, "etag")


def test_an_empty_outbox_owes_nothing() -> None:
    assert read_outbox([]) == Outbox(None, None, [], None, {})


def test_notices_wait_by_their_row() -> None:
    rows = [row(keys.outbox(notice(number).id), notice(number)) for number in (1, 2)]

    waiting = read_outbox(rows)

    assert {key: each.id for key, (each, _) in waiting.pending.items()} == {
        rows[0].key: notice(1).id,
        rows[1].key: notice(2).id,
    }
    assert [each for _, each in waiting.pending.values()] == rows


def test_a_claimed_batch_is_read_with_its_owner() -> None:
    head, batch = row(keys.OUTBOX_HEAD, HEAD), row(keys.OUTBOX_BATCH, ["1-x-a", "1-x-b"])

    waiting = read_outbox([head, batch])

    assert (waiting.head, waiting.head_row) == (HEAD, head)
    assert (waiting.batch, waiting.batch_row) == (["1-x-a", "1-x-b"], batch)


def test_what_was_told_is_journalled_by_the_ids_of_the_notices() -> None:
    body = told_body(HEAD, [keys.outbox("n-1"), keys.outbox("n-2")], ["topic"])

    assert body == {"alert": "a-1", "parent": "/parent", "channels": ["topic"], "notices": ["n-1", "n-2"]}
