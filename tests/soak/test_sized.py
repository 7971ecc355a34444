"""The short form of what `make soak` does on fakes at full size; the numbers are those of the storage design."""

import random

import pytest

from tests.soak import sized
from tests.soak.run import Result


def assert_whole(result: Result) -> None:
    assert result.violations == [], result


@pytest.mark.parametrize("seed", [21, 22, 23, 24, 25])
def test_2_a_thousand_events_while_every_step_may_be_the_last(seed: int) -> None:
    assert_whole(sized.crash_at_random(1_000, seed))


@pytest.mark.parametrize(("handlers", "rounds"), [(2, 300), (24, 30)])
def test_8_handlers_of_one_target_start_from_one_barrier(handlers: int, rounds: int) -> None:
    assert_whole(sized.race(handlers, rounds))


def test_13_thousands_of_unchanged_deployments_are_swept_and_answered_for_in_pages() -> None:
    assert_whole(sized.rest_at_scale(20, 150, 20_000))


def test_18_another_implementation_writes_the_same_canonical_bytes() -> None:
    assert_whole(sized.compare_canonical(sized.random_values(10_000, 18)))


def test_19_a_history_of_a_thousand_changes_is_answered_as_brute_force_would() -> None:
    assert_whole(sized.travel(1_000, 1_000, 19))


def test_the_random_values_hold_every_kind_there_is() -> None:
    values = sized.random_values(1_000, 18)

    assert {type(value) for value in values} == {type(None), bool, int, float, str, list, dict}
    assert any(isinstance(value, float) and 0 < abs(value) < 1e-300 for value in values)
    assert random.Random(18).random() == random.Random(18).random()
