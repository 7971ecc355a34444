"""Processes that die and answers that get lost, at any step through the ports, and a host that redelivers.

A step is the moment before or after a call of a port has its effect. `Fuse` counts them and strikes at one. After
a death nothing more of that process has any effect: not its `finally` blocks either. The host then starts a new
one and delivers the message again, five times at most, as the Functions host does.
"""

import contextlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit.errors import AuditError
from audit.model import Alert, Look, Target
from audit.ports import Row, Write
from tests.checker import Problem, Truth, delivery, violations
from tests.fakes import FakeBlobs, FakeChannel, FakeLive, FakeQueue, FakeTable
from tests.house import House

MAX_DELIVERIES = 5
REAPPEARS_AFTER = timedelta(minutes=10)  # a message whose host died, azure-functions-host#8814
RETRIED_AFTER = timedelta(seconds=30)  # a message whose function raised; host.json


class Killed(BaseException):
    """The process died here."""


@dataclass
class Fuse:
    """Strikes once, at the step of this number; `steps` are the names of those that were passed."""

    at: int = -1
    strike: Callable[[], BaseException] = Killed
    is_dead: bool = False
    steps: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        if self.is_dead:
            raise Killed
        self.steps.append(name)
        if len(self.steps) == self.at + 1:
            error = self.strike()
            self.is_dead = isinstance(error, Killed)
            raise error


@dataclass
class MortalTable(FakeTable):
    fuse: Fuse = field(default_factory=Fuse)

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        self.fuse.step("before rows")
        return super().rows(partition, start, end, limit)

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        self.fuse.step("before commit")
        etags = super().commit(partition, writes)
        self.fuse.step("after commit")
        return etags


@dataclass
class MortalQueue(FakeQueue):
    fuse: Fuse = field(default_factory=Fuse)

    def send(self, message: str, delay: timedelta = timedelta()) -> None:
        self.fuse.step("before send")
        super().send(message, delay)
        self.fuse.step("after send")


@dataclass
class MortalBlobs(FakeBlobs):
    fuse: Fuse = field(default_factory=Fuse)

    def put(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        self.fuse.step("before put")
        super().put(name, content, content_type)
        self.fuse.step("after put")


@dataclass
class MortalChannel(FakeChannel):
    fuse: Fuse = field(default_factory=Fuse)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def send(self, alert: Alert) -> None:
        self.fuse.step("before telling")
        super().send(alert)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        self.fuse.step("after telling")


@dataclass
class WatchedLive(FakeLive):
    """Azure, which somebody may act upon at the very moment of a look."""

    fuse: Fuse = field(default_factory=Fuse)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def look(self, target: Target) -> Look:
        self.fuse.step("before look")
        seen = super().look(target)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return seen


@dataclass
class Message:
    """A queue message; `take` does its work."""

    id: str
    text: str
    queue: str
    visible_at: datetime
    deliveries: int = 0


@dataclass
class Host:
    """A house whose processes may die, and a functions host that delivers its messages until they are done."""

    fuse: Fuse = field(default_factory=Fuse)
    group_interval: timedelta = timedelta(minutes=5)

    def __post_init__(self) -> None:
        fuse = self.fuse
        self.house = House(
            ledger=MortalTable(fuse=fuse),
            releases=MortalTable(fuse=fuse),
            checks=MortalQueue(fuse=fuse),
            alerts=MortalQueue(fuse=fuse),
            blobs=MortalBlobs(fuse=fuse),
            checkpoints=MortalBlobs(fuse=fuse),
            live=WatchedLive(fuse=fuse),
            channel=MortalChannel(fuse=fuse),
            group_interval=self.group_interval,
        )
        self.waiting: list[Message] = []
        self.poison: list[Message] = []
        self.events: set[str] = set()
        self._ids = itertools.count()

    @property
    def channel(self) -> MortalChannel:
        assert isinstance(self.house.channel, MortalChannel)
        return self.house.channel

    @property
    def live(self) -> WatchedLive:
        assert isinstance(self.house.live, WatchedLive)
        return self.house.live

    def post(self, *events: dict) -> None:
        """Let Event Grid deliver events, each until it is taken in."""
        for event in events:
            self.events.add(event["id"])
            self._put("events", json.dumps(event), timedelta())

    def run(self, *queues: str) -> None:
        """Deliver everything that waits in these queues, by default in all; the clock moves on to what is due."""
        clock = self.house.clock
        for _ in range(20_000):
            self._collect()
            waiting = [message for message in self.waiting if not queues or message.queue in queues]
            if not waiting:
                return
            message = min(waiting, key=lambda each: (each.visible_at, int(each.id)))
            clock.time = max(clock.time, message.visible_at)
            self.deliver(message)
        raise AssertionError(f"the queues never ran dry: {self.waiting[:3]}")

    def sweep(self) -> None:
        """Let the sweep's timer come, and again where it died, and do all that follows from it."""
        self._come(self.house.sweeper.sweep)
        self.run()

    def remind(self) -> None:
        """Let the reminder's timer come, and again where it died, and do all that follows from it."""
        self._come(self.house.sweeper.remind)
        self.run()

    def _come(self, timer: Callable[[], object]) -> None:
        for _ in range(MAX_DELIVERIES):
            with contextlib.suppress(Killed, AuditError):
                timer()
                return
            self.fuse.is_dead = False
        raise AssertionError("the timer never got through")

    def violations(self, problems: set[Problem] | None = None) -> list[str]:
        """Return what an independent checker finds wrong with the rows and with what on-call got."""
        house, self.fuse.at = self.house, -1
        parents = {target.parent for target in house.live.documents}
        told = [delivery(alert) for alert in house.channel.alerts]
        return violations(house.ledger, house.blobs, Truth(parents, told, self.events, problems))

    def _collect(self) -> None:
        for name, queue in (("checks", self.house.checks), ("alerts", self.house.alerts)):
            for text, delay in queue.sent:
                self._put(name, text, delay)
            queue.sent.clear()

    def _put(self, queue: str, text: str, delay: timedelta) -> None:
        self.waiting.append(Message(str(next(self._ids)), text, queue, self.house.clock.now() + delay))

    def deliver(self, message: Message) -> None:
        """Deliver a message once; it reappears later where that did not end well."""
        message.deliveries += 1
        try:
            self._take(message)
        except (Killed, AuditError) as error:
            self.fuse.is_dead = False  # a new process
            self._collect()
            again = REAPPEARS_AFTER if isinstance(error, Killed) else RETRIED_AFTER
            message.visible_at = self.house.clock.now() + again
            if message.deliveries >= MAX_DELIVERIES and message.queue != "events":
                self.waiting.remove(message)
                self.poison.append(message)
        else:
            self.waiting.remove(message)

    def _take(self, message: Message) -> None:
        match message.queue:
            case "events":
                self.house.intake.take(message.text)
            case "checks":
                self.house.sweeper.run(message.text, is_redelivered=message.deliveries > 1)
            case "alerts":
                self.house.notifier.run(message.text, message.id)
