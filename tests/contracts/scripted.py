"""A server that answers what a test wrote down, over TLS: for answers that the stand-in of Azure never gives."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from local.serving import serve


@dataclass(frozen=True)
class Said:
    """One answer. `cut` bytes of its body are promised and never sent."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0


@dataclass
class Script:
    """Answers by how a path ends, the first that fits; `asked` holds the path and the token of every request."""

    answers: dict[str, Said] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["path"], headers.get("authorization", "")))
        fitting = (said for end, said in self.answers.items() if scope["path"].lower().endswith(end.lower()))
        said = next(fitting, Said("nothing was scripted", 501))
        content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        sent = {"content-type": "application/json", "content-length": str(len(content) + said.cut), **said.headers}
        raw = [(name.encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": said.status, "headers": raw})
        await send({"type": "http.response.body", "body": content})


@contextmanager
def scripted(certificate: Path) -> Iterator[Script]:
    """Serve a script while the block runs."""
    script = Script()
    with serve(script, certificate=certificate) as script.url:
        yield script
