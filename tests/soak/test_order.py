"""What must not depend on order, repetition, size or the state of Azure: on fakes, so exactly."""

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from audit.errors import AuditError, Throttled, Unavailable
from audit.model import Look, Outcome, Release, Target
from audit.ports import Row
from audit.record import keys
from audit.targets import parse_target
from tests.checker import Problem
from tests.house import (
    APPROVED_AT,
    CHAT,
    CHURN,
    GROUP,
    WORKSPACE,
    chat_document,
    churn_document,
    release,
    write_event,
)
from tests.soak import estate
from tests.soak.sabotage import Watched
from tests.soak.stage import Stage
from tests.soak.test_steps import PROBLEM, approved_stage
from tests.strategies import HOSTILE_TEXTS

SEED = 20261121  # of every dice in this file


def endpoint_stage() -> Stage:
    stage = Stage()
    facts = {"traffic.blue": 100, "deployments.blue.model.name": "churn", "deployments.blue.model.version": "3"}
    stage.approve(release(CHURN, facts=facts))
    stage.serve(CHURN, churn_document())
    stage.sweep()
    stage.serve(CHURN, churn_document({"blue": 40}, version="4"))
    return stage


EVENTS = [write_event(CHURN, f"e-{n}", f"2026-11-21T09:00:0{n}Z") for n in range(6)]


def final_rows(stage: Stage) -> dict[tuple[str, str], dict[str, Any]]:
    return {key: row for key, row in stage.ledger.all_rows().items() if key[1] != "1-h"}


def episodes(stage: Stage) -> set[tuple[str, str, str, int]]:
    rows = [json.loads(row["body"]) for (_, key), row in stage.ledger.all_rows().items() if "-f-" in key]
    found = [(row["finding"], row["status"], row["number"]) for row in rows]
    return {(finding["rule"], finding["subject"], status, number) for finding, status, number in found}


def test_9_all_720_orders_of_six_events_taken_in_together_give_the_same_rows() -> None:
    results = []
    for order in permutations(EVENTS):
        stage = endpoint_stage()
        for event in order:
            stage.take(stage.parts(), event)
        stage.settle(stage.parts())
        results.append(final_rows(stage))

    assert len(results) == 720
    assert all(rows == results[0] for rows in results)


def test_9_all_720_orders_of_six_events_one_by_one_give_the_same_episodes() -> None:
    results = []
    for order in permutations(EVENTS):
        stage = endpoint_stage()
        stage.deliver(stage.parts(), *order)
        results.append(episodes(stage))

    assert len(results[0]) == 2
    assert all(found == results[0] for found in results)


def test_10_time_rises_in_every_chain_whatever_the_clock_does() -> None:
    stage = approved_stage()
    ids = []
    for number, minutes in enumerate((0, 10, -10, 3, -60, 60, -2)):
        stage.clock.advance(minutes=minutes)
        stage.serve(CHAT, chat_document("2024-08-06" if number % 2 else f"2024-11-2{number}"))
        ids.append(f"e-{number}")
        stage.deliver(stage.parts(), write_event(id_=ids[-1], time="2026-11-21T10:30:00Z"))

    stage.sweep()

    assert stage.violations(events=ids, problems={PROBLEM}) == []


def trips(stage: Stage, *events: dict[str, Any]) -> int:
    before = stage.ledger.round_trips + stage.releases.round_trips
    stage.deliver(stage.parts(), *events)
    return stage.ledger.round_trips + stage.releases.round_trips - before


def test_12_the_budget_of_round_trips_is_kept() -> None:
    stage = approved_stage()
    stage.deliver(stage.parts(), write_event(id_="e-0"))

    assert trips(stage, write_event(id_="e-0")) <= 2  # a duplicate
    assert trips(stage, write_event(id_="e-1")) <= 4  # an event at rest
    stage.serve(CHAT, chat_document("2024-12-01"))
    assert trips(stage, write_event(id_="e-2")) <= 7  # a finding that is opened or changed, and told


