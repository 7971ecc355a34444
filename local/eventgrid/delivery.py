"""One event on its way to one subscription: the request, when to try again, and the dead letter.

Sources: delivery-and-retry.md and cloud-event-schema.md in azure-docs; the headers, handler-event-hubs.md.
"""

import http.client
import json
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from local.eventgrid.subscriptions import EVENT_GRID_SCHEMA, Subscription

TIMEOUT_SECONDS = 30  # Event Grid waits so long for an answer
ANSWER_LIMIT_BYTES = 65_536  # of an endpoint's answer, no more is of interest

SUCCESSES = range(200, 205)
NEVER_RETRIED = (400, 401, 403, 413)  # for webhooks; 401 is retried for Azure's own resources
RETRY_DELAYS = tuple(
    timedelta(seconds=seconds) for seconds in (10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
)
# Some answers put the next try off for longer than the schedule would.
LEAST_DELAYS = {404: timedelta(minutes=5), 408: timedelta(minutes=2), 503: timedelta(seconds=30)}

# The service's own words for how an attempt ended.
OUTCOMES = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 408: "TimedOut"}
OUTCOMES |= {413: "PayloadTooLarge"}
BUSY = "Busy"

TOO_MANY_ATTEMPTS = "MaxDeliveryAttemptsExceeded"  # the one reason that the documentation shows
BAD_REQUEST = "UndeliverableDueToHttpBadRequest"  # seen by users after a 400
# Guesses in the same style: nobody's documentation lists the reasons (azure-sdk-for-net#26198).
CLIENT_ERROR = "UndeliverableDueToClientError"
TOO_OLD = "TimeToLiveExceeded"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answered; without a status where it did not, and `outcome` says why."""

    status: int | None
    outcome: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Say whether Event Grid takes the event for delivered."""
        return self.status in SUCCESSES


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event, in the Event Grid schema, on its way to a subscription; times are aware UTC."""

    subscription: Subscription
    event: Mapping[str, Any]
    published_at: datetime
    due: datetime
    attempts: int = 0
    last_attempt_at: datetime | None = None
    last_outcome: str = "Delivering"

    def is_expired(self, now: datetime) -> bool:
        """Say whether the time to live is over."""
        return now - self.published_at > self.subscription.ttl


def attempt(delivery: Delivery, now: datetime) -> tuple[Delivery, Answer]:
    """Try to deliver, and return the delivery with the try noted on it, and the endpoint's answer."""
    document, content_type = _render(delivery)
    headers = {"content-type": content_type, **_headers(delivery)}
    answer = send("POST", delivery.subscription.url, headers, json.dumps(document).encode())
    attempts = delivery.attempts + 1
    return replace(delivery, attempts=attempts, last_attempt_at=now, last_outcome=answer.outcome), answer


def next_attempt(delivery: Delivery, status: int | None, now: datetime) -> datetime:
    """Return when to try again after a failed try that ended with `status`."""
    step = min(delivery.attempts, len(RETRY_DELAYS)) - 1
    return now + max(RETRY_DELAYS[step], LEAST_DELAYS.get(status or 0, timedelta()))


def why_given_up(delivery: Delivery, status: int | None) -> str | None:
    """Return the reason for which there is no further try, or None where there is to be one."""
    if status in NEVER_RETRIED:
        return BAD_REQUEST if status == 400 else CLIENT_ERROR
    return TOO_MANY_ATTEMPTS if delivery.attempts >= delivery.subscription.max_attempts else None


def dead_letter(delivery: Delivery, reason: str) -> dict[str, Any]:
    """Return the event with the notes that Event Grid adds, lower-cased for CloudEvents."""
    document = _in_schema(delivery)
    notes = {
        "deadLetterReason": reason,
        "deliveryAttempts": delivery.attempts,
        "lastDeliveryOutcome": delivery.last_outcome,
        "publishTime": _time(delivery.published_at),
        "lastDeliveryAttemptTime": _time(delivery.last_attempt_at or delivery.published_at),
    }
    if delivery.subscription.schema != EVENT_GRID_SCHEMA:
        notes = {name.lower(): value for name, value in notes.items()}
    return {**document, **notes}


def dead_letter_path(delivery: Delivery, now: datetime) -> str:
    """Return the blob's name in its container; as on Azure, the parts of the date have no leading zeros."""
    name = delivery.subscription.name.upper()
    return f"{name}/{now.year}/{now.month}/{now.day}/{now.hour}/{uuid.uuid4()}.json"


def to_cloud_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event of the Event Grid schema as a CloudEvent."""
    return {
        "id": event["id"],
        "source": event["topic"],
        "type": event["eventType"],
        "subject": event["subject"],
        "time": event["eventTime"],
        "specversion": "1.0",
        "data": event.get("data"),
    }


def send(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    """Send one request and return the answer, whatever it is; no redirect is followed, no proxy asked."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=TIMEOUT_SECONDS)
    try:
        target = parts._replace(scheme="", netloc="").geturl() or "/"
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, _outcome(response.status), received, response.read(ANSWER_LIMIT_BYTES))
    except TimeoutError:
        return Answer(None, "TimedOut", {}, b"")
    except socket.gaierror:
        return Answer(None, "ResolutionError", {}, b"")
    except (OSError, http.client.HTTPException):
        return Answer(None, "SocketError", {}, b"")
    finally:
        connection.close()


def _outcome(status: int) -> str:
    return "Delivered" if status in SUCCESSES else OUTCOMES.get(status, BUSY)


def _render(delivery: Delivery) -> tuple[Any, str]:
    """Return the document to post and its type: an array of one, or a bare CloudEvent."""
    document = _in_schema(delivery)
    if delivery.subscription.schema == EVENT_GRID_SCHEMA:
        return [document], "application/json; charset=utf-8"
    return document, "application/cloudevents+json; charset=utf-8"


def _in_schema(delivery: Delivery) -> dict[str, Any]:
    if delivery.subscription.schema == EVENT_GRID_SCHEMA:
        return dict(delivery.event)
    return to_cloud_event(delivery.event)


def _headers(delivery: Delivery) -> dict[str, str]:
    is_cloud_event = delivery.subscription.schema != EVENT_GRID_SCHEMA
    return {
        "aeg-event-type": "Notification",
        "aeg-subscription-name": delivery.subscription.name.upper(),
        "aeg-delivery-count": str(delivery.attempts),  # tries before this one: 0 at first
        "aeg-data-version": str(delivery.event.get("dataVersion", "")),
        "aeg-metadata-version": "1.0" if is_cloud_event else "1",  # a CloudEvent's specversion
        "aeg-output-event-id": str(uuid.uuid4()),
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"  # .NET writes seven digits
