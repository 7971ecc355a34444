"""The life of findings: what opens, changes and is resolved when a target has been judged again."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from audit.model import Episode, Finding, Outcome, Severity, Status
from audit.record import keys


@dataclass(frozen=True, slots=True)
class Cause:
    """What was seen to happen before a change: a sentence, and whether an event told of it."""

    text: str
    announced: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One episode that must be written, and what it is: `opened`, `changed`, `step-30`, `waived`, `resolved`."""

    episode: Episode
    notice: str

    @property
    def is_told(self) -> bool:
        """Say whether on-call hears of it: what a waiver covers is recorded and shown, and keeps quiet."""
        return not self.episode.waiver


NOTHING_WAIVED: Mapping[str, str] = {}


def follow(
    judged: Iterable[Finding],
    known: Mapping[str, Episode],
    outcome: Outcome,
    cause: Cause,
    release: str,
    now: datetime,
    waived: Mapping[str, str] = NOTHING_WAIVED,
    unjudged: Collection[str] = (),
) -> list[Change]:
    """Return what changes in the episodes `known` (by finding key), in a fixed order.

    An unreadable target resolves nothing but an earlier inability to look: not seeing is not being well.
    `waived` maps the key of a finding to the waiver that accepts it now: such a finding opens, changes and is
    resolved like any other, keeps quiet, and is told again when the waiver has ended. What was found by the rules
    `unjudged` stays as it is: what they need could not be read.
    """
    found = {keys.finding_key(finding): finding for finding in judged}
    changes = [
        _open_or_update(found[key], known.get(key), waived.get(key, ""), cause, release, now)
        for key in sorted(found)
    ]
    if outcome is not Outcome.UNREADABLE:
        gone = (known[key] for key in sorted(known.keys() - found.keys()))
        stale = (episode for episode in gone if episode.finding.rule not in unjudged)
        changes += [_resolve(episode, cause, now) for episode in stale if episode.status is Status.OPEN]
    return [change for change in changes if change is not None]


def _open_or_update(
    finding: Finding, known: Episode | None, waiver: str, cause: Cause, release: str, now: datetime
) -> Change | None:
    if known is None or known.status is Status.RESOLVED:
        episode = Episode(
            finding=finding,
            status=Status.OPEN,
            number=known.number + 1 if known else 1,
            opened_at=now,
            noticed_at=now,
            announced=cause.announced,
            cause=cause.text,
            release=release,
            waiver=waiver,
        )
        return Change(episode, "opened")
    revised = replace(known, finding=finding, waiver=waiver, revision=known.revision + 1, noticed_at=now)
    if known.waiver != waiver:
        return Change(revised, "waived" if waiver else "waiver-ended")
    if known.finding.step != finding.step:
        return Change(revised, f"step-{finding.step}")
    if _said(known.finding) != _said(finding):
        return Change(replace(revised, announced=cause.announced, cause=cause.text), "changed")
    return None


def _said(finding: Finding) -> tuple[str, str]:
    """Return what a notice was about. A deadline's `got` counts the days, so it says something else each day."""
    return finding.expected, finding.got if finding.step is None else ""


def _resolve(episode: Episode, cause: Cause, now: datetime) -> Change:
    resolved = replace(episode, status=Status.RESOLVED, resolved_at=now, noticed_at=now, resolution=cause.text)
    return Change(resolved, "resolved")


# How long an open finding may stay silent; Alertmanager's `repeat_interval`, by severity.
REPEAT_AFTER = {
    Severity.CRITICAL: timedelta(hours=4),
    Severity.HIGH: timedelta(hours=24),
    Severity.MEDIUM: timedelta(days=7),
    Severity.LOW: timedelta(days=7),
}


def remind(known: Iterable[Episode], now: datetime) -> list[Change]:
    """Return the open episodes that have been silent for too long, each owing one more notice."""
    silent = (
        e for e in known if e.status is Status.OPEN and now - e.noticed_at >= REPEAT_AFTER[e.finding.severity]
    )
    due = (episode for episode in silent if not episode.waiver)  # a sweep finds the waivers that have ended
    return [Change(replace(e, revision=e.revision + 1, noticed_at=now), "reminder") for e in due]
