"""One Azurite and one host of the sample app for all tests of this folder; an Event Grid for each."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from local.azurite import Azurite, azurite
from local.clock import Clock
from local.eventgrid.service import EventGrid
from local.serving import serve
from tests.local.endpoint import Endpoint
from tests.local.host_process import HostProcess, hosted

Queue = Callable[[str], QueueClient]

SOON = timedelta(seconds=10)


@pytest.fixture(scope="session")
def storage() -> Iterator[Azurite]:
    with azurite() as running:
        yield running


@pytest.fixture(scope="session")
def settings(storage: Azurite) -> dict[str, str]:
    return {
        "AzureWebJobsStorage": storage.connection_string,
        "WORK_QUEUE": "work",
        "NIGHT": "0 0 3 * * *",
        "GREETING": "hi",
    }


@pytest.fixture(scope="session")
def host(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    with hosted(Path(tmp_path_factory.mktemp("host")), settings) as running:
        yield running


@pytest.fixture
def queue(storage: Azurite) -> Iterator[Queue]:
    """Open queues of the Azurite by name, made if missing, and empty to begin with."""
    opened: list[QueueClient] = []

    def open_empty(name: str) -> QueueClient:
        client = QueueClient.from_connection_string(storage.connection_string, name)
        opened.append(client)
        try:
            client.create_queue()
        except ResourceExistsError:
            client.clear_messages()
        return client

    yield open_empty
    for client in opened:
        client.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def letters() -> dict[str, Any]:
    return {}


@pytest.fixture
def grid(clock: Clock, letters: dict[str, Any]) -> Iterator[EventGrid]:
    with EventGrid(clock, lambda path, body: letters.update({path: json.loads(body)})) as running:
        yield running


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def url(endpoint: Endpoint) -> Iterator[str]:
    with serve(endpoint.app()) as base:
        yield f"{base}/hook?code=secret"
