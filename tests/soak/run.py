"""One soak run: a fleet, writers that are killed, everything that can go wrong, and then the checker.

(1) start Azurite, a proxy before it, and the writers
(2) change the fleet and send the events: duplicated, shuffled, and no faster than they are taken
(3) kill, cut and restart meanwhile
(4) wait until the queues are empty, and count what is stranded
(5) sweep twice, as the timer would, and check the invariants over what is stored
"""

import contextlib
import multiprocessing
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from audit.model import Target
from audit.record import keys
from audit.service.verify import Verifier
from local.azurite import Azurite, azurite
from tests.checker import Truth, violations
from tests.soak import estate, proxy, worker
from tests.soak.parts import compose
from tests.soak.storage import Storage
from tests.soak.worker import Weather, work
from tests.soak.world import SoakChannel, SoakLive, World, dumps, make_world

CHANGE_SHARE = 0.5  # of the events that announce a change; the others find nothing new
BACKLOG = 60  # events that wait at most: Azurite's queues slow down as they fill
SWEEP_SECONDS = 120.0
DRAIN_SECONDS = 300.0  # after the last event was sent, with nothing in the way any more
LATER = timedelta(hours=2)  # the last sweep comes after every claim of a dead owner may be taken over
POLL_SECONDS = 0.05

_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does; the same seed gives the same events, dice and order of kills, on a machine's own timing."""

    events: int = 300
    targets: int = 20
    writers: int = 4
    seed: int = 1
    duplicates: float = 0.2
    window: int = 50
    kills: int = 0
    crash: float = 0.0
    faults: float = 0.0
    live_faults: float = 0.0
    outages: tuple[float, ...] = ()
    skew_minutes: float = 0.0
    sweeps: int = 0
    is_at_once: bool = False
    patience_seconds: float = 60.0
    limit_seconds: float = 900.0

    @property
    def weather(self) -> Weather:
        """Return what the writers endure."""
        return Weather(self.crash, self.faults, self.live_faults, timedelta(minutes=self.skew_minutes))


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gave: its numbers, and every violation of an invariant."""

    numbers: dict[str, Any]
    violations: list[str]

    def __str__(self) -> str:
        words = "  ".join(f"{name}={value}" for name, value in self.numbers.items())
        return "\n".join([words, *(f"  VIOLATION {each}" for each in self.violations[:20])])


@dataclass
class _Sent:
    """What was sent so far."""

    ids: list[str] = field(default_factory=list)
    messages: int = 0
    generations: Counter[str] = field(default_factory=Counter)


def run(plan: Plan) -> Result:
    """Do one run."""
    with tempfile.TemporaryDirectory() as folder, azurite() as store:
        world, dice = make_world(Path(folder)), random.Random(plan.seed)
        storage = Storage(store.connection_string)
        storage.create()
        targets = estate.fleet(plan.targets)
        sent = _Sent()
        for target in targets:
            _change(world, target, sent, dice)
        estate.approve_all(storage.table("releases"), targets, datetime.now(UTC))
        with _proxied(store, world) as connection:
            return _run(plan, storage, connection, world, targets, sent, dice)


def _run(
    plan: Plan,
    storage: Storage,
    connection: str,
    world: World,
    targets: list[Target],
    sent: _Sent,
    dice: random.Random,
) -> Result:
    began_at = time.monotonic()
    source = _produce(plan, storage, world, targets, sent, dice)
    if plan.is_at_once:
        list(source)
    crew = _Crew(plan, connection, world, dice)
    trouble = _trouble(plan, crew, storage, world, sent, targets, dice)
    outages = _outages(plan, world, sent)
    deadline = began_at + plan.limit_seconds
    is_drained, idle_since, sent_at = False, began_at, began_at
    while time.monotonic() < deadline and not is_drained:
        is_over = [next(each, None) is None for each in (source, trouble, outages)]
        crew.mend()
        sent_at = sent_at if all(is_over) else time.monotonic()
        if all(is_over):
            time.sleep(POLL_SECONDS)
            is_drained = not storage.waiting("events", "checks") and _is_told(plan, storage, idle_since)
        if not all(is_over) or storage.waiting("events", "checks"):
            idle_since = time.monotonic()
    ended_at = time.monotonic()
    crew.end()
    inbox, outbox = _left(storage, targets)
    told_later = storage.waiting("alerts")  # a channel that took nothing is tried again, and later each time
    is_drained &= _sweep(storage, world)
    found = violations(storage.table("ledger"), storage.blobs("evidence"), _truth(world, targets, sent))
    found += _verify(storage)
    numbers = _numbers(plan, world, sent, ended_at - began_at)
    numbers |= {"drained_in": round(ended_at - sent_at, 1), "left": inbox + outbox, "told_later": told_later}
    if not is_drained or ended_at - sent_at > DRAIN_SECONDS:
        found.append("not drained in time")
    stranded = inbox + (outbox if not told_later else 0)
    if stranded and not numbers["poison"]:  # what a message that gave up has claimed is the sweep's
        found.append(f"{stranded} rows were left to the sweep, and no message gave up or waits")
    return Result(numbers, found)


def _is_told(plan: Plan, storage: Storage, idle_since: float) -> bool:
    """Say whether no alert is under way; wakes that wait for a dead owner's claim are left to the sweep."""
    return not storage.waiting("alerts") or time.monotonic() - idle_since > plan.patience_seconds


