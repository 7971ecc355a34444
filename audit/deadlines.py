"""Days by which something must be done, and which warning of the ladder a day has reached."""

from collections.abc import Sequence
from datetime import datetime

from audit.model import Severity

LADDER = (90, 60, 30, 14, 7, 1, 0)
"""Days before a deadline on which a warning is due; only the step that has been reached is told."""

_SEVERITIES = ((1, Severity.CRITICAL), (14, Severity.HIGH), (30, Severity.MEDIUM))


def days_left(due_at: datetime, now: datetime) -> int:
    """Return the whole days that remain; 0 on the last day and afterwards."""
    return max(0, (due_at - now).days)


def reached_step(due_at: datetime, now: datetime, ladder: Sequence[int] = LADDER) -> int | None:
    """Return the step of the ladder that applies now, or None while the deadline is beyond all of them."""
    left = days_left(due_at, now)
    return min([step for step in ladder if left <= step], default=None)


def severity_of(step: int) -> Severity:
    """Return how urgent a step is."""
    return next((severity for most, severity in _SEVERITIES if step <= most), Severity.LOW)
