"""Which endpoints a sweep may leave unread, because an index (Resource Graph) knows of no change since a look.

The index lags behind and may be wrong, so an endpoint is left unread only where all of this holds:

(1) the list itself shows the endpoint as it was, and the index each of its deployments as they were
(2) the deployments were read directly, not too long ago, and found as they are recorded
(3) they had been so for an hour by then: the index had the time to see it
(4) no finding is open and no event waits: what is amiss is always looked at

An endpoint that is left unread is judged by what is recorded, for time goes on. Where that leads to anything it is
looked at first: what the index says opens nothing and closes nothing.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.model import Observation, Outcome, Status, Target
from audit.ports import Row
from audit.record import keys, ledger
from audit.record.ledger import Hot
from audit.targets import find_target

SETTLING = timedelta(hours=1)  # far above the minutes by which Resource Graph lags
MARK_BYTES = 100  # a mark with its time, as JSON
MAX_BYTES = 50_000  # of what is remembered of a parent: it is one row, and holds some five hundred endpoints


@dataclass(frozen=True, order=True, slots=True)
class Marked:
    """What the index said of an endpoint when its deployments were last read directly."""

    mark: str
    read_at: datetime


Marks = Mapping[Target, Marked]


@dataclass(frozen=True, slots=True)
class Remembered:
    """The marks of a parent as one row holds them, by the targets' ids below it, and that row's ETag."""

    marks: Mapping[str, Marked]
    etag: str = ""

    def of(self, parent: str) -> Marks:
        """Return the marks by target."""
        found = {find_target(parent + below): marked for below, marked in self.marks.items()}
        return {target: marked for target, marked in found.items() if target is not None}


def recent(marks: Marks, now: datetime, max_age: timedelta) -> dict[Target, str]:
    """Return the marks by which an endpoint may be left unread: its deployments were read not too long ago."""
    return {target: marked.mark for target, marked in marks.items() if now - marked.read_at <= max_age}


def as_recorded(hot: Hot, marked: Marked) -> Observation | None:
    """Return what is recorded of an endpoint, to judge it again; None where it has to be looked at."""
    head = hot.head
    if head is None or head.outcome is not Outcome.PRESENT or not head.facts:
        return None
    is_amiss = hot.inbox or any(episode.status is Status.OPEN for episode in hot.episodes.values())
    if is_amiss or marked.read_at - head.since < SETTLING:
        return None
    return Observation(head.target, head.outcome, head.observed_at, head.facts, modified_at=head.modified_at)


def remember(parent: str, marks: Marks, rows: Iterable[Row]) -> dict[str, Marked]:
    """Return which marks to remember, given the parent's hot rows: those of endpoints at rest, as many as fit."""
    hot = ledger.by_stream(rows)
    at_rest = sorted(
        (target.id.removeprefix(parent), marked)
        for target, marked in marks.items()
        if as_recorded(ledger.read_hot(hot.get(keys.target_hash(target), ())), marked) is not None
    )
    sizes = itertools.accumulate(len(below.encode()) + MARK_BYTES for below, _ in at_rest)
    return {below: marked for (below, marked), size in zip(at_rest, sizes, strict=True) if size <= MAX_BYTES}
