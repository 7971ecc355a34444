"""The rows of the ledger: what a check reads of a target, and the one transaction that it commits."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from audit.errors import AuditError, BadInput
from audit.events.message import is_change
from audit.findings import Change
from audit.judge.given import Written
from audit.model import Episode, Event, Facts, Notice, Observation, Outcome, Target
from audit.ports import Create, Delete, Replace, Row, Write
from audit.record import evidence, keys, memory
from audit.record.decode import decode
from audit.record.evidence import Link
from audit.record.memory import Memory

T = TypeVar("T")

VERSION = 1
MAX_FOLD = 20  # events, and
MAX_CHANGES = 30  # changes in one commit: they take 20 and 60 of a transaction's 100 writes
MAX_PART = 24_000  # bytes that either may take of a journal entry; the next commit records the rest
MAX_SKIPPED = 20  # reasons kept of one sweep; the counts tell of all
MAX_DIFFERING = 1_000  # hashes of 32 characters; the rest of such a storm is seen by the checks that follow
MAX_BODY = 60_000  # a Binary property holds 64 KiB


@dataclass(frozen=True, slots=True)
class Head:
    """Where a target stands. Its row's ETag is the lock of the target's commits.

    `state` is the digest of outcome and facts, `since` the moment that state was first seen, `observed_at`
    when the last look began that was committed whole. `facts` are empty where they are too large for a row; the
    snapshot `snapshot` always has them. `before` and `before_modified_at` are those of `state_before`, and
    `written` tells of the last write that an event told of.
    """

    target: Target
    link: Link
    outcome: Outcome
    state: str
    since: datetime
    observed_at: datetime
    modified_at: str
    release: str
    snapshot: str = ""
    facts: Facts = field(default_factory=dict)
    before: Facts = field(default_factory=dict)
    before_modified_at: str = ""
    written: Written | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A state of a target, from the moment `at` when it was first seen.

    `previous_until` is when the state before it was last seen: in between, nobody looked. `facts` are empty
    where they are too large for a row; the snapshot always has them. `release` is what it was judged by.
    """

    target: Target
    at: datetime
    seq: int
    outcome: Outcome
    snapshot: str
    release: str
    previous_until: datetime | None = None
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """What one sweep of a parent came to: how listing it ended, how complete it was, and what had changed.

    `differing` are the hashes of the targets that were not as recorded. `skipped` says of what was listed and not
    looked at why; `unread` of these were left out because an index knew of no change, and the oldest direct look
    at them was at `read_since`. `index` says why the index could not be asked.
    """

    began_at: datetime
    outcome: Outcome
    reason: str
    listed: int
    seen: int
    unreadable: int
    skipped: Mapping[str, str]
    differing: Sequence[str]
    unread: int = 0
    read_since: datetime | None = None
    index: str = ""

    @property
    def confirms_at(self) -> datetime:
        """Return since when everything that did not differ had been looked at directly."""
        return self.read_since or self.began_at