class _Crew:
    """The writers; a dead one is replaced."""

    def __init__(self, plan: Plan, connection: str, world: World, dice: random.Random):
        barrier = _fork.Barrier(plan.writers)
        start: Callable[[], Any] = barrier.wait if plan.is_at_once else lambda: None
        self._dice = dice
        self._body = (connection, world, plan.weather)
        self._writers = [self._fork(start) for _ in range(plan.writers)]

    def _fork(self, start: Callable[[], Any]) -> Any:
        process = _fork.Process(target=work, args=(*self._body, self._dice.randrange(2**32), start), daemon=True)
        process.start()
        return process

    def kill(self) -> None:
        """Kill one of the writers, wherever it is."""
        self._dice.choice(self._writers).kill()

    def mend(self) -> None:
        """Replace the dead."""
        for place, process in enumerate(self._writers):
            if process.exitcode is not None:
                assert process.exitcode == -signal.SIGKILL, "a writer ended by an error of its own"
                process.join()
                self._writers[place] = self._fork(lambda: None)

    def end(self) -> None:
        """Let all of them finish, and make sure of it."""
        for process in self._writers:
            process.kill()
            process.join()


def _change(world: World, target: Target, sent: _Sent, dice: random.Random) -> None:
    sent.generations[target.id] += 1
    version, capacity = dice.choice(estate.VERSIONS), dice.choice(estate.CAPACITIES)
    world.write(target, estate.document(target, version, capacity, sent.generations[target.id]))


def _produce(
    plan: Plan, storage: Storage, world: World, targets: list[Target], sent: _Sent, dice: random.Random
) -> Iterator[bool]:
    """Change targets and announce it, a few events a step; yields while there is more to come."""
    queue, window = storage.queue("events"), []
    events = storage.client("events")
    for number in range(plan.events):
        target = dice.choice(targets)
        if dice.random() < CHANGE_SHARE:
            _change(world, target, sent, dice)
        id_ = f"e-{number}"
        sent.ids.append(id_)
        copies = 1 + (dice.random() < plan.duplicates)
        window += [dumps(estate.write_event(target, id_, datetime.now(UTC)))] * copies
        while len(window) > plan.window or (window and number == plan.events - 1):
            queue.send(window.pop(dice.randrange(len(window))))
            sent.messages += 1
        while not plan.is_at_once and (events.get_queue_properties().approximate_message_count or 0) > BACKLOG:
            yield True
        yield True


def _trouble(
    plan: Plan,
    crew: _Crew,
    storage: Storage,
    world: World,
    sent: _Sent,
    targets: list[Target],
    dice: random.Random,
) -> Iterator[bool]:
    """Kill and sweep at random moments of the run, measured in events that were sent."""
    parents = sorted({target.parent for target in targets})

    def sweep() -> None:
        storage.queue("checks").send(dumps({"parent": dice.choice(parents)}))

    acts = [("kill", crew.kill)] * plan.kills + [("sweep", sweep)] * plan.sweeps
    for at, what, act in sorted(((dice.random(), *act) for act in acts), key=lambda each: each[0]):
        while len(sent.ids) < at * plan.events:
            yield True
        act()
        world.note(what)
        yield True


