"""Look at targets in this process, several at once, and show how far it is."""

import json
import time
from collections import Counter
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta
from queue import SimpleQueue

from audit import wiring
from audit.cli.output import progress_bar
from audit.errors import AuditError, Throttled
from audit.model import Target
from audit.service.sweep import Sweeper

AT_ONCE = 8  # most of a look is waiting for its answer, and the pace is kept for all of them together
PATIENCE = 0.2  # seconds between two looks at what has become due
MAX_RETURNS = 10  # of a message that Azure throttles; then whoever waits here should know


@dataclass(slots=True)
class Here:
    """A queue whose messages this process works off itself; see `audit.ports.Queue`. Any thread may send."""

    sent: "SimpleQueue[tuple[float, str]]" = field(default_factory=SimpleQueue)
    waiting: list[tuple[float, str]] = field(default_factory=list)
    returns: Counter[str] = field(default_factory=Counter)

    def send(self, message: str, delay: timedelta = timedelta()) -> None:
        """Keep a message for later in this run; raise `Throttled` where it has come back too often."""
        if delay:
            self.returns[message] += 1
            if self.returns[message] > MAX_RETURNS:
                raise Throttled(f"tried {message} {MAX_RETURNS} times, and Azure asks to come back later", delay)
        self.sent.put((time.monotonic() + delay.total_seconds(), message))

    def take_due(self) -> list[str]:
        """Return the messages whose time has come."""
        while not self.sent.empty():
            self.waiting.append(self.sent.get())
        now, waiting = time.monotonic(), self.waiting
        self.waiting = [each for each in waiting if each[0] > now]
        return [message for due, message in waiting if due <= now]


def look_at(targets: Collection[Target]) -> list[str]:
    """Look at these targets, or where there are none at everything; return what could not be looked at."""
    queue, failures = Here(), []
    sweeper = Sweeper(wiring.checker(), queue, wiring.checkpointer())
    for target in targets:
        queue.send(json.dumps({"target": target.id, "origin": "command"}))
    if not targets:
        try:
            sweeper.sweep()
        except AuditError as error:  # what is known from before is swept all the same
            failures.append(str(error))
    return failures + work_off(sweeper, queue)


def work_off(sweeper: Sweeper, queue: Here) -> list[str]:
    """Do what the messages of a queue and those that follow from them ask for; return what could not be done."""
    failures: list[str] = []
    with progress_bar() as progress, ThreadPoolExecutor(AT_ONCE) as pool:
        task = progress.add_task("looking", total=None)
        running: set[Future[None]] = {pool.submit(sweeper.run, message) for message in queue.take_due()}
        while running or queue.waiting:
            if not running:
                time.sleep(PATIENCE)
            done, running = wait(running, timeout=PATIENCE, return_when=FIRST_COMPLETED)
            failures += filter(None, map(_failure, done))
            running |= {pool.submit(sweeper.run, message) for message in queue.take_due()}
            progress.advance(task, len(done))
            left = len(running) + len(queue.waiting)
            words = "waiting, as Azure asks" if queue.waiting and not running else "looking"
            progress.update(task, total=progress.tasks[0].completed + left, description=words)
    return failures


def _failure(done: Future[None]) -> str:
    """Return what could not be done; whatever is no error of ours rises."""
    try:
        done.result()
    except AuditError as error:
        return str(error)
    return ""
