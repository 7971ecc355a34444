"""What an auditor reads for a period, as plain values; `templates/report.html` only shows them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from audit.approvals.proposals import Proposal
from audit.deadlines import days_left
from audit.judge import pointers, serving
from audit.model import Episode, Facts, Kind, Outcome, Release, Severity, Status, Target
from audit.record import evidence, keys
from audit.record.evidence import Broken, Link
from audit.record.journal import Body, at_of, body_of, event_text, finding_text, state_text
from audit.record.ledger import Head, Run
from audit.rules import RULES, Rule
from audit.targets import find_target

# Each version has this one fact; the names of its tags and properties may hold anything, a version's name dots.
_VERSION = re.compile(r"versions\.(?P<version>(?:(?!\.(?:tags|properties)\.).)+)\.archived")

NOTHING_IGNORED: Mapping[tuple[str, str], int] = {}
MAX_IGNORED = 30  # lines of the report
MAX_PROPOSALS = 50  # files shown in the report; whoever drops more floods it


class Standing(StrEnum):
    """How a target stands against what was approved for it, the worst first."""

    UNSEEN = "could not look"
    GONE = "gone"
    UNAPPROVED = "not approved"
    DIFFERS = "differs"
    APPROVED = "as approved"
    REGISTERED = "registered"  # a model nobody has to approve, because it serves nothing by itself


@dataclass(frozen=True, slots=True)
class Record:
    """All that the ledger and the approvals hold of one target; a sweep last found it so at `confirmed_at`."""

    head: Head
    release: Release | None
    episodes: Sequence[Episode]
    entries: Sequence[bytes]
    confirmed_at: datetime = evidence.EMPTY.at


@dataclass(frozen=True, slots=True)
class Line:
    """One target in the inventory."""

    target: Target
    standing: Standing
    serving: Sequence[str]
    release: Release | None
    since: datetime
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class FindingCard:
    """One finding for a reader who is no engineer."""

    episode: Episode
    rule: Rule
    days_left: int | None


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened in the period: a sentence, who did it, and what it led to."""

    at: datetime
    target: str
    text: str
    who: Sequence[str]
    findings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was recomputed to vouch for this report."""

    chains: int
    entries: int
    events: int
    repeated_events: int
    alerts: int
    fingerprint: str
    checkpoints: Sequence[str]
    broken: Sequence[tuple[str, Broken]]


@dataclass(frozen=True, slots=True)
class Ignored:
    """How many messages of one type came that name nothing we audit, or that nobody can read, and why."""

    type: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Swept:
    """What the last sweep of a workspace, registry or account came to.

    `left_out` counts what was listed and not looked at; `why` says why, but of what Resource Graph knew no change
    of, which `run.unread` counts.
    """

    place: str
    run: Run
    left_out: int
    why: Sequence[str]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report. `start` and `end` bound the period; all that is open is shown whatever its age.

    `sweeps` are the last one of each parent, and `unannounced` counts what was found in the period although no
    event told of it.
    `source` says what it was made of, where that is not the record that a running Model Audit keeps.
    """

    start: datetime
    end: datetime
    parents: Sequence[str]
    lines: Sequence[Line]
    open: Sequence[FindingCard]
    resolved: Sequence[FindingCard]
    deadlines: Sequence[FindingCard]
    happenings: Sequence[Happening]
    proof: Proof
    ignored: Sequence[Ignored] = ()
    proposals: Sequence[Proposal] = ()
    sweeps: Sequence[Swept] = ()
    unannounced: int = 0
    source: str = ""

    @property
    def counts(self) -> dict[Standing, int]:
        """Return how many targets stand how; those that serve nothing by themselves are left out."""
        found = [line.standing for line in self.lines]
        return {each: found.count(each) for each in Standing if each is not Standing.REGISTERED}


def build(
    parents: Sequence[str],
    records: Iterable[Record],
    told: Iterable[tuple[str, Link, Sequence[bytes]]],
    checkpoints: Sequence[str],
    start: datetime,
    end: datetime,
    ignored: Mapping[tuple[str, str], int] = NOTHING_IGNORED,
    proposals: Sequence[Proposal] = (),
    sweeps: Sequence[tuple[str, Run]] = (),
) -> Report:
    """Return the report of a period from what the ledger holds.

    `told` are the chains of alerts, and `checkpoints` the digests of the newest checkpoint of each parent;
    `ignored` counts the messages of the period that name nothing we audit, by type and reason.
    """
    known = sorted(records, key=lambda record: record.head.target.id)
    cards = sorted((_card(e, end) for r in known for e in r.episodes), key=_urgency)
    seen = [record for record in known if _is_shown(record)]
    return Report(
        start=start,
        end=end,
        parents=sorted(parents),
        lines=[_line(record) for record in seen],
        open=[card for card in cards if card.episode.status is Status.OPEN and card.days_left is None],
        resolved=[card for card in cards if _is_resolved_in(card.episode, start, end)],
        deadlines=[c for c in cards if c.episode.status is Status.OPEN and c.days_left is not None],
        happenings=sorted(_happenings(known, start, end), key=lambda each: (each.at, each.target)),
        proof=_prove(known, list(told), sorted(checkpoints)),
        ignored=_ignored(ignored),
        proposals=proposals[:MAX_PROPOSALS],
        sweeps=[_swept(parent, run) for parent, run in sweeps],
        unannounced=sum(not e.announced and start <= e.opened_at <= end for r in known for e in r.episodes),
    )


