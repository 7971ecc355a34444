"""Sweep the parents for what no event announced, and remind of what has been open for long.

The sweep is the timer: expiries, deadlines and rows that a crash left behind are found by it.
"""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit import findings
from audit.approvals import releases
from audit.errors import BadInput, Conflict, Throttled
from audit.model import Kind, Look, Outcome, Target
from audit.moments import parse_moment
from audit.ports import Create, Listing, Queue, Row
from audit.record import index, keys, ledger
from audit.record.index import Marked, Marks, Remembered
from audit.record.ledger import Hot, Run
from audit.service import marks, parents
from audit.service.check import Checked, Checker, repeat
from audit.service.checkpoint import Checkpointer
from audit.service.remember import Listed, remember
from audit.targets import find_parent, parent_target, parse_target

# Of an endpoint that the index alone says too little of: that is never as recorded, so it is looked at.
UNREAD = Look(Outcome.UNREADABLE, reason="left unread")
LEFT = "unchanged in Resource Graph, last read at {:%Y-%m-%d %H:%M} UTC"
LEFT_TO_A_CHECK = "unchanged in Resource Graph, which is not enough: a check is asked for"


def _plans_no_files(file: str, _: datetime) -> object:
    raise BadInput(f"expected a worker that plans release files, got the file {file[:200]!r} at another one")


@dataclass(frozen=True, slots=True)
class Sweeper:
    """A checker, the queue through which a sweep fans out, and what writes checkpoints.

    `index_age` is how old the last direct look at an endpoint may be for an index to vouch for it; by default no
    index is asked, and everything is read. `propose` plans a release file that was dropped.
    """

    checker: Checker
    checks: Queue
    checkpointer: Checkpointer
    index_age: timedelta = timedelta()
    propose: Callable[[str, datetime], object] = _plans_no_files

    def run(self, message: str, *, is_redelivered: bool = False) -> None:
        """Do what a message of the queue `checks` asks for.

        A check that Azure throttles puts itself back with the delay that Azure asks for, so that it does not
        burn the queue's five tries. Everything else rises, and the queue redelivers.
        """
        asked = json.loads(message)
        try:
            if "file" in asked:
                self.propose(asked["file"], parse_moment(asked["time"]))
            elif "parent" in asked:
                self.sweep_parent(asked["parent"])
            else:
                self._check(parse_target(asked["target"]), asked, is_redelivered)
        except Throttled as throttled:
            self.checks.send(message, throttled.retry_after)

    def _check(self, target: Target, asked: dict[str, str], is_redelivered: bool) -> None:
        if is_redelivered:
            self.checker.wake(target.parent)  # an earlier try may have died between its commit and its wake
        if "note" in asked and self.checker.note(target):
            return
        if target.kind is Kind.PARENT:
            self.sweep_parent(target.id, asked.get("event", ""))
        else:
            self.checker.check(target, asked.get("event", ""), asked.get("origin", "event"))

    def sweep(self) -> list[str]:
        """Ask for a sweep of every parent: those that Azure lists, and those we know from before.

        Raises `Throttled` or `Unavailable` where a subscription cannot be listed; the known ones are swept.
        """
        known = set(self.parents())
        try:
            known |= set(self.checker.live.parents())
        finally:  # a subscription that cannot be listed must not keep us from what we know
            for parent in sorted(known):
                self.checks.send(json.dumps({"parent": parent}))
        return sorted(known)

    def parents(self) -> list[str]:
        """Return the workspaces and accounts that were ever looked at, or that something is approved for."""
        return sorted({*parents.known(self.checker.ledger), *parents.known(self.checker.releases)})

    def sweep_parent(self, parent: str, event: str = "") -> Checked:
        """List a parent and ask for a check of every target that is not as it was recorded.

        Whether the parent could be listed is committed like any look. What the list holds is not, because it
        was read before the rows that it is compared with.

        (1) list it, but for what an index vouches for
        (2) tell each target what only its neighbours show
        (3) ask for a check of what is not as recorded, and wake the notifier for what a crash left behind
        (4) note what the sweep came to, what an index may vouch for next, and where the chains stand
        """
        if find_parent(parent) != parent:
            raise BadInput(f"expected the id of a workspace or an account to sweep, got {parent[:200]!r}")
        began_at = self.checker.now()
        remembered = marks.read(self.checker.ledger, parent) if self.index_age else Remembered({})
        marked = remembered.of(parent)
        known = index.recent(marked, began_at, self.index_age) if self.index_age else None
        checked, listing = self._list(parent, event, known)  # (1)
        rows = self.checker.ledger.rows(keys.partition(parent), *keys.ALL_HOT)
        approved = self.checker.releases.rows(keys.partition(parent), *keys.ALL_HOT)
        listed = self._listed(listing, marked, ledger.by_stream(rows), ledger.by_stream(approved))
        listed = remember(self.checker.ledger, parent, listing, listed, began_at)  # (2)
        differing = self._ask_for_checks(listed)  # (3)
        waiting = self._wake_for_stranded(parent)
        left = {target: marked[target] for target in listing.unread if target not in differing}
        self._note(parent, _run(began_at, listing, listed, differing, left))  # (4)
        if self.index_age and listing.itself.outcome is Outcome.PRESENT:
            read = {t: Marked(mark, began_at) for t, mark in listing.marks.items() if t not in differing}
            marks.write(self.checker.ledger, parent, remembered, index.remember(parent, {**left, **read}, rows))
        self.checkpointer.write(parent, rows, approved, waiting)
        return checked

    def _list(self, parent: str, event: str, known: Mapping[Target, str] | None) -> tuple[Checked, Listing]:
        """Return how listing a parent was recorded, and the list; `event` may have been folded in before."""
        listings: list[Listing] = []

        def look() -> Look:
            listings.append(self.checker.live.list_targets(parent, known))
            return listings[-1].itself

        checked = self.checker.settle(parent_target(parent), look, event, "sweep")
        return checked, listings[-1] if listings else self.checker.live.list_targets(parent, known)

    def _ask_for_checks(self, listed: Sequence[Listed]) -> list[Target]:
        """Ask for a check of each target that is not as it was recorded, and return these."""
        news = (each.target for each in listed if not self._is_settled(each))
        differing = sorted(news, key=lambda target: target.id)
        for target in differing:
            self.checks.send(json.dumps({"target": target.id, "origin": "sweep"}))
        return differing

    def _wake_for_stranded(self, parent: str) -> list[Row]:
        """Wake the notifier where notices wait that a crash left behind, and return the rows of the outbox."""
        waiting = self.checker.ledger.rows(keys.partition(parent), *keys.OUTBOX)
        if any(row.key != keys.OUTBOX_HEAD for row in waiting):
            self.checker.wake(parent)
        return waiting

    def _note(self, parent: str, run: Run) -> None:
        """Note what the sweep came to: it is what confirms that nothing changed where nothing was written."""
        with contextlib.suppress(Conflict):  # two sweeps that began in the same microsecond
            self.checker.ledger.commit(keys.partition(parent), [Create(ledger.run_row(run))])

    def _listed(
        self, listing: Listing, marked: Marks, hot: Mapping[str, list[Row]], approved: Mapping[str, list[Row]]
    ) -> list[Listed]:
        looks = _expected(listing, hot, approved)
        found = []
        for target in (*looks, *listing.unread):
            stream = keys.target_hash(target)
            known = ledger.read_hot(hot.get(stream, ()))
            approvals = releases.read_approvals(approved.get(stream, ()))
            recorded = index.as_recorded(known, marked[target]) if target in listing.unread else None
            seen = recorded or self.checker.observe(target, looks.get(target, UNREAD), self.checker.now())
            found.append(Listed(target, known, approvals, seen))
        return found

    def _is_settled(self, each: Listed) -> bool:
        verdict = self.checker.judge(each.hot, each.approvals, each.seen, "sweep")
        return ledger.is_settled(each.hot, verdict)

    def remind(self) -> int:
        """Owe one more notice for every open finding that has been silent too long; return how many."""
        return sum(self._remind_parent(parent) for parent in self.parents())

    def _remind_parent(self, parent: str) -> int:
        partition = keys.partition(parent)
        rows = ledger.by_stream(self.checker.ledger.rows(partition, *keys.ALL_HOT))
        return sum(
            self._remind_target(partition, stream, ledger.read_hot(rows[stream])) for stream in sorted(rows)
        )

    def _remind_target(self, partition: str, stream: str, hot: Hot) -> int:
        changes = findings.remind(hot.episodes.values(), self.checker.now())
        if hot.head is None or not changes:
            return 0
        approvals = releases.read_approvals(self.checker.releases.rows(partition, *keys.hot(stream)))
        verdict = repeat(hot.head, approvals, "reminder", changes=changes[: ledger.MAX_CHANGES])
        return len(verdict.changes) if self.checker.commit(hot, verdict) else 0  # a conflict is news enough


