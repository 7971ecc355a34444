"""MLflow's webhooks: whether the registry itself sent one, and where it points.

The signature is that of mlflow/webhooks/delivery.py, checked against a real server. A webhook is a hint like any
event: it names nobody who acted, and MLflow's own test of a webhook looks like a real one.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from audit import mlflow
from audit.errors import BadInput
from audit.model import Actor, ActorKind, Event
from audit.record import keys
from audit.targets import find_target
from audit.texts import cut

MAX_BYTES = 1_048_576  # as much as an event of Event Grid; a webhook of MLflow is far smaller
WINDOW = timedelta(minutes=5)  # how old a delivery may be, or how far ahead the registry's clock

SIGNATURE, TIMESTAMP, DELIVERY = "x-mlflow-signature", "x-mlflow-timestamp", "x-mlflow-delivery-id"
_VERSION = "v1,"
_LONGEST_TIME = 11  # digits; more are a time that no clock has

# What can change what a release approves. Prompts and budgets are MLflow's too, and none of ours.
_ENTITIES = frozenset({"registered_model", "model_version", "model_version_tag", "model_version_alias"})
_NOBODY = Actor(ActorKind.UNKNOWN, why="MLflow's webhooks name nobody")


def is_authentic(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Say whether these headers, in lower case, sign the body with the secret, and have done so just now."""
    signed_at = _signed_at(headers)
    signed = _bytes(f"{headers.get(DELIVERY, '')}.{headers.get(TIMESTAMP, '')}.") + body
    expected = _VERSION + base64.b64encode(hmac.digest(_bytes(secret), signed, hashlib.sha256)).decode()
    is_signed = hmac.compare_digest(_bytes(headers.get(SIGNATURE, "")), _bytes(expected))
    return is_signed and signed_at is not None and abs(now - signed_at) <= WINDOW


def read_webhook(registry: str, headers: Mapping[str, str], body: bytes) -> tuple[Event, str]:
    """Return the event that an authentic delivery tells, and why it names no target, if so.

    `registry` is its id. Raises `BadInput` where the body says nothing that MLflow says.
    """
    said = _body(body)
    entity, action, named = said.get("entity"), said.get("action"), said.get("data")
    if not (isinstance(entity, str) and isinstance(action, str) and isinstance(named, dict)):
        raise BadInput("expected entity, action and data in MLflow's webhook, got something else")
    delivery, time = headers.get(DELIVERY, ""), _signed_at(headers)
    if not delivery or time is None:
        raise BadInput("expected the id and the time of the delivery in the webhook's headers, got none")
    name, type_ = named.get("name"), f"mlflow.{entity}.{action}"
    is_ours = entity in _ENTITIES and isinstance(name, str) and bool(name)
    target = find_target(mlflow.model_id(registry, str(name))) if is_ours else None
    event = Event(
        key=keys.event_key(registry, delivery, "", "", ""),
        id=cut(delivery),
        type=cut(type_),
        time=time,
        resource=cut(target.id if target else registry),
        operation=cut(f"{entity}/{action}"),
        actor=_NOBODY,
        target=target,
    )
    return event, "" if target else f"{cut(type_, 100)} names nothing we audit"


def _signed_at(headers: Mapping[str, str]) -> datetime | None:
    text = headers.get(TIMESTAMP, "")
    is_time = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_TIME
    return datetime.fromtimestamp(int(text), UTC) if is_time else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # a header may hold anything


def _body(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"expected a webhook in JSON: {type(error).__name__}") from error
    if not isinstance(said, dict):
        raise BadInput(f"expected MLflow's webhook, got a JSON {type(said).__name__}")
    return said
