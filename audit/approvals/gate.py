"""Whether a model may be deployed to a target now: the question of a pipeline, answered before it deploys."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from audit.approvals.approved import admits
from audit.approvals.policy import Policy, unmet_gates
from audit.judge.names import ALIASES
from audit.mlflow import is_mlflow, name_of
from audit.model import Approved, ApprovedFacts, Release, Scalar, Stage, Target
from audit.sight.references import Reference, parse_reference

_ORDER = (Stage.NONE, Stage.STAGING, Stage.PRODUCTION)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a pipeline is about to deploy.

    `model` is a reference such as `azureml:churn:3`, or `NAME:VERSION`. An empty `deployment` asks whether any
    of the target may serve it; an empty `deployer` leaves out who deploys. `facts` are further values that the
    deployment will have.
    """

    target: Target
    model: str
    stage: Stage = Stage.PRODUCTION
    deployment: str = ""
    deployer: str = ""
    facts: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands against a deployment, and what would make it pass."""

    check: str
    expected: str
    got: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a candidate is approved: it is where no reason speaks against it."""

    candidate: Candidate
    release: Release | None
    reasons: tuple[Reason, ...]

    @property
    def is_approved(self) -> bool:
        """Say whether the candidate may be deployed."""
        return not self.reasons


def decide(candidate: Candidate, release: Release | None, policy: Policy, now: datetime) -> Decision:
    """Return every reason against a candidate, in a fixed order."""
    reference = _reference(candidate.model)
    reasons = list(_unpinned(candidate, reference, release))
    if release is None:
        reasons.append(
            Reason(
                "release",
                f"a release in force for {candidate.target.parent_name}/{candidate.target.name}",
                "none",
                "write a release file, have it signed, and run `model-audit releases apply`",
            )
        )
        return Decision(candidate, None, tuple(reasons))
    if not reasons:
        reasons += _wrong_model(candidate, reference, release)
    for check in (_ended, _stage, _gates, _deployer, _facts):
        reasons += check(candidate, release, policy, now)
    return Decision(candidate, release, tuple(reasons))


def _reference(text: str) -> Reference:
    """Return a reference; `gpt-4o:2024-11-20` is one too, for models that come from no registry."""
    found = parse_reference(text)
    return parse_reference(f"azureml:{text.strip()}") if found.path else found


def _unpinned(candidate: Candidate, reference: Reference, release: Release | None) -> Iterator[Reason]:
    is_pinned = bool(reference.version) and reference.version.casefold() != "latest"
    if not is_pinned:
        approved = f", such as the approved {_approved(release, candidate.deployment)}" if release else ""
        yield Reason(
            "pinned",
            "a model pinned to a version",
            candidate.model,
            f"name an exact version{approved}: a label can be moved to a version that nobody has approved",
        )


def _wrong_model(candidate: Candidate, reference: Reference, release: Release) -> Iterator[Reason]:
    slots, target = _slots(release, candidate.deployment), candidate.target
    is_another = is_mlflow(target.id) and reference.name != name_of(target.id)  # its names have a case
    if is_another or not any(_is_model(slot, reference) for slot in slots):
        yield Reason(
            "model",
            _approved(release, candidate.deployment),
            str(reference),
            f"deploy an approved model, or approve {reference} by a new release of "
            f"{target.parent_name}/{target.name}",
        )


def _slots(release: Release, deployment: str) -> list[ApprovedFacts]:
    """Return the approved model of each deployment, or of the one that is named.

    What consumers load of a model in an MLflow registry is where an alias points, so that is its deployment.
    """
    if is_mlflow(release.target.id):
        return [
            {"name": name_of(release.target.id), "version": value}
            for name, value in sorted(release.facts.items())
            if name.startswith(ALIASES) and deployment in ("", name.removeprefix(ALIASES))
        ]
    slots: dict[str, dict[str, Scalar | Approved]] = {}
    for name, value in release.facts.items():
        prefix, _, part = name.rpartition("model.")
        place = prefix.removeprefix("deployments.").rstrip(".")
        if part in ("name", "version", "registry") and (not prefix or prefix == f"deployments.{place}."):
            slots.setdefault(place, {})[part] = value
    return [slot for place, slot in sorted(slots.items()) if deployment.lower() in ("", place)]


def _is_model(slot: ApprovedFacts, reference: Reference) -> bool:
    """Say whether a slot names a model and a version, and both are this; what it leaves open approves nothing.

    A model of a registry is another one than the workspace's own of the same name.
    """
    if not {"name", "version"} <= slot.keys() or (reference.registry and "registry" not in slot):
        return False
    got = {"name": reference.name, "version": reference.version, "registry": reference.registry}
    return all(admits(value, got[part]) for part, value in slot.items())


def _approved(release: Release | None, deployment: str) -> str:
    slots = _slots(release, deployment) if release else []
    models = (f"{slot.get('name', '?')}:{slot.get('version', '?')}" for slot in slots)
    return " or ".join(dict.fromkeys(models)) or "no model"


def _ended(_: Candidate, release: Release, __: Policy, now: datetime) -> Iterator[Reason]:
    if release.expires_at is not None and release.expires_at <= now:
        yield Reason(
            "expiry",
            f"an approval in force on {now:%Y-%m-%d}",
            f"{release.id} expired on {release.expires_at:%Y-%m-%d}",
            "review the release and approve it anew",
        )


def _stage(candidate: Candidate, release: Release, _: Policy, __: datetime) -> Iterator[Reason]:
    is_far_enough = release.stage in _ORDER and _ORDER.index(release.stage) >= _ORDER.index(candidate.stage)
    if not is_far_enough:
        yield Reason(
            "stage",
            f"a release approved for {candidate.stage}",
            f"{release.id} is in stage {release.stage}",
            f"have the release approved with `stage: {candidate.stage}`",
        )


def _gates(candidate: Candidate, release: Release, policy: Policy, _: datetime) -> Iterator[Reason]:
    for gate, missing in unmet_gates(release, policy, candidate.stage):
        yield Reason(
            "gate", f"the gate {gate} met", missing, f"add {gate} to the release and have it signed again"
        )


def _deployer(candidate: Candidate, release: Release, policy: Policy, _: datetime) -> Iterator[Reason]:
    allowed = release.deployers or policy.pipelines
    if candidate.deployer and allowed and candidate.deployer.lower() not in allowed:
        yield Reason(
            "deployer",
            f"one of {', '.join(allowed)}",
            candidate.deployer,
            "deploy through an approved pipeline, or add this one to `deployers` of the release",
        )


def _facts(candidate: Candidate, release: Release, _: Policy, __: datetime) -> Iterator[Reason]:
    for name, got in sorted(candidate.facts.items()):
        expected = release.facts.get(name)
        if expected is not None and not admits(expected, got):
            yield Reason(
                name,
                str(expected),
                str(got),
                f"deploy with {name} = {expected}, or approve {got} by a new release",
            )
