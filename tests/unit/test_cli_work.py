"""How the command line works off checks in its own process."""

import json
from dataclasses import replace
from datetime import timedelta

from audit.cli.work import MAX_RETURNS, Here, work_off
from audit.errors import Throttled, Unavailable
from audit.service.sweep import Sweeper
from audit.targets import parse_target
from tests.house import ACCOUNT, CHAT, House, chat_document, release


def sweeper(house: House, queue: Here) -> Sweeper:
    return replace(house.sweeper, checks=queue)


def asked(*ids: str) -> Here:
    queue = Here()
    for id_ in ids:
        queue.send(json.dumps({"target": id_}))
    return queue


def test_a_sweep_and_all_that_follows_from_it_are_worked_off() -> None:
    house = House()
    targets = [parse_target(f"{ACCOUNT}/deployments/d{number}") for number in range(30)]
    for target in targets:
        house.approve(release(target))
        house.serve(target, chat_document("2024-11-20"))
    queue = Here()
    queue.send(json.dumps({"parent": CHAT.parent}))

    failures = work_off(sweeper(house, queue), queue)

    assert failures == []
    assert {row["rule"] for row in house.reporter.open_findings()} == {"MA102"}
    assert len(house.reporter.open_findings()) == len(targets)


def test_what_fails_is_told_and_keeps_nothing_else_from_being_done() -> None:
    house = House()
    other = parse_target(f"{ACCOUNT}/deployments/other")
    house.serve(other, chat_document())
    house.live.errors[CHAT] = Unavailable("HTTP 500")
    queue = asked(CHAT.id, other.id)

    failures = work_off(sweeper(house, queue), queue)

    assert failures == ["HTTP 500"]
    assert [row["name"] for row in house.reporter.open_findings()] == ["other"]


def test_azure_is_asked_again_when_it_says_and_not_for_ever() -> None:
    house = House()
    house.live.errors[CHAT] = Throttled("429", timedelta(milliseconds=1))
    queue = asked(CHAT.id)

    (failure,) = work_off(sweeper(house, queue), queue)

    assert "Azure asks to come back later" in failure
    assert house.live.looks == MAX_RETURNS + 1


def test_a_message_is_not_due_before_its_time() -> None:
    queue = Here()
    queue.send("later", timedelta(hours=1))
    queue.send("now")

    assert queue.take_due() == ["now"]
    assert len(queue.waiting) == 1
