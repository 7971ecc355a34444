"""Recompute chains, hold them against checkpoints, and say exactly what is vouched for and what is not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit import evidence
from audit.checkpoints import Checkpoint
from audit.evidence import Broken, Link
from audit.journal import at_of


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain as it is stored: whose it is, where its head says it stands, and its entries' bytes."""

    parent: str
    stream: str
    name: str
    head: Link
    entries: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Vouched:
    """What can be said of one chain.

    Entries before `first` were pruned. Those up to `seq`, written at `until`, are vouched for by the checkpoint
    `by`, which was written at `at`; newer ones only by the chain itself. `broken` is the first that does not fit.
    """

    name: str
    first: int
    entries: int
    seq: int
    until: datetime | None
    by: str
    at: datetime | None
    broken: Broken | None


Key = tuple[str, str]  # parent and stream: every parent has a chain of alerts of its own
Mark = tuple[Checkpoint, int, str]


def verify(chains: Iterable[Chain], checkpoints: Sequence[Checkpoint]) -> list[Vouched]:
    """Return what can be said of every chain, and of every chain that a checkpoint knows and that is gone."""
    found = {(chain.parent, chain.stream): chain for chain in chains}
    marks = _marks(checkpoints)
    vouched = [_verify_chain(chain, marks.get(key, [])) for key, chain in sorted(found.items())]
    return vouched + [_gone(key, marks[key][-1]) for key in sorted(set(marks) - set(found))]


def _marks(checkpoints: Sequence[Checkpoint]) -> Mapping[Key, list[Mark]]:
    marks: dict[Key, list[Mark]] = {}
    for checkpoint in sorted(checkpoints, key=lambda each: each.at):
        for stream, (seq, digest) in checkpoint.heads.items():
            marks.setdefault((checkpoint.parent, stream), []).append((checkpoint, seq, digest))
    return marks


def _verify_chain(chain: Chain, marks: Sequence[Mark]) -> Vouched:
    broken = evidence.find_break(chain.stream, chain.entries, chain.head)
    first, _ = evidence.first_of(chain.entries)
    held = None
    for checkpoint, seq, digest in (mark for mark in marks if mark[1] >= first):
        there = chain.entries[seq - first : seq - first + 1]
        got = evidence.sha256(there[0]) if there else "the chain ends before it"
        if got != digest:
            broken = broken or Broken(seq, f"{digest}, as checkpoint {checkpoint.name} says", got)
            break
        held = (checkpoint, seq, at_of(there[0]))
    if held is None:
        return Vouched(chain.name, first, len(chain.entries), 0, None, "", None, broken)
    checkpoint, seq, until = held
    return Vouched(chain.name, first, len(chain.entries), seq, until, checkpoint.name, checkpoint.at, broken)


def _gone(key: Key, mark: Mark) -> Vouched:
    checkpoint, seq, _ = mark
    broken = Broken(seq, f"a chain of {seq} entries, as checkpoint {checkpoint.name} says", "no such chain")
    return Vouched(f"chain {key[1]} of {key[0]}", 1, 0, 0, None, checkpoint.name, checkpoint.at, broken)
