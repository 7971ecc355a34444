"""MA6xx: whether a model or a release is in the stage of its life in which it may serve."""

from collections.abc import Iterator
from datetime import timedelta

from audit.judge.given import NOTHING, Case
from audit.judge.names import aliased, phrase, versions_of
from audit.mlflow import is_mlflow
from audit.model import Finding, Release, Stage

_RANK = {Stage.NONE: 0, Stage.STAGING: 1, Stage.PRODUCTION: 2, Stage.ARCHIVED: -1}
_OUT_OF_USE = frozenset({"archived", "retired"})


def archived(release: Release | None, case: Case) -> Iterator[Finding]:
    """MA602: a model that was put away serves all the same."""
    approved = release.facts if release else {}
    for name, part, rest in case.shape.telling:
        if case.live[name] is not True or name in approved:
            continue
        version = part.removeprefix("versions.")
        is_serving = rest == "model.archived" or version in case.history.serving or version in aliased(case.live)
        if rest in ("archived", "model.archived") and is_serving:
            yield case.finding("MA602", name, "a model in use", "archived")


def stages(release: Release, case: Case) -> Iterator[Finding]:
    """MA603, MA604: the release was archived, or was never meant for this place."""
    if release.stage is Stage.ARCHIVED:
        yield case.finding("MA603", "release", NOTHING, phrase(case.live))
    elif _RANK[release.stage] < _RANK[case.policy.least_stage]:
        yield case.finding("MA604", "release", f"stage {case.policy.least_stage}", f"stage {release.stage}")
    for name, _, rest in case.shape.telling:
        stage = str(case.live[name])
        if rest == "model.stage" and stage.casefold() in _OUT_OF_USE and name not in release.facts:
            yield case.finding("MA604", name, "a stage in use", stage)


def versions(release: Release | None, case: Case) -> Iterator[Finding]:
    """MA605, MA606: how many versions of a model are in use, and which were deleted too early."""
    present = case.shape.versions
    active = [name for name in present if _is_active(name, case)]
    if len(active) > case.policy.max_active_versions:
        yield case.finding("MA605", "versions", f"at most {case.policy.max_active_versions}", str(len(active)))
    yield from deleted(release, case, present)


def _is_active(version: str, case: Case) -> bool:
    """Say whether a version is in use; in an MLflow registry that is told by a stage or an alias alone."""
    if not is_mlflow(case.observation.target.id):
        return case.live.get(f"versions.{version}.archived") is not True
    stage = case.live.get(f"versions.{version}.stage", Stage.ARCHIVED)
    return version in aliased(case.live) or str(stage).casefold() != Stage.ARCHIVED


def deleted(release: Release | None, case: Case, present: frozenset[str]) -> Iterator[Finding]:
    """MA606, or MA103 where an approved version may be gone by now."""
    kept_since = dict(case.history.gone)
    if release is not None:
        approved = versions_of(release.facts)
        kept_since = dict.fromkeys(approved, release.approved_at) | kept_since
    for name in kept_since.keys() - present:
        until = kept_since[name] + timedelta(days=case.policy.retention_days)
        if until > case.now:
            kept = f"kept until {until - timedelta(seconds=1):%Y-%m-%d}"
            yield case.finding("MA606", f"versions.{name}", kept, NOTHING)
        elif release is not None and name in approved:
            yield case.finding("MA103", f"versions.{name}", f"release {release.id}", NOTHING)
