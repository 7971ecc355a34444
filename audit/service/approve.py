"""Put releases, waivers and policies in force: the only writer of the table `releases`.

(1) everything is read and checked before anything is written
(2) what is in force is read, and compared with what is wanted
(3) the policies go in one transaction, then each group of targets of a parent in one of its own, guarded by the
    heads' ETags: a target is written whole, with its journal entries, or not at all
(4) on a conflict it is read again, for it may be our own success whose answer was lost; else it ends with what
    is in force and what is not. Applying again does the rest, and nothing twice
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol

from audit.approvals import policy, releases, waivers
from audit.approvals.marks import marked
from audit.approvals.plan import UNCHANGED, Difference, Step, differences
from audit.approvals.policy import Policy, ScopedPolicy
from audit.approvals.releases import NONE, Act, Approvals
from audit.errors import AuditError, BadInput, Conflict
from audit.model import Release, Target, Waiver
from audit.ports import Row, Table, Write
from audit.privacy import Privacy
from audit.record import evidence, keys, ledger
from audit.record.ledger import raw_of
from audit.service import parents

MAX_WRITES = 100  # of one transaction of Table storage
MAX_WAIVERS = 40  # of one target, and of policies: with their journal entries they fit into one transaction
FEW = 5  # targets of a parent that are read one by one; for more, the parent is read in one range


class Wanted(Protocol):
    """What is to be in force, and by target, waiver or scope where it is written."""

    @property
    def releases(self) -> Sequence[Release]: ...  # noqa: D102
    @property
    def waivers(self) -> Sequence[Waiver]: ...  # noqa: D102
    @property
    def policies(self) -> Sequence[ScopedPolicy]: ...  # noqa: D102
    @property
    def places(self) -> Mapping[str, str]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Asked:
    """Releases, waivers and policies that come from elsewhere than files."""

    releases: Sequence[Release] = ()
    waivers: Sequence[Waiver] = ()
    policies: Sequence[ScopedPolicy] = ()
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Work:
    """What has to be written for one target, or for the policies, and the steps that this amounts to."""

    partition: str
    parent: str
    steps: tuple[Step, ...]
    writes: list[Write]


@dataclass(frozen=True, slots=True)
class Approver:
    """The table of what is approved, and who acts on it; reading never asks who that is.

    `privacy` hides what a release must not tell in plain text; its key has to be that of whoever looks.
    """

    table: Table
    identity: Callable[[], str]
    now: Callable[[], datetime]
    privacy: Privacy

    def plan(self, wanted: Wanted) -> list[Step]:
        """Return what applying would do, `unchanged` included; raise `BadInput` where a policy forbids it."""
        return [step for work in self._works(wanted) for step in work.steps]

    def apply(self, wanted: Wanted) -> list[Step]:
        """Put everything in force and return what that was.

        Raises `BadInput` before anything is written, or `Conflict` or `Unavailable` with what was written.
        """
        works = self._works(wanted)  # (1) (2)
        written: list[Step] = []
        for group in _groups([work for work in works if work.writes]):  # (3)
            try:
                self._commit(group)
            except AuditError as error:
                written += self._settle(wanted, group, written, error)  # (4)
            else:
                written += [step for work in group for step in work.steps]
        return [step for work in works for step in work.steps]

    def revoke(self, target: Target, reason: str) -> Step:
        """Take the release of a target out of force; raise `BadInput` where none is, or `Conflict`."""
        known = self.approvals(target)
        if known.release is None:
            raise BadInput(f"expected a release in force for {target.id}, got none: there is nothing to revoke")
        self._act(target, known, releases.revoke(known, _named(reason)))
        return Step("revoked", target.id, known.release.id)

    def withdraw(self, target: Target, id_: str, reason: str) -> Step:
        """End a waiver before its time; raise `BadInput` where there is none of this id, or `Conflict`."""
        known = self.approvals(target)
        waiver = next((each for each in known.waivers if waivers.id_of(each) == id_), None)
        if waiver is None:
            raise BadInput(f"expected the id of a waiver of {target.id}, got {id_[:80]!r}")
        self._act(target, known, releases.withdraw(known, waiver, _named(reason)))
        return Step("waiver withdrawn", target.id, id_)

    def lift(self, scope: str, reason: str) -> Step:
        """Take the policy of a scope out of force; raise `BadInput` where there is none, or `Conflict`."""
        known = self._policies()
        acts = releases.lift(known, scope, _named(reason))
        if not acts:
            raise BadInput(f"expected the scope of a policy in force, got {scope[:200]!r}")
        writes = releases.enact(keys.POLICY, known.link, known.head_row, acts, self.identity(), self.now())
        self.table.commit(keys.POLICY, writes)
        return Step("policy removed", scope, "policy")

    def policies(self) -> tuple[ScopedPolicy, ...]:
        """Return the policies in force."""
        return self._policies().policies

    def approvals(self, target: Target) -> Approvals:
        """Return what is approved and waived for a target."""
        partition, stream = keys.partition(target.parent), keys.target_hash(target)
        return releases.read_approvals(self.table.rows(partition, *keys.hot(stream)))

    def waivers(self) -> list[Waiver]:
        """Return every waiver that was not withdrawn, by target."""
        found = (
            waiver
            for parent in parents.known(self.table)
            for rows in self._by_stream(keys.partition(parent)).values()
            for waiver in releases.read_approvals(rows).waivers
        )
        return sorted(found, key=lambda each: (each.target.id, each.rule, each.subject))

    def history(self, target: Target) -> tuple[list[bytes], evidence.Broken | None]:
        """Return the entries of the chain of a target's approvals, and where it is broken, if it is."""
        entries = self._chain(target)
        return entries, evidence.find_break(keys.target_hash(target), entries, self.approvals(target).link)

    def _chain(self, target: Target) -> list[bytes]:
        partition, stream = keys.partition(target.parent), keys.target_hash(target)
        return [raw_of(row) for row in self.table.rows(partition, *keys.journal_range(stream))]

    def _act(self, target: Target, known: Approvals, acts: list[Act]) -> None:
        stream = keys.target_hash(target)
        writes = releases.enact(stream, known.link, known.head_row, acts, self.identity(), self.now())
        self.table.commit(keys.partition(target.parent), writes)

    def _works(self, wanted: Wanted) -> list[_Work]:
        known = self._policies()
        in_force = {each.scope: each for each in (*known.policies, *wanted.policies)}
        _check(wanted, list(in_force.values()))
        return [*self._policy_work(known, wanted.policies), *self._target_works(wanted)]

    def _policy_work(self, known: releases.Policies, wanted: Sequence[ScopedPolicy]) -> Iterator[_Work]:
        if not wanted:
            return
        old = {each.scope: each for each in known.policies}
        acts = [act for each in wanted for act in releases.demand(known, each)]
        steps = [_step("policy set", each.scope, "policy", old.get(each.scope), each) for each in wanted]
        writes = releases.enact(keys.POLICY, known.link, known.head_row, acts, self.identity(), self.now())
        yield _Work(keys.POLICY, "", tuple(steps), writes)

    def _target_works(self, wanted: Wanted) -> Iterator[_Work]:
        approved = {each.target: marked(each, self.privacy) for each in wanted.releases}
        waived: dict[Target, list[Waiver]] = defaultdict(list)
        for waiver in wanted.waivers:
            waived[waiver.target].append(waiver)
        by_parent: dict[str, list[Target]] = defaultdict(list)
        for target in sorted(approved.keys() | waived.keys(), key=lambda each: each.id):
            by_parent[target.parent].append(target)
        for parent, targets in by_parent.items():
            for target, known in self._known(parent, targets):
                yield self._target_work(target, known, approved.get(target), waived[target])

    def _target_work(
        self, target: Target, known: Approvals, release: Release | None, wanted: Sequence[Waiver]
    ) -> _Work:
        acts = releases.grant(known, release, self._earlier(known, release)) if release else []
        acts += [act for each in wanted for act in releases.waive(known, each)]
        steps = []
        if release:
            change = "replaced" if known.release else "granted"
            steps.append(_step(change, target.id, release.id, known.release, release))
        old = {waivers.id_of(each): each for each in known.waivers}
        for waiver in wanted:
            id_ = waivers.id_of(waiver)
            steps.append(_step("waived", target.id, id_, old.get(id_), waiver))
        stream = keys.target_hash(target)
        writes = releases.enact(stream, known.link, known.head_row, acts, self.identity(), self.now())
        return _Work(keys.partition(target.parent), target.parent, tuple(steps), writes)

    def _earlier(self, known: Approvals, release: Release) -> Release | None:
        """Return the release that a release names to go back to, from the rows at hand or else from the chain."""
        if not release.rollback or not known.link.seq:
            return None
        at_hand = (each for each in (known.release, known.rollback) if each and each.id == release.rollback)
        return next(at_hand, None) or releases.granted(self._chain(release.target)).get(release.rollback)

    def _known(self, parent: str, targets: Sequence[Target]) -> Iterator[tuple[Target, Approvals]]:
        if len(targets) <= FEW:
            yield from ((target, self.approvals(target)) for target in targets)
            return
        rows = self._by_stream(keys.partition(parent))
        for target in targets:
            found = rows.get(keys.target_hash(target))
            yield target, releases.read_approvals(found) if found else NONE

    def _by_stream(self, partition: str) -> dict[str, list[Row]]:
        return ledger.by_stream(self.table.rows(partition, *keys.ALL_HOT))

    def _policies(self) -> releases.Policies:
        return releases.read_policies(self.table.rows(keys.POLICY, *keys.ALL_HOT))

    def _commit(self, group: Sequence[_Work]) -> None:
        if group[0].parent:
            parents.remember(self.table, group[0].parent)
        self.table.commit(group[0].partition, list(chain.from_iterable(work.writes for work in group)))

    def _settle(
        self, wanted: Wanted, group: Sequence[_Work], written: Sequence[Step], error: AuditError
    ) -> list[Step]:
        """Return the steps of a group that turns out to be in force; else raise what is and what is not."""
        steps = [step for work in group for step in work.steps]
        if isinstance(error, Conflict):
            ours = {step.subject for step in steps}
            if not any(s.subject in ours and s.change != UNCHANGED for s in self.plan(wanted)):
                return steps
        done = ", ".join(sorted({step.subject for step in written if step.change != UNCHANGED})) or "nothing"
        raise type(error)(
            f"stopped at {steps[0].subject} and {len(steps) - 1} more of its group, which are not written: "
            + (
                "somebody else changed what is approved there just now"
                if isinstance(error, Conflict)
                else str(error)
            )
            + f". Written before: {done}. Look at `releases plan` and apply again: nothing is written twice"
        ) from error


