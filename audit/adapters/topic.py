"""The channel to an Event Grid custom topic, from which customers route alerts on."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from azure.core.credentials import AzureKeyCredential, TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient

from audit.errors import NotDelivered
from audit.model import Alert
from audit.told.alerts import EVENT_TYPE, alert_data

# Quick tries where nothing was answered. What the topic refuses is left to the queue, because the SDK would sleep
# for as long as the answer's `Retry-After` says.
PATIENCE: dict[str, Any] = {"retry_total": 2, "retry_status": 0, "connection_timeout": 10, "read_timeout": 20}

# A topic takes 1,048,576 bytes in all (learn.microsoft.com, Event Grid quotas and limits); the rest is envelope.
MAX_DATA = 1_000_000

# Of each option of `send` the SDK warns, with each alert, that it is no attribute of the event.
logging.getLogger("azure.eventgrid._legacy._generated._serialization").setLevel(logging.ERROR)


class TopicChannel:
    """Sends each alert as one CloudEvent; its id is the alert's, so receivers can drop a repeat."""

    def __init__(
        self,
        endpoint: str,
        credential: AzureKeyCredential | TokenCredential,
        patience: Mapping[str, Any] = PATIENCE,
    ):
        self._client, self._patience = EventGridPublisherClient(endpoint, credential), patience

    def send(self, alert: Alert) -> None:
        """Publish the alert; raise `NotDelivered` where the topic did not accept it."""
        event = CloudEvent(
            source=alert.parent,
            type=EVENT_TYPE,
            subject=alert.id,
            id=alert.id,
            time=alert.at,
            data=fitting(alert_data(alert)),
        )
        try:
            # Options go to `send`: azure-eventgrid 4.22 drops those of the constructor for basic topics.
            self._client.send(event, **self._patience)
        except AzureError as error:
            status = f" HTTP {error.status_code}" if isinstance(error, HttpResponseError) else ""
            # Without its cause, whose text holds the topic's whole address.
            raise NotDelivered(
                f"tried to publish alert {alert.id} to the Event Grid topic; got {type(error).__name__}{status}. "
                "It is sent again with the same id; if it goes on, look at MODEL_AUDIT_TOPIC_ENDPOINT, its key "
                "or the role EventGrid Data Sender, and the topic's firewall"
            ) from None


def fitting(data: dict[str, Any], most: int = MAX_DATA) -> dict[str, Any]:
    """Return an alert's data with as many of its notices as a topic takes, from the first on; the rest is counted.

    A topic refuses what is too large for good, and on-call would hear nothing at all.
    """
    left, shown = most - _size(data | {"notices": []}), []
    for notice in data["notices"]:
        left -= _size(notice) + len(", ")
        if left < 0:
            break
        shown.append(notice)
    return data | {"notices": shown, "more": data["more"] + len(data["notices"]) - len(shown)}


def _size(value: Any) -> int:
    return len(json.dumps(value))  # as the SDK writes it: ASCII, so a character is a byte
