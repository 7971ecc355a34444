"""What a verification came to, as an auditor reads it: a table on stdout, the conclusions on stderr."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from audit.cli.output import show
from audit.model import Kind
from audit.record.checkpoints import FULL_EVERY
from audit.record.evidence import Broken
from audit.record.seals import Sealed, State
from audit.record.verify import Vouched
from audit.service.verify import Verified
from audit.targets import find_target

LATE = FULL_EVERY * 1.5  # by then the checkpoint of a day was due, and its sweep had time


def show_chains(verified: Verified, output: str) -> None:
    """Show every chain: from when on it is there, and up to where a checkpoint vouches for it."""
    rows = [
        {
            "id": each.name,
            "chain": str(each.of),
            "of": _short(each.name),
            "entries": each.entries,
            "first": each.first,
            "since": _moment(each.since),
            "vouched": each.seq,
            "until": _moment(each.until) or ("" if each.broken else "by nobody but itself"),
            "checkpoint": each.by.removeprefix("checkpoint "),
            "result": _result(each),
            "broken": f"{each.broken.expected}; got {each.broken.got}" if each.broken else "",
        }
        for each in sorted(verified.chains, key=lambda each: (each.name, each.of))
    ]
    columns = ("chain", "of", "since", "entries", "vouched", "until", "result")
    show(rows, columns, output, "Nothing is recorded yet.")


def show_checkpoints(verified: Verified, output: str) -> None:
    """Show every checkpoint with its seals."""
    rows = [
        {
            "id": each.checkpoint.parent,
            "of": _short(each.checkpoint.parent),
            "at": _moment(each.checkpoint.at),
            "heads": len(each.checkpoint.heads),
            "checkpoint": each.checkpoint.name,
            "digest": each.checkpoint.digest,
            "signed": _sealed("signed by", each.signature),
            "time_stamped": _sealed("time-stamped by", each.stamp),
        }
        for each in sorted(verified.witnesses, key=lambda each: (each.checkpoint.parent, each.checkpoint.at))
    ]
    show(
        rows, ("of", "at", "heads", "checkpoint", "signed", "time_stamped"), output, "There is no checkpoint yet."
    )


def conclusions(verified: Verified, now: datetime) -> Iterator[str]:
    """Return what follows, a sentence each: what is broken, what holds, by whose word, and what is missing."""
    for name, broken in verified.broken:
        yield f"BROKEN {name}: {_where(broken)}expected {broken.expected}, got {broken.got}"
    whole, count = sum(each.broken is None for each in verified.chains), len(verified.chains)
    yield f"All {count} chains hold together." if whole == count else f"{whole} of {count} chains hold together."
    yield from _about_checkpoints(verified, now)
    yield _about_seals("Signatures", [each.signature for each in verified.witnesses])
    yield _about_seals("Time stamps", [each.stamp for each in verified.witnesses])
    yield from (f"Owed: {sentence}" for sentence in verified.waiting)


def _about_checkpoints(verified: Verified, now: datetime) -> Iterator[str]:
    newest = verified.newest_checkpoint
    if newest is None:
        yield "There is no checkpoint: a tail that was cut off, or a chain that was written anew, would not show."
        return
    covered, count = sum(each.seq > 0 for each in verified.chains), len(verified.witnesses)
    yield (
        f"{covered} of them are vouched for by {count} checkpoint{'s' if count > 1 else ''}, the newest of "
        f"{_moment(newest)} UTC. What came after it is vouched for by its own chain only."
    )
    if now - newest > LATE:
        yield (
            f"No checkpoint was written for {(now - newest).days} days, and each day has one while the app runs: "
            "find out since when it does not. Nothing was recorded meanwhile."
        )


def _about_seals(what: str, seals: Sequence[Sealed]) -> str:
    counts: Counter[State] = Counter(seal.state for seal in seals)
    there = len(seals) - counts.pop(State.MISSING, 0)
    if not there:
        return f"{what}: none. They are off unless a setting turns them on."
    found = ", ".join(f"{counts[state]} {_worth(state, counts[state])}" for state in State if counts[state])
    why = {seal.why for seal in seals if seal.state is State.UNCHECKED}
    of = f"{there} of {len(seals)} checkpoint{'s' if len(seals) > 1 else ''}"
    return f"{what}: {of}; {found}{_because(sorted(why))}."


def _worth(state: State, count: int) -> str:
    if state is State.HOLDS:
        return "holds" if count == 1 else "hold"
    if state is State.BROKEN:
        return "does not hold" if count == 1 else "do not hold"
    return str(state)


def _because(reasons: Sequence[str]) -> str:
    return f" ({'; '.join(reasons)})" if reasons else ""


def _sealed(what: str, sealed: Sealed) -> str:
    if sealed.state is State.MISSING:
        return "no"
    when = f" at {_moment(sealed.at)} UTC" if sealed.at else ""
    return f"{what} {sealed.by or 'nobody knows whom'}{when}: {sealed.state}"


def _result(chain: Vouched) -> str:
    if chain.broken:
        return f"BROKEN at entry {chain.broken.seq}" if chain.broken.seq else "BROKEN"
    return f"holds, pruned up to {chain.first - 1}" if chain.first > 1 else "holds"


def _where(broken: Broken) -> str:
    return f"at entry {broken.seq} " if broken.seq else ""


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _short(name: str) -> str:
    target = find_target(name)
    if target is None:
        return name
    if target.kind is Kind.PARENT:
        return target.name
    kind = " (model)" if target.kind is Kind.MODEL else ""  # an endpoint often has the name of its model
    return f"{target.parent_name}/{target.name}{kind}"
