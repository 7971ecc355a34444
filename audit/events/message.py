"""Event Grid messages, in either schema, as events of ours.

They are parsed loosely, because the wire is loose: `modelName` and `ModelName`, ids in any case, versions as
numbers, claims as an object, a JSON text or nothing, times with seven fractional digits.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from audit.errors import BadInput
from audit.events.actors import Identities
from audit.events.pointers import Envelope, Pointer, point, text_of
from audit.model import Event
from audit.record import keys
from audit.texts import cut

MAX_EVENT_BYTES = 1_048_576  # Event Grid's own limit for one event
_MAX_WRAPS = 2  # of JSON in a JSON text: CloudEvents of the handshake are wrapped twice
_YEARS = range(1970, 9000)  # outside of these, adding a margin to a time may leave what Python can hold

SUCCEEDED, FAILED, CANCELED = "succeeded", "failed", "canceled"
PROPOSED = "proposed"  # of our own: somebody asks for a change of what is approved
RELEASE_PROPOSED = "ModelAudit.ReleaseProposed"
_ENDS = {"success": SUCCEEDED, "failure": FAILED, "cancel": CANCELED}
_RESOURCE_TYPE = re.compile(r"microsoft\.resources\.resource\w+?(?P<end>success|failure|cancel)", re.IGNORECASE)

_DONE = {"write": "wrote", "delete": "deleted", "created": "created", "set": "set", "deleted": "deleted"}
_TRIED = {FAILED: "failed to {} {}", CANCELED: "started to {} {}, which was canceled"}
_ENDED = {FAILED: "failed", CANCELED: "was canceled"}
_THINGS = {
    "accounts": "the account",
    "deployments": "the deployment",
    "onlineendpoints": "the endpoint",
    "batchendpoints": "the batch endpoint",
    "serverlessendpoints": "the serverless endpoint",
    "workspaces": "the workspace",
    "models": "the model",
    "versions": "the model version",
    "raipolicies": "the content filter",
    "raiblocklists": "a blocklist",
    "registered_model": "the model",
    "model_version": "a version of the model",
    "model_version_tag": "a tag of a version",
    "model_version_alias": "an alias",
}
_ANNOUNCED = {
    "modelregistered": "registered a model version",
    "modeldeployed": "deployed a model",
    "runcompleted": "completed a run",
    "runstatuschanged": "changed the status of a run",
    "datasetdriftdetected": "found data drift",
    "imagepushed": "pushed an image",
    "imagedeleted": "deleted an image",
    "secretnewversioncreated": "wrote a new version of a secret",
    "secretnearexpiry": "gave notice that a secret expires soon",
    "secretexpired": "gave notice that a secret has expired",
    "policystatechanged": "changed what a policy says",
    "createdorupdated": "wrote the resource",
}

# They tell of work in a workspace. What comes of it and could serve is registered, which is an event of its own.
_OF_WORK = tuple(
    f"microsoft.machinelearningservices.{name}"
    for name in ("runcompleted", "runstatuschanged", "datasetdriftdetected")
)


class Schema(StrEnum):
    """In which of Event Grid's two schemas a message came."""

    EVENT_GRID = "event-grid"
    CLOUD_EVENTS = "cloud-events"


@dataclass(frozen=True, slots=True)
class Message:
    """One Event Grid message: the event, where it points, and why it was a dead letter, if it was one.

    `event.target` is the first target that `pointer` names.
    """

    event: Event
    schema: Schema
    pointer: Pointer
    dead_letter: str = ""


def parse_event(text: str, identities: Identities) -> Event:
    """Return the event that one Event Grid message holds; raise `BadInput` where it holds none."""
    return parse_message(text, identities).event


def parse_message(text: str, identities: Identities, received_at: datetime | None = None) -> Message:
    """Return what one Event Grid message says; raise `BadInput` where it is none.

    The schema is told by `specversion`, which CloudEvents have and Event Grid's own schema has not; where a
    dead letter lost it, by the other names. An array of one is accepted for both. `received_at` stands for the
    time that a CloudEvent need not have. Long texts are cut; the key is made of all of them.
    """
    said = _envelope(text)
    schema = _schema(said)
    is_cloud_event = schema is Schema.CLOUD_EVENTS
    type_ = _required(said, "type" if is_cloud_event else "eventtype")
    time, is_timed = _when(said, schema, received_at)
    # Azure's own page shows a CloudEvent with `topic` instead of `source`.
    source, topic = text_of(said, "source"), text_of(said, "topic")
    source = (source or topic) if is_cloud_event else (topic or source)
    id_, subject, payload = _required(said, "id"), text_of(said, "subject"), _payload(said)
    pointer = point(Envelope(type_, source, subject, payload))
    key_time = time.isoformat() if is_timed else ""
    event = Event(
        key=keys.event_key(source.lower(), id_, type_, subject.lower(), key_time),
        id=cut(id_),
        type=cut(type_),
        time=_order(type_, payload, time),
        resource=cut(pointer.resource),
        operation=cut(text_of(payload, "operationname") or type_),
        actor=identities.actor(_claims(payload)),
        target=pointer.targets[0] if pointer.targets else None,
        status=_status(type_, payload),
        correlation_id=cut(text_of(payload, "correlationid")),
    )
    return Message(event, schema, pointer, cut(text_of(said, "deadletterreason")))


