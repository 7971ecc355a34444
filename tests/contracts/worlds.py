"""Worlds with the same things in them: of the fake, of Azure's SDKs on the stand-in, of a real MLflow server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from audit.adapters.cloud import Cloud
from audit.adapters.live import AzureLive
from audit.adapters.mlflow import MlflowLive
from audit.adapters.pace import Pace
from audit.errors import Throttled, Unavailable
from audit.model import Look, Outcome, Retirement, Target
from audit.ports import Live
from audit.sight.catalogue import Unread
from audit.targets import parse_target
from local.azure import ControlPlane, Fault, read_fleet
from local.clock import Clock
from tests.fakes import FakeLive
from tests.house import CHAT, CHURN, GROUP, WORKSPACE, chat_document, churn_document
from tests.mlflow.proxy import Proxy
from tests.mlflow.server import Server

REGISTRY = f"{GROUP}/providers/Microsoft.MachineLearningServices/registries/reg-shared"
MODEL = parse_target(f"{WORKSPACE}/models/churn")
BATCH = parse_target(f"{WORKSPACE}/batchEndpoints/nightly")
SERVERLESS = parse_target(f"{WORKSPACE}/serverlessEndpoints/phi")
SHARED = parse_target(f"{REGISTRY}/models/tagger")
TARGETS = (CHAT, CHURN, MODEL, BATCH, SERVERLESS, SHARED)
TRACKED = parse_target("mlflow://prod/models/Churn Model")
SPARE = parse_target("mlflow://prod/models/churn model")  # another one: MLflow's names have a case
MLFLOW_TARGETS = (TRACKED, SPARE)

RETIRES = datetime(2027, 3, 1, tzinfo=UTC)

FLEET = Path(__file__).with_name("fleet.yaml")

# A fact of each target by which a test sees that it was this one that was looked at.
TELLTALES = {
    CHAT: ("model.version", "2024-08-06"),
    CHURN: ("deployments.blue.model.version", "3"),
    MODEL: ("versions.3.archived", False),
    BATCH: ("deployments.v1.model.version", "3"),
    SERVERLESS: ("model.version", "7"),
    SHARED: ("versions.7.archived", False),
    TRACKED: ("aliases.champion", "2"),
    SPARE: ("versions.1.path", "s3://models/spare"),
}


class World(Protocol):
    """What there is to look at, and what a test can do to it."""

    live: Live
    targets: tuple[Target, ...]

    def malform(self, target: Target) -> None:
        """Take the properties out of a target's document."""

    def forbid(self, target: Target) -> None:
        """Let nobody look at a target, nor list what its parent holds."""

    def throttle(self, target: Target, seconds: int) -> None:
        """Put off everybody who looks at a target."""

    def break_down(self, target: Target) -> None:
        """Answer nothing useful to whoever looks at a target."""

    def hide_catalogue(self, target: Target) -> None:
        """Let nobody read the retirement dates of a target's region."""


@dataclass
class FakeWorld:
    """The fake, filled by hand."""

    live: FakeLive = field(default_factory=lambda: FakeLive(dict(_documents())))
    targets: tuple[Target, ...] = (*TARGETS, *MLFLOW_TARGETS)

    def __post_init__(self) -> None:
        retirement = Retirement("GenerallyAvailable", RETIRES, "gpt-5.1 2025-11-13", 14)
        self.live.catalogues[CHAT.parent] = {("openai", "gpt-4o", "2024-08-06", "globalstandard"): retirement}
        self.live.index |= {CHURN: "as the index has it", BATCH: "as the index has it"}

    def malform(self, target: Target) -> None:
        document = self.live.documents[target]
        if target in MLFLOW_TARGETS:
            document = {**document, "versions": [{"name": target.name}]}
            self.live.documents[target] = document
            return
        self.live.documents[target] = {
            name: [{**part[0], "properties": None}] if isinstance(part, list) else {**part, "properties": None}
            for name, part in document.items()
        }

    def forbid(self, target: Target) -> None:
        self.live.errors[target] = Look(Outcome.UNREADABLE, reason="HTTP 403")
        self.live.unlisted[target.parent] = "HTTP 403"

    def throttle(self, target: Target, seconds: int) -> None:
        self.live.errors[target] = Throttled("injected", timedelta(seconds=seconds))

    def break_down(self, target: Target) -> None:
        self.live.errors[target] = Unavailable("injected")

    def hide_catalogue(self, target: Target) -> None:
        self.live.catalogues[target.parent] = Unread("HTTP 403")


