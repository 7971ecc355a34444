"""Re-read the whole record and say what can be vouched for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from audit import checkpoints, evidence
from audit.checkpoints import Checkpoint
from audit.errors import BadInput
from audit.evidence import Broken
from audit.journal import body_of
from audit.ports import Blobs, Table
from audit.service import parents
from audit.service.record import Record, Stored
from audit.verify import Chain, Vouched, verify


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification came to: every chain, and what is wrong with rows, checkpoints or snapshots.

    Checkpoints are written at least daily while the app runs: an old `newest_checkpoint` tells that it does not.
    """

    chains: list[Vouched]
    others: list[tuple[str, Broken]]
    newest_checkpoint: datetime | None

    @property
    def broken(self) -> list[tuple[str, Broken]]:
        """Return everything that does not hold together, with its name."""
        return [(each.title, each.broken) for each in self.chains if each.broken] + self.others


@dataclass(frozen=True, slots=True)
class Verifier:
    """The ports that verifying needs; nothing here writes."""

    ledger: Table
    releases: Table
    evidence: Blobs
    checkpoints: Blobs

    def verify(self, anchors: Iterable[Checkpoint], digests: Iterable[str]) -> Verified:
        """Recompute every chain, re-read every row and snapshot, and hold all of it against the checkpoints.

        `anchors` are copies of checkpoints, and `digests` digests of checkpoints, that were kept where the
        people who run the system cannot reach them; they count for more than the container's own.
        """
        # Before the chains, which may grow meanwhile: a checkpoint speaks of what was there when it was written.
        own, unreadable = self._own_checkpoints()
        kept = {each.name: each for each in anchors}
        all_known = list((own | kept).values())
        known, named = self._parents(), {each.parent for each in all_known}
        stored = list(self._stored({*known, *named}))
        chains = [each.chain for each in stored]
        others = [
            *((f"row of the parent {each}", Broken(0, each, "no such row")) for each in sorted(named - known)),
            *unreadable,
            *_replaced(own, kept),
            *checkpoints.find_gaps(all_known, digests),
            *((f"{what} of {each.chain.title}", broken) for each in stored for what, broken in each.lies),
            *self._snapshots(chains),
        ]
        return Verified(verify(chains, all_known), others, max((each.at for each in all_known), default=None))

    def chains(self) -> Iterator[Chain]:
        """Return every chain: a target's checks and approvals, a parent's alerts, and the policies."""
        return (each.chain for each in self._stored(self._parents()))

    def _parents(self) -> set[str]:
        return {*parents.known(self.ledger), *parents.known(self.releases)}

    def _stored(self, of: Iterable[str]) -> Iterator[Stored]:
        record = Record(self.ledger, self.releases)
        for parent in sorted(of):
            yield from record.of_parent(parent)
        yield from record.of_policies()

    def _own_checkpoints(self) -> tuple[dict[str, Checkpoint], list[tuple[str, Broken]]]:
        """Return the checkpoints of the container by name, and which of its blobs are none."""
        found, unreadable = {}, []
        for name in self.checkpoints.names():
            try:
                found[name] = checkpoints.read_checkpoint(name, self.checkpoints.get(name) or b"")
            except BadInput as error:
                unreadable.append((f"checkpoint {name}", Broken(0, "a checkpoint", str(error))))
        return found, unreadable

    def _snapshots(self, chains: Iterable[Chain]) -> Iterator[tuple[str, Broken]]:
        """Return the snapshots that entries name and that are gone or hold something else."""
        named = {body_of(raw).get("snapshot") for chain in chains for raw in chain.entries}
        for name in sorted(filter(None, named)):
            content = self.evidence.get(name)
            got = evidence.snapshot_name(content) if content is not None else "no such blob"
            if got != name:
                yield f"snapshot {name}", Broken(0, name, got)


def _replaced(own: dict[str, Checkpoint], kept: dict[str, Checkpoint]) -> Iterator[tuple[str, Broken]]:
    for name, copy in sorted(kept.items()):
        if name in own and own[name].digest != copy.digest:
            yield f"checkpoint {name}", Broken(0, f"digest {copy.digest}, as the copy has", own[name].digest)
