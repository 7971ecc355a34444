"""Answer what served at a moment, and tell the life of a target, from what was recorded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from audit.approvals import releases
from audit.approvals.approved import admits
from audit.events.message import deed
from audit.judge import pointers
from audit.judge import serving as phrases
from audit.model import Facts, Kind, Outcome, Release, Target
from audit.ports import Blobs, Row, Table
from audit.record import evidence, keys, ledger
from audit.record.journal import actor_text, at_of, body_of, finding_text, state_text
from audit.record.ledger import Head, Run, Seen, raw_of
from audit.service import parents

# Sweeps looked through for one that confirms a state: those of some hours around the moment that is asked for.
RUNS_READ = 100
RUNS_AFTER = timedelta(hours=6)


_SERVING_NOBODY = frozenset({Kind.MODEL, Kind.PARENT})


@dataclass(frozen=True, slots=True)
class Serving:
    """What a target served at a moment.

    The state was first seen at `since` and confirmed at `until`, the last time within some hours of the moment;
    another one was first seen at `changed_at`, if any was. A moment between `until` and `changed_at` is not
    certain: nobody looked. `release` was in force at the moment, by the approvals' own chain.
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

    @property
    def differing(self) -> list[str]:
        """Return the approved facts that served otherwise, sorted; empty where nothing was approved."""
        approved = self.release.facts.items() if self.release else ()
        return sorted(name for name, value in approved if not admits(value, self.facts.get(name)))

    @property
    def stands(self) -> str:
        """Return how what served stood against what was approved at that moment."""
        if self.release is None:
            return "not approved"
        if self.outcome is not Outcome.PRESENT:
            return str(self.outcome)
        if self.release.expires_at is not None and self.release.expires_at <= self.asked:
            return f"approval expired {self.release.expires_at:%Y-%m-%d}"
        return "differs" if self.differing else "as approved"


@dataclass(frozen=True, slots=True)
class _Around:
    """What was recorded of a parent around a moment: sweeps, newest first, and chains of approvals by stream."""

    at: datetime
    runs: Sequence[Run]
    approvals: Mapping[str, Sequence[bytes]]


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
        if not rows:
            return None
        later = self._after(partition, stream, at)
        heads = self.ledger.rows(partition, keys.head(stream), keys.head(stream) + "-", 1)
        around = self._around(partition, at, keys.journal_range(stream))
        return self._answer(ledger.read(rows[0], Seen), later, heads, around)

    def serving_all(self, parent: str, at: datetime) -> Iterator[Serving]:
        """Return what every target of a parent served at a moment, in reads of a page each.

        States are stored only when they change, so this reads the changes and never the journal.
        """
        partition = keys.partition(parent)
        states = ledger.by_stream(self.ledger.rows(partition, *keys.ALL_OBSERVATIONS))
        heads = {row.key: row for row in self.ledger.rows(partition, *keys.ALL_HOT) if row.key.endswith("-h")}
        around = self._around(partition, at, keys.ALL_ENTRIES)
        for stream, rows in sorted(states.items()):
            earlier = [row for row in rows if row.key >= keys.observation(stream, at)]
            later = [row for row in rows if row.key < keys.observation(stream, at)]
            head = [heads[keys.head(stream)]] if keys.head(stream) in heads else []
            if earlier:
                yield self._answer(ledger.read(earlier[0], Seen), later[-1:], head, around)

    def serving_everywhere(self, at: datetime) -> Iterator[Serving]:
        """Return what every endpoint, deployment and alias served at a moment."""
        for parent in parents.known(self.ledger):
            for each in self.serving_all(parent, at):
                if each.target.kind not in _SERVING_NOBODY or pointers(each.facts):
                    yield each

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

    def serving_data(self, target: Target | None, at: datetime) -> Any:
        """Return `serving` as JSON values, or without a target `serving_everywhere`."""
        if target is None:
            return [serving_data(each) for each in self.serving_everywhere(at)]
        answer = self.serving(target, at)
        return serving_data(answer) if answer else None

    def history_data(self, target: Target) -> list[dict[str, Any]]:
        """Return `history` as JSON values."""
        return [msgspec.to_builtins(moment) for moment in self.history(target)]

    def _after(self, partition: str, stream: str, at: datetime) -> list[Row]:
        """Return the row of the first state that was seen after a moment."""
        start, _ = keys.observations(stream)
        return self.ledger.rows(partition, start, keys.observation(stream, at))[-1:]

    def _around(self, partition: str, at: datetime, approvals: tuple[str, str]) -> _Around:
        runs = self.ledger.rows(partition, *keys.runs(at + RUNS_AFTER), RUNS_READ)
        chains = ledger.by_stream(self.releases.rows(partition, *approvals))
        return _Around(
            at,
            [ledger.read(row, Run) for row in runs],
            {stream: [raw_of(row) for row in rows] for stream, rows in chains.items()},
        )

    def _answer(self, seen: Seen, later: list[Row], heads: list[Row], around: _Around) -> Serving:
        after = ledger.read(later[0], Seen) if later else None
        head = ledger.read(heads[0], Head) if heads else None
        known_until = after.previous_until if after else (head.observed_at if head else None)
        confirmed = ledger.confirmed(seen.target, seen.at, after.at if after else None, around.runs)
        return Serving(
            target=seen.target,
            asked=around.at,
            outcome=seen.outcome,
            facts=seen.facts or self._facts(seen.snapshot),
            since=seen.at,
            until=max(seen.at, known_until or seen.at, confirmed),
            changed_at=after.at if after else None,
            release=releases.in_force(around.approvals.get(keys.target_hash(seen.target), ()), around.at),
            snapshot=seen.snapshot,
        )

    def _facts(self, snapshot: str) -> Facts:
        content = self.evidence.get(snapshot)
        return evidence.open_snapshot(content).get("facts", {}) if content else {}


