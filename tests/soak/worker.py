"""One writer of a soak run: it takes messages as the functions host does, until it is told to stop or killed."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import AzureError
from azure.storage.queue import QueueClient, QueueMessage

from audit.errors import AuditError
from tests.soak.faults import transport
from tests.soak.parts import Parts, compose
from tests.soak.storage import Storage
from tests.soak.world import SoakChannel, SoakLive, World

VISIBILITY_SECONDS = 4  # how long a message of a killed worker stays away
MAX_DEQUEUE = 5  # host.json; then the host puts the message into the poison queue
BATCH = 4
IDLE_SECONDS = 0.05
IDLE_ROUNDS = 10
GROUP_WAIT = timedelta(seconds=1)
GROUP_INTERVAL = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Weather:
    """What a writer endures: the shares of steps it dies at and of calls that fail, and its clock's error."""

    crash: float = 0.0
    faults: float = 0.0
    live_faults: float = 0.0
    skew: timedelta = timedelta()


class Clock:
    """The real time, off by up to `skew`, and jumping there and back."""

    def __init__(self, skew: timedelta, dice: random.Random):
        self._skew = skew
        self._dice = dice
        self.jump()

    def jump(self) -> None:
        """Be off by something else from now on."""
        self._error = self._skew * self._dice.uniform(-1, 1)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._error


def work(connection: str, world: World, weather: Weather, seed: int, start: Callable[[], None]) -> None:
    """Be a writer; the body of a process. `start` returns when all of them are to begin."""
    dice = random.Random(seed)
    storage = Storage(connection, transport(weather.faults, dice, world.note) if weather.faults else None)
    clock = Clock(weather.skew, dice)
    parts = compose(
        storage.ports(SoakLive(world, dice, weather.live_faults), SoakChannel(world, dice, weather.faults)),
        clock.now,
        hook=_dying(weather.crash, dice, world),
        group_wait=GROUP_WAIT,
        group_interval=GROUP_INTERVAL,
    )
    runs = {"events": _take, "checks": _check, "alerts": _tell}
    queues = [(name, storage.client(name), run) for name, run in runs.items()]
    start()
    while not world.stop.exists():
        clock.jump()
        dice.shuffle(queues)
        if not sum(_drain(name, queue, run, parts, world) for name, queue, run in queues):
            time.sleep(IDLE_SECONDS)


def _dying(share: float, dice: random.Random, world: World) -> Callable[[str], None]:
    def hook(step: str) -> None:
        if dice.random() < share:
            world.note(f"crash {step}")
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


Run = Callable[[Parts, QueueMessage], None]


def _take(parts: Parts, message: QueueMessage) -> None:
    parts.intake.take(message.content)


def _check(parts: Parts, message: QueueMessage) -> None:
    parts.sweeper.run(message.content, is_redelivered=(message.dequeue_count or 1) > 1)


def _tell(parts: Parts, message: QueueMessage) -> None:
    parts.notifier.run(message.content, str(message.id))


def _drain(name: str, queue: QueueClient, run: Run, parts: Parts, world: World) -> int:
    messages = list(_receive(queue, world))
    for message in messages:
        with _survived(world):
            if name != "events" and (message.dequeue_count or 1) > MAX_DEQUEUE:
                world.note(f"poison {name}")
            else:
                run(parts, message)
                world.note(f"done {name}")
            queue.delete_message(message)  # last, always
    return len(messages)


def _receive(queue: QueueClient, world: World) -> Iterator[QueueMessage]:
    with _survived(world):
        yield from queue.receive_messages(max_messages=BATCH, visibility_timeout=VISIBILITY_SECONDS)


@contextlib.contextmanager
def _survived(world: World) -> Iterator[None]:
    """Count what the host would log; the message stays, and is delivered again."""
    try:
        yield
    except (AuditError, AzureError) as error:
        world.note(f"error {type(error).__name__}")


def settle(parts: Parts, storage: Storage, deadline: float, world: World) -> bool:
    """Work off what is left in this process, with nothing in the way; say whether all was done in time.

    Wakes that come later are left: with the clock of the last sweep, nothing has to wait for them.
    """
    runs: dict[str, Run] = {"events": _take, "checks": _check, "alerts": _tell}
    idle = 0
    while time.monotonic() < deadline:
        done = sum(_drain(name, storage.client(name), run, parts, world) for name, run in runs.items())
        idle = 0 if done or storage.waiting("events", "checks") else idle + 1
        if idle > IDLE_ROUNDS:
            return True
        if not done:
            time.sleep(IDLE_SECONDS)
    return False
