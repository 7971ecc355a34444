"""Ask an endpoint whether it wants the events, as Event Grid does before a subscription counts."""

import json
import uuid
from datetime import datetime

from local.eventgrid.delivery import Answer, send
from local.eventgrid.subscriptions import EVENT_GRID_SCHEMA, Subscription, SubscriptionRefused

ORIGIN = "eventgrid.azure.net"
SHOWN_CHARACTERS = 200  # of an endpoint's answer, in an error


def shake_hands(subscription: Subscription, now: datetime) -> None:
    """Validate the endpoint; raise `SubscriptionRefused` where it does not consent.

    The way of a validation URL, opened by hand later, is not imitated: our endpoint answers at once.
    """
    if subscription.schema == EVENT_GRID_SCHEMA:
        _send_code(subscription, now)
    else:
        _ask_origin(subscription)


def _send_code(subscription: Subscription, now: datetime) -> None:
    code = str(uuid.uuid4())
    event = {
        "id": str(uuid.uuid4()),
        "topic": "",
        "subject": "",
        "data": {"validationCode": code},
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": now.isoformat(),
        "metadataVersion": "1",
        "dataVersion": "1",
    }
    headers = {
        "content-type": "application/json; charset=utf-8",
        "aeg-event-type": "SubscriptionValidation",
        "aeg-subscription-name": subscription.name.upper(),
        "aeg-delivery-count": "0",
    }
    answer = send("POST", subscription.url, headers, json.dumps([event]).encode())
    if answer.status != 200 or _confirmed_code(answer) != code:  # not 202
        raise _refusal(subscription, answer, "200 and the validation code")


def _confirmed_code(answer: Answer) -> object:
    try:
        document = json.loads(answer.body)
    except ValueError:
        return None
    return document.get("validationResponse") if isinstance(document, dict) else None


def _ask_origin(subscription: Subscription) -> None:
    answer = send("OPTIONS", subscription.url, {"webhook-request-origin": ORIGIN})
    allowed = answer.headers.get("webhook-allowed-origin", "")
    if answer.status != 200 or allowed not in ("*", ORIGIN):
        raise _refusal(subscription, answer, f"200 and the header Webhook-Allowed-Origin: {ORIGIN}")


def _refusal(subscription: Subscription, answer: Answer, expected: str) -> SubscriptionRefused:
    body = answer.body.decode(errors="replace")[:SHOWN_CHARACTERS]
    got = f"{answer.status or answer.outcome} {body}".strip()
    return SubscriptionRefused(
        f"the endpoint {subscription.endpoint} of {subscription.name} did not pass the handshake: "
        f"expected {expected}, got {got}"
    )
