"""Answer what served at a moment, and tell the life of a target, from what was recorded."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from audit import evidence, keys, ledger
from audit.events import deed
from audit.journal import actor_text, at_of, body_of, finding_text, state_text
from audit.judge import serving as phrases
from audit.ledger import MAX_DIFFERING, Head, Run, Seen, raw_of
from audit.model import Facts, Outcome, Release, Target
from audit.ports import Blobs, Row, Table

RUNS_READ = 50  # sweeps looked through for one that confirms a state; half a day of them


@dataclass(frozen=True, slots=True)
class Serving:
    """What a target served at a moment.

    The state was first seen at `since` and last confirmed at `until`; another one was first seen at
    `changed_at`, if any was. A moment between `until` and `changed_at` is not certain: nobody looked.
    `release` was in force when that state was judged.
    """

    target: Target
    asked: datetime
    outcome: Outcome
    facts: Facts
    since: datetime
    until: datetime
    changed_at: datetime | None
    release: Release | None
    snapshot: str

    @property
    def is_certain(self) -> bool:
        """Say whether the target was seen in this state both before and after the moment."""
        return self.since <= self.asked <= self.until


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing in the life of a target: an event, a look, a finding, an alert or an approval."""

    at: datetime
    what: str
    who: str
    text: str
    chain: str
    seq: int


@dataclass(frozen=True, slots=True)
class Historian:
    """The ports that answering needs; nothing here writes."""

    ledger: Table
    releases: Table
    evidence: Blobs

    def serving(self, target: Target, at: datetime) -> Serving | None:
        """Return what the target served at a moment; None where it had not been looked at by then."""
        stream, partition = keys.target_hash(target), keys.partition(target.parent)
        rows = self.ledger.rows(partition, *keys.observations(stream, at), 1)
        later = self._after(partition, stream, at)
        heads = self.ledger.rows(partition, keys.head(stream), keys.head(stream) + "-", 1)
        return self._answer(ledger.read(rows[0], Seen), later, heads, at) if rows else None

    def serving_all(self, parent: str, at: datetime) -> Iterator[Serving]:
        """Return what every target of a parent served at a moment, in reads of a page each.

        States are stored only when they change, so this reads the changes and never the journal.
        """
        partition = keys.partition(parent)
        states: dict[str, list[Row]] = {}
        for row in self.ledger.rows(partition, *keys.ALL_OBSERVATIONS):
            states.setdefault(row.key.split("-", 2)[1], []).append(row)
        heads = {row.key: row for row in self.ledger.rows(partition, *keys.ALL_HOT) if row.key.endswith("-h")}
        for stream, rows in sorted(states.items()):
            earlier = [row for row in rows if row.key >= keys.observation(stream, at)]
            later = [row for row in rows if row.key < keys.observation(stream, at)]
            head = [heads[keys.head(stream)]] if keys.head(stream) in heads else []
            if earlier:
                yield self._answer(ledger.read(earlier[0], Seen), later[-1:], head, at)

    def history(self, target: Target) -> list[Moment]:
        """Return the life of a target, the oldest first; raise `BadInput` where an entry is no entry."""
        stream, partition = keys.target_hash(target), keys.partition(target.parent)
        chain = [raw_of(row) for row in self.ledger.rows(partition, *keys.journal_range(stream))]
        told = [raw_of(row) for row in self.ledger.rows(partition, *keys.journal_range(keys.ALERTS))]
        granted = [raw_of(row) for row in self.releases.rows(partition, *keys.journal_range(stream))]
        notices = {found["notice"] for raw in chain for found in body_of(raw).get("findings", ())}
        moments = [
            *(moment for raw in chain for moment in _check_moments(raw)),
            *(moment for raw in told for moment in _alert_moments(raw, notices)),
            *(_approval_moment(raw) for raw in granted),
        ]
        return sorted(moments, key=lambda moment: (moment.at, moment.chain, moment.seq))

    def serving_data(self, target: Target, at: datetime) -> dict[str, Any] | None:
        """Return `serving` as JSON values."""
        answer = self.serving(target, at)
        return serving_data(answer) if answer else None

    def history_data(self, target: Target) -> list[dict[str, Any]]:
        """Return `history` as JSON values."""
        return [msgspec.to_builtins(moment) for moment in self.history(target)]

    def _after(self, partition: str, stream: str, at: datetime) -> list[Row]:
        """Return the row of the first state that was seen after a moment."""
        start, _ = keys.observations(stream)
        return self.ledger.rows(partition, start, keys.observation(stream, at))[-1:]

    def _answer(self, seen: Seen, later: list[Row], heads: list[Row], at: datetime) -> Serving:
        after = ledger.read(later[0], Seen) if later else None
        head = ledger.read(heads[0], Head) if heads else None
        known_until = after.previous_until if after else (head.observed_at if head else None)
        return Serving(
            target=seen.target,
            asked=at,
            outcome=seen.outcome,
            facts=seen.facts or self._facts(seen.snapshot),
            since=seen.at,
            until=max(seen.at, known_until or seen.at, self._confirmed(seen, after)),
            changed_at=after.at if after else None,
            release=self._release(seen),
            snapshot=seen.snapshot,
        )

    def _confirmed(self, seen: Seen, after: Seen | None) -> datetime:
        """Return when a sweep last found the state unchanged, before the next one was seen."""
        until = after.at if after else datetime.max.replace(tzinfo=seen.at.tzinfo)
        partition, stream = keys.partition(seen.target.parent), keys.target_hash(seen.target)
        runs = (ledger.read(row, Run) for row in self.ledger.rows(partition, *keys.runs(until), RUNS_READ))
        whole = (run for run in runs if run.outcome is Outcome.PRESENT and len(run.differing) < MAX_DIFFERING)
        same = (run for run in whole if stream not in run.differing)
        return max((run.began_at for run in same if run.began_at > seen.at), default=seen.at)

    def _facts(self, snapshot: str) -> Facts:
        content = self.evidence.get(snapshot)
        return evidence.open_snapshot(content).get("facts", {}) if content else {}

    def _release(self, seen: Seen) -> Release | None:
        """Return the release that the state was judged by, as the approvals' own chain has it."""
        partition, stream = keys.partition(seen.target.parent), keys.target_hash(seen.target)
        rows = self.releases.rows(partition, *keys.journal_range(stream)) if seen.release else []
        granted = (body_of(raw_of(row)).get("release") or {} for row in reversed(rows))
        found = next((each for each in granted if each.get("id") == seen.release), None)
        return msgspec.convert(found, Release) if found else None


