"""A whole Model Audit on fakes, and the small documents that tests feed it."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from audit.approvals.policy import ScopedPolicy
from audit.events.actors import Identities
from audit.model import Event, Look, Outcome, Release, Status, Target
from audit.privacy import PersonalData, Privacy
from audit.service.approve import Approver, Asked
from audit.service.check import Checker
from audit.service.checkpoint import Checkpointer
from audit.service.intake import Intake
from audit.service.propose import Proposer
from audit.service.report import Reporter
from audit.service.sweep import Sweeper
from audit.service.tell import Notifier
from audit.targets import parse_target
from tests.fakes import FakeBlobs, FakeChannel, FakeClock, FakeFiles, FakeLive, FakeQueue, FakeSeal, FakeTable

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml"
ACCOUNT = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/aoai-prod"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-prod"
CHAT = parse_target(f"{ACCOUNT}/deployments/chat")
CHURN = parse_target(f"{WORKSPACE}/onlineEndpoints/churn")
MODEL = parse_target(f"{WORKSPACE}/models/churn")
PIPELINE = "55555555-5555-4555-8555-555555555555"
PRIVACY = Privacy(b"k" * 32, PersonalData.KEEP)
APPROVED_AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

CHAT_FACTS = {"model.name": "gpt-4o", "model.version": "2024-08-06", "upgrade_option": "NoAutoUpgrade"}


def chat_document(version: str = "2024-08-06", **properties: object) -> dict:
    return {
        "deployment": {
            "name": "chat",
            "sku": {"name": "GlobalStandard", "capacity": 50},
            "properties": {
                "model": {"format": "OpenAI", "name": "gpt-4o", "version": version},
                "versionUpgradeOption": "NoAutoUpgrade",
                "provisioningState": "Succeeded",
                **properties,
            },
            "systemData": {
                "lastModifiedAt": "2026-11-02T08:00:00.0000000Z",
                "lastModifiedBy": "jo@contoso.example",
            },
        }
    }


def churn_document(traffic: dict[str, int] | None = None, version: str = "3") -> dict:
    return {
        "endpoint": {
            "name": "churn",
            "properties": {"authMode": "Key", "traffic": traffic or {"blue": 100}, "mirrorTraffic": {}},
            "tags": {},
        },
        "deployments": [
            {
                "name": "blue",
                "sku": {"capacity": 2},
                "properties": {
                    "endpointComputeType": "Managed",
                    "model": f"{WORKSPACE}/models/churn/versions/{version}",
                    "instanceType": "Standard_DS3_v2",
                },
            }
        ],
    }


def endpoint_document(traffic: dict[str, int], tags: dict[str, str] | None = None, **versions: str) -> dict:
    """Return an endpoint with a deployment for each version of churn that is named."""
    document = churn_document(traffic)
    (pattern,) = document["deployments"]
    document["deployments"] = [
        pattern
        | {
            "name": name,
            "tags": tags or {},
            "properties": {**pattern["properties"], "model": f"{MODEL.id}/versions/{version}"},
        }
        for name, version in versions.items()
    ]
    return document


def model_document(*names: str, **properties: object) -> dict:
    """Return a registered model with these versions, all with the same properties beside their files."""
    return {
        "versions": [
            {
                "name": name,
                "properties": {
                    "modelUri": f"azureml://datastores/d/paths/LocalUpload/{name}/churn",
                    "isArchived": False,
                    "isAnonymous": False,
                    **properties,
                },
            }
            for name in names
        ]
    }


def release(target: Target = CHAT, id_: str = "r1", **changes: object) -> Release:
    facts = changes.pop("facts", CHAT_FACTS)
    return Release(id_, target, facts, "ada@contoso.example", APPROVED_AT, ticket="CHG-1", **changes)  # type: ignore[arg-type]


def write_event(target: Target = CHAT, id_: str = "e-1", time: str = "2026-11-21T08:59:58.1234567Z") -> dict:
    """Return an ARM write event in Event Grid's own schema, by a person through the Azure CLI."""
    provider = (
        "Microsoft.CognitiveServices/accounts"
        if target is CHAT
        else "Microsoft.MachineLearningServices/workspaces"
    )
    return {
        "id": id_,
        "topic": f"/subscriptions/{SUBSCRIPTION}",
        "subject": target.id,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": time,
        "dataVersion": "2",
        "metadataVersion": "1",
        "data": {
            "resourceUri": target.id,
            "operationName": f"{provider}/deployments/write",
            "status": "Succeeded",
            "claims": {
                "appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
                "http://schemas.microsoft.com/identity/claims/scope": "user_impersonation",
                "name": "Jo Bloggs",
            },
        },
    }


