"""Fakes of the ports, in memory. Each passes the same contract tests as its adapter (tests/contracts)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from audit.adapters.volatile import VolatileBlobs, VolatileTable
from audit.errors import Conflict, Unavailable
from audit.model import Alert, Look, Outcome, Target
from audit.ports import Delete, Listing, Row, Write
from audit.record import seals
from audit.sight.catalogue import Catalogue, Unread

# Azure Table storage's limits; Azurite is laxer, so the fake holds them.
MAX_WRITES = 100
MAX_TRANSACTION = 4 * 1024 * 1024
MAX_ROW = 1024 * 1024
MAX_PROPERTIES = 252
MAX_TEXT = 32_768
MAX_BINARY = 65_536
FORBIDDEN_IN_KEYS = set("/\\#?") | {chr(c) for c in (*range(0x20), *range(0x7F, 0xA0))}


@dataclass
class FakeTable(VolatileTable):
    """A table that counts its round trips, fails when told to, and refuses what Azure refuses."""

    round_trips: int = 0
    fail_next: int = 0
    fail_after: int = -1
    lose_answer_next: int = 0

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        self._arrive()
        return super().rows(partition, start, end, limit)

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        self._arrive()
        _check_limits(partition, writes)
        etags = super().commit(partition, writes)
        if self.lose_answer_next:
            self.lose_answer_next -= 1
            raise Conflict("the SDK tried again after a lost answer, and met its own success")
        return etags

    def all_rows(self) -> dict[tuple[str, str], dict]:
        return {(p, r.key): dict(r.values) for p, rows in self.partitions.items() for r in rows.values()}

    def _arrive(self) -> None:
        self.round_trips += 1
        self.fail_after -= 1
        if self.fail_after == 0:
            raise Unavailable("injected")
        if self.fail_next:
            self.fail_next -= 1
            raise Unavailable("injected")


def _check_limits(partition: str, writes: Sequence[Write]) -> None:
    assert 0 < len(writes) <= MAX_WRITES, f"{len(writes)} writes in a transaction"
    keys = [write.key if isinstance(write, Delete) else write.row.key for write in writes]
    assert len(set(keys)) == len(keys), "a row may stand in a transaction only once"
    assert not FORBIDDEN_IN_KEYS & set("".join([partition, *keys]))
    sizes = [_size(write.row) for write in writes if not isinstance(write, Delete)]
    assert sum(sizes) <= MAX_TRANSACTION


def _size(row: Row) -> int:
    assert len(row.values) <= MAX_PROPERTIES
    for name, value in row.values.items():
        assert name.isidentifier()
        assert not isinstance(value, str) or len(value) <= MAX_TEXT
        assert not isinstance(value, bytes) or len(value) <= MAX_BINARY
    size = sum(len(str(value)) for value in row.values.values())
    assert size <= MAX_ROW
    return size


@dataclass
class FakeQueue:
    """A queue whose messages a test takes out by hand."""

    sent: list[tuple[str, timedelta]] = field(default_factory=list)

    def send(self, message: str, delay: timedelta = timedelta()) -> None:
        self.sent.append((message, delay))

    def take(self) -> list[str]:
        messages = [message for message, _ in self.sent]
        self.sent.clear()
        return messages


FakeBlobs = VolatileBlobs


@dataclass
class FakeSeal:
    """A signature by a key that a test holds itself; `errors` are raised first, one a call."""

    suffix: str = seals.SIGNATURE
    is_daily: bool = False
    errors: list[Exception] = field(default_factory=list)
    sealed: list[bytes] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def seal(self, content: bytes) -> bytes:
        if self.errors:
            raise self.errors.pop(0)
        self.sealed.append(content)
        signature = self.key.sign(content, ec.ECDSA(hashes.SHA256()))
        return seals.write_signature("https://vault.test/keys/k/1", "ES256", signature, FakeClock().now())

    @property
    def public_pem(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form)


@dataclass
class FakeFiles:
    """A container into which a test drops files."""

    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, name: str, most: int) -> bytes | None:
        content = self.files.get(name)
        return None if content is None else content[:most]


@dataclass
class FakeLive:
    """Azure as a dictionary of documents; an error stands for a target that cannot be looked at.

    `index` holds the marks of what an index knows, true or not; `index_refuses` says why it knows nothing.
    """

    documents: dict[Target, dict] = field(default_factory=dict)
    errors: dict[Target, Exception | Look] = field(default_factory=dict)
    unlisted: dict[str, str] = field(default_factory=dict)
    catalogues: dict[str, Catalogue | Unread] = field(default_factory=dict)
    index: dict[Target, str] = field(default_factory=dict)
    index_refuses: str = ""
    looks: int = 0

    def parents(self) -> list[str]:
        return sorted({target.parent for target in self.documents})

    def look(self, target: Target) -> Look:
        self.looks += 1
        problem = self.errors.get(target)
        if isinstance(problem, Exception):
            raise problem
        if problem is not None:
            return problem
        document = self.documents.get(target)
        return Look(Outcome.PRESENT, document) if document is not None else Look(Outcome.ABSENT)

    def list_targets(self, parent: str, known: Mapping[Target, str] | None = None) -> Listing:
        if parent in self.unlisted:
            return Listing({}, Look(Outcome.UNREADABLE, reason=self.unlisted[parent]))
        listed = [target for target in self.documents if target.parent == parent]
        marks = self.index if known is not None and not self.index_refuses else {}
        unread = frozenset(t for t in listed if known and t in marks and known.get(t) == marks[t])
        looks = {target: self.look(target) for target in listed if target not in unread}
        seen = {target: marks[target] for target in looks if target in marks}
        return Listing(looks, unread=unread, marks=seen, index=self.index_refuses if known is not None else "")

    def catalogue(self, parent: str, max_age: timedelta) -> Catalogue | Unread:
        return self.catalogues.get(parent, {})


@dataclass
class FakeChannel:
    """A channel that keeps what it was given; `errors` are raised first, one a call."""

    alerts: list[Alert] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def send(self, alert: Alert) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.alerts.append(alert)


@dataclass
class FakeClock:
    """A clock that a test moves."""

    time: datetime = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)
