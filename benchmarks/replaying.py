"""What Azurite itself can do: the operations that the audit asked for, again, with the bare SDK and no audit.

The sizes and the order are the same. Writes go to rows of each writer's own, so nothing ever conflicts.
"""

from collections.abc import Sequence
from statistics import mean

from azure.data.tables import TableClient

from benchmarks.storing import PUT, READ, SEND, WRITE, Operation, Storage

MAX_WRITES = 100  # of one transaction


class Replay:
    """One writer's operations, ready to be repeated as number `number` below the names of `name`."""

    def __init__(self, storage: Storage, name: str, number: int, operations: Sequence[Operation]):
        self._table, self._queue = storage.table(f"{name}raw"), storage.queue(f"{name}-raw")
        self._blobs = storage.blobs(f"{name}-raw")
        self._number, self._operations = number, operations
        _put_rows_to_read(self._table, number, operations)

    def run(self) -> None:
        """Repeat every operation once."""
        for place, operation in enumerate(self._operations):
            self._repeat(f"{self._number}-{place}", operation)

    def _repeat(self, key: str, operation: Operation) -> None:
        if operation.verb == READ:
            partition = _partition(self._number, len(operation.sizes))
            list(self._table.query_entities("PartitionKey eq @partition", parameters={"partition": partition}))
        elif operation.verb == WRITE:
            self._table.submit_transaction(_upserts(f"w-{self._number}", key, operation.sizes))
        elif operation.verb == SEND:
            self._queue.send_message("m" * operation.sizes[0])
        elif operation.verb == PUT:
            self._blobs.upload_blob(key, bytes(operation.sizes[0]))


def _put_rows_to_read(table: TableClient, number: int, operations: Sequence[Operation]) -> None:
    """Write as many rows as any read returned, of their mean size."""
    reads = [operation.sizes for operation in operations if operation.verb == READ]
    size = round(mean([each for sizes in reads for each in sizes] or [0]))
    for count in {len(sizes) for sizes in reads} - {0}:
        for start in range(0, count, MAX_WRITES):
            sizes = [size] * min(MAX_WRITES, count - start)
            table.submit_transaction(_upserts(_partition(number, count), str(start), sizes))


def _partition(number: int, rows: int) -> str:
    return f"r-{number}-{rows}"


def _upserts(partition: str, key: str, sizes: Sequence[int]) -> list[tuple[str, dict[str, str | bytes]]]:
    rows = enumerate(sizes)
    return [
        ("upsert", {"PartitionKey": partition, "RowKey": f"{key}-{n}", "body": bytes(size)}) for n, size in rows
    ]
