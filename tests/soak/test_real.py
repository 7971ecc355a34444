"""The short form of `make soak`: real processes, a real Azurite, and everything that can go wrong."""

import pytest

from tests.soak.run import Plan, run

pytestmark = pytest.mark.azurite

SHORT = {
    "3_writers_are_killed": Plan(
        events=80, targets=10, writers=4, seed=3, patience_seconds=6, kills=8, crash=0.003
    ),
    "4_a_tenth_of_the_calls_to_storage_fails": Plan(
        events=40, targets=10, writers=4, seed=4, patience_seconds=6, faults=0.1
    ),
    "5_storage_is_cut_off": Plan(events=60, targets=10, writers=4, seed=5, patience_seconds=6, outages=(2.0,)),
    "6_azure_fails_a_tenth_of_the_looks": Plan(
        events=60, targets=10, writers=4, seed=6, patience_seconds=6, live_faults=0.1
    ),
    "8_an_event_storm_and_two_sweeps_meet_on_one_target": Plan(
        events=24, targets=1, writers=24, seed=8, patience_seconds=6, sweeps=2, is_at_once=True
    ),
    "10_the_clocks_are_ten_minutes_off": Plan(
        events=60, targets=10, writers=4, seed=10, patience_seconds=6, skew_minutes=10
    ),
}


@pytest.mark.parametrize("plan", SHORT.values(), ids=SHORT)
def test_the_record_is_whole_when(plan: Plan) -> None:
    result = run(plan)

    assert result.violations == [], result