@dataclass
class House:
    """Every part on fakes, and the queues moved by hand."""

    ledger: FakeTable = field(default_factory=FakeTable)
    releases: FakeTable = field(default_factory=FakeTable)
    checks: FakeQueue = field(default_factory=FakeQueue)
    alerts: FakeQueue = field(default_factory=FakeQueue)
    blobs: FakeBlobs = field(default_factory=FakeBlobs)
    checkpoints: FakeBlobs = field(default_factory=FakeBlobs)
    live: FakeLive = field(default_factory=FakeLive)
    channel: FakeChannel = field(default_factory=FakeChannel)
    clock: FakeClock = field(default_factory=FakeClock)
    group_interval: timedelta = timedelta()
    policies: list[ScopedPolicy] = field(default_factory=list)
    seals: list[FakeSeal] = field(default_factory=list)
    index_age: timedelta = timedelta()
    files: FakeFiles = field(default_factory=FakeFiles)

    def __post_init__(self) -> None:
        identities = Identities({PIPELINE}, PRIVACY)
        self.intake = Intake(self.ledger, self.checks, identities, self.clock.now, self.releases)
        self.checker = Checker(
            self.ledger,
            self.releases,
            self.alerts,
            self.blobs,
            self.live,
            identities,
            self.clock.now,
            group_wait=timedelta(seconds=30),
            catalogue_age=timedelta(hours=6),
            policies=lambda: self.policies,
        )
        self.checkpointer = Checkpointer(self.ledger, self.releases, self.checkpoints, self.clock.now, self.seals)
        self.sweeper = Sweeper(self.checker, self.checks, self.checkpointer, self.index_age, self.propose)
        self.notifier = Notifier(
            self.ledger, self.alerts, {"fake": self.channel}, self.group_interval, self.clock.now
        )
        self.approver = Approver(self.releases, lambda: "ada", self.clock.now, PRIVACY)
        self.reporter = Reporter(self.ledger, self.releases, FakeBlobs(), self.clock.now)

    def propose(self, file: str, at: datetime) -> None:
        identities = self.checker.identities
        Proposer(self.ledger, self.releases, self.files, self.checks, identities, self.clock.now).run(file, at)

    def approve(self, approved: Release) -> None:
        self.approver.apply(Asked([approved]))

    def serve(self, target: Target, document: dict) -> None:
        self.live.documents[target] = document

    def deliver(self, *events: dict) -> None:
        for event in events:
            self.intake.take(json.dumps(event))
        self.settle()

    def sweep(self) -> None:
        self.sweeper.sweep()
        self.settle()

    def settle(self) -> None:
        """Work off both queues, as the functions host would."""
        while self.checks.sent or self.alerts.sent:
            for message in self.checks.take():
                self.sweeper.run(message)
            for number, message in enumerate(self.alerts.take()):
                self.notifier.run(message, f"m-{self.clock.now().isoformat()}-{number}")

    @property
    def open(self) -> set[tuple[str, str]]:
        """Return what is open, as pairs of rule and subject."""
        episodes = [each for each in self.reporter.episodes() if each.status is Status.OPEN]
        return {(each.finding.rule, each.finding.subject) for each in episodes}

    @property
    def told(self) -> list[tuple[str, str]]:
        """Return what on-call was told, as pairs of notice kind and rule."""
        return [(n.kind, n.episode.finding.rule) for alert in self.channel.alerts for n in alert.notices]


__all__ = ["CHAT", "CHURN", "Event", "House", "Look", "Outcome"]
