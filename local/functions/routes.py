"""The app's own HTTP functions, under host.json's route prefix.

A method that a known route does not list is answered 405, HEAD included. Azure answers 404 (issues 10098 and
11625 of azure-functions-host), which tells a person at the screen less.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.functions.access_keys import Keys, Level
from local.functions.bindings import HTTP, Binding, Function, NotImitated
from local.functions.invoker import Invoker
from local.functions.payloads import Payload, http_payload
from local.functions.protos import RpcHttp, TypedData
from local.functions.worker import InvocationFailed

# What a route may hold between braces of ASP.NET's templates: a name, a type, a leading star for the rest.
PARAMETER = re.compile(r"\{(?P<star>\*?)(?P<name>\w+)(?::(?P<kind>int|guid))?\}")
KINDS = {None: "", "int": ":int", "guid": ":uuid"}
ANY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


def http_routes(functions: Iterable[Function], prefix: str, keys: Keys, invoker: Invoker) -> list[Route]:
    """Return a route for each function with an HTTP trigger.

    Raises `NotImitated` where a route's template holds more than `{name}`, `{name:int}`, `{name:guid}` and
    `{*rest}`.
    """
    doors = [_Door(function, keys, invoker) for function in functions if function.trigger.type == HTTP]
    return [ignore_case(door.route(prefix)) for door in sorted(doors, key=_Door.precedence)]


def ignore_case(route: Route) -> Route:
    """Let the route match whatever the case of its path, as ASP.NET's do."""
    route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route


class _Door:
    """One HTTP function behind its access level."""

    def __init__(self, function: Function, keys: Keys, invoker: Invoker) -> None:
        self._function = function
        self._keys = keys
        self._invoker = invoker
        self._level = Level(str(function.trigger.properties.get("authLevel", "function")).lower())

    @property
    def _template(self) -> str:
        return str(self._function.trigger.properties.get("route") or self._function.name).strip("/")

    def precedence(self) -> list[int]:
        """Return ASP.NET's order of routes: segment by segment, words before parameters before the rest."""
        return [2 * ("{*" in segment) or int("{" in segment) for segment in self._template.split("/")]

    def route(self, prefix: str) -> Route:
        methods = _methods(self._function.trigger)
        route = Route(_path(prefix, self._template), self.answer, methods=methods)
        route.methods = set(methods)  # Starlette adds HEAD to GET; Azure does not
        return route

    async def answer(self, request: Request) -> Response:
        if not self._keys.admit(request, self._level):
            return Response(status_code=401)
        payload = await _payload(request)
        try:
            reply = await asyncio.wrap_future(self._invoker.submit(self._function, payload))
        except InvocationFailed:
            return Response(status_code=500)
        return _response(reply.returned)


def _methods(trigger: Binding) -> Sequence[str]:
    named = [str(method).upper() for method in trigger.properties.get("methods") or []]
    return named or ANY_METHOD


def _path(prefix: str, template: str) -> str:
    path = "/".join(part for part in (prefix, template) if part)
    left = PARAMETER.sub("", path)
    if "{" in left or "}" in left:
        raise NotImitated(f"the route {template!r} holds a parameter of a form that is not imitated here")
    return "/" + PARAMETER.sub(_parameter, path)


def _parameter(match: re.Match[str]) -> str:
    kind = ":path" if match["star"] else KINDS[match["kind"]]
    return f"{{{match['name']}{kind}}}"


async def _payload(request: Request) -> Payload:
    return http_payload(
        request.method,
        str(request.url),
        query={name: ",".join(request.query_params.getlist(name)) for name in request.query_params},
        headers={name: ",".join(request.headers.getlist(name)) for name in request.headers},
        params={name: str(value) for name, value in request.path_params.items()},
        body=await request.body(),
    )


def _response(returned: TypedData | None) -> Response:
    if returned is None or returned.WhichOneof("data") is None:
        return Response(status_code=204)
    if returned.http is not None:
        return _http_response(returned.http)
    return Response(returned.string, media_type="text/plain")


def _http_response(answer: RpcHttp) -> Response:
    if answer.cookies:
        raise NotImitated("an HTTP function sets a cookie, which is not imitated here")
    body = answer.body.bytes if answer.body.bytes is not None else answer.body.string
    return Response(body, int(answer.status_code), headers=dict(answer.headers))
