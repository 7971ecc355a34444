"""Event Grid messages, in either schema, as events of ours.

They are parsed loosely, because the wire is loose: `modelName` and `ModelName`, ids in any case, versions as
numbers, claims as an object, a JSON text or nothing, times with seven fractional digits.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from audit import keys
from audit.actors import Identities
from audit.errors import BadInput
from audit.model import Event
from audit.targets import find_target
from audit.texts import cut

MAX_EVENT_BYTES = 1_048_576  # Event Grid's own limit for one event


_DONE = {"write": "wrote", "delete": "deleted"}
_THINGS = {
    "accounts": "the account",
    "deployments": "the deployment",
    "onlineendpoints": "the endpoint",
    "versions": "the model version",
    "raipolicies": "the content filter",
}


def parse_event(text: str, identities: Identities) -> Event:
    """Return the event that one Event Grid message holds; raise `BadInput` where it holds none.

    The schema is told by `specversion`, which CloudEvents have and Event Grid's own schema has not. An array
    of one is accepted for both. Long texts are cut; the key is made of all of them.
    """
    envelope = _envelope(text)
    is_cloud_event = "specversion" in envelope
    type_ = _required(envelope, "type" if is_cloud_event else "eventtype")
    time = _time(_required(envelope, "time" if is_cloud_event else "eventtime"))
    source = _text(envelope, "source" if is_cloud_event else "topic")
    id_, subject = _required(envelope, "id"), _text(envelope, "subject")
    payload = _lowered(_object(envelope.get("data")))
    claims = {name: cut(value) for name, value in _object(payload.get("claims")).items() if isinstance(value, str)}
    resource = _resource(type_, source, subject, payload)
    return Event(
        key=keys.event_key(source.lower(), id_, type_, subject.lower(), time.isoformat()),
        id=cut(id_),
        type=cut(type_),
        time=time,
        resource=cut(resource),
        operation=cut(_text(payload, "operationname") or type_),
        actor=identities.actor(claims),
        target=find_target(resource),
    )


def _envelope(text: str) -> dict[str, Any]:
    if len(text) > MAX_EVENT_BYTES:
        raise BadInput(f"expected an event of at most {MAX_EVENT_BYTES} bytes, got {len(text)} characters")
    try:
        message = json.loads(text, parse_constant=_no_constants)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"expected an Event Grid message in JSON: {type(error).__name__}: {error}") from error
    if isinstance(message, list) and len(message) == 1:
        message = message[0]
    if not isinstance(message, dict):
        raise BadInput(f"expected one Event Grid message, got a JSON {type(message).__name__}")
    return _lowered(message)


def _no_constants(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _lowered(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in mapping.items()}


def _object(value: Any) -> dict[str, Any]:
    """Return an object that may be missing, or, as in older schemas, be a JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _text(mapping: Mapping[str, Any], name: str) -> str:
    """Return a text that may be missing, null or something else, and then says nothing."""
    value = mapping.get(name)
    return value if isinstance(value, str) else ""


def _required(envelope: Mapping[str, Any], name: str) -> str:
    text = _text(envelope, name)
    if not text:
        raise BadInput(f"expected a text in the event's field {name!r}, got {type(envelope.get(name)).__name__}")
    return text


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"expected an ISO 8601 time in the event, got {len(text)} other characters") from error


def _resource(type_: str, source: str, subject: str, payload: Mapping[str, Any]) -> str:
    """Return the id of the resource that an event speaks of, as far as it names one."""
    if type_.startswith("Microsoft.MachineLearningServices."):
        name = _text(payload, "modelname") or _model_of(subject)
        return f"{source}/models/{name}" if name else source
    return _text(payload, "resourceuri") or subject or source


def _model_of(subject: str) -> str:
    return subject.removeprefix("models/").rpartition(":")[0] if subject.startswith("models/") else ""


def deed(operation: str) -> str:
    """Return what an operation does, as a phrase: `wrote the deployment`, or the operation's own name."""
    *_, what, verb = ["", *operation.split("/")]
    done = _DONE.get(verb.lower())
    thing = _THINGS.get(what.lower())
    return f"{done} {thing}" if done and thing else f"did {operation}"
