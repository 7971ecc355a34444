"""Verification beside a running app: what grows while it is read is not broken, and nothing is missed."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from audit.ports import Row, Table
from audit.service.verify import Verified, Verifier
from tests.house import CHAT, House, chat_document, release, write_event
from tests.unit.test_commit_path import STORIES, drifting_fleet, host_as_approved
from tests.unit.test_tamper import VERSIONS, demand, run_house, waive


@dataclass
class Interrupted:
    """A table that is read while somebody writes: `act` runs before the read of that number."""

    table: Table
    count: "itertools.count[int]"
    at: int
    act: Callable[[], None]

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        if next(self.count) == self.at:
            self.act()
        return self.table.rows(partition, start, end, limit)


def verified(house: House) -> Verified:
    return Verifier(house.ledger, house.releases, house.blobs, house.checkpoints).verify([], ())


def verify_while(house: House, at: int, act: Callable[[], None]) -> tuple[Verified, bool]:
    """Verify while `act` is done before the read number `at`; say too whether there was such a read."""
    count = itertools.count()
    tables = (Interrupted(table, count, at, act) for table in (house.ledger, house.releases))
    found = Verifier(*tables, house.blobs, house.checkpoints).verify([], ())  # type: ignore[arg-type]
    return found, next(count) > at


def change_everything(house: House) -> None:
    """Let each chain grow, and every kind of row with it, and write a checkpoint of all of it."""
    house.clock.advance(minutes=5)
    house.approve(release(id_="r-new"))
    waive(house)
    demand(house, 99)
    house.serve(CHAT, chat_document(VERSIONS[0]))
    house.deliver(write_event(id_="e-new", time=house.clock.now().isoformat()))
    house.sweep()


def test_a_record_that_grows_between_any_two_reads_is_not_called_broken() -> None:
    for at in itertools.count():
        house, _ = run_house()

        found, was_read = verify_while(house, at, lambda house=house: change_everything(house))  # type: ignore[misc]

        assert found.broken == []
        if not was_read:
            break

    assert at > 8


@pytest.mark.parametrize("story", STORIES)
def test_what_every_story_leaves_behind_verifies(story: str) -> None:
    host = host_as_approved()

    STORIES[story][0](host)

    assert verified(host.house).broken == []


def test_a_storm_over_many_targets_leaves_a_record_that_verifies() -> None:
    host, _ = drifting_fleet(60, seconds_apart=0)
    host.run()
    host.house.clock.advance(days=1)
    host.remind()
    host.sweep()

    found = verified(host.house)

    assert found.broken == []
    assert sum(each.seq > 0 for each in found.chains) == len(found.chains)
