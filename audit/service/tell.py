"""Tell on-call what is owed: freeze a batch, send it, and note that it was told.

(1) read the partition's outbox
(2) freeze what waits into one batch under a claim; the owner is the id of a queue message, and the queue
    delivers exactly that message again until it is done, so no lease and no clock decides anything
(3) send the batch; its id is the key by which receivers drop a repeat
(4) in one transaction: delete the batch and its rows, and append to the journal that it was told

A crash between (3) and (4) sends the same batch again with the same id. Where the owner went to the poison
queue, another message takes its claim over, and sends the same batch with the same id as well. A channel that
takes nothing is no crash: a message in the owner's name comes back later, for as long as it takes.
"""

import contextlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from audit.errors import Conflict, NotDelivered, StillConflicting
from audit.model import Alert, Notice, Severity
from audit.ports import Channel, Create, Delete, Queue, Replace, Table, Write
from audit.record import evidence, keys, ledger, outbox
from audit.record.outbox import Outbox, OutboxHead

logger = logging.getLogger(__name__)

MAX_BATCH = 1000  # row keys of one batch; they fill 36 KB of the 64 KiB a property holds
MAX_DELETES = 90  # of a transaction's 100 writes, the rest is for head, batch and journal
MAX_TRIES = 40

# Five deliveries, ten minutes apart where the host died each time, are over by then: the owner is dead.
ADOPT_AFTER = timedelta(hours=1)
LEAST_WAIT = timedelta(seconds=30)  # so that waiting for another's claim keeps no queue busy
# A channel that is down is tried again after half a minute, and twice as long each time up to this.
MOST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Notifier:
    """The ports that telling needs. `group_interval` is the least time between two alerts of one parent."""

    ledger: Table
    alerts: Queue
    channels: Mapping[str, Channel]
    group_interval: timedelta
    now: Callable[[], datetime]

    def run(self, message: str, message_id: str) -> None:
        """Tell what is owed for the parent that a message of the queue `alerts` names.

        Raises `Unavailable` or `StillConflicting`: the queue then redelivers the message. A channel that does not
        take the alert burns none of the queue's five tries: it is tried again later, by another message.
        """
        asked = json.loads(message)
        parent, owner, tries = asked["parent"], asked.get("owner", message_id), asked.get("tries", 0)
        try:
            self._run(parent, owner)
        except NotDelivered:
            wait = min(LEAST_WAIT * 2 ** min(tries, 10), MOST_WAIT)
            logger.exception("alert not told: parent=%s tries=%d next_in=%s", parent, tries + 1, wait)
            self._wake(parent, wait, owner=owner, tries=tries + 1)

    def _run(self, parent: str, message_id: str) -> None:
        for _ in range(MAX_TRIES):
            with contextlib.suppress(Conflict):  # our own lost answer, or new rows: read again
                if self._step(parent, message_id):
                    return
        raise StillConflicting(f"tried {MAX_TRIES} times to tell what is owed for {parent}: delivered again later")

    def _step(self, parent: str, message_id: str) -> bool:
        """Do what the rows ask for next; say whether that was the last thing to do."""
        partition = keys.partition(parent)
        waiting = outbox.read_outbox(self.ledger.rows(partition, *keys.OUTBOX))  # (1)
        if waiting.head is not None and waiting.head.owner not in ("", message_id):
            return self._leave_or_adopt(partition, waiting, waiting.head, message_id)
        if self._is_too_early(parent, waiting):
            return True
        if waiting.head is not None and waiting.head.owner:
            return self._tell(partition, waiting, waiting.head)
        if not waiting.pending:
            return True
        claimed = self._claim(partition, parent, waiting, message_id)  # (2)
        return self._tell(partition, *claimed)

    def _leave_or_adopt(self, partition: str, waiting: Outbox, head: OutboxHead, message_id: str) -> bool:
        """Leave a batch to its owner, or take it over from one that must be dead; say whether it was left."""
        is_left = self.now() - head.claimed_at < ADOPT_AFTER
        if not is_left:
            adopted = replace(head, owner=message_id, claimed_at=self.now())
            self.ledger.commit(partition, [self._head_write(waiting, adopted)])
        elif waiting.unclaimed:
            self._wake(head.parent, max(self.group_interval, LEAST_WAIT))  # they still need somebody
        return is_left

    def _is_too_early(self, parent: str, waiting: Outbox) -> bool:
        if waiting.head is None or waiting.head.owner or not waiting.pending or not waiting.head.link.seq:
            return False
        left = waiting.head.link.at + self.group_interval - self.now()
        if not timedelta() < left <= self.group_interval:
            return False  # longer than the interval: our clock is behind, and on-call must not wait for it
        self._wake(parent, left)  # a storm goes on: the rest travels in the next alert
        return True

    def _claim(self, partition: str, parent: str, waiting: Outbox, message_id: str) -> tuple[Outbox, OutboxHead]:
        batch = sorted(waiting.pending)[:MAX_BATCH]
        link = waiting.head.link if waiting.head else evidence.EMPTY
        now = self.now()
        head = OutboxHead(parent, link, message_id, alert=keys.digest(*batch), told_from=now, claimed_at=now)
        batch_row = ledger.row(keys.OUTBOX_BATCH, batch)
        writes = [self._head_write(waiting, head), Create(batch_row)]
        head_etag, batch_etag = self.ledger.commit(partition, writes)
        head_row = ledger.row(keys.OUTBOX_HEAD, head, head_etag)
        return replace(
            waiting, head=head, head_row=head_row, batch=batch, batch_row=replace(batch_row, etag=batch_etag)
        ), head

    def _tell(self, partition: str, waiting: Outbox, head: OutboxHead) -> bool:
        notices = [waiting.pending[key] for key in waiting.batch if key in waiting.pending]
        deletes: list[Write] = [Delete(row.key, row.etag) for _, row in notices]
        if not head.is_sent:
            self._send(head, [notice for notice, _ in notices])  # (3)
        if len(deletes) > MAX_DELETES and not head.is_sent:
            self.ledger.commit(partition, self._note_told(waiting, head, is_sent=True))
            return False
        if len(deletes) > MAX_DELETES:
            self.ledger.commit(partition, deletes[:MAX_DELETES])
            return False
        if waiting.batch_row is not None:
            deletes.append(Delete(waiting.batch_row.key, waiting.batch_row.etag))
        told = self._release(waiting, head) if head.is_sent else self._note_told(waiting, head, is_sent=False)
        self.ledger.commit(partition, deletes + told)  # (4)
        if waiting.unclaimed:
            self._wake(head.parent, max(self.group_interval, LEAST_WAIT))  # more than one batch holds
        return True

    def _send(self, head: OutboxHead, notices: Sequence[Notice]) -> None:
        alert = Alert(head.alert, head.parent, head.told_from, tuple(sorted(notices, key=_urgency)))
        for name, channel in sorted(self.channels.items()):
            channel.send(alert)
            logger.info("alert told: alert=%s channel=%s notices=%d", alert.id, name, len(alert.notices))

    def _note_told(self, waiting: Outbox, head: OutboxHead, *, is_sent: bool) -> list[Write]:
        """Append to the journal that the batch was told; `is_sent` keeps the claim until its rows are gone."""
        body = outbox.told_body(head, waiting.batch, sorted(self.channels))
        entry = evidence.append(keys.ALERTS, head.link, "told", body, self.now())
        after = replace(head, link=entry.link, is_sent=True) if is_sent else OutboxHead(head.parent, entry.link)
        return [Create(ledger.entry_row(keys.ALERTS, entry)), self._head_write(waiting, after)]

    def _release(self, waiting: Outbox, head: OutboxHead) -> list[Write]:
        return [self._head_write(waiting, OutboxHead(head.parent, head.link))]

    @staticmethod
    def _head_write(waiting: Outbox, head: OutboxHead) -> Write:
        old = waiting.head_row
        if old is None:
            return Create(ledger.row(keys.OUTBOX_HEAD, head))
        return Replace(ledger.row(keys.OUTBOX_HEAD, head, old.etag))

    def _wake(self, parent: str, delay: timedelta, **more: str | int) -> None:
        self.alerts.send(json.dumps({"parent": parent, **more}), delay)


def _urgency(notice: Notice) -> tuple[int, str, str]:
    finding = notice.episode.finding
    return list(Severity).index(finding.severity), finding.target.id, finding.rule