def _run(
    began_at: datetime, listing: Listing, listed: Sequence[Listed], differing: Sequence[Target], left: Marks
) -> Run:
    """Return what a sweep came to; a document that nobody can understand was not seen, though Azure gave it."""
    seen = [each.seen.outcome for each in listed if each.target in listing.looks]
    why = {
        target: LEFT.format(left[target].read_at) if target in left else LEFT_TO_A_CHECK
        for target in sorted(listing.unread, key=lambda target: target.id)
    }
    return Run(
        began_at=began_at,
        outcome=listing.itself.outcome,
        reason=listing.itself.reason,
        listed=listing.listed,
        seen=len(seen) - seen.count(Outcome.UNREADABLE),
        unreadable=seen.count(Outcome.UNREADABLE),
        skipped=dict(sorted(listing.skipped.items())) | {target.id: words for target, words in why.items()},
        differing=[keys.target_hash(target) for target in differing],
        unread=len(left),
        read_since=min((each.read_at for each in left.values()), default=None),
        index=listing.index,
    )


def _target_of(hot: Hot) -> Target | None:
    """Return the target that was looked at, or whose events wait for a first look; the parent is listed itself."""
    target = hot.head.target if hot.head else next((event.target for event in hot.events), None)
    return target if target is None or target.kind is not Kind.PARENT else None


def _expected(
    listing: Listing, hot: Mapping[str, list[Row]], approved: Mapping[str, list[Row]]
) -> dict[Target, Look]:
    """Return a look for every target that is listed, was seen before, or is approved.

    What a complete list does not hold is absent; an incomplete one says nothing of what it lacks.
    """
    looks = dict(listing.looks)
    if listing.itself.outcome is Outcome.UNREADABLE:
        return looks
    known = [target for target in map(_target_of, map(ledger.read_hot, hot.values())) if target is not None]
    known += [a.release.target for a in map(releases.read_approvals, approved.values()) if a.release]
    return {target: Look(Outcome.ABSENT) for target in known if target not in listing.unread} | looks