def _outages(plan: Plan, world: World, sent: _Sent) -> Iterator[bool]:
    """Cut storage off, evenly over the run."""
    for number, seconds in enumerate(plan.outages, 1):
        while len(sent.ids) < plan.events * number / (len(plan.outages) + 1):
            yield True
        (world.folder / "cut").touch()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield True
        (world.folder / "cut").unlink()
        world.note("outage")


@contextlib.contextmanager
def _proxied(store: Azurite, world: World) -> Iterator[str]:
    """Yield a connection string that leads through a proxy."""
    urls = (store.blob_url, store.queue_url, store.table_url)
    report = world.folder / "ports"
    ports = [urlsplit(url).port for url in urls]
    process = _fork.Process(target=proxy.run, args=(ports, report, world.folder / "cut"), daemon=True)
    process.start()
    while not report.exists():
        time.sleep(POLL_SECONDS)
    yield Azurite(*(f"http://127.0.0.1:{port}" for port in report.read_text().split())).connection_string
    process.kill()
    process.join()


def _left(storage: Storage, targets: list[Target]) -> tuple[int, int]:
    """Return how many rows are left in the inboxes, and how many in the outboxes."""
    ledger, inbox, outbox = storage.table("ledger"), 0, 0
    for partition in sorted({keys.partition(target.parent) for target in targets}):
        inbox += sum("-i-" in row.key for row in ledger.rows(partition, *keys.ALL_HOT))
        outbox += sum(row.key != keys.OUTBOX_HEAD for row in ledger.rows(partition, *keys.OUTBOX))
    return inbox, outbox


def _sweep(storage: Storage, world: World) -> bool:
    """Sweep twice more with nothing in the way, and work off what that asks for."""
    dice = random.Random(0)
    ports = storage.ports(SoakLive(world, dice), SoakChannel(world, dice))
    parts = compose(ports, lambda: datetime.now(UTC) + LATER)
    for _ in range(2):  # the second is for what came while a dead owner held its claim: the next alert has it
        parts.sweeper.sweep()
        if not worker.settle(parts, storage, time.monotonic() + SWEEP_SECONDS, world):
            return False
    return True


def _verify(storage: Storage) -> list[str]:
    """Return what `journal verify` calls broken: nothing was tampered with, so each would be a false alarm."""
    stores = (storage.table("ledger"), storage.table("releases"), storage.blobs("evidence"))
    found = Verifier(*stores, storage.blobs("checkpoints")).verify([], ())
    return [f"verify: {name}: expected {broken.expected}, got {broken.got}" for name, broken in found.broken]


def _truth(world: World, targets: list[Target], sent: _Sent) -> Truth:
    documents = world.documents()
    return Truth(
        parents={target.parent for target in targets},
        deliveries=world.deliveries(),
        events=set(sent.ids),
        problems={each for target in targets for each in estate.problems(target, documents[target])},
        generations=dict(sent.generations),
    )


def _numbers(plan: Plan, world: World, sent: _Sent, seconds: float) -> dict[str, Any]:
    tally, deliveries = world.tally(), world.deliveries()
    crashes = {what.removeprefix("crash "): n for what, n in tally.items() if what.startswith("crash ")}
    return {
        "seed": plan.seed,
        "events": plan.events,
        "messages": sent.messages,
        "seconds": round(seconds, 1),
        "events_per_second": round(plan.events / seconds, 1),
        "kills": tally["kill"],
        "crashes": sum(crashes.values()),
        "crash_steps": len(crashes),
        "faults": sum(n for what, n in tally.items() if what.startswith("fault ")),
        "outages": tally["outage"],
        "sweeps": tally["sweep"],
        "errors": sum(n for what, n in tally.items() if what.startswith("error ")),
        "poison": sum(n for what, n in tally.items() if what.startswith("poison ")),
        "alerts": len({each.alert for each in deliveries}),
        "repeats": len(deliveries) - len({each.alert for each in deliveries}),
    }
