from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.deadlines import LADDER, days_left, reached_step, severity_of
from audit.model import Severity

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (timedelta(days=30), 30),
        (timedelta(days=30) - timedelta(seconds=1), 29),
        (timedelta(hours=23), 0),
        (timedelta(), 0),
        (timedelta(days=-400), 0),
    ],
)
def test_only_whole_days_are_left(left: timedelta, days: int) -> None:
    assert days_left(NOW + left, NOW) == days


@pytest.mark.parametrize(
    ("days", "step"),
    [
        (91, None),
        (90, 90),
        (61, 90),
        (60, 60),
        (31, 60),
        (30, 30),
        (14, 14),
        (8, 14),
        (7, 7),
        (2, 7),
        (1, 1),
        (0, 0),
    ],
)
def test_a_deadline_has_reached_the_lowest_step_that_applies(days: int, step: int | None) -> None:
    assert reached_step(NOW + timedelta(days=days), NOW) == step


def test_a_deadline_that_has_passed_stays_on_the_last_step() -> None:
    assert reached_step(NOW - timedelta(days=400), NOW) == 0


@pytest.mark.parametrize(
    ("step", "severity"),
    [
        (90, Severity.LOW),
        (60, Severity.LOW),
        (30, Severity.MEDIUM),
        (14, Severity.HIGH),
        (7, Severity.HIGH),
        (1, Severity.CRITICAL),
        (0, Severity.CRITICAL),
    ],
)
def test_the_nearer_the_more_urgent(step: int, severity: Severity) -> None:
    assert severity_of(step) is severity


@given(st.timedeltas(timedelta(days=-10), timedelta(days=200)), st.timedeltas(timedelta(), timedelta(days=30)))
def test_steps_are_only_ever_climbed_down(left: timedelta, later: timedelta) -> None:
    steps = [LADDER[0] + 1, *LADDER]
    before, after = (reached_step(NOW + left, now) for now in (NOW, NOW + later))

    assert steps.index(steps[0] if before is None else before) <= steps.index(steps[0] if after is None else after)
