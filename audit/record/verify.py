"""Recompute chains, hold them against checkpoints, and say exactly what is vouched for and what is not."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from audit.record import evidence, keys
from audit.record.checkpoints import Checkpoint
from audit.record.evidence import Broken, Link
from audit.record.journal import at_of


class Of(StrEnum):
    """What a chain tells of."""

    CHECKS = "checks"
    APPROVALS = "approvals"
    ALERTS = "alerts"
    POLICIES = "policies"


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain as it is stored: whose it is, where its head says it stands, and its entries' bytes.

    `name` is the id of the target or parent that it tells of, and empty for the policies, which belong to no
    parent. `stream` is what its entries call it.
    """

    of: Of
    parent: str
    stream: str
    name: str
    head: Link
    entries: tuple[bytes, ...]

    @property
    def mark(self) -> str:
        """Return what checkpoints call it: a target's approvals are a chain beside that of its checks."""
        return keys.APPROVALS + self.stream if self.of is Of.APPROVALS else self.stream

    @property
    def title(self) -> str:
        """Return what it is called where one line has to say it."""
        return _title(self.of, self.name)


@dataclass(frozen=True, slots=True)
class Vouched:
    """What can be said of one chain.

    Entries before `first` were pruned; `since` is when `first` was written. Those up to `seq`, written at `until`,
    are vouched for by the checkpoint `by`, which was written at `at`; newer ones only by the chain itself.
    `broken` is the first that does not fit.
    """

    of: Of
    name: str
    first: int
    entries: int
    since: datetime | None
    seq: int
    until: datetime | None
    by: str
    at: datetime | None
    broken: Broken | None

    @property
    def title(self) -> str:
        """Return what the chain is called where one line has to say it."""
        return _title(self.of, self.name)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """What something outside a chain says of it: that its entry `seq` has this digest."""

    seq: int
    at: datetime
    digest: str
    by: str


def _title(of: Of, name: str) -> str:
    return f"{of} of {name}" if name else str(of)


Key = tuple[str, str]  # parent and mark: every parent has a chain of alerts of its own


def verify(chains: Iterable[Chain], checkpoints: Sequence[Checkpoint]) -> list[Vouched]:
    """Return what can be said of every chain, and of every chain that something else knows of and that is gone."""
    found = {_key(chain.parent, chain.mark): chain for chain in chains}
    marks, cited = _marks(checkpoints), _cited(found.values())
    vouched = [_verify_chain(found[key], marks.get(key, []), cited.get(key, [])) for key in sorted(found)]
    known = {key: marks.get(key) or cited[key] for key in {*marks, *cited}}
    return vouched + [_gone(key, known[key][-1]) for key in sorted(set(known) - set(found))]


def _key(parent: str, mark: str) -> Key:
    return ("" if mark == keys.POLICY else parent, mark)


def _marks(checkpoints: Iterable[Checkpoint]) -> Mapping[Key, list[Mark]]:
    """Return what checkpoints say of each chain, the longest last."""
    marks: dict[Key, list[Mark]] = defaultdict(list)
    for checkpoint in checkpoints:
        for mark, (seq, digest) in checkpoint.heads.items():
            said = Mark(seq, checkpoint.at, digest, f"checkpoint {checkpoint.name}")
            marks[_key(checkpoint.parent, mark)].append(said)
    return {key: sorted(each) for key, each in marks.items()}


def _cited(chains: Iterable[Chain]) -> Mapping[Key, list[Mark]]:
    """Return what the checks of targets say of their approvals: each names the head that it was judged by.

    Approvers cannot write to the chain of the checks, so they cannot write their own anew from an old act on.
    """
    cited: dict[Key, set[Mark]] = defaultdict(set)
    for chain in (each for each in chains if each.of is Of.CHECKS):
        seen: set[tuple[int, str]] = {(0, evidence.GENESIS)}
        for raw in chain.entries:
            named = _judged_by(raw)
            if named is not None and named not in seen:
                seen.add(named)
                by = f"entry {evidence.read(raw).get('seq')} of the checks"
                cited[(chain.parent, keys.APPROVALS + chain.stream)].add(Mark(named[0], at_of(raw), named[1], by))
    return {key: sorted(each) for key, each in cited.items()}


def _judged_by(raw: bytes) -> tuple[int, str] | None:
    entry = evidence.read(raw)
    body = entry.get("body") if entry.get("kind") == "check" else None
    release = body.get("release") if isinstance(body, dict) else None
    seq, digest = (release.get("seq"), release.get("digest")) if isinstance(release, dict) else (None, None)
    return (seq, digest) if isinstance(seq, int) and isinstance(digest, str) else None


def _verify_chain(chain: Chain, marks: Sequence[Mark], cited: Sequence[Mark]) -> Vouched:
    first, _ = evidence.first_of(chain.entries)
    broken = evidence.find_break(chain.stream, chain.entries, chain.head)
    lies = (found for mark in (*marks, *cited) if (found := _contradiction(chain, first, mark)))
    broken = broken or next(lies, None)
    held = None
    for mark in marks:
        if mark.seq >= first and _contradiction(chain, first, mark):
            break
        held = mark if mark.seq >= first else held
    return Vouched(
        of=chain.of,
        name=chain.name,
        first=first,
        entries=len(chain.entries),
        since=at_of(chain.entries[0]) if chain.entries else None,
        seq=held.seq if held else 0,
        until=at_of(chain.entries[held.seq - first]) if held else None,
        by=held.by if held else "",
        at=held.at if held else None,
        broken=broken,
    )


def _contradiction(chain: Chain, first: int, mark: Mark) -> Broken | None:
    """Return what a mark says that the chain does not, where it speaks of an entry that was not pruned."""
    if mark.seq < first:
        return None
    there = chain.entries[mark.seq - first : mark.seq - first + 1]
    got = evidence.sha256(there[0]) if there else "the chain ends before it"
    return None if got == mark.digest else Broken(mark.seq, f"{mark.digest}, as {mark.by} says", got)


def _gone(key: Key, mark: Mark) -> Vouched:
    parent, name = key
    broken = Broken(mark.seq, f"a chain of {mark.seq} entries, as {mark.by} says", "no such chain")
    of = Of.POLICIES if name == keys.POLICY else Of.ALERTS if name == keys.ALERTS else Of.CHECKS
    if name.startswith(keys.APPROVALS):
        of = Of.APPROVALS
    shown = parent if of is Of.ALERTS else f"{name.removeprefix(keys.APPROVALS)} in {parent}"
    return Vouched(of, "" if of is Of.POLICIES else shown, 1, 0, None, 0, None, mark.by, mark.at, broken)
