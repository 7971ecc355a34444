"""Custom topics of Event Grid: take what a publisher posts, keep it, and hand it on."""

import hmac
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.bodies import UNREADABLE, BodyTooLarge, read_json

PATH = "/topics/{name}/api/events"

CLOUD_EVENT = "application/cloudevents+json"
CLOUD_EVENT_BATCH = "application/cloudevents-batch+json"
EVENT_GRID_EVENTS = "application/json"

# What an event must have, from the published schemas; dataVersion and topic are filled in by Azure.
CLOUD_EVENT_FIELDS = ("id", "source", "specversion", "type")
EVENT_GRID_FIELDS = ("id", "subject", "eventType", "eventTime")


@dataclass(frozen=True, slots=True)
class Received:
    """An event as it was published, and the topic it was published to."""

    topic: str
    event: Mapping[str, Any]


class CustomTopics:
    """Topics by name, each with its access key; each takes both schemas, where Azure fixes one.

    `on_event` hears of every event, in the order of arrival, on the web server's own thread.
    """

    def __init__(self, keys: Mapping[str, str], on_event: Callable[[Received], None] | None = None) -> None:
        self._keys = keys
        self._on_event = on_event
        self._lock = threading.Lock()
        self._received: list[Received] = []

    @property
    def received(self) -> list[Received]:
        """Return all events so far, the oldest first."""
        with self._lock:
            return list(self._received)

    def key(self, topic: str) -> str:
        """Return the access key of a topic."""
        return self._keys[topic]

    def app(self) -> Starlette:
        """Return the application to serve; a topic's endpoint is `<base URL>/topics/<name>/api/events`."""
        return Starlette(routes=[Route(PATH, self._publish, methods=["POST"])])

    async def _publish(self, request: Request) -> Response:
        """Answer as Azure does: 200 for success and nothing else, which the client insists on."""
        name = request.path_params["name"]
        if name not in self._keys:
            return _error(404, "NotFound", f"there is no topic {name}")
        if not hmac.compare_digest(request.headers.get("aeg-sas-key", "").encode(), self._keys[name].encode()):
            return _error(401, "Unauthorized", "the header aeg-sas-key does not hold the topic's key")
        try:
            events = _read_events(await read_json(request), request.headers.get("content-type", ""))
        except BodyTooLarge as error:
            return _error(413, "RequestEntityTooLarge", str(error))
        except UNREADABLE as error:
            return _error(400, "BadRequest", str(error))
        self._take([Received(name, event) for event in events])
        return Response(status_code=200)

    def _take(self, events: list[Received]) -> None:
        with self._lock:
            self._received += events
        for event in events:
            if self._on_event is not None:
                self._on_event(event)


def _read_events(document: Any, content_type: str) -> list[Mapping[str, Any]]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == CLOUD_EVENT:
        document = [document]
    elif kind not in (CLOUD_EVENT_BATCH, EVENT_GRID_EVENTS):
        raise ValueError(f"the content type {kind!r} is not one of Event Grid's")
    if not isinstance(document, list):
        raise TypeError(f"expected an array of events, got {type(document).__name__}")
    fields = EVENT_GRID_FIELDS if kind == EVENT_GRID_EVENTS else CLOUD_EVENT_FIELDS
    return [_require_fields(event, fields) for event in document]


def _require_fields(event: Any, fields: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(event, dict):
        raise TypeError(f"an event is a JSON object, got {type(event).__name__}")
    missing = [field for field in fields if not event.get(field)]
    if missing:
        raise ValueError(f"an event lacks {', '.join(missing)}")
    return event


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
