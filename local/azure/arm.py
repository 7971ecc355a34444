"""The ASGI application: Azure Resource Manager as its callers see it.

Each call runs the same gauntlet as on Azure: token (401), api-version (400), a known type, the right to act
(403), throttling (429), and only then the resource.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.azure.answers import (
    Answer,
    Refusal,
    not_found,
    not_imitated,
    parent_not_found,
    unauthorized,
    usual_headers,
)
from local.azure.estate import Estate
from local.azure.events import Caller
from local.azure.faults import Fault, Faults, Spoil, spoilt
from local.azure.hosted_documents import discovery
from local.azure.identity import AUDIENCES, BadToken, Identity, read_token
from local.azure.ids import Address, read_path
from local.azure.kinds import SPELLING
from local.azure.limits import Limits
from local.azure.lists import item_answer, list_answer
from local.azure.operations import Operations
from local.azure.resource_graph import PATH as GRAPH
from local.azure.resource_graph import ResourceGraph
from local.azure.roles import granting_role
from local.azure.writes import Wish, Writer
from local.clock import Clock

METADATA = "/metadata/endpoints"
REGISTRY_HOST = "/mferp/managementfrontend"  # what a registry answers at its own endpoint, whose host is ours too
_DISCOVERY = re.compile(r"/registrymanagement/v1\.0/registries/([^/]+)/discovery", re.IGNORECASE)
HANG_SECONDS = 0.05  # how often a hanging call looks whether it may go on
_API_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-[a-z0-9.]+)?", re.IGNORECASE)
_WRITES = ("PUT", "PATCH", "DELETE")
_STATUS = ("mfeoperationsstatus", "operationsstatus")
_RESULT = ("mfeoperationresults", "operationresults")


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the log keeps it; `who` is the caller's name in the fleet, None without a good token."""

    method: str
    path: str
    query: Mapping[str, str]
    who: str | None
    status: int
    at: datetime


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request, with its body read."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    url: str
    body: bytes