def fleet(workspaces: int, each: int) -> Iterator[Target]:
    for number in range(workspaces):
        account = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/a{number}"
        yield from (parse_target(f"{account}/deployments/d{n}") for n in range(each))


def test_13_a_sweep_of_ten_thousand_deployments_reads_no_full_table() -> None:
    stage, targets = Stage(), list(fleet(40, 250))
    watched = Watched(stage.ledger), Watched(stage.releases)
    for target in targets:
        stage.serve(target, estate.document(target, "1", 50, 1))
    parts = stage.parts(ledger=watched[0], releases=watched[1])

    for parent in sorted({target.parent for target in targets}):
        parts.sweeper.sweep_parent(parent)

    asked = [each for table in watched for each in table.asked]
    assert len(asked) <= 40 * 8
    assert all(
        partition and start[:2] in {"0-", "1-", "p-"} and end[:1] == start[:1] for partition, start, end in asked
    )


def storm() -> tuple[Stage, list[dict[str, Any]]]:
    """Return an estate after a log of events in which some are duplicates, and that log."""
    dice, stage, targets, log = random.Random(SEED), Stage(), estate.fleet(8), []
    for target in filter(estate.is_approved, targets):
        stage.approve(Release(f"r-{target.name}", target, estate.APPROVED, "ada@contoso.example", APPROVED_AT))
    for number in range(60):
        target = dice.choice(targets)
        stage.clock.advance(seconds=30)
        stage.serve(target, estate.document(target, dice.choice("123"), dice.choice((50, 80)), number))
        log.append(estate.write_event(target, f"e-{number}", stage.clock.now()))
        stage.deliver(stage.parts(), log[-1])
    return stage, log


def test_15_the_whole_log_twice_and_thrice_changes_nothing() -> None:
    stage, log = storm()
    before, alerts = stage.ledger.all_rows(), list(stage.channel.alerts)

    for _ in range(2):
        random.Random(SEED).shuffle(log)
        stage.deliver(stage.parts(), *log)

    assert stage.ledger.all_rows() == before
    assert stage.channel.alerts == alerts


def test_16_three_sweeps_of_a_quiet_estate_record_and_tell_nothing() -> None:
    stage, _ = storm()
    stage.sweep()
    before, alerts = recorded(stage), list(stage.channel.alerts)

    for _ in range(3):
        stage.clock.advance(minutes=15)
        stage.sweep()

    assert recorded(stage) == before
    assert stage.channel.alerts == alerts


def recorded(stage: Stage) -> set[tuple[str, str]]:
    """Return the keys of everything but the notes of the sweeps themselves."""
    return {key for key in stage.ledger.all_rows() if not key[1].startswith(("r-", "0-checkpoint"))}


STREAM = f"0-{keys.target_hash(CHAT)}-"
NEWER = [("ledger", STREAM + "h"), ("ledger", STREAM + "f-"), ("ledger", "1-h"), ("releases", STREAM + "h")]


@pytest.mark.parametrize(("table", "part"), NEWER)
def test_22_a_row_of_a_newer_version_is_a_clear_error_and_nothing_is_written(table: str, part: str) -> None:
    stage = approved_stage()
    stage.deliver(stage.parts(), write_event())
    partition = getattr(stage, table).partitions[keys.partition(CHAT.parent)]
    key = next(key for key in sorted(partition) if key.startswith(part))
    partition[key] = Row(key, {**partition[key].values, "v": 2}, partition[key].etag)
    stage.serve(CHAT, chat_document("2024-12-01"))
    stage.take(stage.parts(), write_event(id_="e-2"))
    before = stage.ledger.all_rows()

    with pytest.raises(AuditError, match=r"version 2.*reads 1.*[Uu]pdate"):
        stage.settle(stage.parts())

    if part != "1-h":  # the notifier reads its own head after the check has committed
        assert stage.ledger.all_rows() == before


ERRORS: tuple[Exception | Look, ...] = (
    Throttled("429", timedelta(0)),
    Unavailable("500"),
    Unavailable("timed out"),
    Look(Outcome.UNREADABLE, reason="HTTP 401"),
    Look(Outcome.UNREADABLE, reason="an answer that is no JSON"),
)


