"""The invariants of the record, checked over stored rows: none of the code that writes them decides here.

A. A chain has no fork and no gap, its time rises, and its head is its last entry.
B. What was seen is recorded in the order in which it was so: no stale look is committed.
C. Every event is in exactly one entry, and none waits for ever.
D. The findings' rows are what the chain says, and open is what really differs.
E. Every notice that the chain owes was told, and nothing else was.
F. None was shown twice: a notice is in one alert, and an alert is the same each time it is delivered.

`violations` returns one sentence each, beginning with the invariant's letter. What the world was really like is
handed in as `Truth`; parts that a test does not know are left out.
"""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audit.model import Alert
from audit.ports import Blobs, Row, Table
from audit.record import keys

GENESIS = "0" * 64
ALERTS = "alerts"  # the chain of what was told

Problem = tuple[str, str, str]
"""A finding as the world has it: target id, rule, subject."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An alert as a receiver got it, once for each time it was sent."""

    alert: str
    notices: tuple[str, ...]
    content: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """What really was: the events that were sent, what must be open now, and what the receivers got.

    `generations` counts the changes of a target, which its documents carry in a tag `generation`.
    """

    parents: Collection[str]
    deliveries: Sequence[Delivery]
    events: Collection[str] | None = None
    problems: Collection[Problem] | None = None
    generations: Mapping[str, int] = field(default_factory=dict)


def delivery(alert: Alert) -> Delivery:
    """Return an alert as its receiver sees it."""
    return Delivery(
        alert.id, tuple(notice.id for notice in alert.notices), hashlib.sha256(repr(alert).encode()).hexdigest()
    )


def violations(ledger: Table, evidence: Blobs, truth: Truth) -> list[str]:
    """Return every violation of the invariants, sorted; an empty list is a whole record."""
    partitions = [_read(ledger, parent) for parent in sorted(truth.parents)]
    found = [
        *(each for partition in partitions for each in _of_chains(partition)),
        *(each for partition in partitions for each in _of_looks(partition, evidence, truth)),
        *_of_events(partitions, truth),
        *(each for partition in partitions for each in _of_findings(partition)),
        *_of_problems(partitions, truth),
        *_of_notices(partitions, truth),
        *_of_deliveries(truth),
    ]
    return sorted(found)


