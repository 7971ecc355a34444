"""Timer triggers: run a function whenever the clock says that its schedule is due."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import timedelta

from local.clock import Clock
from local.functions.bindings import Function
from local.functions.invoker import Invoker
from local.functions.payloads import Payload, timer_payload
from local.functions.schedule import next_occurrence
from local.functions.worker import InvocationFailed

LATE = timedelta(minutes=1)  # a run that begins later than this after its moment is past due
LOOK_UP = timedelta(milliseconds=200)  # how soon a waiting timer notices that the host stops


class TimerTrigger:
    """One function on a schedule; a clock that jumps over several moments makes it run once."""

    def __init__(self, function: Function, expression: str, clock: Clock, invoker: Invoker) -> None:
        now = clock.now()
        self.function = function
        self._expression = expression
        self._clock = clock
        self._invoker = invoker
        self._last = now
        self._stopping = threading.Event()
        at_once = function.trigger.properties.get("runOnStartup")
        self.due = now if at_once else next_occurrence(expression, now)

    def is_due(self) -> bool:
        """Say whether a run is due or under way."""
        return self.due <= self._clock.now()

    def payload(self, *, is_past_due: bool = False) -> Payload:
        """Return what the function is given if it runs now."""
        return timer_payload(self._last, self.due, is_past_due=is_past_due)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Keep the schedule while the block runs; leaving it waits for a run under way."""
        keeper = threading.Thread(target=self._keep, name=f"timer-{self.function.name}", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._stopping.set()
            keeper.join()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            if self._clock.wait_until(self.due, at_most=LOOK_UP):
                self._run()

    def _run(self) -> None:
        payload = self.payload(is_past_due=self._clock.now() - self.due > LATE)
        with contextlib.suppress(InvocationFailed):  # reported by the invoker; a schedule goes on
            self._invoker.submit(self.function, payload).result()
        # Moved on only now, so that `is_due` holds until the run has ended.
        self._last = self._clock.now()
        self.due = next_occurrence(self._expression, self._last)