@dataclass
class AzureWorld:
    """The adapter and the real SDKs, asking the stand-in."""

    plane: ControlPlane
    live: AzureLive
    targets: tuple[Target, ...] = TARGETS
    _placed: list[dict[str, Any]] = field(default_factory=list)

    def malform(self, target: Target) -> None:
        # The model itself is but a name; what is malformed is one of its versions.
        id_ = (
            f"{target.id}/versions/{TELLTALES[target][0].split('.')[1]}"
            if target in (MODEL, SHARED)
            else target.id
        )
        self.change(id_, properties=None)

    def forbid(self, target: Target) -> None:
        self.plane.faults.add(Fault(path=f"*{target.parent}/*", status=403))

    def throttle(self, target: Target, seconds: int) -> None:
        self.plane.faults.add(Fault(path=f"*{target.parent}/*", status=429, retry_after=seconds))

    def break_down(self, target: Target) -> None:
        self.plane.faults.add(Fault(path=f"*{target.parent}/*", status=500))

    def hide_catalogue(self, target: Target) -> None:
        self.plane.faults.add(Fault(path="*/locations/*/models", status=403))

    def change(self, id_: str, **changes: Any) -> None:
        """Put other values into a document until the test ends."""
        self.replace((self.plane.document(id_) or {}) | changes)

    def replace(self, document: dict[str, Any]) -> None:
        """Put another document into the place of one until the test ends."""
        before = self.plane.document(document["id"])
        assert before is not None
        self._placed.append(before)
        self.plane.place(document)

    def restore(self) -> None:
        """Undo what a test has done."""
        self.plane.faults.clear()
        self.plane.page_size = 30
        for document in reversed(self._placed):
            self.plane.place(document)


@dataclass
class MlflowWorld:
    """The adapter, asking a real MLflow server through a proxy that a test can make refuse."""

    proxy: Proxy
    live: MlflowLive
    targets: tuple[Target, ...] = MLFLOW_TARGETS

    def malform(self, target: Target) -> None:
        def edit(answer: Any) -> None:
            for version in answer.get("model_versions", []):
                if version["name"] == target.name:
                    del version["version"]

        self.proxy.edit = edit

    def forbid(self, target: Target) -> None:
        self.proxy.refuse(403)

    def throttle(self, target: Target, seconds: int) -> None:
        self.proxy.refuse(429, **{"Retry-After": str(seconds)})

    def break_down(self, target: Target) -> None:
        self.proxy.refuse(500)


def fill(server: Server) -> None:
    """Put into a server what the tests of the contract look at."""
    run = server.create_run(depth="7")
    server.use_data(run, "customers", "d41d8c", "training")
    server.create_model("Churn Model", tags=[{"key": "owner", "value": "growth"}])
    server.create_version("Churn Model", "s3://models/churn/1", run_id=run)
    server.create_version("Churn Model", "s3://models/churn/2")
    server.point("Churn Model", "champion", "2")
    server.create_model("churn model")
    server.create_version("churn model", "s3://models/spare")


@contextmanager
def plane(directory: Path, fleet: Path = FLEET) -> Iterator[ControlPlane]:
    """Serve a fleet while the block runs; reading it raises no event."""
    held = read_fleet(fleet, today=date(2026, 11, 21))
    with ControlPlane(held, Clock(), _no_event, directory) as running:
        yield running


def live_of(plane: ControlPlane, person: str = "auditor", read_timeout: float = 30) -> AzureLive:
    """Return the adapter, signed in at the stand-in."""
    cloud = Cloud(plane.base_url, str(plane.ca_path), read_timeout, backoff=0.01)
    return AzureLive(plane.credential(person), cloud, [plane.fleet().subscription], Pace(10_000, 1_000))


def _no_event(event: object) -> None:
    raise AssertionError(f"reading must not raise an event, but one came: {event}")


def _documents() -> Iterator[tuple[Target, dict[str, Any]]]:
    version = {"name": "7", "properties": {}}
    deployment = {"name": "v1", "properties": {"model": {"assetId": f"{WORKSPACE}/models/churn/versions/3"}}}
    model_id = "azureml://registries/azureml/models/Phi-4/versions/7"
    yield CHAT, chat_document()
    yield CHURN, churn_document()
    yield MODEL, {"versions": [version | {"name": "3"}]}
    yield BATCH, {"endpoint": {"name": "nightly", "properties": {}}, "deployments": [deployment]}
    yield SERVERLESS, {"endpoint": {"name": "phi", "properties": {"modelSettings": {"modelId": model_id}}}}
    yield SHARED, {"versions": [version]}
    tracked = {"name": "Churn Model", "aliases": [{"alias": "champion", "version": "2"}]}
    yield TRACKED, {"registered_model": tracked, "versions": [{"version": "2"}], "runs": {}}
    spare = {"version": "1", "source": "s3://models/spare"}
    yield SPARE, {"registered_model": {"name": "churn model"}, "versions": [spare], "runs": {}}
