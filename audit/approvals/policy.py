"""What a scope demands of releases: their gates, tags, versions, retention, warnings, pipelines and hours.

A policy says only what it demands; what several policies say of a target is put together, the narrower scope
last: everything, a subscription, a resource group, a workspace or account, a tag.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, time
from zoneinfo import ZoneInfo

from audit import deadlines
from audit.model import ApprovedFacts, Release, Severity, Stage, Target

EVERYTHING = "*"
TAG = "tag:"

EVIDENCE_GATES = (
    "evaluation",
    "responsible_ai_review",
    "ab_comparison",
    "model_card",
    "data_version",
    "git_commit",
    "feature_retrieval_spec",
)
FIELD_GATES = ("ticket", "owner", "on_call", "rollback", "monitoring", "review_at", "expires_at", "deployers")
CRITERIA, FOUR_EYES = "criteria", "four_eyes"
GATES = (*EVIDENCE_GATES, *FIELD_GATES, CRITERIA, FOUR_EYES)
"""What a policy may ask of a release before a stage: evidence by its title, a field, criteria met, four eyes."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When changes are expected: days and times of day in a zone. `end` itself is outside."""

    days: tuple[str, ...]
    start: time
    end: time
    zone: str = "UTC"

    def covers(self, at: datetime) -> bool:
        """Say whether a moment falls into working hours."""
        local = at.astimezone(ZoneInfo(self.zone))
        return DAYS[local.weekday()] in self.days and self.start <= local.time() < self.end


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for a target. The defaults are those where no policy says anything.

    `working_hours` None means at any time; `pipelines` adds to those that the settings name. `least_stage` is
    what a release must have reached to serve here, `max_trial_days` how long a deployment may have a small
    share of the traffic, `max_unseen_hours` how long nobody may have seen a target, `successor_days` how long
    before an automatic upgrade its successor must be approved.
    """

    gates_before_staging: tuple[str, ...] = ()
    gates_before_production: tuple[str, ...] = ()
    required_tags: tuple[str, ...] = ()
    required_properties: tuple[str, ...] = ()
    max_active_versions: int = 10
    retention_days: int = 2557  # seven years, two of them leap years
    ladder: tuple[int, ...] = deadlines.LADDER
    severities: Mapping[str, Severity] = field(default_factory=dict)
    pipelines: tuple[str, ...] = ()
    working_hours: WorkingHours | None = None
    max_waiver_days: int = 90
    least_stage: Stage = Stage.NONE
    max_trial_days: int = 14
    max_unseen_hours: int = 24
    successor_days: int = 60


@dataclass(frozen=True, slots=True)
class ScopedPolicy:
    """What one scope says; None is what it says nothing about.

    `scope` is `*`, a subscription, resource group, workspace or account by its lower-cased ARM id, or
    `tag:name=value`.
    """

    scope: str
    gates_before_staging: tuple[str, ...] | None = None
    gates_before_production: tuple[str, ...] | None = None
    required_tags: tuple[str, ...] | None = None
    required_properties: tuple[str, ...] | None = None
    max_active_versions: int | None = None
    retention_days: int | None = None
    ladder: tuple[int, ...] | None = None
    severities: Mapping[str, Severity] | None = None
    pipelines: tuple[str, ...] | None = None
    working_hours: WorkingHours | None = None
    max_waiver_days: int | None = None
    least_stage: Stage | None = None
    max_trial_days: int | None = None
    max_unseen_hours: int | None = None
    successor_days: int | None = None


_SAID = tuple(each.name for each in fields(Policy))
DEFAULT = Policy()


def policy_of(target: Target, facts: ApprovedFacts, policies: Iterable[ScopedPolicy]) -> Policy:
    """Return what holds for a target with these facts (their `tags.*` count); the narrower scope wins.

    Where two tags apply, the one whose name sorts last wins, so that the order of files never matters.
    """
    applying = sorted((p for p in policies if applies(p.scope, target, facts)), key=lambda p: _breadth(p.scope))
    said: dict[str, object] = {}
    for each in applying:
        for name in _SAID:
            value = getattr(each, name)
            if name == "severities" and value is not None:
                value = {**said.get(name, {}), **value}  # type: ignore[dict-item]
            if value is not None:
                said[name] = value
    return Policy(**said)  # type: ignore[arg-type]


def applies(scope: str, target: Target, facts: ApprovedFacts) -> bool:
    """Say whether a scope holds a target."""
    if scope.startswith(TAG):
        name, _, value = scope.removeprefix(TAG).partition("=")
        return str(facts.get(f"tags.{name}", "")).casefold() == value.casefold() and bool(value)
    return scope == EVERYTHING or f"{target.id}/".startswith(f"{scope}/")


def _breadth(scope: str) -> tuple[int, str]:
    return (1000, scope) if scope.startswith(TAG) else (scope.count("/"), scope)


def gates_before(policy: Policy, stage: Stage) -> tuple[str, ...]:
    """Return the gates that a release must have met to be in a stage; production needs those of staging too."""
    match stage:
        case Stage.STAGING:
            return policy.gates_before_staging
        case Stage.PRODUCTION:
            return tuple(dict.fromkeys((*policy.gates_before_staging, *policy.gates_before_production)))
    return ()


def unmet_gates(release: Release, policy: Policy, stage: Stage | None = None) -> list[tuple[str, str]]:
    """Return the gates that a release has not met for a stage (by default its own), and what is missing."""
    gates = gates_before(policy, release.stage if stage is None else stage)
    return [(gate, missing) for gate in gates if (missing := _missing(release, gate))]


def _missing(release: Release, gate: str) -> str:
    """Return what a release lacks of a gate, or nothing."""
    match gate:
        case "four_eyes":
            return _missing_eyes(release)
        case "criteria":
            return _missing_criteria(release)
        case _ if gate in FIELD_GATES:
            return "" if getattr(release, gate) else f"{gate} is empty"
    titles = {evidence_name(title) for title, link in release.evidence.items() if link.strip()}
    if gate not in titles:
        return f"no evidence `{gate}`"
    failed = [c.name for c in release.criteria if evidence_name(c.evidence) == gate and not c.is_met]
    return f"{gate} failed by {', '.join(failed)}" if failed else ""


def _missing_eyes(release: Release) -> str:
    if not release.deployers:
        return "no deployers are named, so nobody can tell that approver and deployer differ"
    own = {release.approved_by.casefold()} & {each.casefold() for each in release.deployers}
    return f"{release.approved_by} approves and may deploy" if own else ""


def _missing_criteria(release: Release) -> str:
    if not release.criteria:
        return "no evidence has criteria"
    failed = sorted(f"{c.evidence}/{c.name}" for c in release.criteria if not c.is_met)
    return f"not met: {', '.join(failed)}" if failed else ""


def evidence_name(title: str) -> str:
    """Return the title of evidence as gates name it: `Responsible-AI review` and `A/B comparison` are such."""
    return re.sub(r"[\s-]+", "_", title.strip().casefold().replace("/", ""))
