"""The nouns of Model Audit, as plain values: targets, releases, observations, findings, events, alerts.

Times are aware UTC datetimes throughout. Ids are lower-cased ARM ids, because ARM compares them without case.
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
    OPENAI_DEPLOYMENT = "openai-deployment"
    MODEL = "model"
    PARENT = "parent"  # a workspace or account itself: whether it can be listed


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
    """One audited thing. `parent` is the workspace or account it lives in, `subscription` theirs."""

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
class Release:
    """What somebody approved for a target.

    `facts` are the approved values; a fact that is not named is not compared. `evidence` maps a title to a
    link or a digest. `rollback` is the id of the release to go back to.
    """

    id: str
    target: Target
    facts: Facts
    approved_by: str
    approved_at: datetime
    ticket: str = ""
    owner: str = ""
    rollback: str = ""
    expires_at: datetime | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)


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
    Azure names none), `upgrade_lead_days` how many days before `at` such upgrades start.
    """

    lifecycle: str
    at: datetime | None
    replacement: str = ""
    upgrade_lead_days: int = 0


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
    """

    key: str
    id: str
    type: str
    time: datetime
    resource: str
    operation: str
    actor: Actor
    target: Target | None


class Status(StrEnum):
    """Whether a finding stands."""

    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Episode:
    """A finding's life from opening to resolution; `number` counts how often the same finding came back.

    `cause` says what was seen to happen before it opened, `resolution` what before it was resolved;
    `announced` is False where no event told of the change. `revision` counts the notices it has owed since it
    opened, the last of them at `noticed_at`.
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
