"""(21) Pruning: what is younger stays, the record still verifies, and a crash half-way harms nothing."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from audit.errors import Unavailable
from audit.ports import Row, Write
from audit.record import keys
from audit.record.verify import Of
from audit.service.prune import Pruner
from tests.fakes import FakeTable
from tests.house import CHAT, House, chat_document, release, write_event
from tests.unit.test_tamper import PARTITION, STREAM, checks, edit, entries, verified, verify

VERSIONS = ("2024-08-06", "2024-11-20")


def aged_house() -> House:
    """Return a house with one change a month for a year, and a checkpoint of all of it."""
    house = House()
    house.approve(release())
    for month in range(12):
        house.serve(CHAT, chat_document(VERSIONS[month % 2]))
        house.deliver(write_event(id_=f"e-{month}", time=house.clock.now().isoformat()))
        house.sweep()
        house.clock.advance(days=30)
    house.sweep()
    return house


def prune(house: House, days: int) -> int:
    pruner = Pruner(house.ledger, house.clock.now)
    before = house.clock.now() - timedelta(days=days)
    return sum(each.entries for each in pruner.prune(CHAT.parent, before, "ada"))


@pytest.mark.parametrize("days", [30, 100, 200, 300, 400])
def test_nothing_younger_is_touched_and_the_record_still_verifies(days: int) -> None:
    house = aged_house()
    before = len(entries(house))

    pruned = prune(house, days)

    assert pruned == max(0, 12 - days // 30)
    assert len(entries(house)) == before - pruned + (1 if pruned else 0)
    assert verify(house)


def test_pruning_is_an_entry_of_the_chain_that_names_who_did_it() -> None:
    house = aged_house()

    prune(house, 100)

    last = list(entries(house).values())[-1].values["raw"]
    assert b'"kind":"pruned"' in last
    assert b'"identity":"ada"' in last


def test_a_prune_that_dies_at_any_call_leaves_a_record_that_verifies_and_the_next_one_does_the_rest() -> None:
    for at in itertools.count(1):
        house = aged_house()
        house.ledger.fail_after = at
        try:
            prune(house, 100)
        except Unavailable:
            house.ledger.fail_after = -1
        else:
            break

        assert verify(house)
        house.sweep()
        prune(house, 100)
        assert verify(house)
        assert len(entries(house)) <= 6

    assert at > 4


def test_a_check_that_comes_between_any_two_calls_of_a_prune_is_lost_in_neither() -> None:
    for at in itertools.count():
        house = aged_house()
        count = itertools.count()

        def check(house: House = house) -> None:
            house.serve(CHAT, chat_document("2024-05-13"))
            house.deliver(write_event(id_="e-new", time=house.clock.now().isoformat()))

        table = Interrupted(house.ledger, count, at, check)
        pruned = Pruner(table, house.clock.now).prune(CHAT.parent, house.clock.now() - timedelta(days=100), "ada")

        assert sum(each.entries for each in pruned) > 0
        assert verify(house)
        if next(count) <= at:
            break
        assert any(b"e-new" in row.values["raw"] for row in entries(house).values())

    assert at > 2


@dataclass
class Interrupted:
    """A table before whose call of that number something else happens."""

    table: FakeTable
    count: "itertools.count[int]"
    at: int
    act: Callable[[], None]

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        self._act_now()
        return self.table.rows(partition, start, end, limit)

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        self._act_now()
        return self.table.commit(partition, writes)

    def _act_now(self) -> None:
        if next(self.count) == self.at:
            self.act()


def test_a_chain_that_was_tampered_with_is_not_pruned_and_that_is_said() -> None:
    house = aged_house()
    edit(checks(house), 3, {})
    before = entries(house)

    (left,) = Pruner(house.ledger, house.clock.now).prune(
        CHAT.parent, house.clock.now() - timedelta(days=100), "ada"
    )

    assert entries(house) == before
    assert left.kept == "it is broken at entry 4: run `journal verify`"


def test_what_came_just_before_the_checkpoint_stays_because_clocks_differ() -> None:
    house = aged_house()
    house.clock.advance(days=1, minutes=1)
    for id_ in ("e-before", "e-after"):
        house.deliver(write_event(id_=id_, time=house.clock.now().isoformat()))
        house.clock.advance(minutes=5)
        house.sweep()

    prune(house, 0)

    assert any(b"e-before" in row.values["raw"] for row in entries(house).values())
    assert verify(house)


def test_old_rows_that_are_put_back_after_a_prune_show_once_a_checkpoint_has_seen_it() -> None:
    house = aged_house()
    old = dict(house.ledger.partitions[PARTITION])
    prune(house, 100)
    house.clock.advance(days=1, minutes=1)
    house.sweep()
    pointer = {keys.CHECKPOINT: house.ledger.partitions[PARTITION][keys.CHECKPOINT]}

    house.ledger.partitions[PARTITION] = old | pointer

    assert verify(house, with_checkpoints=False)
    assert not verify(house)


def test_a_chain_cut_by_hand_shows_even_where_the_cut_is_below_a_checkpoint() -> None:
    house = aged_house()

    for key in sorted(entries(house))[:4]:
        del house.ledger.partitions[PARTITION][key]

    assert not verify(house, with_checkpoints=False)


def test_how_far_a_chain_was_pruned_is_told_with_what_is_vouched_for() -> None:
    house = aged_house()
    prune(house, 100)
    house.clock.advance(days=1, minutes=1)
    house.sweep()

    chat = next(each for each in verified(house).chains if each.name == CHAT.id and each.of is Of.CHECKS)

    assert chat.first == 10
    assert chat.seq == 13
    assert chat.since is not None
    assert house.clock.now() - chat.since < timedelta(days=100)


def test_pruning_twice_cuts_further_and_still_verifies() -> None:
    house = aged_house()
    prune(house, 300)
    house.clock.advance(days=2)
    house.sweep()

    prune(house, 100)

    assert verify(house)


def test_without_a_checkpoint_nothing_is_pruned() -> None:
    house = aged_house()
    del house.ledger.partitions[keys.partition(CHAT.parent)][keys.CHECKPOINT]

    assert prune(house, 10) == 0


def test_keys_of_events_go_after_weeks_and_not_before() -> None:
    house = aged_house()

    forgotten = Pruner(house.ledger, house.clock.now).forget_events()

    left = [key for _, key in house.ledger.all_rows() if key.startswith("e-")]
    assert forgotten == 11
    assert len(left) == 1
    assert STREAM in left[0]
