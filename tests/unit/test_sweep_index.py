"""Sweeps with an index that lags, lies, refuses and forgets: it saves reads, and opens and closes nothing."""

from datetime import timedelta

import pytest

from audit.model import Outcome
from audit.record import keys, ledger
from audit.record.index import SETTLING
from audit.record.ledger import Run
from audit.service.history import Historian
from audit.targets import parse_target
from tests.fakes import FakeBlobs
from tests.house import CHURN, WORKSPACE, House, churn_document, release, write_event

FACTS = {"traffic.blue": 100, "deployments.blue.model.version": "3"}
QUARTER = timedelta(minutes=15)


@pytest.fixture
def house() -> House:
    """Return a house in which the endpoint is as approved, and known to be so for longer than the index lags."""
    house = House(index_age=timedelta(hours=6))
    house.serve(CHURN, churn_document())
    house.approve(release(CHURN, facts=FACTS))
    house.live.index[CHURN] = "mark-1"
    house.sweep()
    house.clock.time += SETTLING
    sweep(house)
    return house


def sweep(house: House) -> int:
    """Sweep a quarter of an hour later, and return how often the endpoint was looked at."""
    house.clock.time += QUARTER
    before = house.live.looks
    house.sweep()
    return house.live.looks - before


def last_run(house: House) -> Run:
    rows = house.ledger.rows(keys.partition(CHURN.parent), "r-", "r.")
    return ledger.read(rows[0], Run)


def open_rules(house: House) -> list[str]:
    return [row["rule"] for row in house.reporter.open_findings()]


def test_what_the_index_knows_no_change_of_is_left_unread_and_counted_so(house: House) -> None:
    read_at = house.clock.now()

    looks = sweep(house)

    run = last_run(house)
    assert looks == 0
    assert (run.listed, run.seen, run.unreadable, run.unread) == (1, 0, 0, 1)
    assert run.skipped == {CHURN.id: f"unchanged in Resource Graph, last read at {read_at:%Y-%m-%d %H:%M} UTC"}
    assert run.read_since == read_at


def test_what_the_index_says_was_changed_is_read_at_once(house: House) -> None:
    house.serve(CHURN, churn_document(version="4"))
    house.live.index[CHURN] = "mark-2"

    sweep(house)

    assert open_rules(house) == ["MA102"]


def test_an_index_that_lies_for_ever_is_found_out_within_the_age_that_is_set(house: House) -> None:
    house.serve(CHURN, churn_document(version="4"))
    quarters = 0
    while not open_rules(house):
        sweep(house)
        quarters += 1

    assert quarters * QUARTER <= house.index_age + QUARTER


def test_an_event_is_looked_at_whatever_the_index_says(house: House) -> None:
    house.serve(CHURN, churn_document(version="4"))

    house.deliver(write_event(CHURN, time=house.clock.now().isoformat()))

    assert open_rules(house) == ["MA102"]


def test_what_the_index_hides_is_read_and_not_taken_for_gone(house: House) -> None:
    del house.live.index[CHURN]

    looks = sweep(house)

    assert looks == 1
    assert open_rules(house) == []


def test_what_is_gone_is_found_gone_although_the_index_still_shows_it(house: House) -> None:
    del house.live.documents[CHURN]

    sweep(house)

    assert open_rules(house) == ["MA103"]


def test_what_is_amiss_is_read_every_time(house: House) -> None:
    house.serve(CHURN, churn_document(version="4"))
    house.live.index[CHURN] = "mark-2"
    sweep(house)
    sweep(house)
    house.serve(CHURN, churn_document())  # mended, and the index has not seen it yet

    sweep(house)

    assert open_rules(house) == []


def test_a_change_that_the_index_has_not_caught_up_with_is_not_taken_for_known(house: House) -> None:
    """The index shows the state before; who goes back to that state would otherwise not be seen."""
    house.approve(release(CHURN, "r2", facts=FACTS | {"deployments.blue.model.version": "4"}))
    house.serve(CHURN, churn_document(version="4"))
    house.deliver(write_event(CHURN, time=house.clock.now().isoformat()))
    sweep(house)
    house.serve(CHURN, churn_document())

    sweep(house)

    assert open_rules(house) == ["MA102"]


def test_an_approval_that_ends_soon_is_found_and_looked_at_although_the_index_knows_no_change(
    house: House,
) -> None:
    house.approve(release(CHURN, "r2", facts=FACTS, expires_at=house.clock.now() + timedelta(days=1)))

    looks = sweep(house)

    assert looks == 1
    assert open_rules(house) == ["MA805"]


def test_an_index_that_refuses_costs_reads_and_is_noted(house: House) -> None:
    house.live.index_refuses = "HTTP 403 (is the role Reader missing?)"

    looks = sweep(house)

    assert looks == 1
    assert last_run(house).index == "HTTP 403 (is the role Reader missing?)"


def test_without_an_age_no_index_is_asked(house: House) -> None:
    plain = House(house.ledger, house.releases, live=house.live, clock=house.clock)

    assert sweep(plain) == 1
    assert last_run(plain).unread == 0


def test_what_was_left_unread_is_only_vouched_for_up_to_its_last_direct_look(house: House) -> None:
    read_at = house.clock.now()
    sweep(house)
    sweep(house)

    served = Historian(house.ledger, house.releases, FakeBlobs()).serving(CHURN, house.clock.now())

    assert served is not None
    assert served.until == read_at
    assert not served.is_certain


def test_a_parent_that_cannot_be_listed_forgets_nothing(house: House) -> None:
    house.live.unlisted[CHURN.parent] = "HTTP 403"
    sweep(house)
    del house.live.unlisted[CHURN.parent]

    sweep(house)

    assert last_run(house).outcome is Outcome.PRESENT
    assert last_run(house).unread in (0, 1)
    assert "MA103" not in open_rules(house)


def test_more_endpoints_than_a_row_holds_are_remembered_as_far_as_they_fit() -> None:
    house = House(index_age=timedelta(hours=6))
    for number in range(300):
        target = parse_target(f"{WORKSPACE}/onlineEndpoints/{'e' * 200}{number}")
        house.serve(target, churn_document())
        house.approve(release(target, facts=FACTS))
        house.live.index[target] = "m" * 32
    house.sweep()
    house.clock.time += SETTLING

    looks = [sweep(house), sweep(house)]

    assert looks[0] == 300
    assert 100 < looks[1] < 200


def test_a_fleet_that_nobody_approved_costs_no_more_with_an_index() -> None:
    house = House(index_age=timedelta(hours=6))
    house.serve(CHURN, churn_document())
    house.live.index[CHURN] = "mark-1"
    house.sweep()
    house.clock.time += SETTLING

    assert [sweep(house), sweep(house)] == [1, 1]
