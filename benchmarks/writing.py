"""What one writer does, in a process of its own as on Azure: it takes events in, checks, and tells.

The storage is real, through the real adapters; Azure itself, the host's queues and the channel are fakes.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit import wiring
from audit.adapters.blobs import AzureBlobs
from audit.adapters.storage import AzureQueue, AzureTable
from audit.model import Target
from audit.targets import parse_target
from benchmarks.replaying import Replay
from benchmarks.storing import CountedBlobs, CountedQueue, CountedTable, Log, Operation, Storage
from local.azurite import Azurite
from tests.house import GROUP, House, chat_document, release, write_event

TARGETS_AN_ACCOUNT = 10
APPROVED, DRIFTED = "2024-08-06", "2024-05-13"
# So many events apart, one finds a drift. No number of targets here is a multiple of it, so that the next event
# of the same target finds it mended.
DRIFT_EVERY = 7


@dataclass(frozen=True, slots=True)
class Load:
    """So many events on so many targets, by so many writers; events are numbered from `first` on."""

    name: str
    targets: int
    writers: int
    events: int
    first: int = 0

    def share(self, writer: int) -> range:
        """Return the numbers of one writer's events."""
        return range(self.first + writer, self.first + self.events, self.writers)


@dataclass(frozen=True, slots=True)
class Share:
    """What one writer did: when it began and ended, and the time of each event (monotonic seconds)."""

    began: float
    ended: float
    seconds: Sequence[float]
    log: Log


class Clock:
    """The machine's clock, for a house that is otherwise made of fakes."""

    def now(self) -> datetime:
        """Return the present moment."""
        return wiring.now()


def open_house(running: Azurite, name: str, log: Log) -> House:
    """Return a Model Audit whose tables, queues and blobs are on Azurite under this name."""
    storage = Storage(running, log)
    parts: dict[str, Any] = {
        "ledger": CountedTable(AzureTable(storage.table(f"{name}ledger")), log),
        "releases": CountedTable(AzureTable(storage.table(f"{name}releases")), log),
        "checks": CountedQueue(AzureQueue(storage.queue(f"{name}-checks")), log),
        "alerts": CountedQueue(AzureQueue(storage.queue(f"{name}-alerts")), log),
        "blobs": CountedBlobs(AzureBlobs(storage.blobs(f"{name}-evidence")), log),
        "clock": Clock(),
    }
    return House(**parts)


def target_of(number: int) -> Target:
    """Return the Azure OpenAI deployment of this number."""
    account = f"aoai-{number // TARGETS_AN_ACCOUNT}"
    return parse_target(f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/{account}/deployments/{number}")


def event_of(number: int, target: Target) -> dict[str, Any]:
    """Return the event of this number: somebody has just written the target."""
    return write_event(target, f"e-{number}", wiring.now().isoformat())


def prepare(running: Azurite, load: Load, writer: int) -> None:
    """Approve this writer's share of the targets and check them once, as a first sweep would."""
    house = open_house(running, load.name, Log())
    for number in range(writer, load.targets, load.writers):
        target = target_of(number)
        house.approve(release(target))
        house.serve(target, chat_document(APPROVED))
        house.checker.check(target)


def write(running: Azurite, load: Load, writer: int) -> Share:
    """Take this writer's events in, and work off all that follows from each."""
    log = Log()
    house = open_house(running, load.name, log)
    log.clear()
    began, seconds = time.monotonic(), []
    for number in load.share(writer):
        target = target_of(number % load.targets)
        house.serve(target, chat_document(APPROVED if number % DRIFT_EVERY else DRIFTED))
        arrived = time.monotonic()
        house.deliver(event_of(number, target))
        seconds.append(time.monotonic() - arrived)
    return Share(began, time.monotonic(), seconds, log)


def replay(running: Azurite, load: Load, writer: int, operations: Sequence[Operation]) -> Share:
    """Repeat one writer's operations without the audit."""
    log = Log()
    ready = Replay(Storage(running, log), f"{load.name}{load.first}", writer, operations)
    log.clear()
    began = time.monotonic()
    ready.run()
    return Share(began, time.monotonic(), (), log)
