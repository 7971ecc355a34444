"""Re-read the whole record and say what can be vouched for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from audit.errors import BadInput
from audit.ports import Blobs, Table
from audit.record import checkpoints, evidence, keys, ledger
from audit.record.checkpoints import Pointer
from audit.record.evidence import Broken
from audit.record.journal import body_of
from audit.record.seals import SIGNATURE, SUFFIXES, Kept, State, Trust, Witness, read_kept
from audit.record.verify import Chain, Vouched, verify
from audit.service import parents
from audit.service.record import Record, Stored

NOBODY = Trust()


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification came to: every chain and checkpoint, and what is wrong with rows, seals or snapshots.

    `waiting` says, a sentence each, what is not sealed yet and why. Checkpoints are written at least daily while
    the app runs: an old `newest_checkpoint` tells that it does not.
    """

    chains: list[Vouched]
    others: list[tuple[str, Broken]]
    witnesses: list[Witness]
    waiting: list[str]

    @property
    def newest_checkpoint(self) -> datetime | None:
        """Return when the newest checkpoint was written, if there is one."""
        return max((each.checkpoint.at for each in self.witnesses), default=None)

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

    def verify(self, anchors: Iterable[Kept], digests: Iterable[str], trust: Trust = NOBODY) -> Verified:
        """Recompute every chain, re-read every row and snapshot, and hold all of it against the checkpoints.

        `anchors` are copies of checkpoints, and `digests` digests of checkpoints, that were kept where the
        people who run the system cannot reach them; they count for more than the container's own. `trust` says
        whose seals count. Raises `BadInput` where an anchor cannot be read.
        """
        # Before the chains, which may grow meanwhile: a checkpoint speaks of what was there when it was written.
        own, unreadable = self._own_checkpoints(trust)
        kept = {each.name: read_kept(each, trust) for each in anchors}
        witnesses = [*own.values(), *(each for name, each in kept.items() if name not in own)]
        all_known = [each.checkpoint for each in (own | kept).values()]
        known, named = self._parents(), {each.parent for each in all_known}
        stored = list(self._stored({*known, *named}))
        chains = [each.chain for each in stored]
        others = [
            *((f"row of the parent {each}", Broken(0, each, "no such row")) for each in sorted(named - known)),
            *unreadable,
            *_replaced(own, kept),
            *checkpoints.find_gaps(all_known, digests),
            *(found for each in (*own.values(), *kept.values()) for found in _false_seals(each)),
            *(
                (f"row of the {what}, beside the {each.chain.title}", broken)
                for each in stored
                for what, broken in each.lies
            ),
            *self._snapshots(chains),
        ]
        vouched = verify(chains, all_known)
        return Verified(
            vouched, others, witnesses, [each for parent in sorted(known) for each in self._owed(parent)]
        )

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

    def _own_checkpoints(self, trust: Trust) -> tuple[dict[str, Witness], list[tuple[str, Broken]]]:
        """Return the checkpoints of the container by name, and which of its blobs are none."""
        found, unreadable = {}, []
        names = self.checkpoints.names()
        sealed = {name for name in names if name.endswith(SUFFIXES)}
        for name in (each for each in names if each not in sealed):
            blobs = {suffix: self._blob(name + suffix) for suffix in SUFFIXES if name + suffix in sealed}
            try:
                found[name] = read_kept(Kept(name, self._blob(name), blobs), trust)
            except BadInput as error:
                unreadable.append((f"checkpoint {name}", Broken(0, "a checkpoint", str(error))))
        return found, unreadable

    def _blob(self, name: str) -> bytes:
        return self.checkpoints.get(name) or b""

    def _owed(self, parent: str) -> Iterator[str]:
        """Return which checkpoints of a parent wait for a seal, and why."""
        rows = self.ledger.rows(keys.partition(parent), keys.CHECKPOINT, keys.CHECKPOINT + "-")
        for pointer in (ledger.read(row, Pointer) for row in rows):
            for suffix, names in sorted(pointer.owed.items()):
                what = "be signed" if suffix == SIGNATURE else "be time-stamped"
                why = pointer.failed.get(suffix, "the next sweep does it")
                yield f"{len(names)} of {parent} wait to {what}, the oldest is {names[0]}: {why}"

    def _snapshots(self, chains: Iterable[Chain]) -> Iterator[tuple[str, Broken]]:
        """Return the snapshots that entries name and that are gone or hold something else."""
        named = {body_of(raw).get("snapshot") for chain in chains for raw in chain.entries}
        for name in sorted(filter(None, named)):
            content = self.evidence.get(name)
            got = evidence.snapshot_name(content) if content is not None else "no such blob"
            if got != name:
                yield f"snapshot {name}", Broken(0, name, got)


def _replaced(own: Mapping[str, Witness], kept: Mapping[str, Witness]) -> Iterator[tuple[str, Broken]]:
    for name in sorted(set(own) & set(kept)):
        there, copy = own[name].checkpoint.digest, kept[name].checkpoint.digest
        if there != copy:
            yield f"checkpoint {name}", Broken(0, f"digest {copy}, as the copy has", there)


def _false_seals(witness: Witness) -> Iterator[tuple[str, Broken]]:
    for what, sealed in (("signature", witness.signature), ("time stamp", witness.stamp)):
        if sealed.state is State.BROKEN:
            by = f"one by {sealed.by}" if sealed.by else "one"
            yield f"{what} of checkpoint {witness.checkpoint.name}", Broken(0, f"{by} that holds", sealed.why)
