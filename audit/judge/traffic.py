"""MA3xx: which deployments an endpoint has, and who gets which share of the requests."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from audit.judge.given import NOTHING, Case
from audit.judge.names import TRAFFIC, Shape, below, phrase
from audit.model import ApprovedFacts, Facts, Finding, Release

WHOLE = 100  # percent

Shares = dict[str, str]


def deployments(release: Release, case: Case) -> Iterator[Finding]:
    """MA302, MA303: deployments that are missing, and such as nobody approved."""
    approved, live = release.facts, case.live
    expected, present = case.approved.deployments, case.shape.deployments
    for name in expected - present:
        yield case.finding("MA302", name, phrase(below(approved, f"deployments.{name}")), NOTHING)
    for name in present - expected:
        if f"{TRAFFIC}{name}" not in approved:
            yield case.finding("MA303", name, NOTHING, phrase(below(live, f"deployments.{name}")))


def splits(release: Release, case: Case) -> Iterator[Finding]:
    """MA301, MA306; where no split is approved, MA304: told as one, since shares have meaning together."""
    approved, got = _shares(release.facts, case.approved.traffic), _shares(case.live, case.shape.traffic)
    if approved:
        if _differ(approved, got):
            yield case.finding("MA301", "traffic", _split(approved), _split(got), _unwhole(got))
    elif (detail := _unwhole(got)) and "traffic" not in release.facts:
        yield case.finding("MA304", "traffic", f"{WHOLE} percent", _split(got), detail)
    if case.approved.mirror or case.shape.mirror:
        yield from _mirrored(release, case)
    yield from _astray(case, got)


def _mirrored(release: Release, case: Case) -> Iterator[Finding]:
    approved, got = _shares(release.facts, case.approved.mirror), _shares(case.live, case.shape.mirror)
    if _differ(approved, got) and "mirror_traffic" not in release.facts:
        yield case.finding("MA306", "mirror_traffic", _split(approved), _split(got))


def _astray(case: Case, shares: Shares) -> Iterator[Finding]:
    """MA305, unless MA302 says it already."""
    for name, share in shares.items():
        is_known = name in case.shape.deployments or name in case.approved.deployments
        if not is_known and share != "0":
            yield case.finding("MA305", name, "a deployment that exists", f"{share} percent to nothing")


def trials(release: Release | None, case: Case) -> Iterator[Finding]:  # noqa: ARG001 - asked like all rules
    """MA307: a deployment has had a small or a mirrored share of the requests for too long."""
    if not case.history.trials:
        return
    days = case.policy.max_trial_days
    for name in on_trial(case.live, case.shape):
        since = case.history.trials.get(name)
        if since is not None and case.now - since > timedelta(days=days):
            yield case.finding("MA307", name, f"at most {days} days of trial", f"since {since:%Y-%m-%d}")


def on_trial(facts: Facts, shape: Shape) -> set[str]:
    """Return the deployments with a smaller share of the requests than another one, or a mirrored one."""
    shares = {name: int(share) for name, share in _shares(facts, shape.traffic).items() if _is_share(share)}
    most = max(shares.values(), default=0)
    tried = {name for name, share in shares.items() if 0 < share < most}
    return tried | dict(shape.mirror).keys()


def _shares(facts: ApprovedFacts, named: Iterable[tuple[str, str]]) -> Shares:
    return {deployment: str(facts[name]) for deployment, name in named}


def _differ(approved: Shares, got: Shares) -> bool:
    return approved != got and _split(approved) != _split(got)


def _split(shares: Shares) -> str:
    return " ".join(f"{name}={share}" for name, share in sorted(shares.items()) if share != "0") or NOTHING


def _unwhole(shares: Shares) -> str:
    """Return in words that there is traffic and it does not add up."""
    if not shares or not all(map(_is_share, shares.values())):
        return ""
    total = sum(map(int, shares.values()))
    return "" if total in (0, WHOLE) else f"It adds up to {total} percent."


def _is_share(text: str) -> bool:
    return text.isdecimal() and len(text) < WHOLE  # Python refuses to read an integer of many thousand digits
