"""What the Event Grid webhook answers, with the real worker behind it."""

import json
from typing import Any

import httpx
import pytest

from tests.local.conftest import Queue
from tests.local.host_process import HostProcess

pytestmark = [pytest.mark.azurite, pytest.mark.stack]

CODE = "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"


def event(event_id: str, **data: Any) -> dict[str, Any]:
    return {"id": event_id, "topic": "/t", "subject": "s", "eventType": "T", "data": data}


def post(host: HostProcess, document: Any, kind: str = "Notification", url: str | None = None) -> httpx.Response:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return host.http.post(url or host.webhook, headers={"aeg-event-type": kind}, content=body)


def test_the_handshake_of_event_grids_own_schema(host: HostProcess) -> None:
    answer = post(host, [event("v", validationCode=CODE)], "SubscriptionValidation")

    assert (answer.status_code, answer.json()) == (200, {"validationResponse": CODE})


def test_the_handshake_whose_data_is_json_in_a_string(host: HostProcess) -> None:
    document = {"specversion": "1.0", "data": json.dumps({"validationCode": CODE})}

    answer = post(host, document, "SubscriptionValidation")

    assert (answer.status_code, answer.json()) == (200, {"validationResponse": CODE})


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("eventgrid.azure.net", "eventgrid.azure.net"),
        ("eventgrid.azure.us", "eventgrid.azure.us"),
        ("evil.example", "eventgrid.azure.net"),
    ],
)
def test_the_handshake_of_cloudevents_allows_event_grids_origins_only(
    host: HostProcess, origin: str, allowed: str
) -> None:
    answer = host.http.options(host.webhook, headers={"WebHook-Request-Origin": origin})

    assert (answer.status_code, answer.headers["webhook-allowed-origin"]) == (200, allowed)


def test_a_notification_runs_the_function_and_is_accepted(host: HostProcess, queue: Queue) -> None:
    seen = queue("seen")

    answer = post(host, [event("one", text="Größe 🎈")])

    assert answer.status_code == 202
    received = seen.receive_message()
    assert received is not None
    assert json.loads(received.content) == event("one", text="Größe 🎈")


def test_a_bare_cloudevent_arrives_whole(host: HostProcess, queue: Queue) -> None:
    seen = queue("seen")
    document = {"specversion": "1.0", "id": "c", "source": "/t", "type": "T", "traceparent": "00-x", "data": {}}

    answer = post(host, document)

    assert answer.status_code == 202
    received = seen.receive_message()
    assert received is not None
    assert json.loads(received.content) == document


def test_each_element_of_a_batch_is_a_run_of_its_own(host: HostProcess) -> None:
    before = len(host.runs("on_event"))

    answer = post(host, [event("a"), event("b"), event("c")])

    assert answer.status_code == 202
    host.wait_until_quiet()
    assert len(host.runs("on_event")) == before + 3


def test_one_failure_fails_the_whole_batch_with_the_functions_message(host: HostProcess) -> None:
    answer = post(host, [event("good"), event("bad", fail=True)])

    assert (answer.status_code, answer.text) == (500, "RuntimeError: asked to fail")


@pytest.mark.parametrize(
    "body",
    [b"", b"{not json", b'"text"', b"null", b"\xff\xfe\x00", b"[" * 100_000],
    ids=["empty", "broken", "text", "null", "not utf-8", "too deep"],
)
def test_a_malformed_body_is_the_hosts_own_error_and_so_redelivered(host: HostProcess, body: bytes) -> None:
    answer = post(host, body)

    assert (answer.status_code, answer.content) == (500, b"")


def test_a_malformed_handshake_is_the_hosts_own_error(host: HostProcess) -> None:
    assert post(host, [{"data": {}}], "SubscriptionValidation").status_code == 500


def test_a_body_of_two_megabytes_is_refused(host: HostProcess) -> None:
    answer = post(host, [event("large", filling="x" * 2_000_000)])

    assert answer.status_code == 413


def test_a_body_of_nearly_a_megabyte_is_taken(host: HostProcess) -> None:
    # The function fails on purpose: what it would pass on is more than a queue message holds.
    answer = post(host, [event("large", fail=True, filling="x" * 1_048_000)])

    assert answer.text == "RuntimeError: asked to fail"


@pytest.mark.parametrize("name", ["nobody", "", "hello", "ON_EVENT"])
def test_an_unknown_function_name_is_not_found(host: HostProcess, name: str) -> None:
    url = f"/runtime/webhooks/EventGrid?functionName={name}&code={host.keys['event_grid']}"

    answer = post(host, [event("x")], url=url)

    assert (answer.status_code, answer.text) == (404, f"cannot find function: '{name}'")


def test_another_extension_is_not_found(host: HostProcess) -> None:
    assert post(host, [], url=host.webhook.replace("EventGrid", "blobs")).status_code == 404


def test_the_path_is_matched_whatever_its_case(host: HostProcess) -> None:
    url = host.webhook.replace("/runtime/webhooks/EventGrid", "/Runtime/WebHooks/eventgrid")

    assert post(host, [event("x")], url=url).status_code == 202


@pytest.mark.parametrize(("kind", "status"), [("Unsubscribe", 202), ("SubscriptionDeletion", 400), ("", 400)])
def test_the_other_kinds_of_request(host: HostProcess, kind: str, status: int) -> None:
    assert post(host, [], kind).status_code == status


def test_get_and_delete_are_taken_and_lack_the_header(host: HostProcess) -> None:
    assert host.http.get(host.webhook).status_code == 400
    assert host.http.delete(host.webhook).status_code == 400
    assert host.http.put(host.webhook).status_code == 405


@pytest.mark.parametrize("key", ["event_grid", "master"])
def test_the_system_key_and_the_master_key_open_the_webhook(host: HostProcess, key: str) -> None:
    headers = {"aeg-event-type": "Notification", "x-functions-key": host.keys[key]}

    answer = host.http.post(
        "/runtime/webhooks/EventGrid?functionName=on_event", headers=headers, json=[event("k")]
    )

    assert answer.status_code == 202


@pytest.mark.parametrize("suffix", ["", "&code=", "&code=wrong", "&code=ключ"])
def test_a_missing_or_wrong_key_is_unauthorized_before_anything_else(host: HostProcess, suffix: str) -> None:
    answer = host.http.post(f"/runtime/webhooks/EventGrid?functionName=nobody{suffix}")

    assert answer.status_code == 401


def test_the_function_key_does_not_open_the_webhook(host: HostProcess) -> None:
    url = host.webhook.replace(host.keys["event_grid"], host.keys["function"])

    assert post(host, [event("x")], url=url).status_code == 401
