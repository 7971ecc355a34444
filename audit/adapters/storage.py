"""Tables and queues of an Azure storage account, or of Azurite."""

import contextlib
import itertools
import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError
from azure.data.tables import TableClient, TableTransactionError, UpdateMode
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
        with translated(f"read rows {start}..{end} of partition {partition}"):
            return [_row(entity) for entity in itertools.islice(found, limit)]

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        """Submit one entity-group transaction."""
        operations: Any = [_operation(partition, write) for write in writes]
        with translated(f"commit {len(writes)} rows to partition {partition}"):
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
        with translated(f"send a message to queue {self._client.queue_name}"):
            self._client.send_message(message, visibility_timeout=seconds, time_to_live=-1)


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what the SDKs raise into `Unavailable`; `what` says what was tried."""
    try:
        yield
    except AzureError as error:
        status = f" (HTTP {error.status_code})" if isinstance(error, HttpResponseError) else ""
        raise Unavailable(
            f"tried to {what}; storage answered {type(error).__name__}{status}. The work is tried again "
            "by itself; if it goes on, look at the storage account's health, firewall and role assignments"
        ) from error
