"""The host's administrative door under `/admin`, which only the master key opens."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.bodies import UNREADABLE, BodyTooLarge, read_json
from local.clock import Clock
from local.functions.access_keys import Keys, Level
from local.functions.bindings import EVENT_GRID, HTTP, QUEUE, Function
from local.functions.invoker import Invoker
from local.functions.payloads import Payload, QueueFacts, event_grid_payload, queue_payload
from local.functions.timers import TimerTrigger
from local.functions.worker import HOST_VERSION

Endpoint = Callable[[Request], Awaitable[Response]]


class Admin:
    """Lists the functions, tells the host's state, and runs a function by hand."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        timers: Mapping[str, TimerTrigger],
        keys: Keys,
        invoker: Invoker,
        clock: Clock,
    ) -> None:
        self._functions = functions
        self._timers = timers
        self._keys = keys
        self._invoker = invoker
        self._clock = clock
        self._begun = time.monotonic()

    def routes(self) -> list[Route]:
        """Return the administrative routes, each behind the master key."""
        return [
            Route("/admin/host/status", self._guarded(self._status), methods=["GET"]),
            Route("/admin/functions", self._guarded(self._list), methods=["GET"]),
            Route("/admin/functions/{name}", self._guarded(self._run), methods=["POST"]),
        ]

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            if not self._keys.admit(request, Level.ADMIN):
                return Response(status_code=401)
            return await endpoint(request)

        return answer

    async def _status(self, _request: Request) -> Response:
        uptime_milliseconds = int((time.monotonic() - self._begun) * 1000)
        return JSONResponse({"state": "Running", "version": HOST_VERSION, "processUptime": uptime_milliseconds})

    async def _list(self, _request: Request) -> Response:
        return JSONResponse([_describe(function) for function in self._functions.values()])

    async def _run(self, request: Request) -> Response:
        """Start a run and answer 202 at once, as Azure does: how it ends is not told here."""
        function = self._functions.get(request.path_params["name"])
        if function is None:
            return Response(status_code=404)
        if function.trigger.type == HTTP:
            return PlainTextResponse(f"{function.name} is an HTTP function: call its own URL", 400)
        try:
            payload = self._payload(function, await _read_input(request))
        except (BodyTooLarge, *UNREADABLE) as error:
            return PlainTextResponse(f'expected a JSON object {{"input": "text"}}: {error}', 400)
        self._invoker.submit(function, payload)
        return Response(status_code=202)

    def _payload(self, function: Function, text: str) -> Payload:
        if function.trigger.type == EVENT_GRID:
            return event_grid_payload(json.loads(text))
        if function.trigger.type == QUEUE:
            return queue_payload(text.encode(), self._facts())
        return self._timers[function.name].payload()

    def _facts(self) -> QueueFacts:
        now = self._clock.now()
        return QueueFacts("by-hand", "", dequeue_count=1, inserted_at=now, expires_at=now, next_visible_at=now)


def _describe(function: Function) -> dict[str, Any]:
    bindings = [dict(binding.properties) for binding in function.bindings]
    return {"name": function.name, "language": "python", "isDisabled": False, "config": {"bindings": bindings}}


async def _read_input(request: Request) -> str:
    text = (await read_json(request))["input"]
    if not isinstance(text, str | None):
        raise TypeError(f"`input` is {type(text).__name__}, not text")
    return text or ""
