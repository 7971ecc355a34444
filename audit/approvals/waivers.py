"""Which findings somebody has accepted, until when: computed from the time, never stored.

What a waiver covers stays open, is counted and shown; it is only not told again until the waiver ends.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from audit import deadlines
from audit.model import Finding, Waiver
from audit.record import keys

WHOLE = ""  # the subject of a waiver that covers a rule at every subject


class State(StrEnum):
    """Where a waiver stands at a moment."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Covered:
    """Which findings are accepted and by what, by finding key; and the findings that nothing accepts."""

    by: dict[str, Waiver]
    open: tuple[Finding, ...]


def state(waiver: Waiver, now: datetime) -> State:
    """Return where a waiver stands; it covers from its start, and its end itself is outside."""
    if now < waiver.starts_at:
        return State.PENDING
    return State.ACTIVE if now < waiver.ends_at else State.EXPIRED


def id_of(waiver: Waiver) -> str:
    """Return what names a waiver: there is one for a rule at a target and subject."""
    return keys.waiver_id(waiver.target, waiver.rule, waiver.subject)


def length(waiver: Waiver) -> timedelta:
    """Return how long a waiver covers."""
    return waiver.ends_at - waiver.starts_at


def cover(findings: Iterable[Finding], waivers: Iterable[Waiver], now: datetime) -> Covered:
    """Return which findings are accepted now, and by which waiver: the narrower one, then the longer one."""
    active = sorted((w for w in waivers if state(w, now) is State.ACTIVE), key=_precedence)
    by: dict[str, Waiver] = {}
    uncovered = []
    for finding in findings:
        waiver = next((w for w in active if covers(w, finding)), None)
        if waiver is None:
            uncovered.append(finding)
        else:
            by[keys.finding_key(finding)] = waiver
    return Covered(by, tuple(uncovered))


def covers(waiver: Waiver, finding: Finding) -> bool:
    """Say whether a waiver speaks of a finding, whatever the time."""
    is_there = waiver.target.id == finding.target.id and waiver.rule == finding.rule
    return is_there and waiver.subject in (WHOLE, finding.subject)


def _precedence(waiver: Waiver) -> tuple[bool, float, str]:
    return waiver.subject == WHOLE, -waiver.ends_at.timestamp(), id_of(waiver)


def ending(
    waivers: Iterable[Waiver], now: datetime, ladder: Sequence[int] = deadlines.LADDER
) -> list[tuple[Waiver, int]]:
    """Return the active waivers whose end is near, each with the step of the ladder that it has reached.

    A step longer than the waiver itself is no news: who accepts something for a week knows that it ends.
    """
    reached = (
        (waiver, deadlines.reached_step(waiver.ends_at, now, _shorter(ladder, waiver)))
        for waiver in waivers
        if state(waiver, now) is State.ACTIVE
    )
    return sorted(
        ((waiver, step) for waiver, step in reached if step is not None), key=lambda each: id_of(each[0])
    )


def _shorter(ladder: Sequence[int], waiver: Waiver) -> list[int]:
    return [step for step in ladder if timedelta(days=step) < length(waiver)]