def serving_data(answer: Serving) -> dict[str, Any]:
    """Return an answer as JSON values: the stable form that the API and the command line share."""
    release = answer.release
    return {
        "id": answer.target.id,
        "target": f"{answer.target.parent_name}/{answer.target.name}",
        "asked": answer.asked.isoformat(),
        "outcome": str(answer.outcome),
        "serving": "; ".join(phrases(answer.facts)) if answer.facts else str(answer.outcome),
        "since": answer.since.isoformat(),
        "until": answer.until.isoformat(),
        "changed_at": answer.changed_at.isoformat() if answer.changed_at else None,
        "certain": answer.is_certain,
        "release": msgspec.to_builtins(release) if release else None,
        "snapshot": answer.snapshot,
        "facts": dict(answer.facts),
    }


def _check_moments(raw: bytes) -> Iterator[Moment]:
    entry, body = evidence.read(raw), body_of(raw)
    place = (str(entry.get("chain")), int(entry.get("seq") or 0))
    for event in body.get("events", ()):
        yield Moment(
            event["time"], "event", actor_text(event), deed(event["operation"], event.get("status", "")), *place
        )
    if body:
        yield Moment(at_of(raw), "look", body["origin"], state_text(body), *place)
    for found in body.get("findings", ()):
        yield Moment(at_of(raw), "finding", found["cause"], finding_text(found), *place)


def _alert_moments(raw: bytes, notices: set[str]) -> Iterator[Moment]:
    entry, body = evidence.read(raw), body_of(raw)
    ours = [notice for notice in body.get("notices", ()) if notice in notices]
    if ours:
        channels = ", ".join(body["channels"])
        text = f"{len(ours)} notice{'s' if len(ours) > 1 else ''} told in alert {body['alert']}"
        yield Moment(at_of(raw), "alert", channels, text, str(entry["chain"]), int(entry["seq"]))


def _approval_moment(raw: bytes) -> Moment:
    entry, body = evidence.read(raw), body_of(raw)
    release = body.get("release")
    granted = release if isinstance(release, dict) else {}
    named = granted.get("id") or body.get("revokes") or body.get("id") or ""
    reason = f": {body['reason']}" if body.get("reason") else ""
    who = str(granted.get("approved_by") or body.get("identity") or "")
    text = f"{entry.get('kind')} {named}{reason}".strip()
    return Moment(at_of(raw), "approval", who, text, "releases", int(entry.get("seq") or 0))
