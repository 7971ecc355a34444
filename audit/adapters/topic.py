"""The channel to an Event Grid custom topic, from which customers route alerts on."""

from azure.core.credentials import AzureKeyCredential, TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient

from audit.alerts import EVENT_TYPE, alert_data
from audit.errors import NotDelivered
from audit.model import Alert

RETRIES = 2  # the queue tries again anyway


class TopicChannel:
    """Sends each alert as one CloudEvent; its id is the alert's, so receivers can drop a repeat."""

    def __init__(self, endpoint: str, credential: AzureKeyCredential | TokenCredential):
        self._client = EventGridPublisherClient(endpoint, credential)

    def send(self, alert: Alert) -> None:
        """Publish the alert; raise `NotDelivered` where the topic did not accept it."""
        event = CloudEvent(
            source=alert.parent,
            type=EVENT_TYPE,
            subject=alert.id,
            id=alert.id,
            time=alert.at,
            data=alert_data(alert),
        )
        try:
            # Options go to `send`: azure-eventgrid 4.22 drops those of the constructor for basic topics.
            self._client.send(event, retry_total=RETRIES)
        except AzureError as error:
            status = f" HTTP {error.status_code}" if isinstance(error, HttpResponseError) else ""
            raise NotDelivered(
                f"tried to publish alert {alert.id} to the Event Grid topic: {type(error).__name__}{status}; "
                "it is sent again with the same id"
            ) from error
