"""Mutations of the commit path, each a port that breaks one of its rules; the checker must notice them."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from audit.model import Alert, Look, Notice, Target
from audit.ports import Channel, Create, Delete, Replace, Row, Table, Write
from audit.record import ledger
from tests.fakes import FakeLive, FakeTable


@dataclass
class Unguarded:
    """A table that writes whatever it finds: no ETag, no uniqueness, for keys that `is_open` names."""

    table: FakeTable
    is_open: Callable[[str], bool]

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        return self.table.rows(partition, start, end, limit)

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        found = self.table.partitions[partition]
        return self.table.commit(partition, [each for write in writes for each in self._opened(found, write)])

    def _opened(self, found: dict[str, Row], write: Write) -> list[Write]:
        key = write.key if isinstance(write, Delete) else write.row.key
        if not self.is_open(key):
            return [write]
        if isinstance(write, Delete):
            return [Delete(key, found[key].etag)] if key in found else []
        return [Replace(replace(write.row, etag=found[key].etag)) if key in found else Create(write.row)]


@dataclass
class TornInTwo:
    """A table that commits the last writes of a transaction in a second one; `between` may end the process."""

    table: Table
    between: Callable[[], None]

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        return self.table.rows(partition, start, end, limit)

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        if len(writes) < 2:
            return self.table.commit(partition, writes)
        half = len(writes) // 2
        etags = self.table.commit(partition, writes[:half])
        self.between()
        return etags + self.table.commit(partition, writes[half:])


@dataclass
class Without:
    """A table that does not write the rows whose keys begin with `prefix`."""

    table: Table
    prefix: str

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        return self.table.rows(partition, start, end, limit)

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        kept = [w for w in writes if isinstance(w, Delete) or not w.row.key.startswith(self.prefix)]
        return self.table.commit(partition, kept)


@dataclass
class ToldFirst:
    """A table that tells on-call what a transaction owes before it records it."""

    table: Table
    channel: Channel
    between: Callable[[], None]

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        return self.table.rows(partition, start, end, limit)

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        rows = [write.row for write in writes if isinstance(write, Create) and write.row.key.startswith("1-x-")]
        if rows:
            notices = tuple(ledger.read(row, Notice) for row in rows)
            at, parent = notices[0].episode.noticed_at, notices[0].episode.finding.target.parent
            self.channel.send(Alert(notices[0].id, parent, at, notices))
            self.between()
        return self.table.commit(partition, writes)


@dataclass
class FreshKeys:
    """A channel that gives every try a key of its own; `after` may end the process."""

    channel: Channel
    after: Callable[[], None]

    def send(self, alert: Alert) -> None:
        self.channel.send(replace(alert, id=uuid.uuid4().hex))
        self.after()


@dataclass
class Forgetful:
    """A queue that drops what is sent."""

    dropped: list[str] = field(default_factory=list)

    def send(self, message: str, delay: timedelta = timedelta()) -> None:
        self.dropped.append(message)


@dataclass
class SeenOnce:
    """Azure, looked at once: whoever starts again after a conflict uses what was seen before it."""

    live: FakeLive
    seen: dict[Target, Look] = field(default_factory=dict)

    def look(self, target: Target) -> Look:
        return self.seen.setdefault(target, self.live.look(target))

    def __getattr__(self, name: str) -> object:
        return getattr(self.live, name)


@dataclass
class Watched:
    """A table that notes the ranges it is asked for."""

    table: Table
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        self.asked.append((partition, start, end))
        return self.table.rows(partition, start, end, limit)

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        return self.table.commit(partition, writes)


def starting_with(*prefixes: str, ending: str = "") -> Callable[[str], bool]:
    """Return what says whether a key begins with one of these and ends so."""
    return lambda key: key.startswith(prefixes) and key.endswith(ending)
