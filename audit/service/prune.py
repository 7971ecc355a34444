"""Forget what need not be kept: events' keys after weeks, and, only where asked, evidence after years.

Evidence is cut from the front of a chain only, only below a checkpoint that stays, and never from a chain that
does not hold together: what shows that somebody tampered with it must not go. That it was cut is an entry of the
same chain, committed before the first row goes, so that a crash half-way leaves a chain that verifies.

Approvals, policies and alerts are few, and are kept.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from audit.errors import Conflict
from audit.model import Target
from audit.ports import Create, Delete, Replace, Row, Table
from audit.record import evidence, keys, ledger
from audit.record.checkpoints import CLOCK_SKEW, Pointer
from audit.record.journal import at_of
from audit.record.ledger import Head, Seen, raw_of
from audit.service import parents
from audit.service.intake import UNTARGETED

KEEP_EVENTS = timedelta(days=35)  # Event Grid delivers for a day; dead letters may be replayed for some weeks
MOST_DELETES = 100  # of one transaction
MAX_TRIES = 10  # a target that commits all the time is left for the next prune


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one target lost: entries, observations, and the number of the last entry that is gone; or why not."""

    target: Target
    entries: int
    observations: int
    up_to: int
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Pruner:
    """The ports that pruning needs."""

    ledger: Table
    now: Callable[[], datetime]

    def forget_events(self) -> int:
        """Delete the keys of events taken in longer ago than any of them can come again; return how many."""
        month = f"e-{self.now() - KEEP_EVENTS:%Y%m}"  # whole months: the keys begin with them
        partitions = [UNTARGETED, *map(keys.partition, parents.known(self.ledger))]
        return sum(self._delete(each, self.ledger.rows(each, "e-", month)) for each in partitions)

    def prune(self, parent: str, before: datetime, identity: str) -> list[Pruned]:
        """Cut what is older than `before` off the chains of a parent, as far as a checkpoint covers it."""
        partition = keys.partition(parent)
        rows = self.ledger.rows(partition, *keys.ALL_HOT)
        pointer = next((ledger.read(row, Pointer) for row in rows if row.key == keys.CHECKPOINT), None)
        if pointer is None:
            return []
        heads = [row for row in rows if row.key.endswith("-h")]
        # An entry's time comes from a worker's clock: what seems older may have come after the checkpoint.
        until = min(before, pointer.full_at - CLOCK_SKEW)
        cut = (self._prune_target(partition, row, until, identity) for row in heads)
        return [each for each in cut if each is not None]

    def _prune_target(self, partition: str, head_row: Row, before: datetime, identity: str) -> Pruned | None:
        for _ in range(MAX_TRIES):
            with contextlib.suppress(Conflict):  # a check came in between: the head is another one
                return self._try_to_prune(partition, head_row, before, identity)
            (head_row,) = self.ledger.rows(partition, head_row.key, head_row.key + "-")
        return Pruned(ledger.read(head_row, Head).target, 0, 0, 0, "it changes too often just now: prune again")

    def _try_to_prune(self, partition: str, head_row: Row, before: datetime, identity: str) -> Pruned | None:
        head = ledger.read(head_row, Head)
        stream = keys.target_hash(head.target)
        entries = self.ledger.rows(partition, *keys.journal_range(stream))
        old = list(itertools.takewhile(lambda row: at_of(raw_of(row)) < before, entries[:-1]))
        states = self._old_states(partition, stream, before)
        if not old:
            return None
        if broken := evidence.find_break(stream, [raw_of(row) for row in entries], head.link):
            if entries[-1].key != keys.journal(stream, head.link.seq):
                raise Conflict(f"the chain of {head.target.id} grew while it was read")
            return Pruned(head.target, 0, 0, 0, f"it is broken at entry {broken.seq}: run `journal verify`")
        last = raw_of(old[-1])
        up_to = int(evidence.read(last)["seq"])
        body = {"up_to": up_to, "digest": evidence.sha256(last), "before": before, "identity": identity}
        entry = evidence.append(stream, head.link, "pruned", body, self.now())
        new_head = ledger.row(
            head_row.key, replace(head, link=entry.link), head_row.etag, target=head.target.id[:1024]
        )
        self.ledger.commit(partition, [Create(ledger.entry_row(stream, entry)), Replace(new_head)])
        self._delete(partition, [*old, *states])
        return Pruned(head.target, len(old), len(states), up_to)

    def _old_states(self, partition: str, stream: str, before: datetime) -> list[Row]:
        """Return the states that were over before the cut; the one that then held stays."""
        rows = self.ledger.rows(partition, *keys.observations(stream, before))
        return [row for row in rows[1:] if ledger.read(row, Seen).at < before]

    def _delete(self, partition: str, rows: Iterable[Row]) -> int:
        count = 0
        waiting = iter(rows)
        while batch := [Delete(row.key, row.etag) for row in itertools.islice(waiting, MOST_DELETES)]:
            self.ledger.commit(partition, batch)
            count += len(batch)
        return count
