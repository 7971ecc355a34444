"""(23) The checker notices every rule of the commit path that is broken, except where a second fence holds."""

import json

from audit.ports import Table
from tests.house import CHAT, chat_document, write_event
from tests.soak import sabotage
from tests.soak.sabotage import Forgetful, FreshKeys, SeenOnce, ToldFirst, TornInTwo, Unguarded, Without
from tests.soak.stage import Crash, Stage, Trace, once
from tests.soak.test_steps import PROBLEM, approved_stage, run_twin


class CrashOnce:
    """Something that ends the process the first time."""

    def __init__(self) -> None:
        self.is_spent = False

    def __call__(self) -> None:
        if not self.is_spent:
            self.is_spent = True
            raise Crash


def generation(number: int, version: str = "2024-11-20") -> dict:
    document = chat_document(version)
    document["deployment"]["tags"] = {"generation": str(number)}
    return document


def race(stage: Stage, table: Table) -> None:
    """Let another event of the target be folded between this one's read and its commit, by an honest twin."""
    trace = Trace()

    def twin() -> None:
        other = stage.parts()
        other.intake.take(json.dumps(write_event(id_="e-2")))
        stage.serve(CHAT, generation(2, "2024-12-01"))
        asked = [json.loads(message) for message in stage.checks.take()]
        for each in asked:
            other.sweeper.checker.settle(CHAT, lambda: stage.live.look(CHAT), each["event"], "event")

    stage.serve(CHAT, generation(1))
    looks = _steps_until("after check:live.look")
    trace.place, trace.act = looks, twin
    stage.deliver(stage.parts(trace, ledger=table), write_event())


def _steps_until(step: str) -> int:
    trace, stage = Trace(), approved_stage()
    stage.deliver(stage.parts(trace), write_event())
    return trace.steps.index(step)


def test_a_race_with_all_guards_leaves_the_record_whole() -> None:
    stage = approved_stage()

    race(stage, stage.ledger)

    assert stage.violations(events={"e-1", "e-2"}, problems={PROBLEM}, generations={CHAT.id: 2}) == []


def test_without_any_guard_the_checker_finds_the_fork() -> None:
    stage = approved_stage()

    race(stage, Unguarded(stage.ledger, lambda _: True))

    found = stage.violations(events={"e-1", "e-2"}, problems={PROBLEM}, generations={CHAT.id: 2})
    assert any(each.startswith(("A:", "B:", "C:")) for each in found)


def test_without_the_heads_guard_the_journals_key_still_holds() -> None:
    stage = approved_stage()

    race(stage, Unguarded(stage.ledger, sabotage.starting_with("0-", ending="-h")))

    assert stage.violations(events={"e-1", "e-2"}, problems={PROBLEM}, generations={CHAT.id: 2}) == []


def test_without_head_and_journal_guards_the_inbox_still_holds() -> None:
    stage = approved_stage()
    is_open = sabotage.starting_with("0-", "j-")

    race(stage, Unguarded(stage.ledger, lambda key: is_open(key) and "-i-" not in key and "-f-" not in key))

    assert stage.violations(events={"e-1", "e-2"}, problems={PROBLEM}, generations={CHAT.id: 2}) == []


def test_a_transaction_torn_in_two_is_found() -> None:
    stage = approved_stage()
    parts = stage.parts(ledger=TornInTwo(stage.ledger, CrashOnce()))
    stage.take(stage.parts(), write_event())

    stage.settle(parts)

    assert stage.violations(events={"e-1"}, problems={PROBLEM}) != []


def test_an_event_whose_message_is_deleted_first_is_lost() -> None:
    stage = approved_stage()
    parts = stage.parts(Trace(0, CrashOnce()))

    once(lambda _: parts.intake.take(json.dumps(write_event())))
    stage.settle(parts)
    stage.sweep()

    assert stage.violations(events={"e-1"}) == ["C: event e-1 is lost"]


def test_a_check_whose_message_is_deleted_first_waits_for_the_sweep() -> None:
    stage = approved_stage()
    dying = stage.parts(Trace(0, CrashOnce()))
    stage.take(stage.parts(), write_event())

    stage.settle(dying, deletes_first=True)

    assert any(each.startswith("C:") for each in stage.violations(events={"e-1"}))
    stage.sweep()
    assert stage.violations(events={"e-1"}, problems={PROBLEM}) == []


def test_an_alert_whose_message_is_deleted_first_waits_until_its_claim_is_old() -> None:
    stage = approved_stage()
    dying = stage.parts(Trace(_steps_of_telling("before tell:channel.send"), CrashOnce()))
    stage.take(stage.parts(), write_event())

    stage.settle(dying, deletes_first=True)
    stage.sweep()

    assert any(each.startswith("E:") for each in stage.violations())
    stage.clock.advance(hours=2)
    stage.sweep()
    assert stage.violations(events={"e-1"}, problems={PROBLEM}) == []


def _steps_of_telling(step: str) -> int:
    trace, stage = Trace(), approved_stage()
    stage.take(stage.parts(), write_event())
    stage.settle(stage.parts(trace))
    return trace.steps.index(step)


def test_telling_before_recording_is_found() -> None:
    stage = approved_stage()
    parts = stage.parts(ledger=ToldFirst(stage.ledger, stage.channel, CrashOnce()))
    stage.take(stage.parts(), write_event())
    (message,) = stage.checks.take()
    once(lambda _: parts.sweeper.run(message))

    stage.serve(CHAT, chat_document())  # it was put right before the redelivery
    stage.parts().sweeper.run(message, is_redelivered=True)
    stage.settle(stage.parts())

    assert any("told and never recorded" in each for each in stage.violations(events={"e-1"}))


def test_a_fresh_key_for_every_try_is_found() -> None:
    stage = approved_stage()
    parts = stage.parts(channel=FreshKeys(stage.channel, CrashOnce()))

    stage.deliver(parts, write_event())

    assert any("was shown in 2 alerts" in each for each in stage.violations())


def test_without_the_intakes_marker_an_event_is_recorded_twice() -> None:
    stage = approved_stage()
    parts = stage.parts(ledger=Without(stage.ledger, "e-"))

    stage.deliver(parts, write_event(), write_event())

    assert stage.violations(events={"e-1"}) == ["C: event e-1 is in 2 entries"]


def test_a_forgotten_wake_strands_the_alert_until_the_sweep() -> None:
    stage = approved_stage()

    stage.deliver(stage.parts(alerts=Forgetful()), write_event())

    assert any(each.startswith("E:") for each in stage.violations(events={"e-1"}, problems={PROBLEM}))
    stage.sweep()
    assert stage.violations(events={"e-1"}, problems={PROBLEM}) == []


def test_a_look_from_before_the_conflict_is_found() -> None:
    stage = approved_stage()
    stale = SeenOnce(stage.live)
    stage.serve(CHAT, generation(1))
    stale.look(CHAT)

    stage.serve(CHAT, generation(2))
    run_twin(stage)
    stage.deliver(stage.parts(live=stale), write_event(id_="e-2"))

    found = stage.violations(events={"e-1", "e-2"}, generations={CHAT.id: 2})
    assert f"B: {CHAT.id} was recorded in generation 1 after 2" in found
