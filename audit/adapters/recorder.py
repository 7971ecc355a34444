"""What Azure's own SDKs read, kept as the service sent it.

The SDKs build the requests, sign in, page and retry. Their entities, however, drop audit fields (`isArchived`,
`isAnonymous`, identities), and one odd document makes a whole list raise. So a policy in their pipeline keeps
the JSON of every answer, and facts are taken from that.
"""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import SansIOHTTPPolicy

from audit.errors import Throttled, Unavailable
from audit.model import Document, Look, Outcome

_DEFAULT_RETRY_AFTER = 10.0  # seconds, where a 429 does not say how long
_UNREADABLE = frozenset({400, 401, 403, 405, 409, 410, 423})  # final answers that are no statement about absence


@dataclass(slots=True)
class Page:
    """The JSON of one answer, and the URL that was asked."""

    url: str
    body: dict[str, Any]


@dataclass(slots=True)
class Recorder(SansIOHTTPPolicy[Any, Any]):
    """A pipeline policy that keeps answers, one recording a thread, and lets no token leave the control plane."""

    host: str
    _recordings: threading.local = field(default_factory=threading.local)

    @contextmanager
    def recording(self) -> Iterator[list[Page]]:
        """Collect the pages that this thread's calls read inside the block."""
        pages: list[Page] = []
        self._recordings.pages = pages
        try:
            yield pages
        finally:
            self._recordings.pages = None

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Refuse a `nextLink` to another host: the SDKs would send the bearer token there."""
        host = urlsplit(request.http_request.url).netloc
        if host != self.host:
            raise ServiceRequestError(f"expected a link to {self.host}, got one to {host}: nothing was sent there")

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Keep the answer; turn a refusal to be asked now (429) into `Throttled`, before the SDK sleeps on it."""
        answer = response.http_response
        if answer.status_code == 429:
            raise Throttled(f"Azure throttles {request.http_request.url}", _retry_after(answer.headers))
        pages = getattr(self._recordings, "pages", None)
        if pages is not None and answer.status_code == 200:
            try:
                body = json.loads(answer.body())
            except ValueError as error:
                raise HttpResponseError(f"expected JSON from {request.http_request.url}: {error}") from error
            pages.append(Page(request.http_request.url, body))


def _retry_after(headers: Any) -> timedelta:
    try:
        return timedelta(seconds=float(headers.get("Retry-After", _DEFAULT_RETRY_AFTER)))
    except ValueError:
        return timedelta(seconds=_DEFAULT_RETRY_AFTER)


def look_of(error: AzureError) -> Look:
    """Return what a failed read means: absent (404), unreadable (a final answer), else raise `Unavailable`."""
    if isinstance(error, ResourceNotFoundError):
        return Look(Outcome.ABSENT)
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if isinstance(error, ClientAuthenticationError) or status in _UNREADABLE or status == 200:
        return Look(Outcome.UNREADABLE, reason=_reason(error, status))
    raise Unavailable(f"Azure did not answer usefully: {type(error).__name__} {status or ''}".strip()) from error


def _reason(error: AzureError, status: int | None) -> str:
    code = getattr(getattr(error, "error", None), "code", None) or type(error).__name__
    hint = " (the role Reader is missing?)" if status in (401, 403) else ""
    return f"HTTP {status or '-'} {code}{hint}"


def reason_of(error: AzureError) -> str:
    """Return why a list could not be read; raise `Unavailable` where the error says nothing for good."""
    return look_of(error).reason or "HTTP 404: it is gone"


def items_of(pages: Iterable[Page]) -> Iterator[Document]:
    """Return the documents of a list's pages."""
    for page in pages:
        yield from (item for item in page.body.get("value") or [] if isinstance(item, dict))
