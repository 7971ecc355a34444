"""The clock of the local stack, which tests and the story can move forward."""

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """The machine's time plus an offset that only grows; every time it gives is an aware UTC datetime."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._moved = threading.Condition()

    def now(self) -> datetime:
        """Return the present moment of the stack."""
        return datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> None:
        """Move time forward and wake whoever waits for a moment that has now come."""
        with self._moved:
            self._offset += by
            self._moved.notify_all()

    def wait_until(self, moment: datetime, *, at_most: timedelta) -> bool:
        """Block until `moment` has come or `at_most` real time has passed; say whether it has come."""
        with self._moved:
            left = min(moment - self.now(), at_most).total_seconds()
            if left > 0:
                self._moved.wait(left)
            return self.now() >= moment