@dataclass(frozen=True, slots=True)
class Hot:
    """All that a check needs of a target, read in one range."""

    head: Head | None = None
    head_row: Row | None = None
    inbox: Mapping[str, tuple[Event, Row]] = field(default_factory=dict)
    episodes: Mapping[str, Episode] = field(default_factory=dict)
    episode_rows: Mapping[str, Row] = field(default_factory=dict)
    memory: Memory = memory.NOTHING
    memory_row: Row | None = None

    @property
    def events(self) -> list[Event]:
        """Return the events that wait, the oldest first."""
        return sorted((event for event, _ in self.inbox.values()), key=lambda event: (event.time, event.key))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look led to: everything that the next commit records, and the waiting events it folds in.

    `notices` holds what each of `changes` owes to on-call: None for one that a waiver keeps quiet. `memory` is
    what is remembered from now on; None where nothing was looked at.
    """

    observation: Observation
    state: str
    changes: Sequence[Change]
    notices: Sequence[Notice | None]
    release: str
    release_link: Link
    origin: str
    events: Sequence[Event] = ()
    memory: Memory | None = None


def state_of(observation: Observation) -> str:
    """Return the digest of what was seen; equal states have equal digests."""
    return state_digest(observation.outcome, observation.facts)


def memory_digest(remembered: Memory) -> str:
    """Return the digest of what a check remembers; what a sweep adds has no entry to stand in."""
    own = replace(remembered, around=None)
    return evidence.sha256(evidence.canonical(msgspec.to_builtins(own)))


def state_digest(outcome: Outcome, facts: Facts) -> str:
    """Return the digest of a state."""
    return evidence.sha256(evidence.canonical([str(outcome), dict(facts)]))


def row(key: str, value: Any, etag: str = "", **columns: str) -> Row:
    """Return the row that holds a value; `columns` repeat parts of it for people who look into the table."""
    body = msgspec.json.encode(evidence.harmless(msgspec.to_builtins(value)))  # any text and number from outside
    if len(body) > MAX_BODY:
        raise AuditError(f"expected a row body of at most {MAX_BODY} bytes for {key}, got {len(body)}")
    return Row(key, {"v": VERSION, "body": body, **evidence.harmless(columns)}, etag)


def read(row_: Row, type_: type[T]) -> T:
    """Return the value of a row; raise `AuditError` where a newer Model Audit wrote it, `BadInput` for garbage."""
    version = row_.values.get("v")
    if version != VERSION:
        raise AuditError(
            f"row {row_.key} has schema version {version!r}, this program reads {VERSION}: "
            "update Model Audit, or point it at its own storage account"
        )
    try:
        return decode(row_.values.get("body", b""), type_)
    except (msgspec.MsgspecError, TypeError) as error:
        raise BadInput(
            f"expected {type_.__name__} in row {row_.key}, got {error}: the row was not written by Model Audit"
        ) from error


def read_hot(rows: Iterable[Row]) -> Hot:
    """Return what the hot rows of one target hold."""
    head_row, memory_row, inbox, episodes, episode_rows = None, None, {}, {}, {}
    for each in rows:
        _, _, suffix, *rest = each.key.split("-", 3)
        if suffix == "h":
            head_row = each
        elif suffix == "n":
            memory_row = each
        elif suffix == "i":
            inbox[rest[0]] = (read(each, Event), each)
        elif suffix == "f":
            episodes[rest[0]], episode_rows[rest[0]] = read(each, Episode), each
    return Hot(
        head=read(head_row, Head) if head_row else None,
        head_row=head_row,
        inbox=inbox,
        episodes=episodes,
        episode_rows=episode_rows,
        memory=read(memory_row, Memory) if memory_row else memory.NOTHING,
        memory_row=memory_row,
    )


def by_stream(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the hot rows of a whole partition by the target hash in their keys."""
    grouped: dict[str, list[Row]] = {}
    for each in rows:
        grouped.setdefault(each.key.split("-", 2)[1], []).append(each)
    return grouped


def take_in(stream: str, event: Event) -> list[Write]:
    """Return the insert-only transaction that takes an event in; a duplicate makes it a conflict."""
    return [
        Create(row(keys.intake(stream, event.key, event.time), {"id": event.id}, type=event.type)),
        Create(row(keys.inbox(stream, event.key), event)),
    ]


def keep_unreadable(stream: str, key: str, size: int, reason: str, now: datetime) -> list[Write]:
    """Return the insert that notes a message nobody can read; its content may be anything and is left out."""
    noted = {"characters": size, "reason": reason, "at": now}
    columns = {"type": "unreadable", "reason": "is no Event Grid message"}
    return [Create(row(keys.intake(stream, key, now), noted, **columns))]


def record(hot: Hot, verdict: Verdict, snapshot: str, now: datetime) -> list[Write]:
    """Return the one transaction that records what fits of a verdict, guarded by the head `hot` was read with.

    Where changes are left over, the head does not take the look's time: that look covers no event yet.
    """
    whole, verdict = verdict, fitting(verdict)
    observed_at = hot.head.observed_at if hot.head else evidence.EMPTY.at
    if len(verdict.changes) == len(whole.changes):
        observed_at = verdict.observation.began_at
    stream = keys.target_hash(verdict.observation.target)
    last = hot.head.link if hot.head else evidence.EMPTY
    entry = evidence.append(stream, last, "check", _entry_body(hot, verdict, snapshot), now)
    writes: list[Write] = [_delete(hot.inbox[event.key][1]) for event in verdict.events]
    writes += [episode_write(hot, stream, change.episode) for change in verdict.changes]
    writes += [Create(row(keys.outbox(notice.id), notice)) for notice in verdict.notices if notice]
    writes.append(Create(entry_row(stream, entry)))
    if snapshot:
        writes.append(Create(_seen_row(hot, verdict, snapshot, entry)))
    if verdict.memory is not None and _is_news(hot, verdict):
        writes.append(memory_write(hot, verdict.observation.target, verdict.memory))
    writes.append(_head_write(hot, verdict, snapshot, entry, observed_at))
    return writes


