"""The nouns of Model Audit, as plain values: targets, releases, observations, findings, events, alerts.

Times are aware UTC datetimes throughout. Ids are lower-cased ARM ids, because ARM compares them without case, or
those of MLflow registries (`audit.mlflow`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Scalar = str | int | float | bool
Facts = Mapping[str, Scalar]
"""Flat, normalised `name -> scalar` pairs: `deployments.blue.model.version = "3"`, `traffic.blue = 90`."""

Document = dict[str, Any]
"""JSON of a service, as it came."""


class Kind(StrEnum):
    """What sort of thing is approved and audited as one."""

    ONLINE_ENDPOINT = "online-endpoint"
    BATCH_ENDPOINT = "batch-endpoint"
    SERVERLESS_ENDPOINT = "serverless-endpoint"
    OPENAI_DEPLOYMENT = "openai-deployment"
    MODEL = "model"  # with its versions, in a workspace or in a registry, also of MLflow
    PARENT = "parent"  # a workspace, registry or account itself: whether it can be listed


class Outcome(StrEnum):
    """How a look at a target ended. Not being able to look is a result, not an exception."""

    PRESENT = "present"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


class Severity(StrEnum):
    """How urgent a finding is, the most urgent first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Target:
    """One audited thing. `parent` is the workspace, registry or account it lives in."""

    id: str
    kind: Kind
    parent: str
    name: str

    @property
    def subscription(self) -> str:
        """Return the subscription's id."""
        return self.id.split("/")[2]

    @property
    def resource_group(self) -> str:
        """Return the resource group's name, lower-cased."""
        return self.id.split("/")[4]

    @property
    def parent_name(self) -> str:
        """Return the name of the workspace or account, lower-cased."""
        return self.parent.rsplit("/", 1)[1]


@dataclass(frozen=True, slots=True)
class Approved:
    """What a fact may be where several values are approved; `audit.approvals.approved.admits` says what it admits.

    It is one of several values, a number between two bounds (inclusive, either may be missing), or, where
    `because` says why, whatever it is: such a fact is not audited.
    """

    one_of: tuple[Scalar, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    because: str = ""

    def __str__(self) -> str:
        if self.because:
            return f"not audited, because {self.because}"
        if self.one_of:
            return "one of " + ", ".join(map(str, self.one_of))
        bounds = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{word} {bound:.15g}" for word, bound in bounds if bound is not None)


ApprovedFacts = Mapping[str, Scalar | Approved]


class Stage(StrEnum):
    """How far a release may go; what is not in production must not serve there."""

    NONE = "none"
    STAGING = "staging"
    PRODUCTION = "production"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One number by which a piece of evidence decided, and the bounds it had to keep (inclusive)."""

    evidence: str
    name: str
    got: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_met(self) -> bool:
        """Say whether the number is within its bounds."""
        return (self.at_least is None or self.got >= self.at_least) and (
            self.at_most is None or self.got <= self.at_most
        )


@dataclass(frozen=True, slots=True)
class Release:
    """What somebody approved for a target.

    `facts` are the approved values; a fact that is not named is not compared. `evidence` maps a title to a
    link, a digest or a word, and `criteria` are the numbers that decided. `rollback` is the id of the release
    to go back to, `monitoring` the signal that watches it, `deployers` are the only identities that may deploy
    it (none named: whoever the policy lets). `marked_with` tells which key hid the values of its environment
    variables, where it named any in plain text.
    """

    id: str
    target: Target
    facts: ApprovedFacts
    approved_by: str
    approved_at: datetime
    ticket: str = ""
    owner: str = ""
    rollback: str = ""
    expires_at: datetime | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    criteria: tuple[Criterion, ...] = ()
    on_call: str = ""
    monitoring: str = ""
    review_at: datetime | None = None
    stage: Stage = Stage.PRODUCTION
    deployers: tuple[str, ...] = ()
    marked_with: str = ""

    @property
    def exact_facts(self) -> Facts:
        """Return the facts that have one approved value, which is what a roll back can set."""
        return {name: value for name, value in self.facts.items() if not isinstance(value, Approved)}


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody with a name accepts a finding until a date, for a reason.

    It covers a rule at a target, and only at `subject` where that is not empty. Whether it is pending, active
    or expired is computed from the time and never stored.
    """

    target: Target
    rule: str
    author: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    ticket: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What a service answered: the documents of a target as they came, or why there are none."""

    outcome: Outcome
    document: Document = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a target in one look that began at `began_at`.

    `document` is the service's own JSON with secrets already replaced; `facts` are taken from it.
    `modified_at` is the service's own word for when somebody last wrote, as it came.
    """

    target: Target
    outcome: Outcome
    began_at: datetime
    facts: Facts = field(default_factory=dict)
    document: Document = field(default_factory=dict)
    reason: str = ""
    modified_at: str = ""


@dataclass(frozen=True, slots=True)
class Retirement:
    """What Azure's catalogue says of one model version in one region and SKU.

    `at` is when inference stops, `replacement` what an automatic upgrade would put in its place (empty where
    Azure names none), `upgrade_lead_days` how many days before `at` such upgrades start, `upgrade_from` when
    deployments that follow the default version are upgraded.
    """

    lifecycle: str
    at: datetime | None
    replacement: str = ""
    upgrade_lead_days: int = 0
    upgrade_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule broken at one target and subject.

    `expected` and `got` are texts for people. `due_at` is the day a deadline falls on, and `step` how many
    days before it the present warning counts as.
    """

    rule: str
    target: Target
    subject: str
    severity: Severity
    expected: str
    got: str
    detail: str = ""
    due_at: datetime | None = None
    step: int | None = None


class ActorKind(StrEnum):
    """Who may have acted; only `PIPELINE` is an identity that somebody listed as approved."""

    PIPELINE = "pipeline"
    MANAGED_IDENTITY = "managed-identity"
    SERVICE_PRINCIPAL = "service-principal"
    PERSON = "person"
    PLATFORM = "platform"  # a service of Azure itself
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as far as an event's claims tell. `why` names the claim the conclusion rests on."""

    kind: ActorKind
    id: str = ""
    name: str = ""
    tool: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One Event Grid message in our words; it says where to look, never what is there.

    `key` is the same for every delivery of the same event. `target` is None where it names nothing we audit.
    `status` says how it ended (`succeeded`, `failed`, `canceled`, or another word of the service, or nothing),
    `correlation_id` is what Azure gives to all that one request led to.
    """

    key: str
    id: str
    type: str
    time: datetime
    resource: str
    operation: str
    actor: Actor
    target: Target | None
    status: str = ""
    correlation_id: str = ""


class Status(StrEnum):
    """Whether a finding stands."""

    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Episode:
    """A finding's life from opening to resolution; `number` counts how often the same finding came back.

    `cause` says what was seen to happen before it opened, `resolution` what before it was resolved;
    `announced` is False where no event told of the change. `revision` counts the notices it has owed since it
    opened, the last of them at `noticed_at`. `waiver` names the waiver that kept it quiet when it was written.
    """

    finding: Finding
    status: Status
    number: int
    opened_at: datetime
    noticed_at: datetime
    resolved_at: datetime | None = None
    announced: bool = True
    cause: str = ""
    resolution: str = ""
    release: str = ""
    waiver: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """One line owed to on-call: an episode, and why it is told now (`opened`, `changed`, `step-30`, ...)."""

    id: str
    kind: str
    episode: Episode
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """One message about findings of one parent. `id` is also the key by which receivers drop repeats."""

    id: str
    parent: str
    at: datetime
    notices: tuple[Notice, ...]
