"""Storage that lasts as long as the process, for a judgement that must leave no trace, as that of an export."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from audit.errors import Conflict
from audit.ports import Create, Delete, Replace, Row, Write

_TURN = threading.Lock()  # of all tables: of its own, a table could not be copied


@dataclass
class VolatileTable:
    """See `audit.ports.Table`."""

    partitions: dict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))
    _etags: "itertools.count[int]" = field(default_factory=itertools.count)

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        """Return the first rows of a range, sorted by key."""
        with _TURN:
            found = self.partitions[partition]
            return [found[key] for key in sorted(key for key in found if start <= key < end)][:limit]

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        """Write everything or nothing; raise `Conflict` where a row is not as expected."""
        with _TURN:
            return self._commit(self.partitions[partition], writes)

    def _commit(self, found: dict[str, Row], writes: Sequence[Write]) -> list[str]:
        for write in writes:
            _expect(found, write)
        for write in writes:
            if isinstance(write, Delete):
                del found[write.key]
            else:
                found[write.row.key] = replace(write.row, etag=f'W/"{next(self._etags)}"')
        return ["" if isinstance(write, Delete) else found[write.row.key].etag for write in writes]


def _expect(found: dict[str, Row], write: Write) -> None:
    match write:
        case Create(row) if row.key in found:
            raise Conflict(f"{row.key} exists")
        case Replace(row) if row.key not in found or found[row.key].etag != row.etag:
            raise Conflict(f"{row.key} is gone or changed")
        case Delete(key, etag) if key not in found or found[key].etag != etag:
            raise Conflict(f"{key} is gone or changed")


@dataclass
class VolatileBlobs:
    """See `audit.ports.Blobs`."""

    blobs: dict[str, bytes] = field(default_factory=dict)

    def put(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> None:  # noqa: ARG002
        """Write a blob, unless there is one of that name."""
        self.blobs.setdefault(name, content)

    def get(self, name: str) -> bytes | None:
        """Return a blob's content, or None."""
        return self.blobs.get(name)

    def names(self, prefix: str = "") -> list[str]:
        """Return the names that begin with `prefix`, sorted."""
        return sorted(name for name in self.blobs if name.startswith(prefix))
