"""Judge everything once, on storage that nobody keeps: the very procedure of a sweep, and no trace of it."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from audit.approvals.release_files import Files
from audit.events.actors import Identities
from audit.model import Release, Target
from audit.ports import Blobs, Create, Live, Table
from audit.privacy import Privacy
from audit.record import keys, ledger
from audit.service.approve import Approver
from audit.service.check import Checker
from audit.service.checkpoint import Checkpointer
from audit.service.report import Reporter
from audit.service.sweep import Sweeper

NONE_KNOWN: Mapping[Target, Release] = {}


@dataclass(slots=True)
class Kept:
    """See `audit.ports.Queue`; `messages` are worked off here, and nobody waits."""

    messages: deque[str] = field(default_factory=deque)

    def send(self, message: str, delay: timedelta = timedelta()) -> None:  # noqa: ARG002 - the port's shape
        """Put a message."""
        self.messages.append(message)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Storage for one judgement, how secrets are hidden in it, and when it is."""

    ledger: Table
    releases: Table
    blobs: Blobs
    privacy: Privacy
    now: Callable[[], datetime]

    def judge(self, live: Live, wanted: Files, earlier: Mapping[Target, Release] = NONE_KNOWN) -> Reporter:
        """Put what is wanted in force, sweep everything, and return what answers for that.

        `earlier` are the releases to go back to, as far as they are known.
        """
        Approver(self.releases, lambda: "rehearsal", self.now, self.privacy).apply(_lenient(wanted))
        for release in (each for each in wanted.releases if each.rollback):
            self._go_back_to(earlier.get(release.target) or replace(release, id=release.rollback, facts={}))
        checks = Kept()
        checkpointer = Checkpointer(self.ledger, self.releases, self.blobs, self.now)
        sweeper = Sweeper(self._checker(live, wanted), checks, checkpointer)
        sweeper.sweep()
        while checks.messages:
            sweeper.run(checks.messages.popleft())
        return Reporter(self.ledger, self.releases, self.blobs, self.now)

    def _go_back_to(self, release: Release) -> None:
        """Note the release to go back to; it has no facts where nothing tells what was once approved."""
        row = Create(ledger.row(keys.rollback_row(keys.target_hash(release.target)), release))
        self.releases.commit(keys.partition(release.target.parent), [row])

    def _checker(self, live: Live, wanted: Files) -> Checker:
        return Checker(
            ledger=self.ledger,
            releases=self.releases,
            alerts=Kept(),
            evidence=self.blobs,
            live=live,
            identities=Identities((), self.privacy),
            now=self.now,
            group_wait=timedelta(),
            catalogue_age=timedelta(),
            policies=lambda: wanted.policies,
        )


def _lenient(wanted: Files) -> Files:
    """Return what is wanted without the gates that would have it refused: here an unmet one is a finding."""
    policies = [replace(p, gates_before_staging=None, gates_before_production=None) for p in wanted.policies]
    return replace(wanted, policies=policies)