@dataclass(frozen=True, slots=True)
class _Partition:
    """The rows of one parent: entries by chain, hot rows and outbox rows by key."""

    name: str
    chains: Mapping[str, Sequence[tuple[Row, dict[str, Any]]]]
    hot: Mapping[str, dict[str, Any]]
    outbox: Mapping[str, dict[str, Any]]

    def of_targets(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the bodies of all targets' entries, each with its chain."""
        for stream in sorted(set(self.chains) - {ALERTS}):
            yield from (
                (stream, entry["body"]) for _, entry in self.chains[stream] if entry.get("kind") == "check"
            )

    def findings(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return all changes of findings that the chains record, each with its chain."""
        for stream, body in self.of_targets():
            yield from ((stream, change) for change in body["findings"])


def _read(ledger: Table, parent: str) -> _Partition:
    partition = keys.partition(parent)
    chains: dict[str, list[tuple[Row, dict[str, Any]]]] = {}
    for row in ledger.rows(partition, "j-", "j."):
        chains.setdefault(row.key[2:].rpartition("-")[0], []).append((row, json.loads(_bytes(row, "raw"))))
    hot = {row.key: _body(row) for row in ledger.rows(partition, "0-", "0.")}
    waiting = {row.key: _body(row) for row in ledger.rows(partition, "1-", "1.")}
    return _Partition(parent, chains, hot, waiting)


def _bytes(row: Row, name: str) -> bytes:
    value = row.values[name]
    return value if isinstance(value, bytes) else str(value).encode()


def _body(row: Row) -> Any:
    return json.loads(_bytes(row, "body"))


def _of_chains(partition: _Partition) -> Iterator[str]:
    heads = {key.split("-")[1]: body for key, body in partition.hot.items() if key.endswith("-h")}
    if "1-h" in partition.outbox:
        heads[ALERTS] = partition.outbox["1-h"]
    for stream in sorted(set(partition.chains) - set(heads)):
        yield f"A: chain {stream} has no head"
    for stream, head in sorted(heads.items()):
        yield from _of_chain(stream, partition.chains.get(stream, ()), head["link"])


def _of_chain(stream: str, entries: Sequence[tuple[Row, dict[str, Any]]], link: dict[str, Any]) -> Iterator[str]:
    previous, at, start = GENESIS, "", entries[0][1]["seq"] if entries else 1
    for seq, (row, entry) in enumerate(entries, start):
        if entry["seq"] != seq or not row.key.endswith(f"-{seq:012d}"):
            yield f"A: chain {stream} has a gap at {seq}"
            return
        if entry["prev"] != previous and (seq == 1 or previous != GENESIS):
            yield f"A: chain {stream} forks at {seq}"
        if entry["at"] <= at:
            yield f"A: time runs back in chain {stream} at {seq}"
        previous, at = hashlib.sha256(_bytes(row, "raw")).hexdigest(), entry["at"]
        if row.values["digest"] != previous:
            yield f"A: entry {seq} of chain {stream} has another digest than its bytes"
    last = entries[-1][1]["seq"] if entries else 0
    if (link["seq"], link["digest"]) != (last, previous):
        yield f"A: head of chain {stream} says {link['seq']}, its last entry is {last}, or they differ in digest"


def _of_looks(partition: _Partition, evidence: Blobs, truth: Truth) -> Iterator[str]:
    seen: dict[str, int] = {}
    for _, body in partition.of_targets():
        target = body["target"]
        if not body["changed"]:
            continue
        content = evidence.get(body["snapshot"])
        if content is None:
            yield f"B: the snapshot {body['snapshot']} of {target} is missing"
            continue
        generation = int(json.loads(gzip.decompress(content))["facts"].get("tags.generation", 0))
        if generation and generation < seen.get(target, 0):
            yield f"B: {target} was recorded in generation {generation} after {seen[target]}"
        seen[target] = max(generation, seen.get(target, 0))
    mine = {target: n for target, n in truth.generations.items() if target.startswith(f"{partition.name}/")}
    for target, generation in sorted(mine.items()):
        if seen.get(target, 0) != generation:
            yield f"D: {target} was last recorded in generation {seen.get(target, 0)}, it is {generation}"


def _of_events(partitions: Iterable[_Partition], truth: Truth) -> Iterator[str]:
    folded: Counter[str] = Counter()
    for partition in partitions:
        folded.update(event["id"] for _, body in partition.of_targets() for event in body["events"])
        waiting = [key for key in partition.hot if key.split("-")[2] == "i"]
        if waiting:
            yield f"C: {len(waiting)} events wait in {partition.name}"
    for event, times in sorted(folded.items()):
        if times > 1:
            yield f"C: event {event} is in {times} entries"
    if truth.events is not None:
        yield from (f"C: event {event} is lost" for event in sorted(set(truth.events) - set(folded)))
        yield from (f"C: event {event} was never sent" for event in sorted(set(folded) - set(truth.events)))


def _of_findings(partition: _Partition) -> Iterator[str]:
    numbers: dict[tuple[str, str], int] = {}
    is_open: dict[tuple[str, str], bool] = {}
    for stream, change in partition.findings():
        key, what = (stream, change["key"]), change["change"]
        if (what == "opened") == is_open.get(key, False):
            yield f"D: finding {change['key']} was {what} when it was {'open' if is_open.get(key) else 'not open'}"
        expected = numbers.get(key, 0) + (what == "opened")
        if change["number"] != expected:
            yield f"D: finding {change['key']} is episode {change['number']}, expected {expected}"
        numbers[key], is_open[key] = change["number"], what != "resolved"
    stored = {tuple(key.split("-")[1::2]): body for key, body in partition.hot.items() if key.split("-")[2] == "f"}
    for key in sorted({*stored, *is_open}):
        said = {"status": "open" if is_open.get(key) else "resolved", "number": numbers.get(key)}
        got = stored.get(key, {})
        if said != {"status": got.get("status"), "number": got.get("number")}:
            yield f"D: the row of finding {key[1]} is not what its chain says: {said}"


def _of_problems(partitions: Iterable[_Partition], truth: Truth) -> Iterator[str]:
    if truth.problems is None:
        return
    bodies = [body for each in partitions for key, body in each.hot.items() if key.split("-")[2] == "f"]
    findings = [body["finding"] for body in bodies if body["status"] == "open"]
    found = {(finding["target"]["id"], finding["rule"], finding["subject"]) for finding in findings}
    for problem in sorted(set(truth.problems) - found):
        yield f"D: {problem} is not found"
    for problem in sorted(found - set(truth.problems)):
        yield f"D: {problem} is open and not so"


def _of_notices(partitions: Iterable[_Partition], truth: Truth) -> Iterator[str]:
    owed: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for partition in partitions:
        owed.update(change["notice"] for _, change in partition.findings())
        for _, entry in partition.chains.get(ALERTS, ()):
            told.update(entry["body"]["notices"])
        left = set(partition.outbox) - {"1-h"}
        if left or partition.outbox.get("1-h", {}).get("owner"):
            yield f"E: {len(left)} outbox rows are left in {partition.name}"
    shown = {notice for each in truth.deliveries for notice in each.notices}
    yield from (f"F: notice {notice} is owed {n} times" for notice, n in sorted(owed.items()) if n > 1)
    yield from (
        f"F: notice {notice} is journaled as told {n} times" for notice, n in sorted(told.items()) if n > 1
    )
    yield from (f"E: notice {notice} was never told" for notice in sorted(set(owed) - shown))
    yield from (f"E: notice {notice} was told and never recorded" for notice in sorted(shown - set(owed)))
    yield from (f"E: notice {notice} is not journaled as told" for notice in sorted(set(owed) - set(told)))


def _of_deliveries(truth: Truth) -> Iterator[str]:
    alerts: dict[str, set[str]] = {}
    first: dict[str, Delivery] = {}
    for each in truth.deliveries:
        if first.setdefault(each.alert, each) != each:
            yield f"F: alert {each.alert} was delivered with two contents"
        for notice in each.notices:
            alerts.setdefault(notice, set()).add(each.alert)
    for notice, keys_ in sorted(alerts.items()):
        if len(keys_) > 1:
            yield f"F: notice {notice} was shown in {len(keys_)} alerts"
