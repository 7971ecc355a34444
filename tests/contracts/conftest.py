"""Each port twice: the fake of the unit tests, and the adapter on Azurite, the stand-in of Azure, or MLflow."""

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.data.tables import TableClient
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from audit.adapters.blobs import AzureBlobs
from audit.adapters.cloud import Cloud
from audit.adapters.live import AzureLive
from audit.adapters.mlflow import MlflowLive
from audit.adapters.mlflow_server import MlflowServer
from audit.adapters.pace import Pace
from audit.adapters.storage import AzureTable
from audit.ports import Blobs, Table
from local.azure import ControlPlane
from local.serving import serve
from tests.contracts import worlds
from tests.contracts.worlds import AzureWorld, MlflowWorld
from tests.fakes import FakeBlobs, FakeTable
from tests.mlflow.proxy import Proxy
from tests.mlflow.server import Server, mlflow_server

BOTH = [pytest.param("fake"), pytest.param("azurite", marks=pytest.mark.azurite)]


@pytest.fixture
def connection(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Return a function that starts Azurite when it is needed first: the fakes never do."""
    return lambda: str(request.getfixturevalue("storage_connection"))


@pytest.fixture(params=BOTH)
def table(request: pytest.FixtureRequest, connection: Callable[[], str]) -> Iterator[Table]:
    """Yield a table that is empty."""
    if request.param == "fake":
        yield FakeTable()
        return
    with TableClient.from_connection_string(connection(), f"t{uuid.uuid4().hex}") as client:
        client.create_table()
        yield AzureTable(client)


@pytest.fixture(params=BOTH)
def blobs(request: pytest.FixtureRequest, connection: Callable[[], str]) -> Iterator[Blobs]:
    """Yield a container that is empty."""
    if request.param == "fake":
        yield FakeBlobs()
        return
    with _container(connection()) as client:
        client.create_container()
        yield AzureBlobs(client)


@pytest.fixture
def container(connection: Callable[[], str]) -> Iterator[ContainerClient]:
    """Yield Azure's own client of a container that is empty."""
    with _container(connection()) as client:
        client.create_container()
        yield client


@pytest.fixture
def queue(connection: Callable[[], str]) -> Iterator[QueueClient]:
    """Yield Azure's own client of a queue that is empty."""
    with QueueClient.from_connection_string(connection(), f"q{uuid.uuid4().hex}") as client:
        client.create_queue()
        yield client


def _container(connection: str) -> ContainerClient:
    client: Any = ContainerClient.from_connection_string(connection, f"c{uuid.uuid4().hex}")
    return client  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Serve the fleet of `worlds` for the tests of one module."""
    name = "AZUREML_CURRENT_CLOUD"
    before = os.environ.pop(name, None)
    with worlds.plane(tmp_path_factory.mktemp("azure")) as running:
        yield running
    os.environ.pop(name, None)  # every MLClient sets it, for its process and for all children
    if before is not None:
        os.environ[name] = before


@pytest.fixture(scope="module")
def azure_live(azure: ControlPlane) -> AzureLive:
    """Return an adapter whose clients the tests of one module share."""
    return worlds.live_of(azure)


@pytest.fixture
def azure_world(azure: ControlPlane, azure_live: AzureLive) -> Iterator[AzureWorld]:
    """Yield the stand-in as it was at the start."""
    world = AzureWorld(azure, azure_live)
    yield world
    world.restore()


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a real MLflow server for the tests of one module, with what `worlds` has in it."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as server:
        worlds.fill(server)
        yield server


@pytest.fixture
def mlflow_world(mlflow: Server) -> Iterator[MlflowWorld]:
    """Yield the server behind a proxy that lets everything through."""
    proxy = Proxy(mlflow.url)
    with serve(proxy) as url:
        # Pages of one item each, so that whatever is read of this little world is read in pages.
        registry = MlflowServer("prod", Cloud(url, backoff=0.01), token="t", page_size=1)
        yield MlflowWorld(proxy, MlflowLive([registry], Pace(10_000, 1_000)))
