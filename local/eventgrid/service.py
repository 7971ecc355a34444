"""Event Grid on this machine: delivers published events to subscriptions over HTTP, at least once.

What is imitated: the handshakes, filters, both schemas, headers, the 30 seconds an endpoint has, the retry
schedule on the stack's clock, what is not retried, and dead letters. What is not: the jitter, probation and
delayed delivery of a failing endpoint, batches, and the five minutes before a dead letter is written.
"""

import json
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from local.clock import Clock
from local.eventgrid.delivery import (
    TOO_OLD,
    Answer,
    Delivery,
    attempt,
    dead_letter,
    dead_letter_path,
    next_attempt,
    why_given_up,
)
from local.eventgrid.handshake import shake_hands
from local.eventgrid.subscriptions import Subscription, require_valid

DELIVERIES_AT_ONCE = 8  # enough that events overtake each other, as they do on Azure
TICK = timedelta(milliseconds=50)  # between two looks at what has come due
LOOK_SECONDS = 0.02  # between two looks at whether all is delivered

DeadLetterWriter = Callable[[str, bytes], None]


class EventGrid:
    """The system topics of the stack; use it as a context manager, or start and stop it.

    `write_dead_letter` is given the name of a blob in the dead-letter container, and its content.
    """

    def __init__(self, clock: Clock, write_dead_letter: DeadLetterWriter | None = None) -> None:
        self._clock = clock
        self._write_dead_letter = write_dead_letter
        self._subscriptions: dict[str, Subscription] = {}
        self._lock = threading.Lock()
        self._waiting: list[Delivery] = []
        self._in_flight = 0
        self._work: queue.SimpleQueue[Sequence[Delivery] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.delivered: list[Delivery] = []
        self.dead_letters: list[dict[str, Any]] = []

    def __enter__(self) -> "EventGrid":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to deliver."""
        workers = [threading.Thread(target=self._deliver, daemon=True) for _ in range(DELIVERIES_AT_ONCE)]
        self._threads = [*workers, threading.Thread(target=self._keep_schedule, daemon=True)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let the deliveries under way end; those that wait for another try are dropped."""
        self._stopping.set()
        for _ in range(DELIVERIES_AT_ONCE):
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    def subscribe(self, subscription: Subscription) -> None:
        """Add a subscription, in place of one of the same name, once its endpoint has passed the handshake.

        Raises `SubscriptionRefused` where it has not, or where the subscription breaks a limit.
        """
        require_valid(subscription)
        shake_hands(subscription, self._clock.now())
        self._subscriptions[subscription.name] = subscription

    def publish(self, event: Mapping[str, Any]) -> None:
        """Send an event, in the Event Grid schema, to each subscription that wants it, and return at once.

        Raises `ValueError` where the event lacks a field that Azure never leaves out.
        """
        now = self._clock.now()
        whole = _complete(event, now)
        for subscription in tuple(self._subscriptions.values()):
            if subscription.matches(whole):
                self._begin([Delivery(subscription, whole, published_at=now, due=now)])

    def redeliver(self, event_ids: Sequence[str]) -> None:
        """Deliver events that were delivered before once more, one after the other in the order given.

        Raises `LookupError` where an event has not been delivered.
        """
        now = self._clock.now()
        with self._lock:
            latest = {(one.event["id"], one.subscription.name): one for one in self.delivered}
        again = [latest[key] for event_id in event_ids for key in latest if key[0] == event_id]
        missing = set(event_ids) - {one.event["id"] for one in again}
        if missing:
            raise LookupError(f"these events have not been delivered: {', '.join(sorted(missing))}")
        self._begin([replace(one, published_at=now, due=now) for one in again])

    def wait_until_delivered(self, timeout: timedelta) -> None:
        """Return when every event is delivered or given up; raise `TimeoutError` saying what is left.

        An event that waits for another try is left: move the clock to let it go.
        """
        self._wait(timeout, lambda: len(self._waiting))

    def wait_until_attempted(self, timeout: timedelta) -> None:
        """Return when nothing is on its way and no try is due yet; raise `TimeoutError` saying what is left."""
        self._wait(timeout, lambda: sum(one.due <= self._clock.now() for one in self._waiting))

    def _wait(self, timeout: timedelta, count_waiting: Callable[[], int]) -> None:
        deadline = time.monotonic() + timeout.total_seconds()
        while time.monotonic() < deadline:
            with self._lock:
                if not self._in_flight and not count_waiting():
                    return
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"not all delivered after {timeout}: {self._describe_left()}")

    def _describe_left(self) -> str:
        with self._lock:
            waiting = [
                f"{one.event['id']} for {one.subscription.name} after {one.last_outcome}, due {one.due:%H:%M:%S}"
                for one in self._waiting
            ]
            return "; ".join([f"{self._in_flight} on the way", *waiting])

    def _begin(self, deliveries: Sequence[Delivery]) -> None:
        with self._lock:
            self._in_flight += len(deliveries)
        self._work.put(deliveries)

    def _keep_schedule(self) -> None:
        while not self._stopping.is_set():
            for delivery in self._take_due():
                self._work.put([delivery])
            self._clock.wait_until(self._clock.now() + TICK, at_most=TICK)

    def _take_due(self) -> list[Delivery]:
        now = self._clock.now()
        with self._lock:
            due = [one for one in self._waiting if one.due <= now]
            self._waiting = [one for one in self._waiting if one.due > now]
            self._in_flight += len(due)
        return due

    def _deliver(self) -> None:
        while (deliveries := self._work.get()) is not None:
            for delivery in deliveries:
                self._try(delivery)

    def _try(self, delivery: Delivery) -> None:
        now = self._clock.now()
        if delivery.is_expired(now):
            self._bury(delivery, TOO_OLD)
        else:
            self._settle(*attempt(delivery, now))
        with self._lock:
            self._in_flight -= 1

    def _settle(self, tried: Delivery, answer: Answer) -> None:
        if answer.is_success:
            with self._lock:
                self.delivered.append(tried)
        elif reason := why_given_up(tried, answer.status):
            self._bury(tried, reason)
        else:
            due = next_attempt(tried, answer.status, self._clock.now())
            with self._lock:
                self._waiting.append(replace(tried, due=due))

    def _bury(self, delivery: Delivery, reason: str) -> None:
        letter = dead_letter(delivery, reason)
        self.dead_letters.append(letter)
        if self._write_dead_letter is not None:
            path = dead_letter_path(delivery, self._clock.now())
            self._write_dead_letter(path, json.dumps([letter]).encode())


def _complete(event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return a copy of the event with the fields filled in that Azure fills in."""
    missing = [name for name in ("topic", "subject", "eventType") if name not in event]
    if missing:
        raise ValueError(f"the event cannot be published: it lacks {', '.join(missing)}")
    filled = {"id": str(uuid.uuid4()), "eventTime": now.isoformat(), "dataVersion": "", "metadataVersion": "1"}
    whole: dict[str, Any] = json.loads(json.dumps({**filled, **event}))
    return whole
