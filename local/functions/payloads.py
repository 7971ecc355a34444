"""Build what the .NET host puts on the wire for each kind of trigger."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from local.functions.protos import RpcHttp, TypedData


@dataclass(frozen=True, slots=True)
class Payload:
    """A trigger's value and the metadata that comes beside it."""

    value: TypedData
    metadata: Mapping[str, TypedData] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What the queue service says of a message besides its body; times are aware UTC."""

    id: str
    pop_receipt: str
    dequeue_count: int
    inserted_at: datetime
    expires_at: datetime
    next_visible_at: datetime


def event_grid_payload(event: object) -> Payload:
    """Return the payload of one event, of either schema, parsed from JSON."""
    return Payload(TypedData(json=json.dumps(event, ensure_ascii=False, separators=(",", ":"))))


def queue_payload(body: bytes, facts: QueueFacts) -> Payload:
    """Return the payload of a queue message: text where the body is UTF-8, bytes where it is not."""
    value = _text_or_bytes(body)
    metadata = {
        "Id": TypedData(string=facts.id),
        "PopReceipt": TypedData(string=facts.pop_receipt),
        "DequeueCount": TypedData(json=str(facts.dequeue_count)),
        "InsertionTime": _time(facts.inserted_at),
        "ExpirationTime": _time(facts.expires_at),
        "NextVisibleTime": _time(facts.next_visible_at),
    }
    if value.string is not None:
        metadata["QueueTrigger"] = value
    return Payload(value, metadata)


def timer_payload(last: datetime, due: datetime, *, is_past_due: bool = False) -> Payload:
    """Return the payload of a timer whose previous run was at `last` and which came due at `due`."""
    status = {"Last": last.isoformat(), "Next": due.isoformat(), "LastUpdated": last.isoformat()}
    info = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": is_past_due}
    return Payload(TypedData(json=json.dumps(info)))


def http_payload(
    method: str,
    url: str,
    *,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    params: Mapping[str, str],
    body: bytes,
) -> Payload:
    """Return the payload of an HTTP request; the host leaves out empty query values and an empty body."""
    request = RpcHttp(
        method=method,
        url=url,
        query={name: value for name, value in query.items() if value},
        headers={name.lower(): value for name, value in headers.items()},
        params=params,
        body=TypedData(bytes=body) if body else TypedData(),
    )
    return Payload(TypedData(http=request))


def _text_or_bytes(body: bytes) -> TypedData:
    try:
        return TypedData(string=body.decode("utf-8"))
    except UnicodeDecodeError:
        return TypedData(bytes=body)


def _time(moment: datetime) -> TypedData:
    return TypedData(json=json.dumps(moment.isoformat()))
