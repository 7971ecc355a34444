"""What `serving --at` costs over a whole fleet: requests, rows, and that no journal of checks is read."""

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from audit import wiring
from audit.adapters.blobs import AzureBlobs
from audit.adapters.storage import AzureTable
from audit.approvals import releases
from audit.model import Look, Outcome, Target
from audit.ports import Row, Table, Write
from audit.record import evidence, keys, ledger
from audit.record.ledger import Hot, Verdict
from audit.service import parents
from audit.service.history import Historian
from audit.sight.facts import observe
from audit.targets import parse_target
from benchmarks.storing import Log, Storage
from benchmarks.writing import APPROVED, DRIFT_EVERY, DRIFTED
from local.azurite import azurite
from tests.house import GROUP, chat_document, release

TARGETS_A_PARENT = 100
MAX_WRITES = 100  # of one transaction
FIRST = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
ASKED, SECOND = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
"""The moment that is asked for lies between two looks; the second one found some targets changed."""

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AskedTable:
    """A table that notes which ranges it is asked for, and how many rows each holds; see `audit.ports.Table`."""

    table: Table
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        """Return rows, and note the range."""
        found = self.table.rows(partition, start, end, limit)
        self.asked.append((start, end, len(found)))
        return found

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        """Commit."""
        return self.table.commit(partition, writes)

    def reads_of(self, first: str, last: str) -> int:
        """Return how many of the ranges reach into this one."""
        return sum(start < last and end > first for start, end, _ in self.asked)


def measure_answers(count: int) -> Figures:
    """Return what it takes to tell what `count` targets served between two looks, and what it takes for one."""
    with azurite() as running:
        log = Log()
        storage = Storage(running, log)
        known, approved = (
            AskedTable(AzureTable(storage.table(name))) for name in (wiring.LEDGER, wiring.RELEASES)
        )
        _record(known.table, approved.table, count)
        historian = Historian(known, approved, AzureBlobs(storage.blobs(wiring.EVIDENCE)))
        log.clear()
        began = time.monotonic()
        answers = sum(1 for _ in historian.serving_everywhere(ASKED))
        seconds, requests = time.monotonic() - began, log.requests["table"]
        log.clear()
        historian.serving(_target(0), ASKED)
        return {
            "targets": count,
            "parents": -(-count // TARGETS_A_PARENT),
            "answers": answers,
            "seconds": seconds,
            "requests": requests,
            "rows": sum(rows for table in (known, approved) for _, _, rows in table.asked),
            "journal_reads": known.reads_of(*keys.ALL_ENTRIES),
            "requests_for_one": log.requests["table"],
        }


def _record(known: Table, approved: Table, count: int) -> None:
    """Approve and look at every target, and look again at some that have changed."""
    for first in range(0, count, TARGETS_A_PARENT):
        targets = [_target(number) for number in range(first, min(first + TARGETS_A_PARENT, count))]
        partition = keys.partition(targets[0].parent)
        parents.remember(known, targets[0].parent)
        _commit(approved, partition, (write for target in targets for write in _approval(target)))
        _commit(known, partition, (write for target in targets for write in _look(Hot(), target, APPROVED, FIRST)))
        hot = ledger.by_stream(known.rows(partition, *keys.ALL_HOT))
        changed = [(ledger.read_hot(hot[keys.target_hash(target)]), target) for target in targets[::DRIFT_EVERY]]
        _commit(known, partition, (write for each in changed for write in _look(*each, DRIFTED, SECOND)))


def _target(number: int) -> Target:
    account = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/aoai-{number // TARGETS_A_PARENT}"
    return parse_target(f"{account}/deployments/chat-{number}")


def _approval(target: Target) -> list[Write]:
    return releases.approve(releases.NONE, release(target), "ada", FIRST)


def _look(hot: Hot, target: Target, version: str, at: datetime) -> list[Write]:
    seen = observe(target, Look(Outcome.PRESENT, chat_document(version)), at)
    verdict = Verdict(seen, ledger.state_of(seen), (), (), "r1", evidence.EMPTY, "sweep")
    name, _ = evidence.snapshot({"facts": seen.facts}, seen.document)
    return ledger.record(hot, verdict, name, at)


def _commit(table: Table, partition: str, writes: Iterator[Write]) -> None:
    while some := list(itertools.islice(writes, MAX_WRITES)):
        table.commit(partition, some)
