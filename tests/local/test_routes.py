"""HTTP functions, access keys and the administrative door, with the real worker behind them."""

import pytest

from tests.local.conftest import Queue
from tests.local.host_process import HostProcess

pytestmark = [pytest.mark.azurite, pytest.mark.stack]


def test_an_http_function_is_given_its_route_its_query_and_the_settings(host: HostProcess) -> None:
    answer = host.http.get("/api/hello/bob?a=1&a=2&empty=")

    assert answer.json() == {"name": "bob", "query": {"a": "1,2"}, "greeting": "hi"}
    assert (answer.status_code, answer.headers["x-app"]) == (200, "sample")
    assert answer.headers["content-type"] == "application/json"


def test_a_route_of_words_wins_over_a_parameter_whatever_its_case(host: HostProcess) -> None:
    answer = host.http.get("/API/Hello/Everybody")

    assert (answer.text, answer.headers["content-type"]) == ("hello, everybody", "text/plain; charset=utf-8")


def test_an_unknown_route_is_not_found_and_another_method_not_allowed(host: HostProcess) -> None:
    assert host.http.get("/api/nothing").status_code == 404
    assert host.http.delete("/api/orders").status_code == 405
    assert host.http.head("/api/hello/bob").status_code == 405


@pytest.mark.parametrize(
    ("method", "path", "opened_by"),
    [
        ("POST", "/api/orders", {"function", "master"}),
        ("GET", "/api/vault", {"master"}),
        ("GET", "/admin/functions", {"master"}),
        ("GET", "/admin/host/status", {"master"}),
        ("GET", "/api/hello/x", {"function", "master", "event_grid", "none", "wrong"}),
    ],
)
@pytest.mark.parametrize("place", ["query", "header"])
def test_each_access_level_opens_to_its_keys_only(
    host: HostProcess, method: str, path: str, opened_by: set[str], place: str
) -> None:
    shown = {**host.keys, "none": "", "wrong": "guess"}

    def answer(key: str) -> int:
        if place == "query":
            return host.http.request(method, path, params={"code": key}).status_code
        return host.http.request(method, path, headers={"x-functions-key": key}).status_code

    statuses = {name: answer(key) for name, key in shown.items()}
    assert {name for name, status in statuses.items() if status < 300} == opened_by
    assert {status for status in statuses.values() if status >= 300} <= {401}


def test_a_body_and_a_failure_pass_through_an_async_function(host: HostProcess) -> None:
    url = f"/api/orders?code={host.keys['function']}"

    assert host.http.post(url, content=b"\x00\xff").content == b"\x00\xff"
    assert host.http.post(url).status_code == 201
    assert host.http.post(url, content=b"fail").status_code == 500


def test_a_function_of_each_trigger_can_be_run_by_hand(host: HostProcess, queue: Queue) -> None:
    done, seen = queue("done"), queue("seen")
    headers = {"x-functions-key": host.keys["master"]}

    answers = [
        host.http.post("/admin/functions/on_message", headers=headers, json={"input": "by hand"}),
        host.http.post("/admin/functions/on_event", headers=headers, json={"input": '{"id": "by hand"}'}),
    ]
    host.wait_until_quiet()

    assert [answer.status_code for answer in answers] == [202, 202]
    assert next(message.content for message in done.receive_messages()) == "by hand after 1"
    assert [message.content for message in seen.receive_messages()] == ['{"id":"by hand"}']


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("nobody", b'{"input": ""}', 404),
        ("hello", b'{"input": ""}', 400),
        ("nightly", b"", 400),
        ("nightly", b'{"input": {}}', 400),
        ("on_event", b'{"input": "not json"}', 400),
    ],
)
def test_a_run_by_hand_that_makes_no_sense_is_refused(
    host: HostProcess, name: str, body: bytes, status: int
) -> None:
    headers = {"x-functions-key": host.keys["master"]}

    assert host.http.post(f"/admin/functions/{name}", headers=headers, content=body).status_code == status


def test_the_admin_lists_the_functions_and_tells_that_it_runs(host: HostProcess) -> None:
    headers = {"x-functions-key": host.keys["master"]}

    listed = host.http.get("/admin/functions", headers=headers).json()
    status = host.http.get("/admin/host/status", headers=headers).json()

    assert {"on_event", "on_message", "nightly", "hello"} <= {function["name"] for function in listed}
    assert status["state"] == "Running"
