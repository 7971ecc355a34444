"""Read every chain with the rows that answers are read from, and hold them against each other.

A commit may fall between two reads, and a chain then looks broken that is not. So what looks broken is read again,
until two reads in a row give the same.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from audit.approvals import releases
from audit.errors import BadInput
from audit.ports import Row, Table
from audit.record import derived, evidence, keys, ledger, outbox
from audit.record.derived import Lie
from audit.record.evidence import EMPTY, Broken
from audit.record.ledger import Seen, raw_of
from audit.record.verify import Chain, Of

T = TypeVar("T")

MAX_READS = 5  # of what commits faster than it can be read twice; then the last one counts
_POINTER = keys.CHECKPOINT.split("-")[1]  # what the pointer to the newest checkpoint has in place of a target


@dataclass(frozen=True, slots=True)
class Stored:
    """A chain as it is stored, and the rows beside it that do not say what it says."""

    chain: Chain
    lies: tuple[Lie, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Say whether the chain holds together by itself, and its rows with it."""
        chain = self.chain
        return not self.lies and evidence.find_break(chain.stream, chain.entries, chain.head) is None

    @property
    def is_there(self) -> bool:
        """Say whether anything is stored; of a target whose first event waits there is nothing yet."""
        return bool(self.lies or self.chain.entries or self.chain.head.seq)


@dataclass(frozen=True, slots=True)
class Record:
    """The tables that hold the record; nothing here writes."""

    ledger: Table
    releases: Table

    def of_parent(self, parent: str) -> Iterator[Stored]:
        """Return what is stored of a workspace, registry or account.

        The checks come before the approvals, so that what a check names was written before it is looked for.
        """
        partition, names = keys.partition(parent), dict[str, str]()
        for stream, rows in _all_rows(self.ledger, partition):
            make = partial(_alerts if stream == keys.ALERTS else _checks, parent, stream)
            stored = _settled(make, rows, partial(_rows, self.ledger, partition, stream))
            names[stream] = stored.chain.name
            yield from [stored] if stored.is_there else []
        for stream, rows in _all_rows(self.releases, partition):
            make = partial(_approvals, parent, stream, names.get(stream, f"{stream} in {parent}"))
            stored = _settled(make, rows, partial(_rows, self.releases, partition, stream))
            yield from [stored] if stored.is_there else []

    def of_policies(self) -> Iterator[Stored]:
        """Return what is stored of the policies, if there are any."""
        again = partial(_rows, self.releases, keys.POLICY, keys.POLICY)
        stored = _settled(_policies, again(), again)
        yield from [stored] if stored.is_there else []


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a chain and those that go with it."""

    hot: Sequence[Row]
    entries: Sequence[Row]
    states: Sequence[Row]

    @property
    def raw(self) -> tuple[bytes, ...]:
        """Return the entries' bytes."""
        return tuple(raw_of(row) for row in self.entries)


def _all_rows(table: Table, partition: str) -> Iterator[tuple[str, _Rows]]:
    hot, entries, states = (
        ledger.by_stream(table.rows(partition, *range_))
        for range_ in (keys.ALL_HOT, keys.ALL_ENTRIES, keys.ALL_OBSERVATIONS)
    )
    hot[keys.ALERTS] = table.rows(partition, *keys.OUTBOX)
    for stream in sorted({*hot, *entries, *states} - {_POINTER}):
        yield stream, _Rows(hot.get(stream, ()), entries.get(stream, ()), states.get(stream, ()))


def _rows(table: Table, partition: str, stream: str) -> _Rows:
    hot = keys.OUTBOX if stream == keys.ALERTS else keys.hot(stream)
    ranges = (hot, keys.journal_range(stream), keys.observations(stream))
    return _Rows(*(table.rows(partition, *range_) for range_ in ranges))


def _settled(make: Callable[[_Rows], Stored], rows: _Rows, again: Callable[[], _Rows]) -> Stored:
    found = make(rows)
    for _ in range(MAX_READS):
        if found.is_whole or found == (found := make(again())):
            break
    return found


def _checks(parent: str, stream: str, rows: _Rows) -> Stored:
    (hot, states), lies = _readable(
        lambda rows: (
            ledger.read_hot(row for row in rows if row.key[0] == "0"),
            {row.key: ledger.read(row, Seen) for row in rows if row.key[0] == "o"},
        ),
        [*rows.hot, *rows.states],
    )
    head = hot.head
    name, link = (head.target.id, head.link) if head else (f"{stream} in {parent}", EMPTY)
    chain = Chain(Of.CHECKS, parent, stream, name, link, rows.raw)
    return Stored(chain, (*lies, *derived.of_target(stream, hot, states, rows.raw)))


def _alerts(parent: str, stream: str, rows: _Rows) -> Stored:
    waiting, lies = _readable(outbox.read_outbox, rows.hot)
    link = waiting.head.link if waiting.head else EMPTY
    return Stored(Chain(Of.ALERTS, parent, stream, parent, link, rows.raw), lies)


def _approvals(parent: str, stream: str, known_as: str, rows: _Rows) -> Stored:
    approvals, lies = _readable(releases.read_approvals, rows.hot)
    release = approvals.release
    chain = Chain(
        Of.APPROVALS, parent, stream, release.target.id if release else known_as, approvals.link, rows.raw
    )
    return Stored(chain, (*lies, *derived.of_approvals(approvals, rows.raw)))


def _policies(rows: _Rows) -> Stored:
    policies, lies = _readable(releases.read_policies, rows.hot)
    chain = Chain(Of.POLICIES, "", keys.POLICY, "", policies.link, rows.raw)
    return Stored(chain, (*lies, *derived.of_policies(policies, rows.raw)))


def _readable(read: Callable[[Sequence[Row]], T], rows: Sequence[Row]) -> tuple[T, tuple[Lie, ...]]:
    """Return what rows hold, without those that nobody can read, and which those are."""
    try:
        return read(rows), ()
    except (BadInput, ValueError, IndexError):
        pass
    kept: list[Row] = []
    lies: list[Lie] = []
    for row in rows:
        try:
            read([row])
            kept.append(row)
        except (BadInput, ValueError, IndexError) as error:
            lies.append((f"key {row.key}", Broken(0, "a row that can be read", str(error))))
    return read(kept), tuple(lies)
