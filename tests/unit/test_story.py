"""The main job, from an event to an alert, on fakes."""

import json
from datetime import timedelta

from audit.errors import Throttled
from audit.model import Look, Outcome, Retirement
from audit.record import keys
from audit.record.journal import body_of
from audit.record.ledger import raw_of
from audit.sight.catalogue import Unread
from audit.targets import parent_target
from tests.house import ACCOUNT, CHAT, CHURN, WORKSPACE, House, chat_document, churn_document, release, write_event

MLW = parent_target(CHURN.parent)


def approved_house() -> House:
    house = House()
    house.approve(release())
    house.serve(CHAT, chat_document())
    house.sweep()
    return house


def test_a_fleet_as_approved_is_quiet() -> None:
    house = approved_house()

    assert house.told == []


def test_an_unapproved_version_is_told_with_who_did_it() -> None:
    house = approved_house()

    house.serve(CHAT, chat_document("2024-11-20"))
    house.deliver(write_event())

    assert house.told == [("opened", "MA102")]
    episode = house.channel.alerts[0].notices[0].episode
    assert (episode.finding.expected, episode.finding.got) == ("2024-08-06", "2024-11-20")
    assert "Jo Bloggs through the Azure CLI" in episode.cause


def test_a_redelivered_event_changes_nothing() -> None:
    house = approved_house()
    house.serve(CHAT, chat_document("2024-11-20"))
    house.deliver(write_event())
    before, told = house.ledger.all_rows(), list(house.told)

    house.deliver(write_event(), write_event())

    assert house.ledger.all_rows() == before
    assert house.told == told


def test_a_rollback_resolves_the_finding_and_says_so() -> None:
    house = approved_house()
    house.serve(CHAT, chat_document("2024-11-20"))
    house.deliver(write_event())

    house.serve(CHAT, chat_document())
    house.deliver(write_event(id_="e-2"))

    assert house.told == [("opened", "MA102"), ("resolved", "MA102")]


def test_what_only_a_sweep_found_says_that_no_event_announced_it() -> None:
    house = approved_house()
    house.serve(CHAT, chat_document("2024-11-20"))

    house.sweep()

    episode = house.channel.alerts[0].notices[0].episode
    assert not episode.announced
    assert "no event announced this" in episode.cause
    assert "upgrade by the platform is suspected" in episode.cause


def test_a_deadline_is_told_once_a_step() -> None:
    house = approved_house()
    retires_at = house.clock.now() + timedelta(days=28)
    key = ("openai", "gpt-4o", "2024-08-06", "")
    house.live.catalogues[ACCOUNT.lower()] = {key: Retirement("Deprecating", retires_at, "gpt-5.1 1")}

    house.sweep()
    house.sweep()
    house.clock.advance(days=15)
    house.sweep()

    assert house.told == [("opened", "MA802"), ("step-14", "MA802")]


def test_a_refused_catalogue_is_told_closes_no_deadline_and_hides_no_drift() -> None:
    house = approved_house()
    key = ("openai", "gpt-4o", "2024-08-06", "")
    retires_at = house.clock.now() + timedelta(days=28)
    house.live.catalogues[ACCOUNT.lower()] = {key: Retirement("Deprecating", retires_at, "gpt-5.1 1")}
    house.sweep()

    house.live.catalogues[ACCOUNT.lower()] = Unread("HTTP 403")
    house.serve(CHAT, chat_document(capabilities={}, raiPolicyName="lax"))
    house.deliver(write_event())
    refused = house.told[1:]
    house.live.catalogues[ACCOUNT.lower()] = {}
    house.sweep()

    assert refused == [("opened", "MA909")]
    assert house.told[2:] == [("resolved", "MA802"), ("resolved", "MA909")]


def run_completed(id_: str, house: House) -> dict:
    return {
        "id": id_,
        "topic": WORKSPACE,
        "subject": "experiments/e1/runs/r1",
        "eventType": "Microsoft.MachineLearningServices.RunCompleted",
        "eventTime": house.clock.now().isoformat(),
        "data": {"experimentId": "e1", "runId": "r1"},
    }


def test_runs_that_complete_are_journalled_and_list_no_workspace() -> None:
    house = House()
    house.serve(CHURN, churn_document())
    house.sweep()
    house.clock.advance(hours=1)
    looks = house.live.looks

    house.deliver(*(run_completed(f"run-{number}", house) for number in range(3)))

    assert house.live.looks == looks
    entries = house.ledger.rows(keys.partition(CHURN.parent), *keys.journal_range(keys.target_hash(MLW)))
    assert sum(len(body_of(raw_of(row))["events"]) for row in entries) == 3


