"""Check a target: one procedure, whoever asks for it, and its order carries the correctness.

(1) read the target's hot rows, and what is approved for it
(2) look at the live state: after (1), so that commits are ordered as their observations are
(3) judge what is seen
(4) commit everything in one transaction, guarded by the head's ETag: the only commit point
(5) wake the notifier; on a conflict too, because the conflict may be our own success

The queue message that asked for the check is deleted after all of that, so a crash anywhere runs it again.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from audit import findings
from audit.approvals import releases, waivers
from audit.approvals.marks import key_of
from audit.approvals.policy import ScopedPolicy, policy_of
from audit.approvals.releases import Approvals
from audit.errors import Conflict, StillConflicting
from audit.events.actors import Identities, describe
from audit.events.message import asks_for_a_look, deed, is_change
from audit.findings import Cause, Change
from audit.judge import OF_THE_CATALOGUE, History, judge
from audit.judge.recall import recall
from audit.model import Event, Facts, Kind, Look, Notice, Observation, Outcome, Release, Status, Target
from audit.ports import Blobs, Live, Queue, Table
from audit.record import evidence, keys, ledger, memory
from audit.record.ledger import Head, Hot, Verdict
from audit.record.memory import Memory
from audit.service import parents
from audit.sight.catalogue import Catalogue, Unread, retirement_of
from audit.sight.facts import observe
from audit.texts import cut
from audit.told import commands

MAX_TRIES = 40  # under contention each loser tries again; more than this is a fault, and the queue redelivers
CLOCK_SKEW = timedelta(minutes=2)  # how far a worker's clock and Azure's may be apart

# Checks of one target inside one process wait for each other, so that a storm of events coalesces into few
# looks. Correctness never rests on it: other processes do not see these locks.
_TURNS = [threading.Lock() for _ in range(256)]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check led to: the state that was seen and what changed by it."""

    target: Target
    outcome: Outcome
    changes: tuple[Change, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Checker:
    """The ports that a check needs.

    `group_wait` is how long the notifier waits for more before it tells, `catalogue_age` how old the
    retirement dates may be that a check judges by, `policies` what the owner demands beyond the releases.
    """

    ledger: Table
    releases: Table
    alerts: Queue
    evidence: Blobs
    live: Live
    identities: Identities
    now: Callable[[], datetime]
    group_wait: timedelta
    catalogue_age: timedelta
    policies: Callable[[], Sequence[ScopedPolicy]] = tuple

    def check(self, target: Target, event: str = "", origin: str = "command") -> Checked:
        """Look at a target, judge it, and record the verdict.

        `event` is the key of the event that asked; where somebody has folded it in meanwhile, nothing is
        left to do. `origin` is `event`, `sweep` or `command`. Raises `Throttled`, `Unavailable` or
        `StillConflicting`.
        """
        with _TURNS[int(keys.target_hash(target)[:2], 16)]:
            return self.settle(target, lambda: self.live.look(target), event, origin)

    def settle(self, target: Target, look: Callable[[], Look], event: str, origin: str) -> Checked:
        """Check a target by a look of the caller's own."""
        for attempt in range(MAX_TRIES):
            hot = self._hot(target)  # (1)
            if event and event not in hot.inbox:
                return Checked(target, hot.head.outcome if hot.head else Outcome.UNREADABLE)
            if hot.head is None:
                parents.remember(self.ledger, target.parent)
            verdict = self._conclude(target, look, hot, self._approvals(target), origin)  # (2) (3)
            if not ledger.is_settled(hot, verdict) and not self.commit(hot, verdict):  # (4) (5)
                _back_off(attempt)
            elif ledger.is_whole(verdict):
                seen = verdict.observation
                return Checked(target, seen.outcome, tuple(verdict.changes), seen.reason)
        raise StillConflicting(
            f"tried {MAX_TRIES} times to commit a check of {target.id}, others committed first each time: "
            "the message is delivered again; if it ends in the poison queue, look for a worker in a loop"
        )

    def _conclude(
        self, target: Target, look: Callable[[], Look], hot: Hot, approvals: Approvals, origin: str
    ) -> Verdict:
        if hot.head is not None and origin == "event" and _covers(hot.head, hot.events):
            return repeat(hot.head, approvals, "event", events=hot.events)
        began_at = self.now()
        return self.judge(hot, approvals, self.observe(target, look(), began_at), origin)

    def note(self, target: Target) -> bool:
        """Journal what waits for a target without a look, unless some of it asks for one; say if it is known."""
        hot = self._hot(target)
        if hot.head is not None and hot.events and not any(asks_for_a_look(event.type) for event in hot.events):
            self.commit(hot, repeat(hot.head, self._approvals(target), "event", events=hot.events))
        return hot.head is not None

    def commit(self, hot: Hot, verdict: Verdict) -> bool:
        """Commit and wake; say whether it was done. Where others were first, the caller starts again."""
        target = verdict.observation.target
        snapshot = self._store_snapshot(hot, verdict)
        try:
            self.ledger.commit(keys.partition(target.parent), ledger.record(hot, verdict, snapshot, self.now()))
        except Conflict:
            return False
        finally:  # on a conflict too: it may be our own success whose answer was lost
            if any(verdict.notices):
                self.wake(target.parent)
        return True

    def _hot(self, target: Target) -> Hot:
        partition, stream = keys.partition(target.parent), keys.target_hash(target)
        return ledger.read_hot(self.ledger.rows(partition, *keys.hot(stream)))

    def _approvals(self, target: Target) -> Approvals:
        partition, stream = keys.partition(target.parent), keys.target_hash(target)
        return releases.read_approvals(self.releases.rows(partition, *keys.hot(stream)))

    def observe(self, target: Target, look: Look, began_at: datetime) -> Observation:
        """Return what a look amounts to, without secrets."""
        privacy = self.identities.privacy
        clean = replace(look, document=privacy.redact(look.document), reason=privacy.redact_text(look.reason))
        return observe(target, clean, began_at)

    def judge(self, hot: Hot, approvals: Approvals, seen: Observation, origin: str) -> Verdict:
        """Return what an observation leads to, given what is known and what is approved."""
        state, release, now = ledger.state_of(seen), approvals.release, self.now()
        policy = policy_of(seen.target, seen.facts or (release.facts if release else {}), self.policies())
        catalogue = self._catalogue(seen)
        remembered = _remember(hot, release, seen, catalogue)
        known = self._history(hot, approvals, state)
        history = recall(known, remembered, (release, approvals.rollback), seen, catalogue, now)
        judged = judge(release, seen, catalogue, now, policy, history)
        unjudged = OF_THE_CATALOGUE if isinstance(catalogue, Unread) else ()
        covered = waivers.cover(judged, approvals.waivers, now).by
        waived = {finding: waivers.id_of(waiver) for finding, waiver in covered.items()}
        cause, release_id = _cause(hot, seen, state, origin), release.id if release else ""
        changes = findings.follow(judged, hot.episodes, seen.outcome, cause, release_id, now, waived, unjudged)
        notices = tuple(notice_of(change, release, seen.facts) if change.is_told else None for change in changes)
        return Verdict(seen, state, changes, notices, release_id, approvals.link, origin, hot.events, remembered)

    def _history(self, hot: Hot, approvals: Approvals, state: str) -> History:
        """Return what the head and the waiting events tell of the time before this look."""
        head, release = hot.head, approvals.release
        before, before_modified_at = ledger.state_before(head, state, hot.events)
        return History(
            unseen_since=head.since if head and head.outcome is Outcome.UNREADABLE else None,
            before=before,
            before_modified_at=before_modified_at,
            written=ledger.last_written(head, hot.events),
            approver=self.identities.privacy.person(release.approved_by) if release else "",
            marked_with=key_of(self.identities.privacy),
            waivers=approvals.waivers,
        )

    def _catalogue(self, seen: Observation) -> Catalogue | Unread:
        """Return the retirement dates, where something serves that has any; an account may be gone as well."""
        if seen.target.kind is not Kind.OPENAI_DEPLOYMENT or seen.outcome is not Outcome.PRESENT:
            return {}
        return self.live.catalogue(seen.target.parent, self.catalogue_age)

    def _store_snapshot(self, hot: Hot, verdict: Verdict) -> str:
        """Store what was seen, if it is new, and return its blob's name; a crash later leaves a spare blob."""
        if hot.head is not None and hot.head.state == verdict.state:
            return ""
        seen = verdict.observation
        facts = {"target": seen.target.id, "outcome": seen.outcome, "facts": seen.facts}
        name, content = evidence.snapshot(facts, seen.document)
        self.evidence.put(name, content, "application/gzip")
        return name

    def wake(self, parent: str) -> None:
        """Ask the notifier to tell what is owed for a parent, once the group has had time to fill."""
        self.alerts.send(json.dumps({"parent": parent}), self.group_wait)


def _remember(hot: Hot, release: Release | None, seen: Observation, catalogue: Catalogue | Unread) -> Memory:
    dated = None if isinstance(catalogue, Unread) else retirement_of(seen.facts, catalogue)
    return memory.after_look(hot.memory, hot.head.facts if hot.head else {}, release, seen, dated)


def _covers(head: Head, events: Sequence[Event]) -> bool:
    """Say whether the last look began after all of these events, with room for clocks that differ."""
    if head.outcome is Outcome.UNREADABLE or not events:
        return False
    return head.observed_at - events[-1].time > CLOCK_SKEW  # a sum could overflow: events may be of the year 9999


def repeat(
    head: Head,
    approvals: Approvals,
    origin: str,
    *,
    events: Sequence[Event] = (),
    changes: Sequence[Change] = (),
) -> Verdict:
    """Return a verdict without a look of its own: what was seen last still stands."""
    seen = Observation(head.target, head.outcome, head.observed_at, head.facts, modified_at=head.modified_at)
    notices = [notice_of(change, approvals.release, head.facts) for change in changes]
    return Verdict(seen, head.state, changes, notices, head.release, approvals.link, origin, events)


def _cause(hot: Hot, seen: Observation, state: str, origin: str) -> Cause:
    """Return what happened before this look, as far as events and the service's own times tell."""
    if changes := [event for event in hot.events if is_change(event.status)]:
        last, more = changes[-1], len(changes) - 1
        others = f", after {more} other event{'s' if more > 1 else ''}" if more else ""
        done = deed(last.operation, last.status)
        return Cause(cut(f"{describe(last.actor)} {done} at {last.time:%Y-%m-%d %H:%M:%S} UTC{others}"), True)
    if hot.head is None:
        return Cause("it was so when this target was first looked at", True)
    if hot.head.state == state:
        return Cause("nothing changed at the target; its approval, the catalogue or the date did", True)
    by_itself = bool(seen.modified_at) and seen.modified_at == hot.head.modified_at
    suspicion = ", and nobody wrote to it: an upgrade by the platform is suspected" if by_itself else ""
    return Cause(f"no event announced this{suspicion}; a {origin} found it", False)


def notice_of(change: Change, release: Release | None, live: Facts) -> Notice:
    """Return what a change owes to on-call, with the commands that lead back to the release."""
    episode = change.episode
    key = keys.finding_key(episode.finding)
    id_ = keys.notice_id(key, episode.number, change.notice, episode.revision)
    is_open = episode.status is Status.OPEN
    shown = commands.commands_for(episode.finding, release, live) if is_open else ()
    return Notice(id_, change.notice, episode, shown)


def _back_off(attempt: int) -> None:
    time.sleep(random.random() * min(0.5, 0.01 * 2**attempt))  # noqa: S311 - jitter, not a secret