def _named(reason: str) -> str:
    if not reason.strip():
        raise BadInput("expected a reason, got nothing: whoever reads the chain later has to understand the act")
    return reason.strip()


def _step(change: str, subject: str, name: str, was: object, becomes: object) -> Step:
    found: tuple[Difference, ...] = () if was == becomes else differences(was, becomes)
    return Step(UNCHANGED if was == becomes else change, subject, name, found)


def _groups(works: Iterable[_Work]) -> Iterator[list[_Work]]:
    """Return works of one partition that fit into one transaction together."""
    group: list[_Work] = []
    for work in works:
        size = sum(len(each.writes) for each in (*group, work))
        if group and (group[0].partition != work.partition or size > MAX_WRITES):
            yield group
            group = []
        group.append(work)
    if group:
        yield group


def _check(wanted: Wanted, policies: Sequence[ScopedPolicy]) -> None:
    """Refuse what the policies in force, together with those of the files, do not allow."""
    facts = {release.target: release.facts for release in wanted.releases}
    for release in wanted.releases:
        demanded = policy.policy_of(release.target, release.facts, policies)
        if missing := policy.unmet_gates(release, demanded):
            words = "; ".join(f"{gate}: {what}" for gate, what in missing)
            where = wanted.places.get(release.target.id, release.target.id)
            raise BadInput(
                f"{where}: expected a release that meets the gates before {release.stage}, got {release.id} "
                f"without {words}"
            )
    counts: dict[Target, int] = defaultdict(int)
    for waiver in wanted.waivers:
        demanded = policy.policy_of(waiver.target, facts.get(waiver.target, {}), policies)
        counts[waiver.target] += 1
        _check_waiver(waiver, demanded, counts[waiver.target], wanted.places)
    if len(wanted.policies) > MAX_WAIVERS:
        raise BadInput(f"expected at most {MAX_WAIVERS} policies, got {len(wanted.policies)}")


def _check_waiver(waiver: Waiver, demanded: Policy, count: int, places: Mapping[str, str]) -> None:
    where = places.get(waivers.id_of(waiver), waiver.target.id)
    longest = timedelta(days=demanded.max_waiver_days)
    if waivers.length(waiver) > longest:
        raise BadInput(
            f"{where}: expected a waiver of at most {longest.days} days, got {waivers.length(waiver)}: "
            "end it earlier, and renew it when it has been reviewed"
        )
    if count > MAX_WAIVERS:
        raise BadInput(f"{where}: expected at most {MAX_WAIVERS} waivers of a target, got more")
