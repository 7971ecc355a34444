"""Long-running operations: a write is accepted, runs for a while, and whoever started it asks how it goes.

Both protocols of ARM are spoken: `Azure-AsyncOperation` tells a status, `Location` answers 202 until it is done.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.azure.answers import Answer, error_body, not_found
from local.azure.documents import service_time
from local.azure.ids import AI

# Milliseconds, because the SDKs take a `Retry-After` of 0 seconds for none and then wait 5 to 30 seconds.
POLL_AGAIN = {"x-ms-retry-after-ms": "20"}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an accepted operation came to nothing, in the service's words."""

    code: str
    message: str


@dataclass(slots=True)
class Operation:
    """One write under way. `busy_id` names what else cannot be written meanwhile."""

    id: str
    target_id: str
    busy_id: str
    started: datetime
    ended: datetime | None = None
    failure: Failure | None = None

    @property
    def status(self) -> str:
        """The operation's state in ARM's words."""
        if self.ended is None:
            return "InProgress"
        return "Failed" if self.failure else "Succeeded"


@dataclass(slots=True)
class Operations:
    """All operations since the start. Each takes `seconds` of real time; with 0 it is over before its answer."""

    seconds: float = 0.0
    _all: dict[str, Operation] = field(default_factory=dict)
    _under_way: dict[str, Operation] = field(default_factory=dict)
    _timers: list[threading.Timer] = field(default_factory=list)

    def begin(self, operation: Operation) -> None:
        """Keep the operation; until `end` it forbids others with the same `busy_id`."""
        self._all[operation.id] = operation
        self._under_way[operation.id] = operation

    def end(self, operation: Operation, now: datetime, failure: Failure | None) -> None:
        """Note how the operation ended."""
        operation.failure = failure
        operation.ended = now
        self._under_way.pop(operation.id, None)

    def when_due(self, operation: Operation, finish: Callable[[Operation], None]) -> None:
        """Call `finish` when the operation's time is over, which may be now."""
        if self.seconds <= 0:
            finish(operation)
            return
        timer = threading.Timer(self.seconds, finish, (operation,))
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def is_busy(self, busy_id: str) -> bool:
        """Whether an operation under way forbids another one here."""
        return any(each.busy_id.lower() == busy_id.lower() for each in list(self._under_way.values()))

    def status_answer(self, id_: str) -> Answer:
        """Return what the address in `Azure-AsyncOperation` answers."""
        operation = self._found(id_)
        body: dict[str, Any] = {
            "name": id_,
            "status": operation.status,
            "startTime": service_time(operation.started),
        }
        if operation.ended:
            body["endTime"] = service_time(operation.ended)
        if operation.failure:
            body |= error_body(operation.failure.code, operation.failure.message)
        return Answer(200, body, POLL_AGAIN)

    def result_answer(self, id_: str, current: Callable[[str], Any]) -> Answer:
        """Return what the address in `Location` answers: the resource as it is by then, or 204 without one."""
        operation = self._found(id_)
        if operation.ended is None:
            return Answer(202, headers=POLL_AGAIN)
        if operation.failure:
            return Answer(409, error_body(operation.failure.code, operation.failure.message))
        document = current(operation.target_id)
        return Answer(200, document) if document else Answer(204)

    def close(self) -> None:
        """Give up what is still under way."""
        for timer in self._timers:
            timer.cancel()

    def _found(self, id_: str) -> Operation:
        operation = self._all.get(id_)
        if operation is None:
            raise not_found(f"operation {id_}")
        return operation


def operation_headers(scope: str, name: str) -> dict[str, str]:
    """Return the headers that tell where to ask after an operation; `scope` is the URL of a region."""
    is_ai = f"/{AI}/" in scope
    word, version = ("operation", "2025-09-01") if is_ai else ("mfeOperation", "2022-02-01-preview")
    return {
        "Azure-AsyncOperation": f"{scope}/{word}sStatus/{name}?api-version={version}",
        "Location": f"{scope}/{word}Results/{name}?api-version={version}",
        "x-ms-async-operation-timeout": "PT90M",
        **POLL_AGAIN,
    }


def without_result(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers without the address of the operation's result."""
    return {key: value for key, value in headers.items() if key != "Location"}
