"""Read what the ledger holds, to answer questions and to write reports."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit.approvals import releases
from audit.approvals.proposals import Proposal, digest, pending
from audit.model import Episode, Notice, Release, Status, Target
from audit.ports import Blobs, Table
from audit.record import keys, ledger, outbox
from audit.record.checkpoints import Pointer
from audit.record.evidence import EMPTY, Link
from audit.record.ledger import Hot, Run, raw_of
from audit.service import parents
from audit.service.intake import count_ignored
from audit.told.alerts import notice_data
from audit.told.render import render_report
from audit.told.report import Record, Report, build

WEEK = timedelta(days=7)
RUNS_READ = 20  # sweeps looked through for the last one that found a target unchanged
MAX_FILES = 1_000  # dropped files that are read for the report


@dataclass(frozen=True, slots=True)
class Reporter:
    """The ports that reading needs; nothing here writes to the ledger."""

    ledger: Table
    releases: Table
    reports: Blobs
    now: Callable[[], datetime]

    def report(self, start: datetime, end: datetime) -> Report:
        """Return the report of a period, as the ledger stands now."""
        known = self.parents()
        records = (record for parent in known for record in self.records(parent))
        told = [self._told(parent) for parent in known]
        ignored = count_ignored(self.ledger, start, end)
        checkpoints = self._checkpoints(known)
        return build(known, records, told, checkpoints, start, end, ignored, self.proposals(), self.sweeps())

    def render_weekly(self) -> str:
        """Return the page of the seven days that end now."""
        now = self.now()
        return render_report(self.report(now - WEEK, now))

    def write_weekly(self) -> str:
        """Write the page of the seven days that end now, and return its blob's name."""
        page = self.render_weekly().encode()
        name = f"{self.now():%Y-%m-%dT%H%M%SZ}-{hashlib.sha256(page).hexdigest()[:12]}.html"
        self.reports.put(name, page, "text/html; charset=utf-8")
        return name

    def parents(self) -> list[str]:
        """Return the workspaces and accounts that were ever looked at, or that something is approved for."""
        return sorted({*parents.known(self.ledger), *parents.known(self.releases)})

    def episodes(self) -> list[Episode]:
        """Return every finding that is open or was, the open ones first."""
        found = [
            e
            for parent in self.parents()
            for record in self._hot(parent).values()
            for e in record.episodes.values()
        ]
        return sorted(found, key=lambda e: (e.status is not Status.OPEN, e.finding.target.id, e.finding.rule))

    def open_findings(self) -> list[dict[str, Any]]:
        """Return the open findings in the same stable JSON form as alerts have them."""
        return [notice_data(Notice("", "open", e)) for e in self.episodes() if e.status is Status.OPEN]

    def targets(self) -> list[Target]:
        """Return every target that was ever looked at."""
        hots = (hot for parent in self.parents() for hot in self._hot(parent).values())
        return sorted((hot.head.target for hot in hots if hot.head is not None), key=lambda target: target.id)

    def approved(self) -> list[Release]:
        """Return the releases in force for the parents that the ledger knows."""
        found = [
            releases.read_approvals(rows).release
            for parent in self.parents()
            for rows in ledger.by_stream(self.releases.rows(keys.partition(parent), *keys.ALL_HOT)).values()
        ]
        return sorted((release for release in found if release), key=lambda release: release.target.id)

    def records(self, parent: str) -> Iterator[Record]:
        """Return what is known of every target of a parent."""
        partition = keys.partition(parent)
        approved = ledger.by_stream(self.releases.rows(partition, *keys.ALL_HOT))
        entries = ledger.by_stream(self.ledger.rows(partition, *keys.ALL_ENTRIES))
        runs = self._runs(parent, RUNS_READ)
        for stream, hot in self._hot(parent).items():
            if hot.head is not None:
                release = releases.read_approvals(approved.get(stream, ())).release
                chain = [raw_of(row) for row in entries.get(stream, ())]
                confirmed_at = ledger.confirmed(hot.head.target, hot.head.since, None, runs)
                yield Record(hot.head, release, tuple(hot.episodes.values()), chain, confirmed_at)

    def sweeps(self) -> list[tuple[str, Run]]:
        """Return each parent that was ever swept, with what its last sweep came to."""
        return [(parent, run) for parent in self.parents() for run in self._runs(parent, 1)]

    def _runs(self, parent: str, most: int) -> list[Run]:
        """Return the last sweeps of a parent, the newest first."""
        rows = self.ledger.rows(keys.partition(parent), *keys.runs(self.now()), most)
        return [ledger.read(row, Run) for row in rows]

    def proposals(self) -> list[Proposal]:
        """Return what dropped release files propose and nobody has put in force, the newest first."""
        rows = self.ledger.rows(keys.PROPOSALS, "p-", "p.", MAX_FILES)
        found = [ledger.read(row, Proposal) for row in rows]
        return pending(found, set(self._in_force())) if found else []

    def _in_force(self) -> Iterator[str]:
        """Yield the digests of the releases, waivers and policies in force."""
        for parent in self.parents():
            rows = self.releases.rows(keys.partition(parent), *keys.ALL_HOT)
            for found in map(releases.read_approvals, ledger.by_stream(rows).values()):
                yield from map(digest, filter(None, (found.release, *found.waivers)))
        yield from map(digest, releases.read_policies(self.releases.rows(keys.POLICY, *keys.ALL_HOT)).policies)

    def _hot(self, parent: str) -> dict[str, Hot]:
        rows = ledger.by_stream(self.ledger.rows(keys.partition(parent), *keys.ALL_HOT))
        return {stream: ledger.read_hot(each) for stream, each in rows.items()}

    def _checkpoints(self, known: Sequence[str]) -> list[str]:
        """Return the digest of the newest checkpoint of each parent that has one."""
        found = [
            self.ledger.rows(keys.partition(parent), keys.CHECKPOINT, keys.CHECKPOINT + "-") for parent in known
        ]
        return [ledger.read(row, Pointer).digest for rows in found for row in rows]

    def _told(self, parent: str) -> tuple[str, Link, list[bytes]]:
        partition = keys.partition(parent)
        head = outbox.read_outbox(self.ledger.rows(partition, *keys.OUTBOX)).head
        entries = self.ledger.rows(partition, *keys.journal_range(keys.ALERTS))
        return parent, head.link if head else EMPTY, [raw_of(row) for row in entries]
