"""Tables, queues and blobs of an Azure storage account, or of Azurite."""

import contextlib
import itertools
import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableClient, TableTransactionError, UpdateMode
from azure.storage.blob import ContainerClient, ContentSettings
from azure.storage.queue import QueueClient

from audit.errors import Conflict, Unavailable
from audit.ports import Create, Delete, Replace, Row, Write

# A row that is not as expected: it exists (409), has another ETag (412), or is gone (404).
_CONFLICTS = frozenset({404, 409, 412})
_LONGEST_DELAY = timedelta(days=7)  # Storage queues keep a message invisible for no longer
_RESERVED = frozenset({"PartitionKey", "RowKey"})


class AzureTable:
    """A table of Azure Table storage; see `audit.ports.Table`."""

    def __init__(self, client: TableClient):
        self._client = client

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        """Return the first `limit` rows with `start <= key < end`, page by page, sorted by key."""
        found = self._client.query_entities(
            "PartitionKey eq @partition and RowKey ge @start and RowKey lt @end",
            parameters={"partition": partition, "start": start, "end": end},
            results_per_page=limit,
        )
        with _translated(f"read rows {start}..{end} of partition {partition}"):
            return [_row(entity) for entity in itertools.islice(found, limit)]

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        """Submit one entity-group transaction."""
        operations: Any = [_operation(partition, write) for write in writes]
        with _translated(f"commit {len(writes)} rows to partition {partition}"):
            try:
                return [str(answer.get("etag") or "") for answer in self._client.submit_transaction(operations)]
            except TableTransactionError as error:
                # Raised for every refusal, with the status of the row that was refused.
                code = getattr(error, "error_code", None)
                if error.status_code in _CONFLICTS and code != "TableNotFound":
                    raise Conflict(f"{code} at row {error.index} of {len(writes)}") from error
                raise


def _row(entity: Any) -> Row:
    values = {name: value for name, value in entity.items() if name not in _RESERVED}
    return Row(entity["RowKey"], values, entity.metadata["etag"])


def _operation(partition: str, write: Write) -> tuple[Any, ...]:
    match write:
        case Create(row):
            return ("create", _entity(partition, row))
        case Replace(row):
            return ("update", _entity(partition, row), {"mode": UpdateMode.REPLACE, **_if_match(row.etag)})
        case Delete(key, etag):
            return ("delete", {"PartitionKey": partition, "RowKey": key}, _if_match(etag))


def _entity(partition: str, row: Row) -> dict[str, Any]:
    return {**row.values, "PartitionKey": partition, "RowKey": row.key}


def _if_match(etag: str) -> dict[str, Any]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


class AzureQueue:
    """A storage queue; see `audit.ports.Queue`. Messages are plain text (`messageEncoding` none in host.json)."""

    def __init__(self, client: QueueClient):
        self._client = client

    def send(self, message: str, delay: timedelta = timedelta()) -> None:
        """Put a message that never expires: a message that did would be work lost in silence."""
        seconds = math.ceil(min(delay, _LONGEST_DELAY).total_seconds())
        with _translated(f"send a message to queue {self._client.queue_name}"):
            self._client.send_message(message, visibility_timeout=seconds, time_to_live=-1)


class AzureBlobs:
    """A blob container whose blobs are written once; see `audit.ports.Blobs`."""

    def __init__(self, client: ContainerClient):
        self._client = client

    def put(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Upload a blob unless there is one of that name."""
        settings = ContentSettings(content_type=content_type)
        with _translated(f"write blob {name}"), contextlib.suppress(ResourceExistsError):
            self._client.upload_blob(name, content, overwrite=False, content_settings=settings)

    def get(self, name: str) -> bytes | None:
        """Download a blob."""
        return self._download(name)

    def read(self, name: str, most: int) -> bytes | None:
        """Download no more than the first `most` bytes of a blob; see `audit.ports.DroppedFiles`."""
        return self._download(name, most)

    def _download(self, name: str, most: int | None = None) -> bytes | None:
        with _translated(f"read blob {name}"):
            try:
                return self._client.download_blob(name, None if most is None else 0, most).readall()
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", None) != "BlobNotFound":
                    raise  # the container is missing: that says nothing of the blob
                return None
            except HttpResponseError as error:
                if error.status_code != 416:
                    raise
                return b""  # an empty blob has no first bytes to give

    def names(self, prefix: str = "") -> list[str]:
        """List blobs, page by page."""
        with _translated(f"list blobs {prefix}*"):
            return sorted(self._client.list_blob_names(name_starts_with=prefix))


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        status = f" (HTTP {error.status_code})" if isinstance(error, HttpResponseError) else ""
        raise Unavailable(
            f"tried to {what}; storage answered {type(error).__name__}{status}. The work is tried again "
            "by itself; if it goes on, look at the storage account's health, firewall and role assignments"
        ) from error
