"""The door through which Event Grid delivers: `/runtime/webhooks/EventGrid?functionName=...&code=...`.

It answers as the Event Grid extension of the .NET host does (HttpRequestProcessor.cs and
EventGridExtensionConfigProvider.cs in azure-sdk-for-net, HostController.cs in azure-functions-host):
the key first (401), then the function (404), then OPTIONS, then the header `aeg-event-type`. What the
extension cannot parse it throws at the host, whose ExceptionMiddleware makes a 500 without a body of it, so a
malformed body is redelivered. A body over one megabyte is refused with 413: the .NET host itself would take
it, but Event Grid never sends one.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from local.bodies import UNREADABLE, BodyTooLarge, read_json
from local.functions.access_keys import Keys, Level
from local.functions.bindings import EVENT_GRID, Function
from local.functions.invoker import Invoker
from local.functions.payloads import event_grid_payload
from local.functions.worker import InvocationFailed, Reply

PATH = "/runtime/webhooks/{extension}"
METHODS = ["GET", "POST", "DELETE", "OPTIONS"]

VALIDATION, NOTIFICATION, UNSUBSCRIBE = "subscriptionvalidation", "notification", "unsubscribe"

PUBLIC_CLOUD = "eventgrid.azure.net"
CLOUDS = (
    PUBLIC_CLOUD,
    "eventgrid.azure.us",
    "eventgrid.azure.eaglex.ic.gov",
    "eventgrid.azure.microsoft.scloud",
    "eventgrid.azure.cn",
)


class EventGridWebhook:
    """Takes deliveries for the app's functions with an Event Grid trigger."""

    def __init__(self, functions: Mapping[str, Function], keys: Keys, invoker: Invoker) -> None:
        self._functions = {name: one for name, one in functions.items() if one.trigger.type == EVENT_GRID}
        self._keys = keys
        self._invoker = invoker

    async def answer(self, request: Request) -> Response:
        """Answer one request, of whatever kind."""
        if not self._keys.admit(request, Level.SYSTEM):
            return Response(status_code=401)
        if request.path_params["extension"].lower() != "eventgrid":
            return Response(status_code=404)
        name = _function_name(request)
        if name not in self._functions:
            return PlainTextResponse(f"cannot find function: '{name}'", 404)
        if request.method == "OPTIONS":
            return _allow_origin(request)
        return await self._answer_event(request, self._functions[name])

    async def _answer_event(self, request: Request, function: Function) -> Response:
        kind = request.headers.get("aeg-event-type", "").lower()
        if kind == UNSUBSCRIBE:
            return Response(status_code=202)
        if kind not in (VALIDATION, NOTIFICATION):
            return Response(status_code=400)
        try:
            document = await read_json(request)
            if kind == VALIDATION:
                return _confirm(document)
            events = _events(document)
        except BodyTooLarge:
            return Response(status_code=413)
        except UNREADABLE:
            return Response(status_code=500)
        return await self._deliver(function, events)

    async def _deliver(self, function: Function, events: list[object]) -> Response:
        runs = (self._run(function, event) for event in events)
        outcomes = await asyncio.gather(*runs, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, InvocationFailed):
                return PlainTextResponse(str(outcome), 500)
            if isinstance(outcome, BaseException):
                raise outcome
        return Response(status_code=202)

    async def _run(self, function: Function, event: object) -> Reply:
        return await asyncio.wrap_future(self._invoker.submit(function, event_grid_payload(event)))


def _function_name(request: Request) -> str:
    query = {key.lower(): value for key, value in request.query_params.items()}
    return query.get("functionname", "")


def _allow_origin(request: Request) -> Response:
    origin = request.headers.get("webhook-request-origin", PUBLIC_CLOUD)
    allowed = origin if origin in CLOUDS else PUBLIC_CLOUD
    return Response(headers={"Webhook-Allowed-Origin": allowed})


def _events(document: Any) -> list[object]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        return [document]
    raise TypeError(f"a delivery is a JSON object or array, got {type(document).__name__}")


def _confirm(document: Any) -> Response:
    """Answer the handshake; the data of a CloudEvents one is JSON in a string."""
    if isinstance(document, list):
        code = document[0]["data"]["validationCode"]
    else:
        code = json.loads(document["data"])["validationCode"]
    return PlainTextResponse(json.dumps({"validationResponse": str(code)}))
