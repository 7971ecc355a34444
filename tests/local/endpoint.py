"""A webhook that records what it is sent and answers as it is told."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class Endpoint:
    """Passes both handshakes; answers notifications with `statuses` in turn, then with 200."""

    statuses: list[int] = field(default_factory=list)
    handshake: Callable[[Request, Any], Response] | None = None
    notifications: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/hook", self.answer, methods=["POST", "OPTIONS"])])

    async def answer(self, request: Request) -> Response:
        body = json.loads(await request.body() or b"null")
        is_validation = request.headers.get("aeg-event-type") == "SubscriptionValidation"
        if is_validation or request.method == "OPTIONS":
            return (self.handshake or consent)(request, body)
        with self.lock:
            self.notifications.append((dict(request.headers), body))
            return Response(status_code=self.statuses.pop(0) if self.statuses else 200)

    def ids(self) -> list[str]:
        bodies = [body for _, body in self.notifications]
        return [(body[0] if isinstance(body, list) else body)["id"] for body in bodies]


def consent(request: Request, body: Any) -> Response:
    if request.method == "OPTIONS":
        return Response(headers={"webhook-allowed-origin": request.headers["webhook-request-origin"]})
    return JSONResponse({"validationResponse": body[0]["data"]["validationCode"]})


def event(event_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": event_id,
        "topic": "/subscriptions/s",
        "subject": "models/m:1",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "eventTime": "2026-01-02T03:04:05.1234567Z",
        "data": {"modelName": "m"},
        "dataVersion": "2",
        "metadataVersion": "1",
        **fields,
    }
