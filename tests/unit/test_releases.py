from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from audit.approvals.releases import NONE, Approvals, approve, read_approvals
from audit.errors import Conflict
from audit.model import Release
from audit.ports import Create, Delete, Replace, Write
from audit.record import keys
from audit.record.evidence import EMPTY, find_break
from audit.record.ledger import raw_of
from tests.fakes import FakeTable
from tests.house import CHAT, CHURN, release
from tests.strategies import any_text

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
STREAM = keys.target_hash(CHAT)
PARTITION = keys.partition(CHAT.parent)


def put(table: FakeTable, approved: Release, identity: str = "ada") -> Approvals:
    known = stored(table)
    if writes := approve(known, approved, identity, NOW):
        table.commit(PARTITION, writes)
    return stored(table)


def stored(table: FakeTable) -> Approvals:
    return read_approvals(table.rows(PARTITION, *keys.hot(STREAM)))


def chain(table: FakeTable) -> list[bytes]:
    return [raw_of(row) for row in table.rows(PARTITION, *keys.journal_range(STREAM))]


def kinds(writes: list[Write]) -> list[type]:
    return [type(write) for write in writes]


def test_where_nothing_is_stored_nothing_is_approved() -> None:
    assert read_approvals([]) == NONE
    assert NONE.link == EMPTY


def test_an_approval_is_in_force_once_it_is_written() -> None:
    assert put(FakeTable(), release()).release == release()


def test_the_chain_of_approvals_says_who_granted_what() -> None:
    table = FakeTable()

    approvals = put(table, release(), identity="pipeline")

    assert find_break(STREAM, chain(table), approvals.link) is None
    assert b'"identity":"pipeline"' in chain(table)[0]
    assert b'"kind":"granted"' in chain(table)[0]


def test_applying_the_same_release_twice_writes_nothing() -> None:
    approvals = put(FakeTable(), release(expires_at=NOW, evidence={"report": "x"}, owner="growth"))

    assert approve(approvals, release(expires_at=NOW, evidence={"report": "x"}, owner="growth"), "ada", NOW) == []


def test_another_release_takes_the_place_of_the_first() -> None:
    table = FakeTable()
    first = put(table, release())

    writes = approve(first, release(id_="r2"), "ada", NOW)
    table.commit(PARTITION, writes)

    assert kinds(writes) == [Delete, Create, Create, Replace]
    assert stored(table).release == release(id_="r2")
    assert b'"replaces":"r1"' in chain(table)[1]


def test_a_corrected_release_of_the_same_name_is_replaced_in_place() -> None:
    table = FakeTable()
    first = put(table, release())

    writes = approve(first, release(owner="growth"), "ada", NOW)
    table.commit(PARTITION, writes)

    assert kinds(writes) == [Replace, Create, Replace]
    assert len(chain(table)) == 2


def test_one_of_two_approvers_at_the_same_moment_is_refused() -> None:
    table = FakeTable()
    known = put(table, release())
    one, other = (approve(known, release(id_=id_), "ada", NOW) for id_ in ("r2", "r3"))
    table.commit(PARTITION, one)

    with pytest.raises(Conflict):
        table.commit(PARTITION, other)

    assert stored(table).release == release(id_="r2")


def test_approvals_of_one_target_say_nothing_of_another() -> None:
    table = FakeTable()

    put(table, release())

    assert table.rows(keys.partition(CHURN.parent), *keys.hot(keys.target_hash(CHURN))) == []


def test_time_never_runs_backwards_in_the_chain_of_approvals() -> None:
    known = put(FakeTable(), release())

    approve_earlier = approve(replace(known, release=None), release(id_="r2"), "ada", NOW - timedelta(days=1))

    assert len(approve_earlier) == 4


@given(any_text, any_text)
def test_any_text_in_a_release_can_be_stored_and_read_again(id_: str, value: str) -> None:
    approvals = put(FakeTable(), release(id_=id_, facts={"tags.a": value}, evidence={id_: value}))

    assert approvals.release is not None
    assert approvals.release.target == CHAT
