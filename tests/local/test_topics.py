"""Microsoft's own client publishes to the custom topics of the stack."""

from collections.abc import Iterator

import httpx
import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient

from local.eventgrid.topics import CustomTopics, Received
from local.serving import serve

KEY = "topic-key"
CLOUD_EVENT = {"id": "1", "source": "/s", "type": "t", "specversion": "1.0"}


@pytest.fixture
def heard() -> list[Received]:
    return []


@pytest.fixture
def topics(heard: list[Received]) -> CustomTopics:
    return CustomTopics({"findings": KEY}, heard.append)


@pytest.fixture
def endpoint(topics: CustomTopics) -> Iterator[str]:
    with serve(topics.app()) as base:
        yield f"{base}/topics/findings/api/events"


def client(endpoint: str, key: str = KEY) -> EventGridPublisherClient:
    return EventGridPublisherClient(endpoint, AzureKeyCredential(key))


def test_cloudevents_of_the_real_client_are_kept_and_handed_on_in_order(
    endpoint: str, topics: CustomTopics, heard: list[Received]
) -> None:
    with client(endpoint) as publisher:
        publisher.send([CloudEvent(source="/s", type="Drift", data={"n": n}) for n in range(3)])

    assert [received.event["data"]["n"] for received in topics.received] == [0, 1, 2]
    assert {received.topic for received in topics.received} == {"findings"}
    assert heard == topics.received


def test_event_grid_events_of_the_real_client_are_taken_too(endpoint: str, topics: CustomTopics) -> None:
    with client(endpoint) as publisher:
        publisher.send(EventGridEvent(subject="s", event_type="Drift", data={"n": 1}, data_version="1"))

    assert topics.received[0].event["eventType"] == "Drift"


def test_the_real_client_is_told_of_a_wrong_key(endpoint: str, topics: CustomTopics) -> None:
    with client(endpoint, "guess") as publisher, pytest.raises(ClientAuthenticationError):
        publisher.send(CloudEvent(source="/s", type="Drift", data=None))

    assert topics.received == []


def test_the_real_client_is_told_of_more_than_a_megabyte(endpoint: str, topics: CustomTopics) -> None:
    with client(endpoint) as publisher, pytest.raises(HttpResponseError) as refused:
        publisher.send(CloudEvent(source="/s", type="Drift", data="x" * 1_100_000))

    assert refused.value.status_code == 413
    assert topics.received == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/cloudevents+json; charset=utf-8", b'{"id": "1"}'),
        ("application/cloudevents-batch+json", b'{"id": "1"}'),
        ("application/json", b'[{"id": "1"}]'),
        ("application/json", b"[1]"),
        ("application/json", b"{broken"),
        ("text/plain", b"[]"),
    ],
)
def test_a_malformed_publication_is_a_bad_request(
    endpoint: str, topics: CustomTopics, content_type: str, body: bytes
) -> None:
    answer = httpx.post(endpoint, headers={"aeg-sas-key": KEY, "content-type": content_type}, content=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert topics.received == []


def test_one_bare_cloudevent_is_taken(endpoint: str, topics: CustomTopics) -> None:
    headers = {"aeg-sas-key": KEY, "content-type": "application/cloudevents+json"}

    assert httpx.post(endpoint, headers=headers, json=CLOUD_EVENT).status_code == 200
    assert topics.received == [Received("findings", CLOUD_EVENT)]


def test_the_key_of_a_topic_can_be_asked_for(topics: CustomTopics) -> None:
    assert topics.key("findings") == KEY


def test_a_topic_that_does_not_exist_is_not_found(endpoint: str) -> None:
    assert httpx.post(endpoint.replace("findings", "other"), headers={"aeg-sas-key": KEY}).status_code == 404