class Arm:
    """The application. `page_size` and the faults can be changed while it serves."""

    def __init__(
        self,
        estate: Estate,
        operations: Operations,
        writer: Writer,
        clock: Clock,
        limits: Limits,
        graph: ResourceGraph,
    ) -> None:
        self.graph = graph
        self.page_size = 30
        self.base_url = ""
        self.faults = Faults()
        self.requests: list[Call] = []
        self._estate = estate
        self._operations = operations
        self._writer = writer
        self._clock = clock
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response = await self._serve(request)
        await response(scope, receive, send)

    async def _serve(self, request: Request) -> Response:
        ask = await _ask(request)
        faults = self.faults.hitting(ask.method, ask.path)
        for fault in faults:
            await self._suffer(fault, request)
        who, answer = await self._answered(ask, faults)
        self.requests.append(Call(ask.method, ask.path, ask.query, who, answer.status, self._clock.now()))
        return _response(answer, {fault.spoil for fault in faults})

    async def _answered(self, ask: _Ask, faults: Iterable[Fault]) -> tuple[str | None, Answer]:
        for fault in faults:
            if error := fault.answer():
                return None, error
        # In a thread: a write publishes its event before it is answered, and that may take a while.
        return await run_in_threadpool(self._answer, ask)

    async def _suffer(self, fault: Fault, request: Request) -> None:
        await asyncio.sleep(fault.delay)
        while fault.spoil is Spoil.HANG and self.faults.are_in_force(fault):
            if await request.is_disconnected():
                return
            await asyncio.sleep(HANG_SECONDS)

    def _answer(self, ask: _Ask) -> tuple[str | None, Answer]:
        """Return who asked, and the answer with the headers that all answers have."""
        who: Identity | None = None
        remaining: Mapping[str, int] = {}
        try:
            if ask.path == METADATA:
                return None, Answer(200, [self._metadata()])
            who = self._caller(ask)
            if ask.path.lower() == GRAPH.lower():  # it has a quota of its own
                _check_version(ask)
                answer = self.graph.answer(_json(ask), who.object_id, may_read=bool(who.roles))
            else:
                remaining = self._limits.spend(who.object_id, is_read=ask.method == "GET")
                answer = self._routed(ask, who)
        except Refusal as refusal:
            answer = refusal.answer()
        headers = usual_headers(ask.headers, remaining) | dict(answer.headers)
        return who.key if who else None, Answer(answer.status, answer.body, headers)

    def _caller(self, ask: _Ask) -> Identity:
        audiences = (*AUDIENCES, self.base_url)
        try:
            identities = self._estate.identities.values()
            return read_token(ask.headers.get("authorization"), identities, audiences)
        except BadToken as error:
            raise unauthorized(error) from error

    def _routed(self, ask: _Ask, who: Identity) -> Answer:
        if found := _DISCOVERY.fullmatch(ask.path):
            return self._discovery(found[1])
        _check_version(ask)
        address = read_path(ask.path.removeprefix(REGISTRY_HOST))
        if address is None:
            raise not_imitated(f"the path {ask.path}")
        if address.subscription.lower() != self._estate.fleet.subscription.lower():
            message = f"The subscription '{address.subscription}' could not be found."
            raise Refusal(404, "SubscriptionNotFound", message)
        if len(address.types) == 2 and address.types[1].lower() in (*_STATUS, *_RESULT):
            return self._operation(address)
        if address.type not in SPELLING:
            raise not_imitated(f"the resource type {address.type}")
        self._check_right(ask, address, who)
        return self._read(ask, address) if ask.method == "GET" else self._write(ask, address, who)

    def _discovery(self, name: str) -> Answer:
        registry = self._estate.registry(name)
        if registry is None:
            raise not_found(name)
        return Answer(200, discovery(self.base_url, registry))

    def _operation(self, address: Address) -> Answer:
        id_ = address.names[-1].rsplit(":", 1)[-1]
        if address.types[1].lower() in _STATUS:
            return self._operations.status_answer(id_)
        return self._operations.result_answer(id_, self._estate.find)

    def _check_right(self, ask: _Ask, address: Address, who: Identity) -> None:
        if granting_role(who.roles, ask.method, address.provider):
            return
        verb = {"GET": "read", "DELETE": "delete"}.get(ask.method, "write")
        message = (
            f"The client '{who.author}' with object id '{who.object_id}' does not have authorization to perform "
            f"action '{SPELLING[address.type]}/{verb}' over scope '{address.path}' or the scope is invalid."
        )
        raise Refusal(403, "AuthorizationFailed", message)

    def _read(self, ask: _Ask, address: Address) -> Answer:
        if not address.is_list:
            return item_answer(self._estate, address)
        parent = address.parent
        if parent and address.types[0].lower() != "locations" and self._estate.find(parent) is None:
            raise parent_not_found(parent)
        return list_answer(
            self._estate,
            address,
            ask.query,
            base_url=self.base_url + (REGISTRY_HOST if ask.path.startswith(REGISTRY_HOST) else ""),
            page_size=self.page_size,
            today=self._clock.now().date(),
        )

    def _write(self, ask: _Ask, address: Address, who: Identity) -> Answer:
        if address.is_list or ask.method not in _WRITES:
            message = f"The HTTP method '{ask.method}' is not supported at '{address.path}'."
            raise Refusal(405, "MethodNotAllowed", message)
        caller = Caller(who, ask.method, ask.url, ask.headers)
        return self._writer.write(Wish(address, _json(ask), caller, self.base_url))

    def _metadata(self) -> dict[str, Any]:
        """Return what a cloud says of itself, in the form of 2019-05-01."""
        return {
            "name": "StandIn",
            "portal": "https://portal.standin.invalid",
            "resourceManager": f"{self.base_url}/",
            "authentication": {
                "loginEndpoint": "https://login.standin.invalid",
                "audiences": [self.base_url],
                "tenant": self._estate.fleet.tenant,
                "identityProvider": "AAD",
            },
            "suffixes": {"storage": "core.standin.invalid", "keyVaultDns": "vault.standin.invalid"},
        }


async def _ask(request: Request) -> _Ask:
    headers = {key.lower(): value for key, value in request.headers.items()}
    query = dict(request.query_params)
    path = request.url.path.rstrip("/") or "/"
    return _Ask(request.method, path, query, headers, str(request.url), await request.body())


def _check_version(ask: _Ask) -> None:
    version = next((value for key, value in ask.query.items() if key.lower() == "api-version"), None)
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise Refusal(400, "MissingApiVersionParameter", message)
    if not _API_VERSION.fullmatch(version):
        raise Refusal(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid.")


def _json(ask: _Ask) -> Any:
    try:
        return json.loads(ask.body) if ask.body else None
    except ValueError as error:
        raise Refusal(400, "InvalidRequestContent", "The request content is not JSON.") from error


def _response(answer: Answer, spoils: set[Spoil | None]) -> Response:
    for spoil in spoils:
        answer = spoilt(answer, spoil)
    content = b"" if answer.body is None else json.dumps(answer.body).encode()
    if Spoil.TRUNCATED in spoils:
        content = content[: len(content) // 2]
    headers = dict(answer.headers)
    if answer.body is not None:
        headers["Content-Type"] = "application/json; charset=utf-8"
    return Response(content, answer.status, headers)
