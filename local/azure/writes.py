"""PUT, PATCH and DELETE: accepted or refused, carried out, and told to the world by an event.

(1) find what is there, (2) let the rules of the type decide, (3) keep the new document, marked as under way,
(4) finish the operation, now or later, (5) publish the event. Nothing is published while the lock is held,
because whoever hears of it may ask back at once.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.azure import workspace_documents as ml
from local.azure.answers import Answer, Refusal, not_imitated, parent_not_found
from local.azure.documents import Document, merge
from local.azure.drafts import Draft, Rules
from local.azure.estate import Estate
from local.azure.events import Caller, Publish, Written, registered_event, resource_event
from local.azure.from_fleet import short_system_data
from local.azure.ids import AI, Address
from local.azure.kinds import RULES, SPELLING
from local.azure.operations import Failure, Operation, Operations, operation_headers, without_result
from local.azure.yamlfile import Stamp
from local.clock import Clock

# Refused by the resource provider after ARM let the call through, which is when ARM raises a failure event.
REFUSED_BY_PROVIDER = (400, 409)


@dataclass(frozen=True, slots=True)
class Wish:
    """A write that somebody with the right to it asks for."""

    address: Address
    body: Any
    caller: Caller
    base_url: str

    @property
    def type(self) -> str:
        """The type of the resource, as the service spells it."""
        return SPELLING[self.address.type]

    @property
    def rules(self) -> Rules:
        """How its type takes writes."""
        rules = RULES[self.address.type]
        if rules is None:
            raise not_imitated(f"writes to {self.type}")
        return rules


class Writer:
    """Carries out writes on an estate."""

    def __init__(self, estate: Estate, operations: Operations, clock: Clock, publish: Publish) -> None:
        self._estate = estate
        self._operations = operations
        self._clock = clock
        self._publish = publish

    def write(self, wish: Wish) -> Answer:
        """Carry out a write; raise `Refusal` where it is not accepted."""
        try:
            with self._estate.lock:
                draft = self._draft(wish)
                if wish.caller.method == "DELETE" and draft.before is None:
                    return Answer(204)
                kept, flaw = self._keep(wish, draft)
                operation = self._begin(draft)
        except Refusal as refusal:
            if refusal.status in REFUSED_BY_PROVIDER:
                self._announce(wish, self._estate.find(wish.address.path), has_failed=True)
            raise
        self._start(wish, draft, operation, flaw)
        return self._answer(wish, draft, operation, kept)

    def _draft(self, wish: Wish) -> Draft:
        """(1) Find what is there, and whether it may be touched now."""
        parent = self._parent(wish)
        id_ = f"{parent['id']}/{wish.type.rsplit('/', 1)[-1]}/{wish.address.names[-1]}"
        before = self._estate.find(id_)
        _check_match(before, wish.caller.headers)
        if self._operations.is_busy(_busy_id(id_)):
            raise _conflict(id_)
        sent = _sent(wish, before)
        today = self._clock.now().date()
        return Draft(self._estate, before["id"] if before else id_, parent, before, sent, today)

    def _parent(self, wish: Wish) -> Document:
        path = wish.address.parent or ""
        parent = self._estate.find(path)
        if parent is None and wish.type == ml.MODEL_VERSION and wish.caller.method != "DELETE":
            return self._new_model(wish, path)
        if parent is None:
            raise parent_not_found(path)
        return parent

    def _new_model(self, wish: Wish, path: str) -> Document:
        """Return the container that registering a first version makes along with it; `_keep` keeps it."""
        workspace = path.rsplit("/", 2)[0]
        found = self._estate.find(workspace)
        if found is None:
            raise parent_not_found(workspace)
        id_ = f"{found['id']}/models/{wish.address.names[-2]}"
        return self._stamped(wish, ml.complete_model(id_, {}), None)

    def _keep(self, wish: Wish, draft: Draft) -> tuple[Document, Failure | None]:
        """(2) and (3): decide, and keep what is decided."""
        rules = wish.rules
        if wish.caller.method == "DELETE" and draft.before:
            rules.may_delete(draft)
            kept = _in_state(draft.before, "Deleting") if rules.is_slow else draft.before
            self._estate.put(kept)
            return kept, None
        document = self._stamped(wish, rules.accept(draft), draft.before)
        if rules.is_slow:
            document = _in_state(document, rules.updating if draft.before else "Creating")
        if self._estate.find(draft.parent["id"]) is None:
            self._estate.put(draft.parent)
        self._estate.put(document)
        return document, rules.later_flaw(draft, document)

    def _begin(self, draft: Draft) -> Operation:
        operation = Operation(str(uuid.uuid4()), draft.id, _busy_id(draft.id), self._clock.now())
        self._operations.begin(operation)
        return operation

    def _start(self, wish: Wish, draft: Draft, operation: Operation, flaw: Failure | None) -> None:
        if wish.rules.is_slow:
            self._operations.when_due(operation, lambda ended: self._finish(wish, draft, ended, flaw))
        else:
            self._finish(wish, draft, operation, flaw)

    def _finish(self, wish: Wish, draft: Draft, operation: Operation, flaw: Failure | None) -> None:
        """(4) and (5): settle the document and publish the events."""
        with self._estate.lock:
            if wish.caller.method == "DELETE":
                self._estate.remove(draft.id)
            elif wish.rules.is_slow:
                self._settle(wish, draft, operation, flaw)
            self._operations.end(operation, self._clock.now(), flaw)
        self._announce(wish, draft.before, has_failed=flaw is not None)
        version = self._estate.find(draft.id)
        if wish.type == ml.MODEL_VERSION and version and draft.before is None:
            self._publish(registered_event(version, self._clock.now()))

    def _settle(self, wish: Wish, draft: Draft, operation: Operation, flaw: Failure | None) -> None:
        document = self._estate.find(draft.id)
        if document is None:
            return
        settled = _in_state(document, "Failed" if flaw else "Succeeded")
        if wish.type in (ml.ENDPOINT, ml.DEPLOYMENT):
            # A new address with every write: noise that looks like a change and is none.
            uri = ml.operation_uri(wish.base_url, draft.id, document["location"], operation.id)
            inner = (settled["properties"].get("properties") or {}) | {"AzureAsyncOperationUri": uri}
            settled["properties"] = settled["properties"] | {"properties": inner}
        self._estate.put(settled)

    def _stamped(self, wish: Wish, document: Document, before: Document | None) -> Document:
        """Return the document with the caller noted as the one who changed it last."""
        modified = Stamp(self._clock.now(), wish.caller.identity.key)
        created = self._estate.authors.stamps(before)[0] if before else modified
        data = self._estate.authors.system_data(created, modified)
        if document["type"] == ml.DEPLOYMENT:
            data = short_system_data(data, self._estate.authors.display_name(created.by))
        etag = {"etag": f'"{uuid.uuid4()}"'} if document["type"].startswith(AI) else {}
        return document | {"systemData": data} | etag

    def _answer(self, wish: Wish, draft: Draft, operation: Operation, kept: Document) -> Answer:
        method = wish.caller.method
        status = 200 if draft.before else 201
        if not wish.rules.is_slow:
            return Answer(200) if method == "DELETE" else Answer(status, kept)
        provider = wish.type.split("/", 1)[0]
        scope = f"{wish.base_url}/subscriptions/{self._estate.fleet.subscription}/providers/{provider}"
        name = operation.id if provider == AI else ml.operation_name(draft.id, operation.id)
        headers = operation_headers(f"{scope}/locations/{self._location(draft)}", name)
        # As the swagger lists them: a PUT names the operation only, a 202 also where the result will be.
        return Answer(202, None, headers) if method != "PUT" else Answer(status, kept, without_result(headers))

    def _location(self, draft: Draft) -> str:
        holder: Document | None = draft.parent
        while holder and "location" not in holder:
            holder = self._estate.find(holder["id"].rsplit("/", 2)[0])
        return str(holder["location"]) if holder else "global"

    def _announce(self, wish: Wish, before: Document | None, *, has_failed: bool) -> None:
        id_ = before["id"] if before else wish.address.path
        written = Written(id_, wish.type, before is not None, has_failed, wish.caller)
        self._publish(resource_event(written, self._estate.fleet.subscription, self._clock.now()))


def _sent(wish: Wish, before: Document | None) -> Document:
    """Return the whole resource that a PUT sends, or that a PATCH makes of what is there."""
    if wish.caller.method == "DELETE":
        return {}
    if not isinstance(wish.body, dict):
        raise Refusal(400, "InvalidRequestContent", "The request content was not a JSON object.")
    if wish.caller.method == "PUT":
        return wish.body
    if before is None:
        raise Refusal(404, "ResourceNotFound", f"The Resource '{wish.address.path}' was not found.")
    if strange := sorted(set(wish.body) - wish.rules.patchable):
        raise not_imitated(f"a PATCH of {', '.join(strange)} on {wish.type}")
    return merge(before, wish.body)


def _check_match(before: Document | None, headers: Mapping[str, str]) -> None:
    wanted = headers.get("if-match")
    if wanted and wanted != "*" and (before or {}).get("etag") not in (None, wanted):
        message = f"The condition '{wanted}' in the If-Match header was not satisfied."
        raise Refusal(412, "PreconditionFailed", message)


def _busy_id(id_: str) -> str:
    """Return what is locked while a write runs: an online endpoint with all below it, or a whole account."""
    parts = id_.split("/")
    is_account = AI.lower() in id_.lower()
    return "/".join(parts[: 9 if is_account else 11])


def _conflict(id_: str) -> Refusal:
    if AI.lower() not in id_.lower():
        return Refusal(409, "Conflict", f"An operation is already in progress on '{_busy_id(id_)}'.")
    parent = _busy_id(id_)
    message = f"Another operation is being performed on the parent resource '{parent}'. Please try again later."
    return Refusal(409, "RequestConflict", message)


def _in_state(document: Document, state: str) -> Document:
    return document | {"properties": document["properties"] | {"provisioningState": state}}
