"""Re-read the whole record and say what can be vouched for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from audit import checkpoints, evidence, keys, ledger, outbox
from audit.checkpoints import Checkpoint
from audit.evidence import EMPTY, Broken
from audit.journal import body_of
from audit.ledger import raw_of
from audit.ports import Blobs, Table
from audit.service import parents
from audit.verify import Chain, Vouched, verify


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification came to: every chain, and what is wrong with checkpoints or snapshots."""

    chains: list[Vouched]
    others: list[tuple[str, Broken]]

    @property
    def broken(self) -> list[tuple[str, Broken]]:
        """Return everything that does not hold together, with its name."""
        return [(each.name, each.broken) for each in self.chains if each.broken] + self.others


@dataclass(frozen=True, slots=True)
class Verifier:
    """The ports that verifying needs; nothing here writes."""

    ledger: Table
    releases: Table
    evidence: Blobs
    checkpoints: Blobs

    def verify(self, anchors: Iterable[Checkpoint], digests: Iterable[str]) -> Verified:
        """Recompute every chain, re-read every snapshot, and hold both against the checkpoints.

        `anchors` are copies of checkpoints, and `digests` digests of checkpoints, that were kept where the
        people who run the system cannot reach them; they count for more than the container's own.
        """
        chains = list(self.chains())
        own = {each.name: each for each in self._own_checkpoints()}
        kept = {each.name: each for each in anchors}
        replaced = [
            (f"checkpoint {name}", Broken(0, f"digest {copy.digest}, as the copy has", own[name].digest))
            for name, copy in sorted(kept.items())
            if name in own and own[name].digest != copy.digest
        ]
        all_known = list((own | kept).values())
        others = [*replaced, *checkpoints.find_gaps(all_known, digests), *self._snapshots(chains)]
        return Verified(verify(chains, all_known), others)

    def chains(self) -> Iterator[Chain]:
        """Return every chain of the ledger: one a target, and one of alerts a parent."""
        for parent in sorted({*parents.known(self.ledger), *parents.known(self.releases)}):
            partition = keys.partition(parent)
            hot = ledger.by_stream(self.ledger.rows(partition, *keys.ALL_HOT))
            heads = {stream: ledger.read_hot(rows).head for stream, rows in hot.items()}
            entries = ledger.by_stream(self.ledger.rows(partition, *keys.ALL_ENTRIES))
            told = outbox.read_outbox(self.ledger.rows(partition, *keys.OUTBOX)).head
            for stream in sorted({*entries, *(stream for stream, head in heads.items() if head)}):
                head = heads.get(stream)
                link = head.link if head else (told.link if told and stream == keys.ALERTS else EMPTY)
                name = head.target.id if head else f"{stream} of {parent}"
                yield Chain(parent, stream, name, link, [raw_of(row) for row in entries.get(stream, ())])

    def _own_checkpoints(self) -> Iterator[Checkpoint]:
        for name in self.checkpoints.names():
            yield checkpoints.read_checkpoint(name, self.checkpoints.get(name) or b"")

    def _snapshots(self, chains: Iterable[Chain]) -> Iterator[tuple[str, Broken]]:
        """Return the snapshots that entries name and that are gone or hold something else."""
        named = {body_of(raw).get("snapshot") for chain in chains for raw in chain.entries}
        for name in sorted(filter(None, named)):
            content = self.evidence.get(name)
            got = evidence.snapshot_name(content) if content is not None else "no such blob"
            if got != name:
                yield f"snapshot {name}", Broken(0, name, got)