def entry_row(stream: str, entry: evidence.Entry) -> Row:
    """Return the row of a journal entry: the bytes that were hashed, and nothing made from them."""
    return Row(keys.journal(stream, entry.link.seq), {"v": VERSION, "raw": entry.raw, "digest": entry.link.digest})


def raw_of(row_: Row) -> bytes:
    """Return the hashed bytes of a journal entry's row."""
    raw = row_.values.get("raw")
    return raw if isinstance(raw, bytes) else b""


def is_settled(hot: Hot, verdict: Verdict) -> bool:
    """Say whether there is nothing to record: no event waits, nothing changed, opened, closed or is remembered."""
    is_same = hot.head is not None and hot.head.state == verdict.state and not _is_news(hot, verdict)
    return is_same and not hot.inbox and not verdict.changes


def _is_news(hot: Hot, verdict: Verdict) -> bool:
    return verdict.memory is not None and verdict.memory != hot.memory


def memory_write(hot: Hot, target: Target, remembered: Memory) -> Write:
    """Return the write of what is remembered of a target, guarded by the ETag that `hot` read it with."""
    etag = hot.memory_row.etag if hot.memory_row else ""
    stored = row(keys.memory(keys.target_hash(target)), remembered, etag)
    return Replace(stored) if hot.memory_row else Create(stored)


def fitting(verdict: Verdict) -> Verdict:
    """Return as much of a verdict as one transaction holds; the next commit records the rest.

    Where changes are left over, all events wait with them, so that the next commit still knows the cause.
    """
    changed = [_change_body(*pair) for pair in zip(verdict.changes, verdict.notices, strict=True)]
    changes = _fitting(changed, MAX_CHANGES)
    is_last = changes == len(changed)
    events = _fitting([_event_body(event) for event in verdict.events], MAX_FOLD) if is_last else 0
    return replace(
        verdict,
        changes=verdict.changes[:changes],
        notices=verdict.notices[:changes],
        events=verdict.events[:events],
    )


def _fitting(bodies: Sequence[dict[str, Any]], most: int) -> int:
    sizes = itertools.accumulate(len(evidence.canonical(body)) for body in bodies[:most])
    return sum(size <= MAX_PART for size in sizes)


def is_whole(verdict: Verdict) -> bool:
    """Say whether one transaction holds all of it; otherwise the next one records the rest."""
    return fitting(verdict) == verdict


def _entry_body(hot: Hot, verdict: Verdict, snapshot: str) -> dict[str, Any]:
    observation = verdict.observation
    return {
        "target": observation.target.id,
        "origin": verdict.origin,
        "outcome": observation.outcome,
        "reason": observation.reason,
        "began_at": observation.began_at,
        "state": verdict.state,
        "snapshot": snapshot or (hot.head.snapshot if hot.head else ""),
        "changed": bool(snapshot),
        "remembered": memory_digest(verdict.memory or hot.memory),
        "events": [_event_body(event) for event in verdict.events],
        "findings": [_change_body(*pair) for pair in zip(verdict.changes, verdict.notices, strict=True)],
        "release": {
            "id": verdict.release,
            "seq": verdict.release_link.seq,
            "digest": verdict.release_link.digest,
        },
    }


def _event_body(event: Event) -> dict[str, Any]:
    return {
        "key": event.key,
        "id": event.id,
        "type": event.type,
        "time": event.time,
        "operation": event.operation,
        "status": event.status,
        "correlation_id": event.correlation_id,
        "actor": msgspec.to_builtins(event.actor),
    }


