"""What the notifier may rely on when it tells a channel: of the fake, and of a topic of Event Grid on loopback."""

import json
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from azure.core.credentials import AzureKeyCredential

from audit.adapters.topic import MAX_DATA, PATIENCE, TopicChannel, fitting
from audit.errors import NotDelivered
from audit.model import Alert, Episode, Finding, Notice, Severity, Status
from audit.ports import Channel
from audit.told.alerts import EVENT_TYPE, alert_data
from local.eventgrid.topics import CustomTopics
from local.serving import serve
from tests.contracts.scripted import Said, Script
from tests.fakes import FakeChannel
from tests.house import CHAT
from tests.strategies import HOSTILE_TEXTS

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
KEY = "a-key-that-nobody-may-read"
QUERY = "secret-in-the-query"


def alert(*texts: str, id_: str = "alert-1") -> Alert:
    """Return an alert with one notice for each text."""
    finding = Finding("MA102", CHAT, "model.version", Severity.CRITICAL, "2024-11-20", "2024-08-06")
    notices = [
        Notice(f"n-{number}", "opened", Episode(replace(finding, got=text), Status.OPEN, 1, NOW, NOW), ("az x",))
        for number, text in enumerate(texts)
    ]
    return Alert(id_, CHAT.parent, NOW, tuple(notices))


@dataclass
class Place:
    """A channel, what arrived there in its own form, and how it is made to fail."""

    channel: Channel
    ids: Callable[[], list[str]]
    fail: Callable[[], None]


@pytest.fixture
def topics() -> CustomTopics:
    return CustomTopics({"alerts": KEY})


@pytest.fixture
def endpoint(topics: CustomTopics) -> Iterator[str]:
    with serve(topics.app()) as base:
        yield f"{base}/topics/alerts/api/events"


def topic_channel(endpoint: str, key: str = KEY) -> TopicChannel:
    return TopicChannel(endpoint, AzureKeyCredential(key))


@pytest.fixture(params=["fake", "topic"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "fake":
        fake = FakeChannel()
        return Place(
            fake, lambda: [each.id for each in fake.alerts], lambda: fake.errors.append(NotDelivered("injected"))
        )
    topics: CustomTopics = request.getfixturevalue("topics")
    key = AzureKeyCredential(KEY)
    channel = TopicChannel(request.getfixturevalue("endpoint"), key)
    return Place(channel, lambda: [each.event["id"] for each in topics.received], lambda: key.update("wrong"))


def test_an_alert_arrives_once_under_its_own_id(place: Place) -> None:
    place.channel.send(alert("2024-08-06"))

    assert place.ids() == ["alert-1"]


def test_what_is_not_taken_is_said_and_does_not_arrive(place: Place) -> None:
    place.fail()

    with pytest.raises(NotDelivered):
        place.channel.send(alert("2024-08-06"))

    assert place.ids() == []


def test_the_event_is_the_alert_and_nothing_is_said_in_the_log(
    endpoint: str, topics: CustomTopics, caplog: pytest.LogCaptureFixture
) -> None:
    sent = alert("2024-08-06", "2024-05-13")

    topic_channel(endpoint).send(sent)

    event = dict(topics.received[0].event)
    assert event == {
        "id": "alert-1",
        "source": CHAT.parent,
        "type": EVENT_TYPE,
        "subject": "alert-1",
        "time": "2026-11-21T09:00:00.000Z",
        "specversion": "1.0",
        "data": alert_data(sent),
    }
    assert caplog.records == []


def test_an_alert_that_is_sent_again_is_the_same_to_the_byte(endpoint: str, topics: CustomTopics) -> None:
    for channel in (topic_channel(endpoint), topic_channel(endpoint)):
        channel.send(alert("2024-08-06", *HOSTILE_TEXTS))

    first, again = [json.dumps(received.event) for received in topics.received]
    assert first == again


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_hostile_text_arrives_as_the_text_it_is(endpoint: str, topics: CustomTopics, text: str) -> None:
    topic_channel(endpoint).send(alert(text))

    assert topics.received[0].event["data"]["notices"][0]["got"] == text


def test_an_alert_of_any_size_arrives_and_counts_what_it_does_not_show(
    endpoint: str, topics: CustomTopics
) -> None:
    topic_channel(endpoint).send(alert(*["é" * 60_000] * 5))

    data = topics.received[0].event["data"]
    assert (len(data["notices"]), data["more"]) == (2, 3)
    assert data["summary"] == "5 critical open"


@pytest.mark.parametrize("size", [MAX_DATA, 90_000, 1_000])
def test_an_alert_that_is_too_large_is_cut_after_what_fits(size: int) -> None:
    data = alert_data(alert(*["x" * size] * 50))
    most = size * 10

    cut = fitting(data, most)

    shown = len(cut["notices"])
    assert cut["notices"] == data["notices"][:shown]
    assert shown + cut["more"] == 50
    assert len(json.dumps(cut)) <= most < len(json.dumps(cut)) + len(json.dumps(data["notices"][0])) + 20
    assert fitting(cut, most) == cut


def test_an_alert_that_fits_stays_as_it_is() -> None:
    data = alert_data(alert("2024-08-06"))

    assert fitting(data) == data


@dataclass
class Faulty:
    """Topics that cannot be reached or do not take what they are sent, by what is wrong with them."""

    refusing: str
    broken: str
    dead: str
    asked: Script = field(default_factory=Script)


@pytest.fixture
def faulty(endpoint: str) -> Iterator[Faulty]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}/topics/alerts/api/events"
    script = Script({"/events": Said({"error": {"message": KEY}}, 500, {"retry-after": "600"})})
    with serve(script) as base:
        yield Faulty(endpoint, f"{base}/topics/alerts/api/events", dead, script)


@pytest.mark.parametrize(
    ("fault", "key", "said"),
    [("refusing", "wrong", "HTTP 401"), ("broken", KEY, "HTTP 500"), ("dead", KEY, "ServiceRequestError")],
)
def test_a_failure_is_told_soon_and_without_secrets(faulty: Faulty, fault: str, key: str, said: str) -> None:
    channel = topic_channel(f"{getattr(faulty, fault)}?code={QUERY}", key)
    began = time.monotonic()

    with pytest.raises(NotDelivered, match=said) as failed:
        channel.send(alert("2024-08-06"))

    told = "".join(traceback.format_exception(failed.value))
    assert time.monotonic() - began < 5
    assert "alert-1" in told
    assert not [secret for secret in (KEY, QUERY) if secret in told]


def test_what_a_topic_refuses_is_left_to_the_queue(faulty: Faulty) -> None:
    with pytest.raises(NotDelivered):
        topic_channel(faulty.broken).send(alert("2024-08-06"))

    assert len(faulty.asked.asked) == 1


def test_a_topic_that_hangs_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/api/events"
        channel = TopicChannel(url, AzureKeyCredential(KEY), {**PATIENCE, "read_timeout": 0.1})

        with pytest.raises(NotDelivered, match="Timeout"):
            channel.send(alert("2024-08-06"))


def test_what_is_given_up_is_given_up_well_before_the_function_is() -> None:
    assert (PATIENCE["retry_total"] + 1) * (PATIENCE["connection_timeout"] + PATIENCE["read_timeout"]) <= 120
