"""Read through Azure's own SDKs: all the pages of a call as the service sent them, or what there is instead.

The SDKs build the requests, sign in, page and retry. One document that they cannot make an entity of, however,
ends a whole list; so the pages that they did not reach are followed here, with azure-core, at the same place.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from audit.adapters.cloud import Cloud
from audit.adapters.pace import Pace
from audit.adapters.recorder import DEFAULT_RETRY_AFTER, Page, Recorder, Refused
from audit.errors import AuditError, Throttled, Unavailable
from audit.model import Document, Kind, Look, Outcome, Target
from audit.ports import Listing, every
from audit.targets import find_target

logger = logging.getLogger(__name__)

_TRANSPORT = (HttpResponseError, ServiceRequestError, ServiceResponseError)
_TIMEOUT, _THROTTLED = 408, 429  # the two 4xx that are not final
# A 404 that says nothing of the target: the subscription "can't be accessed", for want of permissions or for a
# wrong id (learn.microsoft.com, "Troubleshoot common Azure deployment errors").
_OUT_OF_SIGHT = "SubscriptionNotFound"
Hints = Mapping[int | None, str]
_HINTS: Hints = {
    None: " (nobody to sign in as?)",
    401: " (is the sign-in good?)",
    403: " (is the role Reader missing?)",
}

MAX_FAILING = 5  # targets of one list that may fail for now before the whole list counts as failing
MAX_NAME = 300  # characters of what a listed item calls itself


class Reader:
    """Runs the calls of SDK clients that were made with its `options`."""

    def __init__(self, credential: TokenCredential, cloud: Cloud, pace: Pace):
        self._credential, self._cloud = credential, cloud
        self._recorder = Recorder(cloud, pace)

    @property
    def options(self) -> dict[str, Any]:
        """Return the keyword arguments for a client whose calls are read here."""
        return {"per_retry_policies": [self._recorder], **self._cloud.http_options}

    def read(self, what: str, call: Callable[[], Any]) -> list[Page]:
        """Run a call to its end and return every page that was read, at least one.

        Raises `Refused` for a final answer, `Throttled` or `Unavailable` for one from which nothing follows;
        `what` says in an error what was tried.
        """
        with self._recorder.recording() as pages:
            try:
                self._run(call, pages)
            except AzureError as error:
                raise _meaning(what, error) from error
        return pages

    def read_list(self, what: str, call: Callable[[], Any]) -> list[Any]:
        """Run a call for a list and return its items, which need not be documents."""
        return [item for page in self.read(what, call) for item in _items(page)]

    def read_at(self, what: str, path: str, query: Mapping[str, str]) -> list[Page]:
        """Ask the control plane itself, without an SDK, and return every page as `read` does."""
        url = f"{self._cloud.endpoint}{quote(path)}?{urlencode(query)}"
        return self.read(what, lambda: self._follow(url))

    def ask(self, what: str, path: str, query: Mapping[str, str], question: Document) -> Document:
        """Post a question to the control plane, without an SDK, and return the answer."""
        request = HttpRequest("POST", f"{self._cloud.endpoint}{quote(path)}?{urlencode(query)}", json=question)

        def call() -> None:
            with self._client() as client:
                client.send_request(request).raise_for_status()

        return self.read(what, call)[0].body

    def _run(self, call: Callable[[], Any], pages: list[Page]) -> None:
        try:
            answer = call()
            for _ in answer if isinstance(answer, Iterable) else ():
                pass
        except (*_TRANSPORT, AuditError, Refused):
            raise
        except Exception as error:
            # Making an entity of an odd document raises anything, with a text that may quote the document.
            if not pages:
                raise
            logger.info("the SDK cannot make an entity, the JSON is read on: %s", type(error).__name__)
            self._follow(pages[-1].body.get("nextLink"))

    def _follow(self, link: Any) -> None:
        """Ask for a page and for all that follow it."""
        with self._client() as client:
            while link:
                answer = client.send_request(HttpRequest("GET", str(link)))
                answer.raise_for_status()
                link = answer.json().get("nextLink")

    def _client(self) -> ARMPipelineClient[Any, Any]:
        return ARMPipelineClient(
            base_url=self._cloud.endpoint,
            policies=[
                RetryPolicy(**self._cloud.http_options),
                ARMChallengeAuthenticationPolicy(self._credential, self._cloud.scope),
            ],
            **self.options,
        )


def list_looks(
    parent: str,
    kind: Kind,
    items: Callable[[], list[Any]],
    look: Callable[[Target, Document], Look],
    is_known: Callable[[Target, Document], bool] = lambda *_: False,
) -> Listing:
    """Return a look for every listed item that `is_known` not; what fails for one item hides none of the others.

    An item without an id of its own leaves the listing unreadable, because nobody can say what it hides. Where
    one item after the other cannot be had for now, it is Azure that is down: the last error rises.
    """
    try:
        listed = [(_target_of(item, parent, kind), item) for item in items()]
    except Refused as refused:
        return Listing({}, refused.look, _unknown_kind(kind, refused))
    named = [(target, item) for target, item in listed if target is not None]
    unread = frozenset(target for target, item in named if is_known(target, item))
    looks = dict(_looks([(target, item) for target, item in named if target not in unread], look))
    why = f"a listed {kind} has no id below its parent"
    unknown = {_name_of(item, number): why for number, (target, item) in enumerate(listed) if target is None}
    itself = Look(Outcome.UNREADABLE, reason=why) if unknown else Look(Outcome.PRESENT)
    return Listing(looks, itself, unknown, unread)


def _looks(
    listed: Iterable[tuple[Target, Document]], look: Callable[[Target, Document], Look]
) -> Iterator[tuple[Target, Look]]:
    failing = 0
    for target, item in listed:
        try:
            yield target, _look_or_refusal(look, target, item)
        except (Throttled, Unavailable) as error:
            failing += 1
            if failing > MAX_FAILING:
                raise
            yield target, Look(Outcome.UNREADABLE, reason=str(error))


def _unknown_kind(kind: Kind, refused: Refused) -> dict[str, str]:
    return {every(kind): str(refused)} if refused.look.outcome is Outcome.ABSENT else {}


def _name_of(item: Any, number: int) -> str:
    said = (item.get("id") or item.get("name")) if isinstance(item, dict) else None
    return str(said or f"item {number + 1}")[:MAX_NAME]


def merged(listings: Sequence[Listing]) -> Listing:
    """Return several lists of one parent as one: it is gone only where all of them say so."""
    looks = {target: look for each in listings for target, look in each.looks.items()}
    endings = [each.itself for each in listings if each.itself.outcome is Outcome.UNREADABLE]
    if all(each.itself.outcome is Outcome.ABSENT for each in listings):
        endings.append(Look(Outcome.ABSENT))
    return Listing(
        looks,
        endings[0] if endings else Look(Outcome.PRESENT),
        skipped={name: why for each in listings for name, why in each.skipped.items()},
        unread=frozenset(target for each in listings for target in each.unread),
    )


def _target_of(item: Any, parent: str, kind: Kind) -> Target | None:
    target = find_target(str(item.get("id"))) if isinstance(item, dict) else None
    return target if target is not None and (target.parent, target.kind) == (parent, kind) else None


def _look_or_refusal(look: Callable[[Target, Document], Look], target: Target, item: Document) -> Look:
    try:
        return look(target, item)
    except Refused as refused:
        return refused.look


def _items(page: Page) -> list[Any]:
    items = page.body.get("value")
    if not isinstance(items, list):
        raise Refused(Outcome.UNREADABLE, "expected a list, got an answer without one")
    return items


def _meaning(what: str, error: AzureError) -> Refused | Throttled | Unavailable:
    code: str | None = getattr(getattr(error, "error", None), "code", None)
    is_absent = error_status(error) == 404 and code not in (None, _OUT_OF_SIGHT)
    return meaning(what, error, code or "", _HINTS, is_absent=is_absent)


def error_status(error: AzureError) -> int | None:
    """Return the status of a failed read; None where no answer came."""
    status: int | None = getattr(error, "status_code", None)
    return status


def meaning(
    what: str, error: AzureError, code: str, hints: Hints, *, is_absent: bool
) -> Refused | Throttled | Unavailable:
    """Return what a failed read amounts to: the service's own 404 is absence, other final answers are no look."""
    status = error_status(error)
    said = f"HTTP {status} {code}".rstrip() if status else type(error).__name__
    if is_absent:
        return Refused(Outcome.ABSENT, said)
    if status == _THROTTLED:
        return Throttled(f"tried to {what}; got {said} again and again", DEFAULT_RETRY_AFTER)
    if isinstance(error, ClientAuthenticationError) or _is_final(status):
        return Refused(Outcome.UNREADABLE, said + hints.get(status, ""))
    return Unavailable(f"tried to {what}; got {said}. It is tried again by itself")


def _is_final(status: int | None) -> bool:
    return status is not None and 400 <= status < 500 and status != _TIMEOUT