def _change_body(change: Change, notice: Notice | None) -> dict[str, Any]:
    finding = change.episode.finding
    return {
        "key": keys.finding_key(finding),
        "notice": notice.id if notice else "",
        "waiver": change.episode.waiver,
        "change": change.notice,
        "number": change.episode.number,
        "rule": finding.rule,
        "subject": finding.subject,
        "severity": finding.severity,
        "expected": finding.expected,
        "got": finding.got,
        "cause": change.episode.resolution or change.episode.cause,
        "announced": change.episode.announced,
    }


def episode_write(hot: Hot, stream: str, episode: Episode) -> Write:
    """Return the write of a finding's row, guarded by the ETag that `hot` read it with."""
    finding = keys.finding_key(episode.finding)
    key = keys.finding_row(stream, finding)
    columns = {"rule": episode.finding.rule, "status": str(episode.status), "target": episode.finding.target.id}
    known = hot.episode_rows.get(finding)
    if known is None:
        return Create(row(key, episode, **columns))
    return Replace(row(key, episode, known.etag, **columns))


def _seen_row(hot: Hot, verdict: Verdict, snapshot: str, entry: evidence.Entry) -> Row:
    stream = keys.target_hash(verdict.observation.target)
    seen = Seen(
        target=verdict.observation.target,
        at=entry.link.at,
        seq=entry.link.seq,
        outcome=verdict.observation.outcome,
        snapshot=snapshot,
        release=verdict.release,
        previous_until=hot.head.observed_at if hot.head else None,
        facts=_that_fit(verdict.observation.facts),
    )
    return row(keys.observation(stream, entry.link.at), seen)


def run_row(run: Run) -> Row:
    """Return the row of a sweep; one that found very many differences keeps the first of them."""
    return row(
        keys.run(run.began_at),
        replace(
            run,
            differing=run.differing[:MAX_DIFFERING],
            skipped=dict(itertools.islice(run.skipped.items(), MAX_SKIPPED)),
        ),
    )


def confirmed(target: Target, since: datetime, until: datetime | None, runs: Iterable[Run]) -> datetime:
    """Return when a sweep last found a state unchanged that stood from `since` to `until`."""
    stream = keys.target_hash(target)
    whole = (run for run in runs if run.outcome is Outcome.PRESENT and len(run.differing) < MAX_DIFFERING)
    same = (run.confirms_at for run in whole if stream not in run.differing)
    return max((at for at in same if at > since and (until is None or at <= until)), default=since)


def _that_fit(facts: Facts) -> Facts:
    return facts if len(evidence.canonical(dict(facts))) < MAX_BODY // 3 else {}  # a head holds two states


def _head_write(hot: Hot, verdict: Verdict, snapshot: str, entry: evidence.Entry, observed_at: datetime) -> Write:
    observation = verdict.observation
    before, before_modified_at = state_before(hot.head, verdict.state, verdict.events)
    head = Head(
        target=observation.target,
        link=entry.link,
        outcome=observation.outcome,
        state=verdict.state,
        since=hot.head.since if hot.head and not snapshot else entry.link.at,
        observed_at=observed_at,
        modified_at=observation.modified_at,
        release=verdict.release,
        snapshot=snapshot or (hot.head.snapshot if hot.head else ""),
        facts=_that_fit(observation.facts),
        before=before,
        before_modified_at=before_modified_at,
        written=last_written(hot.head, verdict.events),
    )
    stored = row(
        keys.head(keys.target_hash(observation.target)),
        head,
        hot.head_row.etag if hot.head_row else "",
        target=observation.target.id[:1024],
    )
    return Replace(stored) if hot.head_row else Create(stored)


def state_before(head: Head | None, state: str, events: Sequence[Event]) -> tuple[Facts, str]:
    """Return the facts and the service's last write of the state before the present one.

    They are empty where an event told of the change: then nobody needs to suspect that it came by itself.
    """
    if head is None:
        return {}, ""
    if head.state == state:
        return head.before, head.before_modified_at
    return ({}, "") if any(is_change(event.status) for event in events) else (head.facts, head.modified_at)


def last_written(head: Head | None, events: Sequence[Event]) -> Written | None:
    """Return the last write that may have changed something, of the given events and those folded in before."""
    told = [Written(event.actor, event.time) for event in events if is_change(event.status)]
    known = [head.written] if head and head.written else []
    return max([*known, *told], key=lambda written: written.at, default=None)


def _delete(row_: Row) -> Delete:
    return Delete(row_.key, row_.etag)
