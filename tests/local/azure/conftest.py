"""The demo fleet served by the stand-in: once for tests that only read, anew for those that write."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local.azure import ControlPlane, Fleet, Options, read_fleet
from local.azure.events import Event
from local.clock import Clock
from tests.local.azure.asking import FLEET, TODAY, WHOLE, Ask, Asking, ask_of, client_of


@pytest.fixture
def demo() -> Fleet:
    return read_fleet(FLEET, today=TODAY)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture(scope="session")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A stand-in for reading only."""
    fleet = read_fleet(FLEET, today=TODAY)
    with ControlPlane(fleet, Clock(), _no_event, tmp_path_factory.mktemp("still")) as running:
        yield running


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A stand-in with one of everything, for reading only."""
    fleet = read_fleet(WHOLE, today=TODAY)
    with ControlPlane(fleet, Clock(), _no_event, tmp_path_factory.mktemp("whole")) as running:
        yield running


@pytest.fixture
def start(demo: Fleet, events: list[Event], tmp_path: Path) -> Iterator[Callable[..., ControlPlane]]:
    """Start stand-ins with options of their own."""
    with ExitStack() as running:

        def start_one(**options: Any) -> ControlPlane:
            plane = ControlPlane(demo, Clock(), events.append, tmp_path, Options(**options))
            return running.enter_context(plane)

        yield start_one


@pytest.fixture
def plane(start: Callable[..., ControlPlane]) -> ControlPlane:
    return start()


@pytest.fixture
def asking() -> Iterator[Asking]:
    """Make plain HTTP clients for stand-ins."""
    with ExitStack() as opened:

        def asking_of(plane: ControlPlane) -> Ask:
            return ask_of(plane, opened.enter_context(client_of(plane)))

        yield asking_of


@pytest.fixture
def own_cloud() -> Iterator[None]:
    """Undo what every MLClient does to the environment of its process."""
    name = "AZUREML_CURRENT_CLOUD"
    before = os.environ.get(name)
    yield
    os.environ.pop(name, None)
    if before is not None:
        os.environ[name] = before


def _no_event(event: Event) -> None:
    raise AssertionError(f"reading must not raise an event, but {event['eventType']} came")