def test_6_no_finding_is_opened_or_resolved_because_azure_fails() -> None:
    dice, (stage, _) = random.Random(SEED), storm()
    truth = {change for change in changes(stage) if change[0] != "MA901"}
    for target in list(stage.live.documents):
        for error in ERRORS:
            stage.live.errors[target] = error
            failing = stage.parts()
            event = estate.write_event(target, f"x-{dice.randrange(2**32)}", stage.clock.now())
            stage.take(failing, event)
            for message in stage.checks.take():
                try_once(failing, message)
            stage.checks.take()
            del stage.live.errors[target]
            stage.sweep()

    after = {change for change in changes(stage) if change[0] != "MA901"}
    assert after == truth
    assert {problem for problem in is_open(stage) if problem[1] == "MA901"} == set()
    assert stage.violations() == []


def test_6_an_hour_without_azure_keeps_the_events_and_closes_nothing() -> None:
    stage, _ = storm()
    before = is_open(stage)
    targets = list(stage.live.documents)
    for target in targets:
        stage.live.errors[target] = Unavailable("down")
    failing = stage.parts()
    sent = [estate.write_event(target, f"x-{target.name}", stage.clock.now()) for target in targets]
    for event in sent:
        stage.take(failing, event)
    messages = stage.checks.take()
    for _ in range(5):
        for message in messages:
            try_once(failing, message)

    assert is_open(stage) == before
    stage.live.errors.clear()
    stage.clock.advance(hours=1)
    stage.sweep()
    assert is_open(stage) == before
    ids = {f"e-{number}" for number in range(60)} | {event["id"] for event in sent}
    assert stage.violations(events=ids) == []


def try_once(parts: Any, message: str) -> None:
    try:
        parts.sweeper.run(message)
    except Unavailable:
        return


def changes(stage: Stage) -> set[tuple[str, str, str, int]]:
    entries = [row["raw"] for (_, key), row in stage.ledger.all_rows().items() if key.startswith("j-")]
    bodies = [json.loads(raw)["body"] for raw in entries]
    found = [(body, change) for body in bodies for change in body.get("findings", ())]
    return {(change["rule"], body["target"], change["change"], change["number"]) for body, change in found}


def is_open(stage: Stage) -> set[Problem]:
    rows = [json.loads(row["body"]) for (_, key), row in stage.ledger.all_rows().items() if "-f-" in key]
    found = [row["finding"] for row in rows if row["status"] == "open"]
    return {(finding["target"]["id"], finding["rule"], finding["subject"]) for finding in found}


HOSTILE_NAMES = [*HOSTILE_TEXTS, "n" * 1000, "e\u0301\u00e9\U0001f600", *"/\\#?%'\x00\x1f\x7f\x85\u2028"]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_a_hostile_name_is_taken_in_without_harm(name: str) -> None:
    stage = Stage()
    event = write_event(CHURN, "e-1")
    event["subject"] = event["data"]["resourceUri"] = f"{WORKSPACE}/onlineEndpoints/{name}"

    stage.deliver(stage.parts(), event, event)
    stage.sweep()

    assert stage.violations() == []
    assert stage.ledger.all_rows()


def test_a_document_of_two_megabytes_with_three_hundred_tags_is_recorded_whole() -> None:
    stage = Stage()
    document = chat_document("2024-11-20", description="x" * 2_000_000)
    document["deployment"]["tags"] = {f"tag-{n}": "\u00e9" * 200 for n in range(300)}
    stage.approve(
        release(facts={"model.version": "2024-08-06", **{f"tags.tag-{n}": "approved" for n in range(40)}})
    )
    stage.serve(CHAT, document)

    stage.deliver(stage.parts(), write_event())

    problems = {(CHAT.id, "MA501", f"tags.tag-{n}") for n in range(40)}
    assert stage.violations(events={"e-1"}, problems={PROBLEM, *problems}) == []
