"""What the service needs of the outside world; `audit/adapters` and `tests/fakes.py` both provide it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from audit.model import Alert, Kind, Look, Outcome, Target
from audit.sight.catalogue import Catalogue, Unread

Value = str | int | bool | bytes


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table. `etag` is as it was read, and empty in a row that is yet to be created."""

    key: str
    values: Mapping[str, Value]
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Create:
    """Insert a row; a row of the same key makes the whole transaction a conflict."""

    row: Row


@dataclass(frozen=True, slots=True)
class Replace:
    """Replace a row that still has the ETag it was read with; otherwise the transaction is a conflict."""

    row: Row


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a row that still has this ETag; otherwise the transaction is a conflict."""

    key: str
    etag: str


Write = Create | Replace | Delete


class Table(Protocol):
    """A table whose transactions cover one partition: all of the writes or none, at most 100 and 4 MiB."""

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        """Return the first `limit` rows with `start <= key < end`, sorted by key; raise `Unavailable`."""
        ...

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        """Write everything or nothing, and return the ETag of each write's row (empty for a deleted one).

        Raises `Conflict` where a row is not as expected, or `Unavailable`.

        A conflict may be the caller's own success: an answer can get lost after the commit.
        """
        ...


class Queue(Protocol):
    """A queue that delivers at least once, in no order."""

    def send(self, message: str, delay: timedelta = timedelta()) -> None:
        """Put a message that becomes visible after `delay` and never expires; raise `Unavailable`."""
        ...


class Blobs(Protocol):
    """A container of blobs that are written once."""

    def put(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Write a blob; one of that name that is already there stays as it is. Raise `Unavailable`."""
        ...

    def get(self, name: str) -> bytes | None:
        """Return a blob's content, or None where there is none; raise `Unavailable`."""
        ...

    def names(self, prefix: str = "") -> list[str]:
        """Return the names of the blobs that begin with `prefix`, sorted; raise `Unavailable`."""
        ...


class Seal(Protocol):
    """Somebody outside who vouches for checkpoints: a key that signs them, or an authority that says when."""

    @property
    def suffix(self) -> str:
        """Return what the seal's blob has behind the checkpoint's name."""
        ...

    @property
    def is_daily(self) -> bool:
        """Say whether only the full checkpoint of a day is sealed, and not each one."""
        ...

    def seal(self, content: bytes) -> bytes:
        """Return the seal over a checkpoint's bytes; raise `Unavailable`."""
        ...


def every(kind: Kind) -> str:
    """Return what stands in `Listing.skipped` for a whole kind of targets."""
    return f"every {kind}"


class DroppedFiles(Protocol):
    """A container into which others put files: anything may stand there, at any size, and change at any time."""

    def read(self, name: str, most: int) -> bytes | None:
        """Return the first `most` bytes of a file, or None where there is none; raise `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """What a parent holds: a look for every target, how listing it ended, and how complete it is.

    An unreadable listing may still hold what was seen before the fault; its absences mean nothing. `skipped` says
    of what was listed and not looked at (an item, or a whole kind of them) why.

    `marks` stand for what an index (Resource Graph) says of targets that were looked at; equal marks mean that the
    index knows of no change. `unread` were left out because of that, and `index` says why there are no marks.
    """

    looks: Mapping[Target, Look]
    itself: Look = field(default_factory=lambda: Look(Outcome.PRESENT))
    skipped: Mapping[str, str] = field(default_factory=dict)
    unread: frozenset[Target] = frozenset()
    marks: Mapping[Target, str] = field(default_factory=dict)
    index: str = ""

    @property
    def listed(self) -> int:
        """Return how many items the lists held."""
        return len(self.looks) + len(self.skipped) + len(self.unread)

    @property
    def seen(self) -> int:
        """Return how many of them were looked at."""
        return len(self.looks) - self.unreadable

    @property
    def unreadable(self) -> int:
        """Return how many of them could not be looked at."""
        return sum(look.outcome is Outcome.UNREADABLE for look in self.looks.values())


class Live(Protocol):
    """The live state of Azure and of MLflow registries.

    Every method raises `Throttled` or `Unavailable` where nothing can be concluded.
    """

    def parents(self) -> list[str]:
        """Return the ids of the workspaces, registries and accounts that are watched, lower-cased."""
        ...

    def look(self, target: Target) -> Look:
        """Return what the service says of a target now."""
        ...

    def list_targets(self, parent: str, known: Mapping[Target, str] | None = None) -> Listing:
        """Return what a workspace, a registry or an account holds.

        A target whose mark is still the one that is `known` may be left unread, but it is always listed. Without
        any, an empty mapping too, everything is read; with None no index is asked, and there are no marks.
        """
        ...

    def catalogue(self, parent: str, max_age: timedelta) -> Catalogue | Unread:
        """Return the retirement dates of an account's region, at most `max_age` old, or why there are none."""
        ...


class Channel(Protocol):
    """A place where alerts go. It may show an alert twice only where the receiver ignores its id."""

    def send(self, alert: Alert) -> None:
        """Deliver an alert; raise `NotDelivered` where it was not accepted."""
        ...