def test_a_run_that_completes_in_a_workspace_nobody_has_seen_has_it_listed() -> None:
    house = House()
    house.serve(CHURN, churn_document())

    house.deliver(run_completed("run-1", house))

    assert house.live.looks > 0


def test_an_unreadable_target_closes_nothing() -> None:
    house = approved_house()
    house.serve(CHAT, chat_document("2024-11-20"))
    house.deliver(write_event())

    house.live.errors[CHAT] = Look(Outcome.UNREADABLE, reason="HTTP 403")
    house.deliver(write_event(id_="e-2"))

    assert house.told == [("opened", "MA102"), ("opened", "MA901")]


def test_a_parent_that_cannot_be_listed_keeps_its_findings_open() -> None:
    house = approved_house()
    house.serve(CHAT, chat_document("2024-11-20"))
    house.deliver(write_event())

    house.live.unlisted[CHAT.parent] = "HTTP 403"
    house.sweep()

    assert house.told == [("opened", "MA102"), ("opened", "MA901")]


def test_an_approved_target_that_is_gone_is_told() -> None:
    house = approved_house()
    del house.live.documents[CHAT]

    house.sweep()

    assert house.told == [("opened", "MA103")]


def test_shifted_traffic_is_told_with_the_command_that_sets_it_back() -> None:
    house = House()
    facts = {"traffic.blue": 100, "deployments.blue.model.name": "churn", "deployments.blue.model.version": "3"}
    house.approve(release(CHURN, facts=facts))
    house.serve(CHURN, churn_document())
    house.sweep()

    house.serve(CHURN, churn_document({"blue": 40}))
    house.deliver(write_event(CHURN))

    (notice,) = house.channel.alerts[0].notices
    assert (notice.episode.finding.expected, notice.episode.finding.got) == ("blue=100", "blue=40")
    assert any("--traffic blue=100" in command for command in notice.commands)


def test_an_event_older_than_the_last_look_is_folded_without_another() -> None:
    house = approved_house()
    looks = house.live.looks

    house.deliver(write_event(time="2026-11-21T08:00:00Z"))

    assert house.live.looks == looks
    assert not [key for _, key in house.ledger.all_rows() if "-i-" in key]


def test_a_throttled_check_puts_itself_back_with_azures_delay() -> None:
    house = approved_house()
    house.live.errors[CHAT] = Throttled("429", timedelta(seconds=17))
    house.intake.take(json.dumps(write_event()))
    (message,) = house.checks.take()

    house.sweeper.run(message)

    assert house.checks.sent == [(message, timedelta(seconds=17))]


def test_an_unreadable_message_is_kept_and_acknowledged() -> None:
    house = House()

    taken = house.intake.take("{not json")

    assert taken.result == "unreadable"
    assert len(house.ledger.all_rows()) == 1


def test_a_lost_answer_of_the_commit_still_wakes_the_notifier() -> None:
    house = approved_house()
    house.serve(CHAT, chat_document("2024-11-20"))
    house.intake.take(json.dumps(write_event()))
    house.ledger.lose_answer_next = 1

    house.settle()

    assert house.told == [("opened", "MA102")]


def test_an_open_finding_is_reminded_of_after_its_interval() -> None:
    house = approved_house()
    house.serve(CHAT, chat_document("2024-11-20"))
    house.deliver(write_event())

    house.clock.advance(hours=5)
    house.sweeper.remind()
    house.settle()
    house.sweeper.remind()
    house.settle()

    assert house.told == [("opened", "MA102"), ("reminder", "MA102")]


def test_the_journal_of_every_target_holds_together() -> None:
    house = approved_house()
    house.serve(CHAT, chat_document("2024-11-20"))
    house.deliver(write_event())
    house.sweep()

    proof = house.reporter.report(house.clock.now() - timedelta(days=7), house.clock.now()).proof

    assert proof.broken == []
    assert (proof.events, proof.repeated_events, proof.alerts) == (1, 0, 1)


def test_a_check_at_rest_takes_four_round_trips_and_a_told_finding_seven() -> None:
    house = approved_house()
    tables = (house.ledger, house.releases)

    def trips() -> int:
        return sum(table.round_trips for table in tables)

    before = trips()
    house.deliver(write_event())
    at_rest = trips() - before
    house.serve(CHAT, chat_document("2024-11-20"))
    before = trips()
    house.deliver(write_event(id_="e-2"))

    assert at_rest == 4
    assert trips() - before == 7