def serving_data(answer: Serving) -> dict[str, Any]:
    """Return an answer as JSON values: the stable form that the API and the command line share."""
    release = answer.release
    return {
        "id": answer.target.id,
        "target": f"{answer.target.parent_name}/{answer.target.name}",
        "kind": str(answer.target.kind),
        "asked": answer.asked.isoformat(),
        "outcome": str(answer.outcome),
        "serving": _phrase(answer),
        "since": answer.since.isoformat(),
        "until": answer.until.isoformat(),
        "changed_at": answer.changed_at.isoformat() if answer.changed_at else None,
        "certain": answer.is_certain,
        "stands": answer.stands,
        "differing": answer.differing,
        "release": msgspec.to_builtins(release) if release else None,
        "snapshot": answer.snapshot,
        "facts": dict(sorted(answer.facts.items())),
    }


def _phrase(answer: Serving) -> str:
    if answer.target.kind is Kind.MODEL and answer.outcome is Outcome.PRESENT:
        return "; ".join(pointers(answer.facts)) or "a registered model: it serves nobody by itself"
    return "; ".join(phrases(answer.facts)) if answer.facts else str(answer.outcome)


def _check_moments(raw: bytes) -> Iterator[Moment]:
    entry, body = evidence.read(raw), body_of(raw)
    place = (str(entry.get("chain")), int(entry.get("seq") or 0))
    for event in body.get("events", ()):
        yield Moment(
            event["time"], "event", actor_text(event), deed(event["operation"], event.get("status", "")), *place
        )
    if body:
        yield Moment(at_of(raw), "look", body["origin"], state_text(body, is_first=place[1] == 1), *place)
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
    by = f", approved by {granted['approved_by']}" if granted.get("approved_by") else ""
    who, text = str(body.get("identity") or ""), f"{entry.get('kind')} {named}{by}{reason}"
    return Moment(at_of(raw), "approval", who, text, "releases", int(entry.get("seq") or 0))
