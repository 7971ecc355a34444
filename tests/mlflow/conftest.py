"""One real MLflow server for each module of this folder, and the adapter that asks it through a proxy."""

from collections.abc import Callable, Iterator

import pytest

from audit.adapters.cloud import Cloud
from audit.adapters.mlflow import MlflowLive
from audit.adapters.mlflow_server import MlflowServer
from audit.adapters.pace import Pace
from local.serving import serve
from tests.mlflow.proxy import Proxy
from tests.mlflow.server import Server, mlflow_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    standing = Proxy(server.url)
    with serve(standing) as url:
        standing.own_url = url
        yield standing


Ask = Callable[..., MlflowLive]


@pytest.fixture
def live(proxy: Proxy) -> Ask:
    """Return a function that makes the adapter, with what a test says of how it signs in."""

    def make(**options: object) -> MlflowLive:
        place = Cloud(proxy.own_url, backoff=0.01)
        return MlflowLive([MlflowServer("prod", place, **options)], Pace(10_000, 1_000))  # type: ignore[arg-type]

    return make
