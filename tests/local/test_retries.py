"""When Event Grid tries again, when it gives up, and what a dead letter looks like."""

import re
from datetime import timedelta
from typing import Any

import pytest

from local.clock import Clock
from local.eventgrid.delivery import RETRY_DELAYS, Delivery, next_attempt
from local.eventgrid.service import EventGrid
from local.eventgrid.subscriptions import CLOUD_EVENTS_SCHEMA, Subscription
from tests.local.conftest import SOON
from tests.local.endpoint import Endpoint, event
from tests.local.host_process import HostProcess


def test_a_500_is_delivered_again_ten_seconds_later_and_not_before(
    grid: EventGrid, endpoint: Endpoint, url: str, clock: Clock
) -> None:
    endpoint.statuses = [500]
    grid.subscribe(Subscription("audit", url))

    grid.publish(event("e-1"))
    grid.wait_until_attempted(SOON)
    with pytest.raises(TimeoutError, match="e-1 for audit after Busy"):
        grid.wait_until_delivered(timedelta(seconds=0.3))
    assert len(endpoint.notifications) == 1

    clock.advance(timedelta(seconds=10))
    grid.wait_until_delivered(SOON)
    assert [headers["aeg-delivery-count"] for headers, _ in endpoint.notifications] == ["0", "1"]


def test_the_delays_grow_as_documented() -> None:
    now = Clock().now()
    delivery = Delivery(Subscription("s", ""), {}, now, now)

    tries = [Delivery(delivery.subscription, {}, now, now, attempts) for attempts in range(1, 13)]
    minutes = [(next_attempt(one, 500, now) - now).total_seconds() / 60 for one in tries]

    assert minutes == [1 / 6, 0.5, 1, 5, 10, 30, 60, 180, 360, 720, 720, 720]
    assert len(RETRY_DELAYS) == 10


@pytest.mark.parametrize(("status", "seconds"), [(500, 10), (503, 30), (408, 120), (404, 300), (None, 10)])
def test_some_answers_put_the_next_try_off(status: int | None, seconds: int) -> None:
    now = Clock().now()

    due = next_attempt(Delivery(Subscription("s", ""), {}, now, now, attempts=1), status, now)

    assert due == now + timedelta(seconds=seconds)


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_what_trying_again_cannot_mend_is_not_tried_again(
    grid: EventGrid, endpoint: Endpoint, url: str, clock: Clock, status: int
) -> None:
    endpoint.statuses = [status]
    grid.subscribe(Subscription("audit", url))

    grid.publish(event("e-1"))
    grid.wait_until_delivered(SOON)
    clock.advance(timedelta(days=1))
    grid.wait_until_delivered(SOON)

    assert len(endpoint.notifications) == 1
    assert grid.dead_letters[0]["deliveryAttempts"] == 1


def test_after_the_last_attempt_the_dead_letter_has_the_documented_shape(
    grid: EventGrid, endpoint: Endpoint, url: str, clock: Clock, letters: dict[str, Any]
) -> None:
    endpoint.statuses = [500, 404]
    grid.subscribe(Subscription("audit", url, max_attempts=2))

    grid.publish(event("e-1"))
    grid.wait_until_attempted(SOON)
    clock.advance(timedelta(seconds=10))
    grid.wait_until_delivered(SOON)

    ((path, document),) = letters.items()
    now = clock.now()
    assert re.fullmatch(rf"AUDIT/{now.year}/{now.month}/{now.day}/{now.hour}/[0-9a-f-]{{36}}\.json", path)
    assert document == grid.dead_letters
    letter = document[0]
    assert {name: letter[name] for name in event("e-1")} == event("e-1")
    assert letter["deadLetterReason"] == "MaxDeliveryAttemptsExceeded"
    assert (letter["deliveryAttempts"], letter["lastDeliveryOutcome"]) == (2, "NotFound")
    assert letter["publishTime"] < letter["lastDeliveryAttemptTime"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", letter["publishTime"])


def test_the_dead_letter_of_a_cloudevent_spells_its_notes_in_lower_case(
    grid: EventGrid, endpoint: Endpoint, url: str
) -> None:
    endpoint.statuses = [400]
    grid.subscribe(Subscription("audit", url, schema=CLOUD_EVENTS_SCHEMA))

    grid.publish(event("e-1"))
    grid.wait_until_delivered(SOON)

    letter = grid.dead_letters[0]
    assert letter["specversion"] == "1.0"
    assert {name for name in letter if name.startswith(("dead", "delivery", "last", "publish"))} == {
        "deadletterreason",
        "deliveryattempts",
        "lastdeliveryoutcome",
        "publishtime",
        "lastdeliveryattempttime",
    }


def test_an_event_older_than_its_time_to_live_is_given_up_at_the_next_try(
    grid: EventGrid, endpoint: Endpoint, url: str, clock: Clock
) -> None:
    endpoint.statuses = [500]
    grid.subscribe(Subscription("audit", url, ttl=timedelta(minutes=1)))

    grid.publish(event("e-1"))
    grid.wait_until_attempted(SOON)
    clock.advance(timedelta(minutes=2))
    grid.wait_until_delivered(SOON)

    assert len(endpoint.notifications) == 1
    assert grid.dead_letters[0]["deadLetterReason"] == "TimeToLiveExceeded"


@pytest.mark.azurite
@pytest.mark.stack
@pytest.mark.parametrize("schema", ["EventGridSchema", CLOUD_EVENTS_SCHEMA])
def test_the_functions_host_passes_the_handshake_and_its_failures_are_delivered_again(
    grid: EventGrid, clock: Clock, host: HostProcess, schema: str
) -> None:
    before = len(host.runs("on_event"))
    grid.subscribe(Subscription("audit", host.url + host.webhook, schema=schema, max_attempts=2))

    grid.publish(event("good"))
    grid.publish(event("bad", data={"fail": True}))
    grid.wait_until_attempted(SOON)
    clock.advance(timedelta(seconds=10))
    grid.wait_until_delivered(SOON)

    host.wait_until_quiet()
    runs = host.runs("on_event")[before:]
    assert sorted(run["ok"] for run in runs) == [False, False, True]
    assert [letter["id"] for letter in grid.dead_letters] == ["bad"]