def _swept(parent: str, run: Run) -> Swept:
    why = [f"{name}: {reason}" for name, reason in run.skipped.items() if not find_target(name)]
    return Swept(parent.rsplit("/", 1)[-1], run, run.listed - run.seen - run.unreadable, why)


def _ignored(counts: Mapping[tuple[str, str], int]) -> list[Ignored]:
    """Return the most frequent first; whoever may send events may think of any number of types."""
    found = sorted((Ignored(*named, count) for named, count in counts.items()), key=lambda each: -each.count)
    rest = sum(each.count for each in found[MAX_IGNORED:])
    return found[:MAX_IGNORED] + ([Ignored("others", "rarer than those above", rest)] if rest else [])


def _is_shown(record: Record) -> bool:
    """Say whether the inventory has a line for it: not for a workspace, nor for what is gone and nobody misses."""
    is_missed = record.head.outcome is not Outcome.ABSENT or record.release is not None
    return record.head.target.kind is not Kind.PARENT and is_missed


def standing(head: Head, release: Release | None, episodes: Iterable[Episode]) -> Standing:
    """Return how a target stands, by its open findings."""
    broken = {e.finding.rule for e in episodes if e.status is Status.OPEN}
    if head.outcome is Outcome.UNREADABLE:
        return Standing.UNSEEN
    if head.outcome is Outcome.ABSENT:
        return Standing.GONE
    if release is None:
        return Standing.REGISTERED if head.target.kind is Kind.MODEL else Standing.UNAPPROVED
    return Standing.DIFFERS if any(rule < "MA8" for rule in broken) else Standing.APPROVED


def _line(record: Record) -> Line:
    head = record.head
    return Line(
        target=head.target,
        standing=standing(head, record.release, record.episodes),
        serving=_serving(head.target, head.facts),
        release=record.release,
        since=head.since,
        observed_at=max(head.observed_at, record.confirmed_at),
    )


def _serving(target: Target, facts: Facts) -> Sequence[str]:
    if target.kind is not Kind.MODEL:
        return list(serving(facts))
    versions = sorted(found["version"] for found in map(_VERSION.fullmatch, facts) if found)
    return [*pointers(facts), *([f"versions {', '.join(versions)}"] if versions else [])]


def _card(episode: Episode, now: datetime) -> FindingCard:
    due_at = episode.finding.due_at
    return FindingCard(episode, RULES[episode.finding.rule], None if due_at is None else days_left(due_at, now))


def _urgency(card: FindingCard) -> tuple[int, datetime, str]:
    return list(Severity).index(card.episode.finding.severity), card.episode.opened_at, card.rule.id


def _is_resolved_in(episode: Episode, start: datetime, end: datetime) -> bool:
    return episode.resolved_at is not None and start <= episode.resolved_at <= end


def _happenings(records: Iterable[Record], start: datetime, end: datetime) -> Iterable[Happening]:
    for record in records:
        for seq, raw in enumerate(record.entries, evidence.first_of(record.entries)[0]):
            at, body = at_of(raw), body_of(raw)
            text = state_text(body, is_first=seq == 1) if body else ""
            if text and start <= at <= end and (happening := _happening(record.head.target, at, body, text)):
                yield happening


def _happening(target: Target, at: datetime, body: Body, text: str) -> Happening | None:
    who = [event_text(event) for event in body["events"]]
    findings = [finding_text(found) for found in body["findings"]]
    if not who and not findings and body["origin"] == "sweep":
        return None  # a first look that found nothing amiss
    return Happening(at, f"{target.parent_name}/{target.name}", text, who, findings)


def _prove(
    records: Sequence[Record], told: Sequence[tuple[str, Link, Sequence[bytes]]], checkpoints: Sequence[str]
) -> Proof:
    chains = [(keys.target_hash(r.head.target), r.head.target.id, r.head.link, r.entries) for r in records]
    chains += [(keys.ALERTS, parent, link, entries) for parent, link, entries in told]
    breaks = [(name, evidence.find_break(stream, entries, link)) for stream, name, link, entries in chains]
    events = [event["key"] for r in records for raw in r.entries for event in body_of(raw).get("events", ())]
    return Proof(
        chains=len(chains),
        entries=sum(len(entries) for *_, entries in chains),
        events=len(events),
        repeated_events=len(events) - len(set(events)),
        alerts=sum(len(entries) for _, _, entries in told),
        fingerprint=evidence.fingerprint((name, link) for _, name, link, _ in chains),
        checkpoints=checkpoints,
        broken=[(name, broken) for name, broken in breaks if broken is not None],
    )
