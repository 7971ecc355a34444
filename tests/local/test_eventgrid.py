"""How Event Grid delivers: handshakes, headers, retries on the moved clock, dead letters, duplicates."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.eventgrid.service import EventGrid
from local.eventgrid.subscriptions import CLOUD_EVENTS_SCHEMA, AdvancedFilter, Subscription, SubscriptionRefused
from tests.local.conftest import SOON
from tests.local.endpoint import Endpoint, event


def test_event_grids_schema_arrives_as_an_array_of_one_with_its_headers(
    grid: EventGrid, endpoint: Endpoint, url: str
) -> None:
    grid.subscribe(Subscription("audit-models", url))

    grid.publish(event("e-1"))
    grid.wait_until_delivered(SOON)

    headers, body = endpoint.notifications[0]
    assert body == [event("e-1")]
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["aeg-event-type"] == "Notification"
    assert headers["aeg-subscription-name"] == "AUDIT-MODELS"
    assert (headers["aeg-delivery-count"], headers["aeg-data-version"]) == ("0", "2")
    assert headers["aeg-metadata-version"] == "1"
    assert headers["aeg-output-event-id"]


def test_cloudevents_arrive_as_a_bare_object(grid: EventGrid, endpoint: Endpoint, url: str) -> None:
    grid.subscribe(Subscription("audit", url, schema=CLOUD_EVENTS_SCHEMA))

    grid.publish(event("e-1"))
    grid.wait_until_delivered(SOON)

    headers, body = endpoint.notifications[0]
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["aeg-metadata-version"] == "1.0"
    assert body == {
        "id": "e-1",
        "source": "/subscriptions/s",
        "type": "Microsoft.MachineLearningServices.ModelRegistered",
        "subject": "models/m:1",
        "time": "2026-01-02T03:04:05.1234567Z",
        "specversion": "1.0",
        "data": {"modelName": "m"},
    }


def accept_only(_request: Request, body: Any) -> Response:
    return JSONResponse({"validationResponse": body[0]["data"]["validationCode"]}, 202)


def wrong_code(_request: Request, _body: Any) -> Response:
    return JSONResponse({"validationResponse": "guess"})


def other_origin(_request: Request, _body: Any) -> Response:
    return Response(headers={"webhook-allowed-origin": "example.org"})


@pytest.mark.parametrize(
    ("schema", "handshake", "got"),
    [
        ("EventGridSchema", accept_only, "got 202"),
        ("EventGridSchema", wrong_code, "got 200"),
        ("EventGridSchema", lambda *_: Response("no", 500), "got 500 no"),
        (CLOUD_EVENTS_SCHEMA, other_origin, "Webhook-Allowed-Origin"),
        (CLOUD_EVENTS_SCHEMA, lambda *_: Response(status_code=404), "got 404"),
    ],
)
def test_an_endpoint_that_does_not_pass_the_handshake_is_refused(
    grid: EventGrid, endpoint: Endpoint, url: str, schema: str, handshake: Any, got: str
) -> None:
    endpoint.handshake = handshake

    with pytest.raises(SubscriptionRefused, match=got) as refused:
        grid.subscribe(Subscription("audit", url, schema=schema))

    assert "secret" not in str(refused.value)
    grid.publish(event("e-1"))
    grid.wait_until_delivered(SOON)
    assert endpoint.notifications == []


def test_an_endpoint_that_is_not_there_is_refused(grid: EventGrid) -> None:
    with pytest.raises(SubscriptionRefused, match="got SocketError"):
        grid.subscribe(Subscription("audit", "http://127.0.0.1:9/hook"))


def test_only_events_that_pass_the_filters_are_delivered(grid: EventGrid, endpoint: Endpoint, url: str) -> None:
    writes = AdvancedFilter("StringContains", "data.operationName", ("deployments/",))
    grid.subscribe(Subscription("audit", url, advanced_filters=(writes,)))

    grid.publish(event("other", data={"operationName": "vaults/write"}))
    grid.publish(event("wanted", data={"operationName": "accounts/Deployments/write"}))
    grid.wait_until_delivered(SOON)

    assert endpoint.ids() == ["wanted"]


def test_each_subscription_is_delivered_to_on_its_own(grid: EventGrid, endpoint: Endpoint, url: str) -> None:
    grid.subscribe(Subscription("one", url))
    grid.subscribe(Subscription("two", url))

    grid.publish(event("e-1"))
    grid.wait_until_delivered(SOON)

    assert endpoint.ids() == ["e-1", "e-1"]


def test_delivered_events_can_be_delivered_again_in_any_order(
    grid: EventGrid, endpoint: Endpoint, url: str
) -> None:
    grid.subscribe(Subscription("audit", url))
    for name in ("a", "b"):
        grid.publish(event(name))
        grid.wait_until_delivered(SOON)

    grid.redeliver(["b", "a", "b"])
    grid.wait_until_delivered(SOON)

    assert endpoint.ids() == ["a", "b", "b", "a", "b"]


def test_an_event_that_was_never_delivered_cannot_be_delivered_again(grid: EventGrid) -> None:
    with pytest.raises(LookupError, match="not been delivered: nobody"):
        grid.redeliver(["nobody"])


def test_an_event_without_its_envelope_is_not_published(grid: EventGrid) -> None:
    with pytest.raises(ValueError, match="it lacks topic, eventType"):
        grid.publish({"subject": "s"})


def test_a_later_change_of_the_published_event_is_not_delivered(
    grid: EventGrid, endpoint: Endpoint, url: str
) -> None:
    grid.subscribe(Subscription("audit", url))
    published = event("e-1")

    grid.publish(published)
    published["data"]["modelName"] = "changed"
    grid.wait_until_delivered(SOON)

    assert endpoint.notifications[0][1][0]["data"] == {"modelName": "m"}
