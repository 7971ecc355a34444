"""When timers come due, checked against dates worked out by hand."""

from datetime import UTC, datetime

import pytest

from local.functions.schedule import ScheduleError, next_occurrence

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday


def at(month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("*/10 * * * * *", at(1, 1, second=10)),
        ("0 */15 * * * *", at(1, 1, minute=15)),
        ("30 0 6 * * *", at(1, 1, hour=6, second=30)),
        ("0 0 7 * * MON", at(1, 5, hour=7)),
        ("0 0 7 * * 1-5", at(1, 1, hour=7)),
        ("0 0 7 * * sun", at(1, 4, hour=7)),
        ("0 0 0 1 * *", at(2, 1)),
        ("0 0 9,17 * JUN *", at(6, 1, hour=9)),
    ],
)
def test_a_schedule_is_due_at_its_next_moment(expression: str, due: datetime) -> None:
    assert next_occurrence(expression, NEW_YEAR) == due


def test_the_next_moment_is_always_later_than_the_one_asked_for() -> None:
    assert next_occurrence("0 0 0 * * *", NEW_YEAR) == at(1, 2)


def test_day_of_month_and_day_of_week_must_both_hold() -> None:
    friday_the_thirteenth = next_occurrence("0 0 0 13 * 5", NEW_YEAR)

    assert friday_the_thirteenth == at(2, 13)


@pytest.mark.parametrize("expression", ["00:05:00", "1.00:00:00", "0:30"])
def test_a_time_span_is_refused_with_the_way_out(expression: str) -> None:
    with pytest.raises(ScheduleError, match="dedicated plan only; write six fields"):
        next_occurrence(expression, NEW_YEAR)


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("*/5 * * * *", "has 5 fields, expected six"),
        ("@daily", "has 1 fields, expected six"),
        ("0 0 0 L * *", "'L' as its day"),
        ("0 0 0 * * 5#2", "'5#2' as its day of week"),
        ("0 0 0 * * 7", "counts from 0 to 6"),
        ("0 0 0 * * 5-7", "counts from 0 to 6"),
        ("0 0 25 * * *", "out of range"),
        ("0 0 0 31 2 *", "failed to find next date"),
        ("0 0 0 * * xyz", "cannot be read"),
    ],
)
def test_what_azure_would_refuse_is_refused_here(expression: str, complaint: str) -> None:
    with pytest.raises(ScheduleError, match=complaint):
        next_occurrence(expression, NEW_YEAR)


def test_seven_is_a_step_and_a_day_of_the_month() -> None:
    assert next_occurrence("0 */7 * 7 * */7", NEW_YEAR) == at(6, 7)
