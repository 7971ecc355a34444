"""The outbox rows of a partition: what is owed to on-call, and the batch that is being told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.model import Notice
from audit.ports import Row
from audit.record import evidence, keys
from audit.record.evidence import Link
from audit.record.ledger import read


@dataclass(frozen=True, slots=True)
class OutboxHead:
    """Where the alerts of a partition stand; `owner` is the queue message that has claimed a batch, if any.

    `alert` is the batch's id and `told_from` when it was frozen, so that a repeat is the same to the byte;
    `claimed_at` is when the present owner took it. `is_sent` is True from the moment a batch too large for one
    transaction has been delivered.
    """

    parent: str
    link: Link
    owner: str = ""
    alert: str = ""
    told_from: datetime = evidence.EMPTY.at
    claimed_at: datetime = evidence.EMPTY.at
    is_sent: bool = False


@dataclass(frozen=True, slots=True)
class Outbox:
    """What waits to be told in a partition, and the batch that is being told."""

    head: OutboxHead | None
    head_row: Row | None
    batch: Sequence[str]
    batch_row: Row | None
    pending: Mapping[str, tuple[Notice, Row]]

    @property
    def unclaimed(self) -> set[str]:
        """Return the rows that are in no batch."""
        return set(self.pending) - set(self.batch)


def read_outbox(rows: Iterable[Row]) -> Outbox:
    """Return what the outbox rows of a partition hold; `pending` is by row key."""
    head_row = batch_row = None
    pending = {}
    for each in rows:
        if each.key == keys.OUTBOX_HEAD:
            head_row = each
        elif each.key == keys.OUTBOX_BATCH:
            batch_row = each
        else:
            pending[each.key] = (read(each, Notice), each)
    head = read(head_row, OutboxHead) if head_row else None
    return Outbox(head, head_row, read(batch_row, list[str]) if batch_row else [], batch_row, pending)


def told_body(head: OutboxHead, batch: Sequence[str], channels: Sequence[str]) -> dict[str, Any]:
    """Return what the journal keeps of an alert that was told; the targets' chains say what each notice was."""
    notices = [key.removeprefix(keys.outbox("")) for key in batch]
    return {"alert": head.alert, "parent": head.parent, "channels": list(channels), "notices": notices}
