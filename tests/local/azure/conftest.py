"""The demo fleet served by the stand-in: once for tests that only read, anew for those that write."""

import os
import ssl
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.azure import ControlPlane, Fleet, Options, read_fleet
from local.azure.events import Event
from local.clock import Clock

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 11, 21)
API = {"api-version": "2025-09-01"}

# azure-ai-ml's own dependency warns about azure-ai-ml's schemas; nothing of ours is meant.
SDK_WARNINGS = (
    "ignore::marshmallow.warnings.RemovedInMarshmallow4Warning",
    "ignore::marshmallow.warnings.ChangedInMarshmallow4Warning",
)

Ask = Callable[..., httpx.Response]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "azure_ml" in item.path.name:
            for warning in SDK_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture
def demo() -> Fleet:
    return read_fleet(ROOT / "local" / "fleet.yaml", today=TODAY)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A stand-in for reading only."""
    fleet = read_fleet(ROOT / "local" / "fleet.yaml", today=TODAY)
    with ControlPlane(fleet, Clock(), _no_event, tmp_path_factory.mktemp("tls")) as running:
        yield running


@pytest.fixture
def start(demo: Fleet, events: list[Event], tmp_path: Path) -> Iterator[Callable[..., ControlPlane]]:
    """Start stand-ins with options of their own."""
    running: list[ControlPlane] = []

    def start_one(**options: Any) -> ControlPlane:
        plane = ControlPlane(demo, Clock(), events.append, tmp_path, Options(**options))
        running.append(plane.__enter__())
        return plane

    yield start_one
    for plane in running:
        plane.__exit__(None, None, None)


@pytest.fixture
def plane(start: Callable[..., ControlPlane]) -> ControlPlane:
    return start()


@pytest.fixture
def own_cloud() -> Iterator[None]:
    """Undo what every MLClient does to the environment of its process."""
    name = "AZUREML_CURRENT_CLOUD"
    before = os.environ.get(name)
    yield
    os.environ.pop(name, None)
    if before is not None:
        os.environ[name] = before


@pytest.fixture
def asking() -> Iterator[Callable[[ControlPlane], Ask]]:
    """Make a plain HTTP client for a stand-in, which asks as somebody of the fleet."""
    opened: list[httpx.Client] = []

    def asking_of(plane: ControlPlane) -> Ask:
        client = httpx.Client(verify=ssl.create_default_context(cafile=plane.ca_path))
        opened.append(client)

        def ask(method: str, path: str, who: str | None = "jo", **options: Any) -> httpx.Response:
            url = path if path.startswith("https://") else plane.base_url + path
            if "api-version" not in url:
                options.setdefault("params", API)
            headers = options.pop("headers", {})
            if who:
                token = plane.credential(who).get_token(f"{plane.base_url}/.default").token
                headers = {"Authorization": f"Bearer {token}", **headers}
            return client.request(method, url, headers=headers, **options)

        return ask

    yield asking_of
    for client in opened:
        client.close()


def _no_event(event: Event) -> None:
    raise AssertionError(f"reading must not raise an event, but {event['eventType']} came")
