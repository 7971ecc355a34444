"""MA1xx: whether an approval covers this at all, and what that approval is worth."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from audit import deadlines
from audit.approvals.waivers import State, covers, ending, state
from audit.judge.given import NOTHING, Case
from audit.judge.names import phrase
from audit.model import Finding, Kind, Release, Waiver

# A registered model serves nobody by itself, and a workspace or account is approved by what lives in it.
_NOT_SERVING = frozenset({Kind.MODEL, Kind.PARENT})

# An approval is renewed by people of one team: a month is enough, where a change of model takes a quarter.
_NEAR_DAYS = 30

# Gates that have a rule of their own.
TOLD_ELSEWHERE = frozenset({"four_eyes", "rollback", "feature_retrieval_spec", "git_commit", "data_version"})


def unapproved(release: None, case: Case) -> Iterator[Finding]:  # noqa: ARG001 - asked like all rules
    """MA101: it serves, and no release covers it."""
    if case.observation.target.kind not in _NOT_SERVING:
        yield case.finding("MA101", "target", "an approved release", phrase(case.live))


def gone(release: Release, case: Case) -> Iterator[Finding]:
    """MA103: there is a release and nothing it could cover."""
    yield case.finding("MA103", "target", f"release {release.id}", NOTHING)


def expiry(release: Release, case: Case) -> Iterator[Finding]:
    """MA104, and MA805 before it: the approval was given until a day."""
    ends_at = release.expires_at
    if ends_at is not None and ends_at <= case.now:
        until = f"approved until {ends_at:%Y-%m-%d}"
        yield case.finding("MA104", "approval", until, f"expired, now {case.now:%Y-%m-%d}")
    elif ends_at is not None:
        yield from _near("MA805", "approval", "approved anew before", ends_at, release, case)


def review(release: Release, case: Case) -> Iterator[Finding]:
    """MA109, and MA807 before it: the release is to be reviewed by a day."""
    due_at = release.review_at
    if due_at is not None and due_at <= case.now:
        yield case.finding("MA109", "review", f"a review by {due_at:%Y-%m-%d}", f"none, now {case.now:%Y-%m-%d}")
    elif due_at is not None:
        yield from _near("MA807", "review", "a review by", due_at, release, case)


def _near(
    rule: str, subject: str, expected: str, due_at: datetime, release: Release, case: Case
) -> Iterator[Finding]:
    left = deadlines.days_left(due_at, case.now)
    if left > _NEAR_DAYS:
        return
    ladder = [step for step in case.policy.ladder if step <= _NEAR_DAYS]
    step = deadlines.reached_step(due_at, case.now, ladder)
    if step is not None:
        got = f"{left} days left"
        owner = f"Owner: {release.owner}." if release.owner else ""
        finding = case.finding(rule, subject, f"{expected} {due_at:%Y-%m-%d}", got, owner)
        yield case.due(finding, due_at, step)


def gates(release: Release, case: Case) -> Iterator[Finding]:
    """MA107: evidence or a number that the policy demands for the release's stage is missing."""
    missing = [why for gate, why in case.unmet if gate not in TOLD_ELSEWHERE]
    if missing:
        yield case.finding("MA107", "gates", f"the gates of stage {release.stage}", "; ".join(missing))


def four_eyes(release: Release, case: Case) -> Iterator[Finding]:
    """MA108: the approver has deployed it, or may, or the policy asks and nobody can tell."""
    written = case.history.written
    if not (written or release.deployers or case.unmet):
        return
    deployers = {*release.deployers, *((written.actor.id, written.actor.name) if written else ())}
    unmet = [why for gate, why in case.unmet if gate == "four_eyes"]
    if deployers and _folded({release.approved_by, case.history.approver}) & _folded(deployers):
        unmet = [f"{release.approved_by} did both"]
    for why in unmet:
        yield case.finding("MA108", "approval", "one person approves, another one deploys", why)


def _folded(names: Iterable[str]) -> set[str]:
    return {name.casefold() for name in names if name}


def waivers(found: Sequence[Finding], case: Case) -> Iterator[Finding]:
    """MA110, and MA806 before it: somebody accepted what is found here until a day."""
    known = [each for each in case.history.waivers if any(covers(each, finding) for finding in found)]
    for waiver in (each for each in known if state(each, case.now) is State.EXPIRED):
        if not any(state(other, case.now) is State.ACTIVE and _replaces(other, waiver) for other in known):
            yield _waived("MA110", waiver, case)
    for waiver, step in ending(known, case.now, [step for step in case.policy.ladder if step <= _NEAR_DAYS]):
        yield case.due(_waived("MA806", waiver, case), waiver.ends_at, step)


def _replaces(other: Waiver, waiver: Waiver) -> bool:
    return (other.rule, other.subject) == (waiver.rule, waiver.subject)


def _waived(rule: str, waiver: Waiver, case: Case) -> Finding:
    subject, mended = f"{waiver.rule} {waiver.subject}".strip(), f"mended by {waiver.ends_at:%Y-%m-%d}"
    return case.finding(rule, subject, mended, f"open, accepted by {waiver.author}", f"Reason: {waiver.reason}")
