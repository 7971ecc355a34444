"""The whole local stack: storage, Azure's control plane, Event Grid, a topic for alerts, and the function app.

Everything listens on 127.0.0.1 and ends with the process, however it ends.
"""

import json
import secrets
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.azure.controlplane import ControlPlane
from local.azure.fleet import read_fleet
from local.azurite import azurite
from local.clock import Clock
from local.eventgrid.service import EventGrid
from local.eventgrid.subscriptions import AdvancedFilter, Subscription
from local.eventgrid.topics import CustomTopics, Received
from local.functions.host import FunctionsHost
from local.functions.invoker import Invocation
from local.serving import serve

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local"
SETTINGS_FILE = STATE / "local.settings.json"
FLEET = Path(__file__).parent / "fleet.yaml"
RELEASES = Path(__file__).parent / "releases"
TOPIC = "model-audit-alerts"
PIPELINES = ("55555555-5555-4555-8555-555555555555",)  # the object id of release-pipeline in fleet.yaml

# What an Event Grid subscription should let through: the writes and deletes that can change what serves.
EVENT_TYPES = (
    "Microsoft.Resources.ResourceWriteSuccess",
    "Microsoft.Resources.ResourceWriteFailure",
    "Microsoft.Resources.ResourceDeleteSuccess",
)
OPERATIONS = AdvancedFilter(
    "StringContains",
    "data.operationName",
    ("/onlineEndpoints/", "/models/", "CognitiveServices/accounts/"),
)

# A second one, on the storage account: a release file was dropped, or taken away again.
DROPPED_TYPES = ("Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted")
DROPPED = AdvancedFilter("StringBeginsWith", "subject", ("/blobServices/default/containers/releases/",))

QUIET = timedelta(seconds=60)  # a settled stack is quiet within two; more is a hang


@dataclass(frozen=True, slots=True)
class Watch:
    """Who hears what happens: events as Azure emits them, runs of functions, alerts as they arrive."""

    event: Callable[[Mapping[str, Any]], None] = lambda _: None
    run: Callable[[Invocation], None] = lambda _: None
    alert: Callable[[Mapping[str, Any]], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack; see `start`."""

    azure: ControlPlane
    events: EventGrid
    topics: CustomTopics
    host: FunctionsHost
    settings: Mapping[str, str]

    def run_now(self, function: str) -> None:
        """Run a timer's function now, through the door that `func` has for it."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.host.url}/admin/functions/{function}",
            data=b'{"input": ""}',
            headers={"x-functions-key": self.host.keys.master, "Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()  # noqa: S310 - loopback

    def settle(self) -> None:
        """Return when every event is delivered and nothing is left to run; raise `TimeoutError`."""
        self.events.wait_until_delivered(QUIET)
        self.host.wait_until_quiet(QUIET)


@contextmanager
def start(watch: Watch, *, port: int = 0, timers: bool = False, state: Path = STATE) -> Iterator[Stack]:
    """Run the stack while the block runs; its settings stand in `local.settings.json` below `state`.

    Port 0 takes a free one. Without `timers` nothing runs by schedule. Raises `OSError` where the port is taken.
    """
    state.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        clock = Clock()
        storage = opened.enter_context(azurite())
        topics = CustomTopics({TOPIC: secrets.token_urlsafe(24)}, lambda received: watch.alert(_data(received)))
        topics_url = opened.enter_context(serve(topics.app()))
        grid = opened.enter_context(EventGrid(clock))

        def publish(event: dict[str, Any]) -> None:
            watch.event(event)
            grid.publish(event)

        azure = opened.enter_context(
            ControlPlane(read_fleet(FLEET, today=clock.now().date()), clock, publish, state)
        )
        settings = _settings(azure, storage.connection_string, f"{topics_url}/topics/{TOPIC}/api/events", topics)
        _write_settings(state / SETTINGS_FILE.name, settings)
        host = FunctionsHost(ROOT, settings, clock, watch.run, timers=timers, port=port)
        opened.enter_context(host)
        _create_storage()
        grid.subscribe(
            Subscription(
                "model-audit",
                host.webhook_url("on_event"),
                included_event_types=EVENT_TYPES,
                advanced_filters=(OPERATIONS,),
            )
        )
        grid.subscribe(
            Subscription(
                "model-audit-releases",
                host.webhook_url("on_event"),
                included_event_types=DROPPED_TYPES,
                advanced_filters=(DROPPED,),
            )
        )
        yield Stack(azure, grid, topics, host, settings)


def _data(received: Received) -> Mapping[str, Any]:
    data: Mapping[str, Any] = received.event["data"]
    return data


def _settings(azure: ControlPlane, connection: str, topic: str, topics: CustomTopics) -> dict[str, str]:
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": connection,
        "MODEL_AUDIT_STORAGE": connection,
        "MODEL_AUDIT_SUBSCRIPTIONS": azure.fleet().subscription,
        "MODEL_AUDIT_PIPELINES": ",".join(PIPELINES),
        "MODEL_AUDIT_PRIVACY_KEY": secrets.token_hex(32),
        "MODEL_AUDIT_PERSONAL_DATA": "keep",  # the demo's people are made up; on Azure the default hides names
        "MODEL_AUDIT_TOPIC_ENDPOINT": topic,
        "MODEL_AUDIT_TOPIC_KEY": topics.key(TOPIC),
        "MODEL_AUDIT_GROUP_WAIT_SECONDS": "1",
        "MODEL_AUDIT_GROUP_INTERVAL_SECONDS": "0",
        "MODEL_AUDIT_CATALOGUE_AGE_SECONDS": "1",
        "MODEL_AUDIT_ARM_ENDPOINT": azure.base_url,
        "MODEL_AUDIT_ARM_CA_FILE": str(azure.ca_path),
        "IDENTITY_ENDPOINT": azure.identity_endpoint,
        "IDENTITY_HEADER": azure.identity_header,
    }


def _write_settings(path: Path, settings: Mapping[str, str]) -> None:
    path.write_text(json.dumps({"IsEncrypted": False, "Values": settings}, indent=2) + "\n", "utf-8")
    path.chmod(0o600)


def _create_storage() -> None:
    from audit import wiring  # here, because the settings stand in the environment only now

    wiring.create_storage()
