"""Hash-chained evidence: canonical bytes, entries that name their predecessor, and their verification."""

import gzip
import hashlib
import json
import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import rfc8785

from audit.texts import TOO_DEEP

GENESIS = "0" * 64
ENTRY_VERSION = 1
MAX_SNAPSHOT = 4 * 1024 * 1024  # bytes; real documents have some kilobytes, and facts keep what is audited
_MAX_EXACT_INTEGER = 2**53 - 1  # RFC 8785 numbers are IEEE doubles; larger integers become texts
MAX_DEPTH = 100  # redacted documents are less deep; Python gives up at a few hundred


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain stands: how many entries, the digest of the last one, and its time."""

    seq: int
    digest: str
    at: datetime


EMPTY = Link(0, GENESIS, datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is stored: the very bytes that were hashed are kept, never serialised again."""

    link: Link
    raw: bytes

    @property
    def content(self) -> dict[str, Any]:
        """Return the entry as JSON."""
        return read(self.raw)


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry of a chain that does not fit, and what was expected of it."""

    seq: int
    expected: str
    got: str


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    What RFC 8785 refuses is made harmless first, so that hostile input cannot become a poison message:
    integers beyond 2^53 and non-finite numbers become texts, lone surrogates become question marks, and what
    is nested too deep is cut off.
    """
    return _encode(value) if _is_simple(value, MAX_DEPTH) else rfc8785.dumps(harmless(value))


# RFC 8785 orders names as UTF-16 and writes numbers as JavaScript does; where all texts are ASCII and all numbers
# small integers, these are the same bytes, several times as fast.
_encode = msgspec.json.Encoder(order="sorted").encode


def _is_simple(value: Any, depth: int) -> bool:
    match value:
        case None | bool():
            return True
        case int():
            return abs(value) <= _MAX_EXACT_INTEGER
        case str():
            return type(value) is str and value.isascii()
        case dict():
            names = all(type(name) is str and name.isascii() for name in value)
            return depth > 0 and names and all(_is_simple(each, depth - 1) for each in value.values())
        case list():
            return depth > 0 and all(_is_simple(each, depth - 1) for each in value)
    return False


def sha256(data: bytes) -> str:
    """Return the SHA-256 digest in hex."""
    return hashlib.sha256(data).hexdigest()


def append(stream: str, last: Link, kind: str, body: dict[str, Any], now: datetime) -> Entry:
    """Return the entry that follows `last` in the chain of `stream`.

    Time never runs backwards inside a chain, whatever the clocks of the workers say.
    """
    at = now if now > last.at else last.at + timedelta(microseconds=1)
    seq = last.seq + 1
    raw = canonical(
        {
            "v": ENTRY_VERSION,
            "chain": stream,
            "seq": seq,
            "prev": last.digest,
            "at": at.isoformat(timespec="microseconds"),
            "kind": kind,
            "body": body,
        }
    )
    return Entry(Link(seq, sha256(raw), at), raw)


def read(raw: bytes) -> dict[str, Any]:
    """Return the content of a stored entry; it is empty where somebody has made the bytes unreadable."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def find_break(stream: str, entries: Sequence[bytes], head: Link) -> Broken | None:
    """Return the first place where stored bytes do not form the chain that `head` ends, or None."""
    first, previous = first_of(entries)
    for seq, raw in enumerate(entries, first):
        content = read(raw)
        said = (content.get("chain"), content.get("seq"), content.get("prev"))
        if said[:2] != (stream, seq):
            got = "{} {}".format(*said) if content else "bytes that are no entry"
            return Broken(seq, f"{stream} {seq}", got)
        if said[2] != previous:
            return Broken(seq, f"entry {seq - 1} with digest {said[2]}, which it names", previous)
        previous = sha256(raw)
    last = first + len(entries) - 1
    if (head.seq, head.digest) != (last, previous):
        got = f"entries up to {last}, of which the last has {previous}"
        return Broken(head.seq, f"entry {head.seq} with digest {head.digest}, which the head names", got)
    return None


def first_of(entries: Sequence[bytes]) -> tuple[int, str]:
    """Return the number that the first entry must have, and the digest that it must name.

    That is the very first entry, unless a later one of the same chain says up to which entry it was pruned.
    A prune that died half-way has left some of those entries; what the first of them names is then taken as it is.
    """
    first = read(entries[0]) if entries else {}
    seq = first.get("seq")
    if not isinstance(seq, int) or seq == 1:
        return 1, GENESIS
    pruned = [body for body in map(_pruned, entries) if body and body["up_to"] >= seq - 1]
    if not pruned:
        return 1, GENESIS
    ends_there = next((body["digest"] for body in pruned if body["up_to"] == seq - 1), None)
    return seq, ends_there or str(first.get("prev"))


def _pruned(raw: bytes) -> dict[str, Any] | None:
    content = read(raw) if b'"pruned"' in raw else {}
    body = content.get("body")
    is_prune = content.get("kind") == "pruned" and isinstance(body, dict) and isinstance(body.get("up_to"), int)
    return body if is_prune else None


def snapshot(facts: dict[str, Any], document: Any) -> tuple[str, bytes]:
    """Return the blob name and the bytes of a content-addressed snapshot; equal values give equal bytes.

    A document too large to keep is replaced by its size and its digest, and says so.
    """
    raw = canonical({**facts, "document": document})
    if len(raw) > MAX_SNAPSHOT:
        whole = canonical(document)
        marker = {"omitted": f"a document of {len(whole)} bytes, more than is kept", "sha256": sha256(whole)}
        raw = canonical({**facts, "document": marker})
    return f"{sha256(raw)}.json.gz", gzip.compress(raw, mtime=0)


def snapshot_name(content: bytes) -> str:
    """Return the name that a snapshot's bytes must have."""
    try:
        return f"{sha256(gzip.decompress(content))}.json.gz"
    except (OSError, EOFError, zlib.error):
        return "bytes that are no snapshot"


def open_snapshot(content: bytes) -> dict[str, Any]:
    """Return what a snapshot holds; it is empty where somebody has made the bytes unreadable."""
    try:
        return read(gzip.decompress(content))
    except (OSError, EOFError, zlib.error):
        return {}


def harmless(value: Any) -> Any:
    """Return the JSON value without what some JSON library refuses; see `canonical`."""
    return _harmless(value, MAX_DEPTH)


def _harmless(value: Any, depth: int) -> Any:
    match value:
        case dict() | list() | tuple() if not depth:
            return TOO_DEEP
        case dict():
            return {_text(str(k)): _harmless(v, depth - 1) for k, v in value.items()}
        case list() | tuple():
            return [_harmless(v, depth - 1) for v in value]
    return _harmless_scalar(value)


def _harmless_scalar(value: Any) -> Any:
    match value:
        case str():
            return _text(str(value))
        case bool() | None:
            return value
        case int():
            return value if abs(value) <= _MAX_EXACT_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return value.isoformat()
    raise TypeError(f"expected a JSON value, got {type(value).__name__}")


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode()


def fingerprint(heads: Iterable[tuple[str, Link]]) -> str:
    """Return one digest over the heads of many chains, whatever their order."""
    return sha256(canonical(sorted([stream, link.seq, link.digest] for stream, link in heads)))
