from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from azure.storage.queue import QueueClient

from audit.adapters.storage import AzureQueue
from audit.errors import Unavailable
from audit.ports import Queue
from tests.fakes import FakeQueue
from tests.strategies import HOSTILE_TEXTS

Visible = Callable[[], list[str]]
BOTH = [pytest.param("fake"), pytest.param("azurite", marks=pytest.mark.azurite)]
TEXTS = [text for text in HOSTILE_TEXTS if text.isprintable()]


@pytest.fixture(params=BOTH)
def both(request: pytest.FixtureRequest) -> tuple[Queue, Visible]:
    """Return a queue, and what a receiver would see of it now."""
    if request.param == "fake":
        fake = FakeQueue()
        return fake, lambda: [message for message, delay in fake.sent if not delay]
    client: QueueClient = request.getfixturevalue("queue")
    return AzureQueue(client), lambda: [str(each.content) for each in client.receive_messages()]


@pytest.mark.parametrize("text", ['{"target": "/subscriptions/s"}', *TEXTS])
def test_a_message_arrives_as_it_was_sent(both: tuple[Queue, Visible], text: str) -> None:
    queue, visible = both

    queue.send(text)

    assert visible() == [text]


def test_every_message_arrives(both: tuple[Queue, Visible]) -> None:
    queue, visible = both

    for number in range(40):
        queue.send(str(number))

    assert sorted(visible(), key=int) == [str(number) for number in range(40)]


def test_a_delayed_message_is_not_seen_yet(both: tuple[Queue, Visible]) -> None:
    queue, visible = both

    queue.send("later", timedelta(minutes=5))
    queue.send("now")

    assert visible() == ["now"]


@dataclass
class SentOnly:
    """Azure's client as far as sending goes: it keeps the options it was given."""

    queue_name: str = "q"
    options: list[dict] = field(default_factory=list)

    def send_message(self, message: str, **options: object) -> None:
        self.options.append({"message": message, **options})


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [(timedelta(seconds=30), 30), (timedelta(milliseconds=1), 1), (timedelta(days=30), 7 * 24 * 3600)],
    ids=["seconds", "a part of one", "longer than the service allows"],
)
def test_a_delay_is_kept_as_far_as_the_service_allows(delay: timedelta, seconds: int) -> None:
    client = SentOnly()

    AzureQueue(client).send("x", delay)  # type: ignore[arg-type]

    assert client.options == [{"message": "x", "visibility_timeout": seconds, "time_to_live": -1}]


@pytest.mark.azurite
def test_a_message_never_expires(queue: QueueClient) -> None:
    AzureQueue(queue).send("x")

    (message,) = queue.peek_messages()

    assert message.expires_on is not None
    assert message.expires_on.year == 9999


@pytest.mark.azurite
def test_a_queue_that_is_not_there_is_unavailable(storage_connection: str) -> None:
    client = QueueClient.from_connection_string(storage_connection, "missing")

    with client, pytest.raises(Unavailable, match="tried to send a message to queue missing"):
        AzureQueue(client).send("x")
