"""MA9xx: whether we can see, whether the last change went well, and whether there is a way back."""

from collections.abc import Iterator
from datetime import timedelta

from audit.judge.given import Case, Rollback, Standing
from audit.judge.names import split
from audit.model import Finding, Release

_FAILED = frozenset({"failed", "canceled", "cancelled", "failed_registration"})
_PAUSED = frozenset({"paused", "disabled", "offline", "suspended"})


def sight(case: Case) -> Iterator[Finding]:
    """MA901, and MA902 once that has lasted for too long."""
    yield case.finding("MA901", "sight", "a readable answer", case.observation.reason)
    since = case.history.unseen_since
    hours = case.policy.max_unseen_hours
    if since is not None and case.now - since > timedelta(hours=hours):
        got = f"none since {since:%Y-%m-%d %H:%M} UTC"
        yield case.finding("MA902", "sight", f"a look every {hours} hours", got)


def states(release: Release | None, case: Case) -> Iterator[Finding]:
    """MA907, MA908: the service itself says that something failed or was stopped."""
    approved = release.facts if release else {}
    for name, _, rest in case.shape.telling:
        if name in approved:
            continue
        value = case.live[name]
        if rest == "provisioning_state" and str(value).lower() in _FAILED:
            yield case.finding("MA907", name, "succeeded", str(value))
        elif rest in ("state", "endpoint_state") and str(value).lower() in _PAUSED:
            yield case.finding("MA908", name, "running", str(value))


def rollback(release: Release, case: Case) -> Iterator[Finding]:
    """MA903 to MA906: the release to go back to is missing, put away, gone, or the same as this one."""
    if not release.rollback:
        if "rollback" in dict(case.unmet):
            yield case.finding("MA903", "rollback", "a rollback release", "none is named")
        return
    known = case.history.rollback
    if release.rollback == release.id or (known and _is_same_model(release, known)):
        yield case.finding("MA906", "rollback", "an earlier release", f"{release.rollback}, the same model")
    elif known is not None:
        yield from _deployable(release, known, case)


def _deployable(release: Release, known: Rollback, case: Case) -> Iterator[Finding]:
    if known.release is None:
        yield case.finding("MA903", "rollback", f"release {release.rollback}", "no such release was approved")
    elif known.standing is Standing.ARCHIVED:
        yield case.finding("MA904", "rollback", f"release {release.rollback}, ready", "archived")
    elif known.standing is Standing.GONE:
        yield case.finding("MA905", "rollback", f"release {release.rollback}, ready", "gone")


def _is_same_model(release: Release, known: Rollback) -> bool:
    return known.release is not None and bool(_models(release)) and _models(release) == _models(known.release)


def _models(release: Release) -> dict[str, str]:
    named = (name for name in release.facts if split(name)[1].startswith("model."))
    return {name: str(release.facts[name]).casefold() for name in named}
