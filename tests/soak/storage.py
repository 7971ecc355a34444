"""The stores and queues of a run in one Azurite, opened by each process for itself."""

from typing import Any

from azure.core.pipeline.transport import HttpTransport
from azure.data.tables import TableClient
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from audit.adapters.blobs import AzureBlobs
from audit.adapters.storage import AzureQueue, AzureTable
from audit.ports import Channel, Live
from tests.soak.parts import Ports

TABLES = ("ledger", "releases")
QUEUES = ("events", "checks", "alerts")  # `events` stands for Event Grid: it delivers until it is thanked
CONTAINERS = ("evidence", "checkpoints")

# Tables take azure-core's words for patience, queues and blobs words of their own: without them, 15 s at first.
_RETRIES: dict[str, Any] = {
    "retry_total": 3,
    "retry_backoff_factor": 0.05,
    "initial_backoff": 0.05,
    "increment_base": 0.1,
    "random_jitter_range": 0,
}


class Storage:
    """A storage account; with a transport, all of its calls go through that."""

    def __init__(self, connection: str, transport: HttpTransport[Any, Any] | None = None):
        self._connection = connection
        self._options = {**_RETRIES, **({"transport": transport} if transport else {})}

    def create(self) -> None:
        """Make everything that a run needs."""
        for name in TABLES:
            self._table(name).create_table()
        for name in QUEUES:
            self.client(name).create_queue()
        for name in CONTAINERS:
            self._container(name).create_container()

    def table(self, name: str) -> AzureTable:
        """Return a table."""
        return AzureTable(self._table(name))

    def queue(self, name: str) -> AzureQueue:
        """Return a queue that can be written to."""
        return AzureQueue(self.client(name))

    def blobs(self, name: str) -> AzureBlobs:
        """Return a container."""
        return AzureBlobs(self._container(name))

    def client(self, name: str) -> QueueClient:
        """Return a queue that can be read from."""
        return QueueClient.from_connection_string(self._connection, name, **self._options)

    def waiting(self, *names: str) -> int:
        """Return how many messages are left in these queues, invisible ones too."""
        return sum(self.client(name).get_queue_properties().approximate_message_count or 0 for name in names)

    def ports(self, live: Live, channel: Channel) -> Ports:
        """Return everything of a run's outside world."""
        return Ports(
            ledger=self.table("ledger"),
            releases=self.table("releases"),
            checks=self.queue("checks"),
            alerts=self.queue("alerts"),
            evidence=self.blobs("evidence"),
            checkpoints=self.blobs("checkpoints"),
            live=live,
            channel=channel,
        )

    def _table(self, name: str) -> TableClient:
        return TableClient.from_connection_string(self._connection, name, **self._options)

    def _container(self, name: str) -> ContainerClient:
        return ContainerClient.from_connection_string(self._connection, name, **self._options)
