"""Faults of storage: HTTP answers that are refused, delayed beyond patience, or lost after the work was done."""

import io
import random
from collections.abc import Callable
from typing import Any

import requests
import urllib3
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from requests.adapters import HTTPAdapter

# Half of them after storage has done its work: the caller cannot tell which.
FAULTS = (
    "refused",
    "500 before",
    "503 before",
    "429 before",
    "timeout before",
    "500 after",
    "503 after",
    "timeout after",
    "lost after",
    "lost after",
)


class Faulty(HTTPAdapter):
    """The real HTTP adapter, except that a share of the calls fails; `note` is told how."""

    def __init__(self, share: float, dice: random.Random, note: Callable[[str], None]):
        super().__init__()
        self._share = share
        self._dice = dice
        self._note = note

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if self._dice.random() >= self._share:
            return super().send(request, *args, **kwargs)
        fault = self._dice.choice(FAULTS)
        self._note(f"fault storage {fault}")
        what, _, when = fault.partition(" ")
        if when == "after":
            super().send(request, *args, **kwargs).close()
        if what.isdecimal():
            raw = urllib3.HTTPResponse(io.BytesIO(), {"Retry-After": "0"}, int(what), preload_content=False)
            return self.build_response(request, raw)
        if what == "timeout":
            raise requests.ReadTimeout("injected")
        raise requests.ConnectionError("injected")


def transport(share: float, dice: random.Random, note: Callable[[str], None]) -> HttpTransport[Any, Any]:
    """Return azure-core's own transport over a session in which a share of the calls fails."""
    session = requests.Session()
    session.mount("http://", Faulty(share, dice, note))
    return RequestsTransport(session=session)
