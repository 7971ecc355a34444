"""Write where the chains of a parent stand to where the detector cannot change it."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit import checkpoints, keys, ledger, outbox
from audit.checkpoints import Pointer
from audit.errors import Conflict
from audit.evidence import Link
from audit.ports import Blobs, Create, Replace, Row, Table


@dataclass(frozen=True, slots=True)
class Checkpointer:
    """The ports that checkpoints need."""

    ledger: Table
    releases: Table
    checkpoints: Blobs
    now: Callable[[], datetime]

    def write(self, parent: str, hot: Sequence[Row], approved: Sequence[Row], waiting: Sequence[Row]) -> None:
        """Write a checkpoint if any chain has moved since the last one.

        `hot` and `waiting` are the parent's rows in the ledger and its outbox, `approved` those of its approvals.
        """
        pointer_row = next((row for row in hot if row.key == keys.CHECKPOINT), None)
        pointer = ledger.read(pointer_row, Pointer) if pointer_row else None
        made = checkpoints.make(parent, self._heads(hot, approved, waiting), pointer, self.now())
        if made is None:
            return
        new, content = made
        self.checkpoints.put(new.name, content, "application/json")
        stored = ledger.row(keys.CHECKPOINT, new, pointer_row.etag if pointer_row else "")
        with contextlib.suppress(Conflict):  # another sweep was first; this one stays as a witness beside it
            write = Replace(stored) if pointer_row else Create(stored)
            self.ledger.commit(keys.partition(parent), [write])

    def _heads(self, hot: Sequence[Row], approved: Sequence[Row], waiting: Sequence[Row]) -> dict[str, Link]:
        """Return where every chain stands; the policies belong to no parent, so every parent vouches for them."""
        found = {stream: ledger.read_hot(rows).head for stream, rows in ledger.by_stream(hot).items()}
        heads = {stream: head.link for stream, head in found.items() if head is not None}
        if told := outbox.read_outbox(waiting).head:
            heads[keys.ALERTS] = told.link
        heads |= {keys.APPROVALS + stream: link for stream, link in _links(approved)}
        policies = self.releases.rows(keys.POLICY, keys.head(keys.POLICY), keys.head(keys.POLICY) + "-", 1)
        return heads | dict(_links(policies))


def _links(rows: Sequence[Row]) -> list[tuple[str, Link]]:
    """Return where the chains of a part of the table `releases` stand, by what its keys call them."""
    return [(row.key.split("-", 2)[1], ledger.read(row, Link)) for row in rows if row.key.endswith("-h")]
