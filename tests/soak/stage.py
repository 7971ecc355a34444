"""A whole Model Audit on fakes whose steps can be stopped at will, and whose messages come until they are done."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from audit.approvals import releases
from audit.model import Release, Target
from audit.record import keys
from audit.service import parents
from tests.checker import Problem, Truth, delivery, violations
from tests.fakes import FakeBlobs, FakeChannel, FakeClock, FakeLive, FakeQueue, FakeTable
from tests.soak.parts import Hook, Parts, Ports, compose

Document = dict[str, Any]


class Crash(BaseException):
    """A worker died here; no code of ours may catch it."""


@dataclass
class Trace:
    """A hook that remembers the steps, and acts at one of them."""

    place: int = -1
    act: Callable[[], None] = lambda: None
    steps: list[str] = field(default_factory=list)

    def __call__(self, step: str) -> None:
        self.steps.append(step)
        if len(self.steps) == self.place + 1:
            self.act()


def crash() -> None:
    """Die."""
    raise Crash


@dataclass
class Stage:
    """The outside world as fakes, and what a functions host does with its queues."""

    ledger: FakeTable = field(default_factory=FakeTable)
    releases: FakeTable = field(default_factory=FakeTable)
    checks: FakeQueue = field(default_factory=FakeQueue)
    alerts: FakeQueue = field(default_factory=FakeQueue)
    evidence: FakeBlobs = field(default_factory=FakeBlobs)
    live: FakeLive = field(default_factory=FakeLive)
    channel: FakeChannel = field(default_factory=FakeChannel)
    clock: FakeClock = field(default_factory=FakeClock)
    told: int = 0

    def parts(self, hook: Hook = lambda _: None, **ports: Any) -> Parts:
        """Return Model Audit over the fakes, or over `ports` where they are named."""
        fakes: dict[str, Any] = {
            "ledger": self.ledger,
            "releases": self.releases,
            "checks": self.checks,
            "alerts": self.alerts,
            "evidence": self.evidence,
            "checkpoints": FakeBlobs(),
            "live": self.live,
            "channel": self.channel,
        }
        return compose(Ports(**{**fakes, **ports}), self.clock.now, hook=hook, group_interval=timedelta())

    def approve(self, release: Release) -> None:
        partition = keys.partition(release.target.parent)
        self.releases.commit(partition, releases.approve(releases.NONE, release, "ada", self.clock.now()))
        parents.remember(self.releases, release.target.parent)

    def serve(self, target: Target, document: Document) -> None:
        self.live.documents[target] = document

    def take(self, parts: Parts, event: Document) -> None:
        """Deliver an event as Event Grid does."""
        until_done(lambda _: parts.intake.take(json.dumps(event)))

    def settle(self, parts: Parts, *, deletes_first: bool = False) -> None:
        """Work off the queues; with `deletes_first`, a message whose run dies is gone."""
        deliver = once if deletes_first else until_done
        while self.checks.sent or self.alerts.sent:
            for message in self.checks.take():
                deliver(lambda again, m=message: parts.sweeper.run(m, is_redelivered=again))
            for message in self.alerts.take():
                self.told += 1
                deliver(lambda _, m=message, id_=f"m-{self.told}": parts.notifier.run(m, id_))

    def deliver(self, parts: Parts, *events: Document) -> None:
        """Deliver events, one after the other."""
        for event in events:
            self.take(parts, event)
            self.settle(parts)

    def sweep(self, parts: Parts | None = None) -> None:
        """Sweep once."""
        parts = parts or self.parts()
        parts.sweeper.sweep()
        self.settle(parts)

    def violations(
        self,
        *,
        events: Iterable[str] | None = None,
        problems: Iterable[Problem] | None = None,
        generations: dict[str, int] | None = None,
    ) -> list[str]:
        """Return what the checker says of the rows, the blobs and the receiver."""
        truth = Truth(
            parents=self.parts().sweeper.parents(),
            deliveries=[delivery(alert) for alert in self.channel.alerts],
            events=None if events is None else set(events),
            problems=None if problems is None else set(problems),
            generations=generations or {},
        )
        return violations(self.ledger, self.evidence, truth)


def until_done(run: Callable[[bool], object]) -> None:
    """Deliver a message until its run ends well, as a queue does; `run` is told whether it is redelivered."""
    is_redelivered = False
    while True:
        try:
            run(is_redelivered)
        except Crash:
            is_redelivered = True
        else:
            return


def once(run: Callable[[bool], object]) -> None:
    """Deliver a message that was deleted before its run: if that dies, nobody comes back."""
    try:
        run(False)
    except Crash:
        return
