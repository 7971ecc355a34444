"""When a timer fires, on a clock that the test moves."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import timedelta

import pytest

from local.clock import Clock
from local.functions.bindings import Binding, Function
from local.functions.payloads import Payload
from local.functions.protos import RpcException
from local.functions.timers import TimerTrigger
from local.functions.worker import InvocationFailed, Reply

NEW_YEAR = "0 0 0 1 1 *"


class Runs:
    """Stands where the invoker would, and remembers what it was asked to run."""

    def __init__(self) -> None:
        self.payloads: list[Payload] = []
        self.error: InvocationFailed | None = None
        self._came = threading.Semaphore(0)

    def submit(self, _function: Function, payload: Payload) -> "Future[Reply]":
        future: Future[Reply] = Future()
        if self.error is None:
            future.set_result(Reply(None, {}))
        else:
            future.set_exception(self.error)
        self.payloads.append(payload)
        self._came.release()
        return future

    def wait_for_one(self) -> None:
        assert self._came.acquire(timeout=5)

    def came(self, within_seconds: float) -> bool:
        return self._came.acquire(timeout=within_seconds)

    def past_due(self) -> list[bool]:
        return [json.loads(payload.value.json or "")["IsPastDue"] for payload in self.payloads]


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture
def timer(clock: Clock, runs: Runs) -> Iterator[TimerTrigger]:
    one = make(clock, runs)
    with one.running():
        yield one


def make(clock: Clock, runs: Runs, **properties: object) -> TimerTrigger:
    binding = Binding("timerTrigger", "timer", is_input=True, properties=properties)
    return TimerTrigger(Function("sweep", "id", (binding,)), NEW_YEAR, clock, runs)  # type: ignore[arg-type]


def until_quiet(timer: TimerTrigger) -> None:
    pause = threading.Event()
    while timer.is_due():
        pause.wait(0.01)


def test_it_does_not_fire_before_its_moment(clock: Clock, runs: Runs, timer: TimerTrigger) -> None:
    clock.advance(timer.due - clock.now() - timedelta(seconds=2))

    assert not runs.came(within_seconds=0.3)


def test_it_fires_on_time_when_the_clock_comes_to_its_moment(
    clock: Clock, runs: Runs, timer: TimerTrigger
) -> None:
    clock.advance(timer.due - clock.now())

    runs.wait_for_one()
    assert runs.past_due() == [False]


def test_a_clock_that_jumps_over_several_moments_makes_it_fire_once_and_late(
    clock: Clock, runs: Runs, timer: TimerTrigger
) -> None:
    clock.advance(timedelta(days=3 * 366))

    runs.wait_for_one()
    until_quiet(timer)
    assert runs.past_due() == [True]
    assert timer.due > clock.now()


def test_a_failed_run_does_not_end_the_schedule(clock: Clock, runs: Runs, timer: TimerTrigger) -> None:
    runs.error = InvocationFailed(RpcException("RuntimeError: storage is down"))

    for _ in range(2):
        clock.advance(timer.due - clock.now())
        runs.wait_for_one()
        until_quiet(timer)

    assert len(runs.payloads) == 2


def test_run_on_startup_fires_at_once_and_then_by_the_schedule(clock: Clock, runs: Runs) -> None:
    timer = make(clock, runs, runOnStartup=True)

    with timer.running():
        runs.wait_for_one()
        until_quiet(timer)

    assert runs.past_due() == [False]
    assert (timer.due.month, timer.due.day) == (1, 1)
