"""Checkpoints: where every chain of a parent stood at a moment, kept where the detector cannot change it.

A chain alone does not show that its tail was cut off, or that it was written anew from some entry on. A
checkpoint in a container with a locked immutability policy does, for everything older than itself. Each names
its predecessor, and reports carry its digest to where neither can be reached.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit.errors import BadInput
from audit.record import evidence, keys
from audit.record.evidence import Broken, Link

VERSION = 1
FULL_EVERY = timedelta(days=1)  # how often all heads are written, and not only those that moved
CLOCK_SKEW = timedelta(minutes=10)  # an entry's time comes from a worker's clock; a head listed twice harms nobody

_DIGEST = re.compile(r"checkpoint sha256:([0-9a-f]{64})\b")


@dataclass(frozen=True, slots=True)
class Pointer:
    """The newest checkpoint of a parent, as its ledger knows it.

    `owed` names the checkpoints that still wait for a seal, by its suffix, the oldest first; `failed` says why the
    last try for one failed.
    """

    name: str
    digest: str
    at: datetime
    full_at: datetime
    owed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint as it was read: `heads` maps a chain to its length and the digest of its last entry."""

    name: str
    digest: str
    parent: str
    at: datetime
    previous: str
    previous_digest: str
    heads: Mapping[str, tuple[int, str]]


def make(
    parent: str, heads: Mapping[str, Link], last: Pointer | None, now: datetime
) -> tuple[Pointer, bytes] | None:
    """Return the next checkpoint and its bytes, or None where no head has moved since the last one."""
    is_full = last is None or now - last.full_at >= FULL_EVERY
    since = datetime.min.replace(tzinfo=now.tzinfo) if is_full or last is None else last.at - CLOCK_SKEW
    moved = {stream: link for stream, link in heads.items() if link.at > since}
    if not moved or (not is_full and last is not None and all(link.at <= last.at for link in moved.values())):
        return None
    content = evidence.canonical(
        {
            "v": VERSION,
            "parent": parent,
            "at": now.isoformat(timespec="microseconds"),
            "previous": last.name if last else "",
            "previous_digest": last.digest if last else evidence.GENESIS,
            "heads": {stream: [link.seq, link.digest] for stream, link in moved.items()},
        }
    )
    digest = evidence.sha256(content)
    name = f"{keys.partition(parent)}/{now:%Y%m%dT%H%M%S%fZ}-{digest[:16]}.json"
    return Pointer(name, digest, now, now if is_full or last is None else last.full_at), content


def read_checkpoint(name: str, content: bytes) -> Checkpoint:
    """Return a checkpoint from its bytes; raise `BadInput` where they are none."""
    try:
        said = json.loads(content)
        return Checkpoint(
            name=name,
            digest=evidence.sha256(content),
            parent=str(said["parent"]),
            at=datetime.fromisoformat(said["at"]),
            previous=str(said["previous"]),
            previous_digest=str(said["previous_digest"]),
            heads={str(stream): (int(seq), str(digest)) for stream, (seq, digest) in said["heads"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"expected a checkpoint in {name}, got {type(error).__name__}: {error}") from error


def find_digests(text: str) -> list[str]:
    """Return the digests that a text, such as a report, names as those of checkpoints."""
    return _DIGEST.findall(text)


def find_gaps(checkpoints: Iterable[Checkpoint], digests: Iterable[str]) -> list[tuple[str, Broken]]:
    """Return what is wrong with the checkpoints themselves.

    Each must follow the one that it names, and each digest that was kept elsewhere must be one of theirs.
    """
    known = {checkpoint.name: checkpoint for checkpoint in checkpoints}
    gaps = []
    for checkpoint in sorted(known.values(), key=lambda each: (each.parent, each.at)):
        previous = known.get(checkpoint.previous)
        got = previous.digest if previous else "no such checkpoint"
        if checkpoint.previous and got != checkpoint.previous_digest:
            expected = f"{checkpoint.previous} with digest {checkpoint.previous_digest}"
            gaps.append((f"checkpoint {checkpoint.name}", Broken(0, expected, got)))
    present = {checkpoint.digest for checkpoint in known.values()}
    missing = sorted(set(digests) - present)
    return gaps + [("checkpoint", Broken(0, f"one with digest {digest}", "none")) for digest in missing]
