"""How fast we ask: one token bucket for all that this process reads as one principal."""

import threading
import time
from collections.abc import Callable

# ARM lets a principal read 25 times a second for long (learn.microsoft.com, "request limits and throttling"). With
# these two no second ever sees more than 25, and others who act as the same principal have room left.
READS_A_SECOND = 20.0
BURST = 5


class Pace:
    """Lets `reads_a_second` through, and up to `burst` at once after a rest; whoever comes early waits."""

    def __init__(
        self,
        reads_a_second: float = READS_A_SECOND,
        burst: int = BURST,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self._interval, self._ahead = 1 / reads_a_second, (burst - 1) / reads_a_second
        self._clock, self._sleep = clock, sleep
        self._due = clock() - self._ahead  # when the next one would go if all came evenly
        self._turn = threading.Lock()

    def take(self) -> None:
        """Wait until one more may be asked."""
        with self._turn:
            now = self._clock()
            self._due = max(self._due, now - self._ahead)
            wait = self._due - now
            self._due += self._interval
        if wait > 0:
            self._sleep(wait)

    def hold(self, seconds: float) -> None:
        """Let nobody ask for a while: who throttles one of us means all of us."""
        with self._turn:
            self._due = max(self._due, self._clock() + seconds)
