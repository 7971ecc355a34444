"""What stands before an MLflow server in a company: it lets a test refuse, put off and falsify what is asked."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


@dataclass
class Proxy:
    """Passes everything on, but for what `answers` says to paths with such an end.

    `edit` may change each JSON answer. `asked` holds the path and the authorization of every request.
    """

    url: str
    answers: dict[str, Response] = field(default_factory=dict)
    edit: Callable[[Any], None] = lambda _: None
    asked: list[tuple[str, str]] = field(default_factory=list)
    own_url: str = ""

    def refuse(self, status: int, path: str = "", **headers: str) -> None:
        self.answers[path] = Response(b'{"error_code": "REFUSED"}', status, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            self.asked.append((request.url.path, request.headers.get("authorization", "")))
            fitting = (said for end, said in self.answers.items() if request.url.path.endswith(end))
            await (next(fitting, None) or await self._passed_on(request))(scope, receive, send)

    async def _passed_on(self, request: Request) -> Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.request(
                request.method,
                self.url + request.url.path,
                params=request.query_params.multi_items(),
                content=await request.body(),
                headers={"content-type": "application/json"},
                timeout=30,
            )
        try:
            said = answer.json()
            self.edit(said)
            return Response(json.dumps(said), answer.status_code, media_type="application/json")
        except ValueError:
            return Response(answer.content, answer.status_code)
