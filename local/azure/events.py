"""The Event Grid events that a write leaves behind, in EventGridSchema."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.azure.claims import address_of, claims_of, evidence_of
from local.azure.documents import Document, service_time
from local.azure.identity import Identity

Event = dict[str, Any]
Publish = Callable[[Event], None]

REGISTERED = "Microsoft.MachineLearningServices.ModelRegistered"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked for a write, and what of the request an event repeats."""

    identity: Identity
    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """A write that came to an end: on which resource, of which type, and whether it was there before."""

    id: str
    type: str
    was_there: bool
    has_failed: bool
    caller: Caller


def resource_event(written: Written, subscription: str, now: datetime) -> Event:
    """Return the event that ARM raises on the subscription's topic for a write."""
    subject = _subject(written)
    provider, _, rest = written.type.partition("/")
    caller = written.caller
    verb = "delete" if caller.method == "DELETE" else "write"
    action = f"{provider}/{rest}/{verb}"
    data: Document = {
        "authorization": {
            "scope": subject,
            "action": action,
            "evidence": evidence_of(caller.identity, caller.method, provider, subscription),
        },
        "claims": claims_of(caller.identity, now),
        "correlationId": caller.headers.get("x-ms-correlation-request-id") or str(uuid.uuid4()),
        "resourceProvider": provider,
        "resourceUri": subject,
        "operationName": action,
        "status": "Failed" if written.has_failed else "Succeeded",
        "subscriptionId": subscription,
        "tenantId": caller.identity.tenant,
    }
    # Documented as sent "only when updating an existing resource or deleting".
    if written.was_there:
        data["httpRequest"] = _http_request(caller)
    outcome = "Failure" if written.has_failed else "Success"
    type_ = f"Microsoft.Resources.Resource{verb.capitalize()}{outcome}"
    return _event(f"/subscriptions/{subscription}", subject, type_, data, now)


def registered_event(version: Document, now: datetime) -> Event:
    """Return the event that the workspace's own topic raises for a new model version.

    Field names as in the swagger and in the SDK teams' captures; the product page shows `ModelName`.
    """
    workspace_id, _, rest = version["id"].partition("/models/")
    name, number = rest.split("/")[0], version["name"]
    data = {
        "modelName": name,
        "modelVersion": number,
        "modelTags": version["properties"]["tags"],
        "modelProperties": version["properties"]["properties"],
    }
    return _event(workspace_id, f"models/{name}:{number}", REGISTERED, data, now)


def _subject(written: Written) -> str:
    # The portal spells the group so in the ids it writes to, and not in those it deletes.
    is_portal = written.caller.identity.is_person and written.caller.identity.tool == "portal"
    if is_portal and written.caller.method != "DELETE":
        return written.id.replace("/resourceGroups/", "/resourcegroups/")
    return written.id


def _http_request(caller: Caller) -> Document:
    return {
        "clientRequestId": caller.headers.get("x-ms-client-request-id") or str(uuid.uuid4()),
        "clientIpAddress": address_of(caller.identity),
        "method": caller.method,
        "url": caller.url,
    }


def _event(topic: str, subject: str, type_: str, data: Document, now: datetime) -> Event:
    return {
        "topic": topic,
        "subject": subject,
        "eventType": type_,
        "eventTime": service_time(now),
        "id": str(uuid.uuid4()),
        "data": data,
        "dataVersion": "2",
        "metadataVersion": "1",
    }
