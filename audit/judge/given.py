"""What a judgement is given besides release, catalogue and policy: what is known of the target's past.

Everything has a default that knows nothing, and a rule that is not told what it needs stays quiet.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from audit import deadlines
from audit.approvals.policy import Policy
from audit.judge.names import Shape
from audit.model import Actor, Facts, Finding, Observation, Release, Waiver
from audit.rules import RULES
from audit.sight.catalogue import Catalogue, Unread
from audit.texts import cut

NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Written:
    """The last write to the target that an event told of."""

    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class Asset:
    """What its workspace says of a registered model version; `is_gone` where it lists it no longer."""

    path: str = ""
    stage: str = ""
    is_archived: bool = False
    is_anonymous: bool = False
    is_gone: bool = False


class Standing(StrEnum):
    """Whether a rollback release could be deployed now, itself and its models."""

    READY = "ready"
    ARCHIVED = "archived"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Rollback:
    """What is known of the release that `Release.rollback` names; `release` is None where nobody approved it."""

    release: Release | None
    standing: Standing = Standing.READY


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a target from before this look.

    `unseen_since` is when it was last readable, or since when it should have been. `before` is the state
    before the present one, and `before_modified_at` the service's word for the last write to that one.
    `at_approval` is what was written on each approved part when the release was approved, `retires_at` what the
    catalogue said then, on the day `retires_said_at`. `trials` tells since when each deployment has had a small
    or a mirrored share, `gone` by when a version of a model was, `serving` which of them serve somewhere.
    `assets` are the models behind deployments, by `name:version` in lower case. `approver` is the approver's
    name as the names of actors are kept, `marked_with` tells which key hid the live values of environment
    variables. `approved_models` are `name version` in lower case, of all releases;
    None where that is not known.
    """

    unseen_since: datetime | None = None
    before: Facts = field(default_factory=dict)
    before_modified_at: str = ""
    at_approval: Mapping[str, Facts] = field(default_factory=dict)
    retires_at: datetime | None = None
    retires_said_at: datetime | None = None
    trials: Mapping[str, datetime] = field(default_factory=dict)
    gone: Mapping[str, datetime] = field(default_factory=dict)
    assets: Mapping[str, Asset] = field(default_factory=dict)
    serving: Collection[str] = ()
    written: Written | None = None
    approver: str = ""
    marked_with: str = ""
    approved_models: Collection[str] | None = None
    rollback: Rollback | None = None
    waivers: Sequence[Waiver] = ()


NO_HISTORY = History()


@dataclass(slots=True)  # not frozen: one is made for each judgement, a thirtieth of whose time that would take
class Case:
    """All that one judgement rests on; nobody writes to it.

    `live` are the facts that were seen, `shape` is theirs, and `approved` that of the release's. `unmet` are the
    gates of the policy that the release has not met, with what is missing.
    """

    observation: Observation
    live: Facts
    shape: Shape
    approved: Shape
    unmet: Sequence[tuple[str, str]]
    catalogue: Catalogue | Unread
    now: datetime
    policy: Policy
    history: History

    def finding(self, rule: str, subject: str, expected: str, got: str, detail: str = "") -> Finding:
        """Return a finding at this target, as severe as its rule or the policy says."""
        severity = self.policy.severities.get(rule, RULES[rule].severity)
        target = self.observation.target
        return Finding(rule, target, subject, severity, cut(expected), cut(got), cut(detail))

    def due(self, finding: Finding, due_at: datetime, step: int) -> Finding:
        """Return the finding as the warning of a deadline, as severe as its step or the policy says."""
        severity = self.policy.severities.get(finding.rule, deadlines.severity_of(step))
        return replace(finding, due_at=due_at, step=step, severity=severity)
