"""Find when a timer is due, from the six-field NCRONTAB expressions that Azure Functions reads."""

import re
from datetime import UTC, datetime

from croniter import croniter

FIELDS = ("second", "minute", "hour", "day", "month", "day of week")

# What both NCrontab and croniter read alike: numbers, three-letter names, `*`, lists, ranges, steps.
# croniter also takes `L`, `#`, `@daily` and Sunday as 7, all of which Azure would refuse.
FIELD = re.compile(r"[\d*,/-]*([A-Z]{3}[\d*,/-]*)*", re.IGNORECASE)
SUNDAY_AS_SEVEN = re.compile(r"(?<![/\d])7(?!\d)")
TIME_SPAN = re.compile(r"(\d+\.)?\d{1,2}:\d{2}(:\d{2})?")


class ScheduleError(ValueError):
    """A timer's schedule that Azure Functions, or this imitation of it, does not read."""


def next_occurrence(expression: str, after: datetime) -> datetime:
    """Return the first moment later than `after` (aware UTC) at which `expression` is due.

    As in NCrontab, day of month and day of week must both hold: `0 0 0 13 * 5` is Friday the 13th.
    Raises `ScheduleError` where the expression is not one, or never comes due.
    """
    _validate(expression)
    try:
        found: datetime = croniter(expression, after, day_or=False, second_at_beginning=True).get_next(datetime)
    except ValueError as error:
        raise ScheduleError(f"the schedule {expression!r} cannot be read: {error}") from error
    return found.astimezone(UTC)


def _validate(expression: str) -> None:
    if TIME_SPAN.fullmatch(expression.strip()):
        raise ScheduleError(
            f"the schedule {expression!r} is a time span, which Azure allows on a dedicated plan only; "
            f"write six fields instead, as `0 */5 * * * *` for every five minutes"
        )
    fields = expression.split()
    if len(fields) != len(FIELDS):
        raise ScheduleError(
            f"the schedule {expression!r} has {len(fields)} fields, expected six: {', '.join(FIELDS)}"
        )
    for name, field in zip(FIELDS, fields, strict=True):
        _validate_field(expression, name, field)


def _validate_field(expression: str, name: str, field: str) -> None:
    if not FIELD.fullmatch(field):
        raise ScheduleError(f"the schedule {expression!r} has {field!r} as its {name}, which Azure does not read")
    if name == "day of week" and SUNDAY_AS_SEVEN.search(field):
        raise ScheduleError(f"the schedule {expression!r} writes Sunday as 7; Azure counts from 0 to 6")
