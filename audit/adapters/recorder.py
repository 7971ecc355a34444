"""A policy in the pipelines of Azure's SDKs: keeps what they read, and stops what we must not wait for or follow.

The SDKs' entities drop audit fields (`isArchived`, `isAnonymous`, identities), so the JSON of every answer is
kept, and facts are taken from that. It stands below the SDK's retries and sees each try: only an answer that is
good is kept, so a page that was tried again counts once.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from azure.core.exceptions import DecodeError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import RetryPolicy, SansIOHTTPPolicy

from audit.adapters.cloud import Cloud
from audit.adapters.pace import Pace
from audit.errors import Throttled
from audit.model import Document, Look, Outcome

DEFAULT_RETRY_AFTER = timedelta(seconds=10)  # where a 429 does not say how long, or nobody can read it
SHORTEST_RETRY_AFTER = timedelta(seconds=1)  # "at once" would be a loop
PATIENCE = timedelta(seconds=5)  # a bucket of ARM's is filled again by then; a queue is better at waiting longer
# ARM's buckets refill within seconds to minutes; a header that asks for more must not put a check off for days.
LONGEST_RETRY_AFTER = timedelta(hours=1)

_CLOCK = re.compile(r"(\d{1,4}):(\d{1,2}):(\d{1,2})(?:\.\d+)?")


class Refused(Exception):
    """A final answer that is no document; `look` is what it amounts to. It never leaves the adapters.

    Not one of azure-core's errors, because the SDKs try again on those.
    """

    def __init__(self, outcome: Outcome, reason: str):
        super().__init__(reason)
        self.look = Look(outcome, reason=reason if outcome is Outcome.UNREADABLE else "")


@dataclass(frozen=True, slots=True)
class Page:
    """The JSON of one answer, and the URL that was asked."""

    url: str
    body: Document


@dataclass(slots=True)
class Recorder(SansIOHTTPPolicy[Any, Any]):
    """Keeps the answers of each thread's calls; only what belongs to `cloud` may be asked, and at the `pace`."""

    cloud: Cloud
    pace: Pace
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
        """Refuse a `nextLink` to another place: the SDKs would send the bearer token there. Then wait our turn."""
        if not self.cloud.is_place(request.http_request.url):
            raise Refused(Outcome.UNREADABLE, f"the answer links to another place than {self.cloud.endpoint}")
        self.pace.take()

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Keep a good answer; turn the wish that we come back much later into `Throttled`.

        Azure says so with 429, and with any other error that names a time. A short wait is the SDK's, which tries
        again by itself, and everybody else's too; on a long one it would sleep just as well.
        """
        status, url = response.http_response.status_code, request.http_request.url
        delay = _retry_after(response) if status >= 400 else None
        if status == 429 or delay is not None:
            delay = delay or DEFAULT_RETRY_AFTER
            if delay <= PATIENCE:
                self.pace.hold(delay.total_seconds())
                return
            raise Throttled(f"asked {url.partition('?')[0]}, got HTTP {status}: come back in {delay}", delay)
        if rest := _quota_rest(response):
            self.pace.hold(rest.total_seconds())
        pages = getattr(self._recordings, "pages", None)
        if pages is not None and status == 200:
            if any(page.url == url for page in pages):
                raise Refused(Outcome.UNREADABLE, "the pages of the answer link in a circle")
            pages.append(Page(url, _document(response.http_response)))


def _document(answer: Any) -> Document:
    try:
        document = json.loads(answer.body())
    except (ValueError, RecursionError) as error:
        raise DecodeError("expected JSON") from error
    if not isinstance(document, dict):
        raise DecodeError("expected a JSON object")
    return document


def _quota_rest(response: PipelineResponse[Any, Any]) -> timedelta:
    """Return how long to rest where Resource Graph says that this was the last query of a principal's quota."""
    headers = response.http_response.headers
    resets = _CLOCK.fullmatch(headers.get("x-ms-user-quota-resets-after", ""))
    if headers.get("x-ms-user-quota-remaining") != "0" or resets is None:
        return timedelta()
    hours, minutes, seconds = map(int, resets.groups())
    return min(timedelta(hours=hours, minutes=minutes, seconds=seconds), LONGEST_RETRY_AFTER)


def _retry_after(response: PipelineResponse[Any, Any]) -> timedelta | None:
    """Return how long the answer asks us to wait, if it does; its header may hold seconds, a date, or anything."""
    try:
        seconds = RetryPolicy().get_retry_after(response)
        asked = None if seconds is None else timedelta(seconds=seconds)
    except (OverflowError, TypeError, ValueError):
        return DEFAULT_RETRY_AFTER
    return None if asked is None else max(SHORTEST_RETRY_AFTER, min(asked, LONGEST_RETRY_AFTER))
