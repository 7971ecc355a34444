"""Run functions one by one or many at once, and report every run."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from local.functions.bindings import Function
from local.functions.outputs import QueueOutputs
from local.functions.payloads import Payload
from local.functions.worker import InvocationFailed, Reply, Worker

logger = logging.getLogger(__name__)

IDLE_SECONDS = 10  # without a run for so long, the host is left alone; its pollers then slow down


@dataclass(frozen=True, slots=True)
class Invocation:
    """One finished run of a function; `dequeue_count` is set for messages of a queue only."""

    function: str
    trigger: str
    ok: bool
    error: str | None
    duration_seconds: float
    dequeue_count: int | None = None


class Invoker:
    """Runs functions on an event loop in a thread of its own, to be called from any other thread.

    `on_invocation` is called on that loop after each run, so it must be quick.
    """

    def __init__(
        self, worker: Worker, outputs: QueueOutputs, on_invocation: Callable[[Invocation], None] | None
    ) -> None:
        self._worker = worker
        self._outputs = outputs
        self._on_invocation = on_invocation
        self._loop = asyncio.new_event_loop()
        self._changed = threading.Condition()
        self._running: list[str] = []
        self._begun_at = time.monotonic()
        self.started_count = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Hold the worker ready while the block runs; raises what `Worker.start` raises."""
        thread = threading.Thread(target=self._loop.run_forever, name="functions", daemon=True)
        thread.start()
        try:
            self._wait_for(self._worker.start())
            yield
        finally:
            self._wait_for_last_runs()
            self._wait_for(self._worker.stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def submit(self, function: Function, payload: Payload, dequeue_count: int | None = None) -> "Future[Reply]":
        """Start a run and return at once; the future holds the reply, or raises `InvocationFailed`."""
        with self._changed:
            self._running.append(function.name)
            self._begun_at = time.monotonic()
            self.started_count += 1
        return asyncio.run_coroutine_threadsafe(self._run(function, payload, dequeue_count), self._loop)

    def running_now(self) -> list[str]:
        """Return the name of each function that runs, once for each run."""
        with self._changed:
            return sorted(self._running)

    def is_idle(self) -> bool:
        """Say whether no run has begun for a while."""
        return time.monotonic() - self._begun_at > IDLE_SECONDS

    async def _run(self, function: Function, payload: Payload, dequeue_count: int | None) -> Reply:
        begun = time.monotonic()
        error: str | None = None
        try:
            reply = await self._worker.invoke(function.name, payload)
            if reply.outputs:
                await asyncio.to_thread(self._outputs.write, function, reply.outputs)
        except InvocationFailed as failure:
            error = str(failure)
            logger.warning("%s failed: %s\n%s", function.name, failure, failure.stack_trace)
            raise
        else:
            return reply
        finally:
            seconds = time.monotonic() - begun
            trigger = function.trigger.type
            self._note(Invocation(function.name, trigger, error is None, error, seconds, dequeue_count))

    def _note(self, invocation: Invocation) -> None:
        try:
            if self._on_invocation is not None:
                self._on_invocation(invocation)
        finally:
            with self._changed:
                self._running.remove(invocation.function)
                self._changed.notify_all()

    def _wait_for_last_runs(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._running)

    def _wait_for(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
