"""Pruning: what is younger stays, the chain still verifies, and a crash half-way harms nothing (test 21)."""

from datetime import timedelta

import pytest

from audit import keys
from audit.errors import Unavailable
from audit.service.prune import Pruner
from tests.house import CHAT, House, chat_document, release, write_event
from tests.unit.test_tamper import STREAM, entries, verify

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


def test_a_prune_that_dies_half_way_leaves_a_record_that_verifies() -> None:
    house = aged_house()
    pruner = Pruner(house.ledger, house.clock.now)
    trips_until_delete = 5  # hot rows, entries, states, and the commit; the delete is the fifth
    house.ledger.fail_after = trips_until_delete

    with pytest.raises(Unavailable):
        pruner.prune(CHAT.parent, house.clock.now() - timedelta(days=100), "ada")

    assert verify(house)
    house.sweep()
    assert prune(house, 100) > 0
    assert verify(house)


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
