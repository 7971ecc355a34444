"""Write where the chains of a parent stand to where the detector cannot change it, and have it sealed.

A checkpoint never waits for its seals: it is written first, and each seal is a blob beside it. What could not be
sealed is owed, and tried again at the next sweep.
"""

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audit.errors import AuditError, Conflict
from audit.ports import Blobs, Create, Replace, Row, Seal, Table
from audit.record import checkpoints, keys, ledger, outbox
from audit.record.checkpoints import Pointer
from audit.record.evidence import Link

logger = logging.getLogger(__name__)

MOST_SEALS = 20  # of one kind at one sweep, so that a sweep after an outage of weeks does not take for ever
MOST_OWED = 300  # names in the pointer's row; the seal of a later checkpoint covers what is dropped, by its digest
MOST_REASON = 500  # characters


@dataclass(frozen=True, slots=True)
class Checkpointer:
    """The ports that checkpoints need; without `seals` none is signed or time-stamped."""

    ledger: Table
    releases: Table
    checkpoints: Blobs
    now: Callable[[], datetime]
    seals: Sequence[Seal] = ()

    def write(self, parent: str, hot: Sequence[Row], approved: Sequence[Row], waiting: Sequence[Row]) -> None:
        """Write a checkpoint if any chain has moved since the last one, and seal what is owed.

        `hot` and `waiting` are the parent's rows in the ledger and its outbox, `approved` those of its approvals.
        """
        row = next((row for row in hot if row.key == keys.CHECKPOINT), None)
        pointer = ledger.read(row, Pointer) if row else None
        made = checkpoints.make(parent, self._heads(hot, approved, waiting), pointer, self.now())
        with contextlib.suppress(Conflict):  # another sweep was first; this one stays as a witness beside it
            if made is not None:
                new, content = made
                self.checkpoints.put(new.name, content, "application/json")
                pointer = replace(new, owed=self._owed(pointer, new), failed=pointer.failed if pointer else {})
                row = self._point(parent, pointer, row)
            if pointer is not None and row is not None and (sealed := self._seal(pointer)) != pointer:
                self._point(parent, sealed, row)

    def _point(self, parent: str, pointer: Pointer, row: Row | None) -> Row:
        stored = ledger.row(keys.CHECKPOINT, pointer, row.etag if row else "")
        write = Replace(stored) if row else Create(stored)
        (etag,) = self.ledger.commit(keys.partition(parent), [write])
        return replace(stored, etag=etag)

    def _owed(self, old: Pointer | None, new: Pointer) -> dict[str, tuple[str, ...]]:
        """Return what waits for each seal, the new checkpoint included."""
        owed = dict(old.owed) if old else {}
        for seal in self.seals:
            if new.at == new.full_at or not seal.is_daily:
                owed[seal.suffix] = (*owed.get(seal.suffix, ()), new.name)[-MOST_OWED:]
        return owed

    def _seal(self, pointer: Pointer) -> Pointer:
        """Have sealed what is owed, and return what is owed still."""
        owed, failed = dict(pointer.owed), dict(pointer.failed)
        for seal in self.seals:
            for name in owed.get(seal.suffix, ())[:MOST_SEALS]:
                if why := self._fail_to_seal(name, seal):
                    failed[seal.suffix] = why
                    break
                owed[seal.suffix] = owed[seal.suffix][1:]
                failed.pop(seal.suffix, None)
        return replace(pointer, owed={suffix: names for suffix, names in owed.items() if names}, failed=failed)

    def _fail_to_seal(self, name: str, seal: Seal) -> str:
        """Have one checkpoint sealed; return why it was not, or nothing where it was, or where there is none."""
        try:
            content = self.checkpoints.get(name)
            if (
                content is not None
            ):  # else `journal verify` will say so; it must not keep the others from their seal
                self.checkpoints.put(name + seal.suffix, seal.seal(content))
        except AuditError as error:
            why = str(error)[:MOST_REASON]
            logger.error("checkpoint not sealed: name=%s seal=%s why=%s", name, seal.suffix, why)  # noqa: TRY400 - `why` says it all
            return why
        return ""

    def _heads(self, hot: Sequence[Row], approved: Sequence[Row], waiting: Sequence[Row]) -> Mapping[str, Link]:
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
