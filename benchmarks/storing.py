"""The audit's storage on Azurite, with every operation noted and every request on the wire counted."""

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests
from azure.core.exceptions import ResourceExistsError
from azure.core.pipeline.transport import RequestsTransport
from azure.data.tables import TableClient
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from audit.adapters.blobs import AzureBlobs
from audit.adapters.storage import AzureQueue, AzureTable
from audit.errors import Conflict
from audit.ports import Delete, Row, Write
from local.azurite import Azurite

READ, WRITE, SEND, PUT = "read", "write", "send", "put"


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of storage: what it was, and the bytes of each row, message or blob."""

    verb: str
    sizes: tuple[int, ...]


@dataclass(slots=True)
class Log:
    """What one writer asked of storage: its operations, the requests that travelled, and refusals.

    Requests count what the SDK sends, its own retries and further pages included.
    """

    operations: list[Operation] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    conflicts: int = 0

    def note(self, verb: str, *sizes: int) -> None:
        """Add one operation."""
        self.operations.append(Operation(verb, sizes))

    def clear(self) -> None:
        """Forget everything, such as what preparing asked for."""
        self.operations.clear()
        self.requests.clear()
        self.conflicts = 0


@dataclass(frozen=True, slots=True)
class CountedTable:
    """A table that notes what it is asked; see `audit.ports.Table`."""

    table: AzureTable
    log: Log

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        """Return rows, and note how many and how large they are."""
        found = self.table.rows(partition, start, end, limit)
        self.log.note(READ, *map(_size, found))
        return found

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        """Commit, and note the rows and whether others were first."""
        self.log.note(WRITE, *(0 if isinstance(each, Delete) else _size(each.row) for each in writes))
        try:
            return self.table.commit(partition, writes)
        except Conflict:
            self.log.conflicts += 1
            raise


@dataclass(slots=True)
class CountedQueue:
    """A queue that notes what it is sent, and keeps it for whoever plays the host."""

    queue: AzureQueue
    log: Log
    sent: list[str] = field(default_factory=list)

    def send(self, message: str, delay: timedelta = timedelta()) -> None:
        """Send and keep a message."""
        self.queue.send(message, delay)
        self.log.note(SEND, len(message))
        self.sent.append(message)

    def take(self) -> list[str]:
        """Return what was sent since the last time."""
        taken, self.sent = self.sent, []
        return taken


@dataclass(frozen=True, slots=True)
class CountedBlobs:
    """A container that notes what is put; see `audit.ports.Blobs`."""

    blobs: AzureBlobs
    log: Log

    def put(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Write a blob."""
        self.log.note(PUT, len(content))
        self.blobs.put(name, content, content_type)

    def get(self, name: str) -> bytes | None:
        """Read a blob, which is no part of the commit path."""
        return self.blobs.get(name)

    def names(self, prefix: str = "") -> list[str]:
        """List blobs, which is no part of the commit path."""
        return self.blobs.names(prefix)


def _size(row: Row) -> int:
    return sum(len(value) for value in row.values.values() if isinstance(value, str | bytes))


class Storage:
    """One writer's clients of an Azurite; every request that travels is counted in `log`."""

    def __init__(self, azurite: Azurite, log: Log):
        self.azurite, self.log = azurite, log
        session = requests.Session()
        session.hooks["response"].append(self._count)
        # One transport for all clients; `False` because it outlives each of them.
        self._options: dict[str, Any] = {"transport": RequestsTransport(session=session, session_owner=False)}

    def table(self, name: str) -> TableClient:
        """Return a client of a table, made where it is missing."""
        client = TableClient.from_connection_string(self.azurite.connection_string, name, **self._options)
        _make(client.create_table)
        return client

    def queue(self, name: str) -> QueueClient:
        """Return a client of a queue, made where it is missing."""
        client = QueueClient.from_connection_string(self.azurite.connection_string, name, **self._options)
        _make(client.create_queue)
        return client

    def blobs(self, name: str) -> ContainerClient:
        """Return a client of a container, made where it is missing."""
        client = ContainerClient.from_connection_string(self.azurite.connection_string, name, **self._options)
        _make(client.create_container)
        return client

    def _count(self, answer: requests.Response, **_: object) -> None:
        urls = {"table": self.azurite.table_url, "queue": self.azurite.queue_url, "blob": self.azurite.blob_url}
        self.log.requests.update(service for service, url in urls.items() if answer.url.startswith(url))


def _make(create: Callable[[], object]) -> None:
    with contextlib.suppress(ResourceExistsError):
        create()