def is_change(status: str) -> bool:
    """Say whether an event of this status may have changed anything: what failed or was canceled did not."""
    return status not in (FAILED, CANCELED, PROPOSED)


def asks_for_a_look(type_: str) -> bool:
    """Say whether what serves may have changed by an event of this type; others only go into the journal."""
    return type_.lower() not in (*_OF_WORK, RELEASE_PROPOSED.lower())


def _envelope(text: str) -> dict[str, Any]:
    if len(text) > MAX_EVENT_BYTES:
        raise BadInput(f"expected an event of at most {MAX_EVENT_BYTES} bytes, got {len(text)} characters")
    try:
        message = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"expected an Event Grid message in JSON: {type(error).__name__}: {error}") from error
    if isinstance(message, list) and len(message) == 1:
        message = message[0]
    if not isinstance(message, dict):
        raise BadInput(f"expected one Event Grid message, got a JSON {type(message).__name__}")
    return _lowered(message)


def _lowered(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in mapping.items()}


def _schema(said: Mapping[str, Any]) -> Schema:
    is_cloud_event = "specversion" in said or ("eventtype" not in said and "source" in said)
    return Schema.CLOUD_EVENTS if is_cloud_event else Schema.EVENT_GRID


def _payload(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event's data with lower-cased names, its objects unwrapped where they are JSON texts."""
    payload = _lowered(_object(said.get("data")))
    objects = {name: _object(payload[name]) for name in _OBJECTS if isinstance(payload.get(name), str)}
    return payload | objects


_OBJECTS = ("authorization", "claims", "resourceinfo", "target", "request")


def _claims(payload: Mapping[str, Any]) -> dict[str, str]:
    claims = _lowered(_object(payload.get("claims")))
    return {name: cut(value) for name, value in claims.items() if isinstance(value, str)}


def _object(value: Any) -> dict[str, Any]:
    """Return an object that may be missing, or, as in older schemas, be a JSON text."""
    for _ in range(_MAX_WRAPS):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return {}
    return value if isinstance(value, dict) else {}


def _required(said: Mapping[str, Any], name: str) -> str:
    text = text_of(said, name)
    if not text:
        raise BadInput(f"expected a text in the event's field {name!r}, got {type(said.get(name)).__name__}")
    return text


def _when(said: Mapping[str, Any], schema: Schema, received_at: datetime | None) -> tuple[datetime, bool]:
    """Return when the event happened, and whether the message itself says so.

    A dead letter says when it was published even where the event's own time is missing.
    """
    name = "time" if schema is Schema.CLOUD_EVENTS else "eventtime"
    text = text_of(said, name) or text_of(said, "publishtime")
    if not text and schema is Schema.CLOUD_EVENTS and received_at is not None and said.get(name) is None:
        return received_at, False
    return _time(text or _required(said, name)), True


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        time = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"expected an ISO 8601 time in the event, got {len(text)} other characters") from error
    if time.year not in _YEARS:
        raise BadInput(f"expected an event of our days, got one of the year {time.year}")
    return time


def _order(type_: str, payload: Mapping[str, Any], time: datetime) -> datetime:
    """Return the time that orders an event: that of a policy's verdict is in its data, by Azure's own word."""
    if not type_.lower().startswith("microsoft.policyinsights."):
        return time
    try:
        return _time(text_of(payload, "timestamp"))
    except BadInput:
        return time


def _status(type_: str, payload: Mapping[str, Any]) -> str:
    """Return how it ended. The type tells: Azure's own samples of failures say `Succeeded` in the data."""
    if match := _RESOURCE_TYPE.fullmatch(type_):
        return _ENDS[match["end"].lower()]
    return cut(text_of(payload, "status") or text_of(payload, "runstatus")).lower()


def deed(operation: str, status: str = "") -> str:
    """Return what an operation did, or failed to do, as a phrase: `wrote the deployment`."""
    if status == PROPOSED:
        return operation  # which says it all
    *_, what, verb = ["", *operation.split("/")]
    done, thing = _DONE.get(verb.lower()), _THINGS.get(what.lower())
    if not is_change(status):
        return (
            _TRIED[status].format(verb.lower(), thing)
            if done and thing
            else f"tried {operation}, which {_ENDED[status]}"
        )
    if not done or not thing:
        return _ANNOUNCED.get(operation.rpartition(".")[2].lower(), f"did {operation}")
    return f"{done} {thing}"
