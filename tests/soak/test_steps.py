"""(1) A worker dies at every step: on the first delivery, on a redelivery, and beside a twin of its own."""

import json

import pytest

from tests.house import CHAT, chat_document, release, write_event
from tests.soak.parts import Parts
from tests.soak.stage import Crash, Stage, Trace, crash, until_done

PROBLEM = (CHAT.id, "MA102", "model.version")


def approved_stage() -> Stage:
    """Return a stage where a release serves, and then another version than the approved one."""
    stage = Stage()
    stage.approve(release())
    stage.serve(CHAT, chat_document())
    stage.sweep()
    stage.serve(CHAT, chat_document("2024-11-20"))
    return stage


def deliver_twice(stage: Stage, first: Parts, second: Parts) -> None:
    """Deliver everything once and, because its deletion got lost, once more."""
    for parts in (first, second):
        stage.take(parts, write_event())
    while stage.checks.sent or stage.alerts.sent:
        for message in stage.checks.take():
            first.sweeper.run(message)
            until_done(lambda _, m=message: second.sweeper.run(m, is_redelivered=True))
        for message in stage.alerts.take():
            stage.told += 1
            id_ = f"m-{stage.told}"
            first.notifier.run(message, id_)
            until_done(lambda _, m=message, i=id_: second.notifier.run(m, i))


def run_twin(stage: Stage) -> None:
    """Do all of the event's work in another process, which does not see this one's locks."""
    twin = stage.parts()
    twin.intake.take(json.dumps(write_event()))
    checker = twin.sweeper.checker
    for message in stage.checks.take():
        asked = json.loads(message)
        checker.settle(CHAT, lambda: stage.live.look(CHAT), asked.get("event", ""), "event")
    for message in stage.alerts.take():
        stage.told += 1
        twin.notifier.run(message, f"twin-{stage.told}")


def steps_of_a_delivery() -> list[str]:
    trace, stage = Trace(), approved_stage()
    stage.deliver(stage.parts(trace), write_event())
    return trace.steps


def steps_of_a_redelivery() -> list[str]:
    trace, stage = Trace(), approved_stage()
    deliver_twice(stage, stage.parts(), stage.parts(trace))
    return trace.steps


DELIVERY, REDELIVERY = steps_of_a_delivery(), steps_of_a_redelivery()


def test_every_call_to_the_outside_is_a_step() -> None:
    calls = {step.split(maxsplit=1)[1] for step in DELIVERY}

    assert calls >= {
        "intake:ledger.commit",
        "intake:checks.send",
        "check:ledger.rows",
        "check:releases.rows",
        "check:live.look",
        "check:evidence.put",
        "check:ledger.commit",
        "check:alerts.send",
        "tell:ledger.rows",
        "tell:ledger.commit",
        "tell:channel.send",
    }


@pytest.mark.parametrize("place", range(len(DELIVERY)), ids=DELIVERY)
def test_a_crash_at_a_step_of_the_first_delivery_leaves_the_record_whole(place: int) -> None:
    stage = approved_stage()

    stage.deliver(stage.parts(Trace(place, crash)), write_event())

    assert stage.violations(events={"e-1"}, problems={PROBLEM}) == []


@pytest.mark.parametrize("place", range(len(REDELIVERY)), ids=REDELIVERY)
def test_a_crash_at_a_step_of_a_redelivery_leaves_the_record_whole(place: int) -> None:
    stage = approved_stage()

    deliver_twice(stage, stage.parts(), stage.parts(Trace(place, crash)))

    assert stage.violations(events={"e-1"}, problems={PROBLEM}) == []


@pytest.mark.parametrize("place", range(len(DELIVERY)), ids=DELIVERY)
def test_a_twin_at_a_step_leaves_the_record_whole(place: int) -> None:
    stage = approved_stage()

    stage.deliver(stage.parts(Trace(place, lambda: run_twin(stage))), write_event())

    assert stage.violations(events={"e-1"}, problems={PROBLEM}) == []


@pytest.mark.parametrize("place", range(len(DELIVERY)), ids=DELIVERY)
def test_a_crash_beside_a_twin_leaves_the_record_whole(place: int) -> None:
    stage = approved_stage()

    def twin_and_crash() -> None:
        run_twin(stage)
        raise Crash

    stage.deliver(stage.parts(Trace(place, twin_and_crash)), write_event())

    assert stage.violations(events={"e-1"}, problems={PROBLEM}) == []


def test_messages_redelivered_after_their_work_was_done_change_nothing() -> None:
    stage = approved_stage()
    stage.deliver(stage.parts(), write_event())
    before, told = stage.ledger.all_rows(), list(stage.channel.alerts)

    deliver_twice(stage, stage.parts(), stage.parts())

    assert stage.ledger.all_rows() == before
    assert stage.channel.alerts == told
