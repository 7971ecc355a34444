"""Injected faults: which calls they hit, and what a caller then sees."""

import json
import time
from collections.abc import Callable

import httpx
import pytest

from local.azure import ControlPlane, Fault, Spoil
from local.azure.faults import Faults
from tests.local.azure.asking import CHAT, Ask, Asking

LIST = CHAT.removesuffix("/chat")


@pytest.fixture
def ask(plane: ControlPlane, asking: Asking) -> Ask:
    return asking(plane)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_status_is_answered_with_an_error_of_arms_form(plane: ControlPlane, ask: Ask, status: int) -> None:
    plane.faults.add(Fault(path="*/deployments/chat", status=status, retry_after=7))

    answer = ask("GET", CHAT)

    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    assert set(answer.json()["error"]) == {"code", "message"}
    assert ask("GET", LIST).status_code == 200


def test_a_fault_hits_the_first_calls_only_and_one_method_only(plane: ControlPlane, ask: Ask) -> None:
    plane.faults.add(Fault(method="GET", status=500, first=2))

    statuses = [ask(method, CHAT, json={}).status_code for method in ("PATCH", "GET", "GET", "GET")]

    assert statuses == [202, 500, 500, 200]


def test_a_share_is_drawn_the_same_way_every_time() -> None:
    def hits() -> list[bool]:
        faults = Faults()
        faults.add(Fault(status=500, share=0.3, seed=7))
        return [bool(faults.hitting("GET", "/")) for _ in range(200)]

    assert hits() == hits()
    assert 40 < sum(hits()) < 80


def test_a_cleared_fault_hits_no_more(plane: ControlPlane, ask: Ask) -> None:
    kept, gone = plane.faults.add(Fault(path="*/chat", status=500)), plane.faults.add(Fault(status=503))

    plane.faults.clear(gone)

    assert ask("GET", LIST).status_code == 200
    assert ask("GET", CHAT).status_code == 500
    plane.faults.clear(kept)
    assert ask("GET", CHAT).status_code == 200


def test_a_truncated_answer_is_no_json(plane: ControlPlane, ask: Ask) -> None:
    plane.faults.add(Fault(spoil=Spoil.TRUNCATED))

    with pytest.raises(json.JSONDecodeError):
        ask("GET", CHAT).json()


def test_one_malformed_document_spoils_no_other_in_the_list(plane: ControlPlane, ask: Ask) -> None:
    plane.faults.add(Fault(spoil=Spoil.MALFORMED))

    items = ask("GET", LIST).json()["value"]

    assert [each["properties"] is None for each in items] == [True, False, False]
    assert ask("GET", CHAT).json()["properties"] is None


def test_a_delayed_call_is_answered_late_and_well(plane: ControlPlane, ask: Ask) -> None:
    plane.faults.add(Fault(delay=0.3))
    began = time.monotonic()

    assert ask("GET", CHAT).status_code == 200
    assert time.monotonic() - began >= 0.3


def test_a_hanging_call_is_given_up_by_the_caller_and_does_not_hold_up_the_end(
    start: Callable[..., ControlPlane], asking: Asking
) -> None:
    plane = start()
    plane.faults.add(Fault(spoil=Spoil.HANG))

    with pytest.raises(httpx.ReadTimeout):
        asking(plane)("GET", CHAT, timeout=0.2)
