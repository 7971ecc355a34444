"""Plan release files that were dropped into the container of releases, and show what they propose.

(1) read the file, as it is now: the event that told of it is only a hint
(2) parse it strictly, and hold it against what is in force; nothing is ever written there
(3) have the journal of each target that is known tell of it
(4) keep what the file came to, for the report

All of it can be done again: what was journalled once is known by the content, and the last plan counts.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from audit.approvals import proposals, waivers
from audit.approvals.marks import marked
from audit.approvals.plan import UNCHANGED, Step
from audit.approvals.proposals import Change, Proposal, Result
from audit.approvals.release_files import Files, read_text
from audit.errors import BadInput, Conflict
from audit.events.actors import Identities
from audit.model import Waiver
from audit.ports import Create, DroppedFiles, Queue, Replace, Table, Write
from audit.privacy import Privacy
from audit.record import evidence, keys, ledger
from audit.service import parents
from audit.service.approve import Approver
from audit.targets import find_target
from audit.texts import cut

MAX_BYTES = 1_000_000  # of a dropped file: some thousand releases, planned in seconds; git takes larger ones


@dataclass(frozen=True, slots=True)
class Proposer:
    """The ports that planning a dropped file needs; of `releases` it only reads."""

    ledger: Table
    releases: Table
    files: DroppedFiles
    checks: Queue
    identities: Identities
    now: Callable[[], datetime]

    def run(self, name: str, at: datetime) -> Proposal:
        """Plan the file of this name, which an event of the time `at` told of.

        Raises `Unavailable`, or `Conflict` where two plans of one file meet: the message is delivered again.
        """
        content = self.files.read(name, MAX_BYTES + 1)  # (1)
        known, etag = self._known(name)
        if content is None:
            proposal = Proposal(name, "", at, Result.WITHDRAWN)
        else:
            sha256 = evidence.sha256(content)
            first_at = known.at if known is not None and known.sha256 == sha256 else at
            proposal = self._plan(Proposal(name, sha256, first_at, Result.NOTHING_NEW), content)  # (2)
            self._journal(proposal)  # (3)
        if content is not None or known is not None:
            self._keep(proposal, etag)  # (4)
        return proposal

    def _plan(self, read: Proposal, content: bytes) -> Proposal:
        try:
            wanted = read_text(PurePosixPath(read.file), _text(read.file, content))
            steps = Approver(self.releases, lambda: "", self.now, self.identities.privacy).plan(wanted)
        except BadInput as error:
            why = cut(self.identities.privacy.redact_text(str(error)))
            return replace(read, result=Result.REFUSED, error=why)
        return proposals.with_changes(read, _changes(wanted, steps, self.identities.privacy))

    def _journal(self, proposal: Proposal) -> None:
        """Have each target tell of its change; a target nobody knows is not made known by a file."""
        known = {*parents.known(self.ledger), *parents.known(self.releases)} if proposal.changes else set()
        for change in proposal.changes:
            target = find_target(change.subject)
            if target is None or target.parent not in known:
                continue
            event = proposals.event_of(proposal, change, target, self.identities.privacy.person)
            with contextlib.suppress(Conflict):  # journalled before
                writes = ledger.take_in(keys.target_hash(target), event)
                self.ledger.commit(keys.partition(target.parent), writes)
            self.checks.send(json.dumps({"target": target.id, "event": event.key, "note": True}))

    def _known(self, name: str) -> tuple[Proposal | None, str]:
        key = keys.proposal(name)
        rows = self.ledger.rows(keys.PROPOSALS, key, key + "-", 1)
        return (ledger.read(rows[0], Proposal), rows[0].etag) if rows else (None, "")

    def _keep(self, proposal: Proposal, etag: str) -> None:
        person = self.identities.privacy.person
        hidden = tuple(replace(each, by=person(each.by)) for each in proposal.changes)
        row = ledger.row(keys.proposal(proposal.file), replace(proposal, changes=hidden), etag)
        write: Write = Replace(row) if etag else Create(row)
        self.ledger.commit(keys.PROPOSALS, [write])


def _changes(wanted: Files, steps: list[Step], privacy: Privacy) -> Iterator[Change]:
    """Yield what a plan would change; a release by the digest that it would have in force."""
    approved = {(release.target.id, release.id): marked(release, privacy) for release in wanted.releases}
    waived = {(waiver.target.id, waivers.id_of(waiver)): waiver for waiver in wanted.waivers}
    policies = {(policy.scope, "policy"): policy for policy in wanted.policies}
    for step in steps:
        key = (step.subject, step.name)
        said = approved.get(key) or waived.get(key) or policies.get(key)
        if step.change != UNCHANGED and said is not None:
            name = said.rule if isinstance(said, Waiver) else step.name
            by = getattr(said, "approved_by", "") or getattr(said, "author", "")
            yield Change(step.change, step.subject, cut(name), cut(by), proposals.digest(said))


def _text(name: str, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise BadInput(
            f"{name}:1: expected at most {MAX_BYTES} bytes in a file that is dropped, got more: apply it from git"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{name}:{line}: expected UTF-8, got the byte 0x{content[error.start]:02x}") from error
