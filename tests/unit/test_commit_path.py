"""The order of reads, looks and writes, under crashes at every step, twins, floods and lost answers.

After each story an independent checker reads the stored rows and what on-call received (tests/checker.py).
"""

import copy
import itertools
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from audit.errors import Conflict, NotDelivered, Unavailable
from audit.model import Target
from audit.ports import Create, Live
from audit.record import keys, ledger
from audit.service.check import Checker
from audit.service.tell import MAX_BATCH, MOST_WAIT
from audit.targets import parse_target
from tests.checker import Problem
from tests.crashes import Fuse, Host, Killed
from tests.house import ACCOUNT, CHAT, CHAT_FACTS, chat_document, release, write_event
from tests.strategies import HOSTILE_TEXTS
from tests.unit.test_ledger import notice

DRIFTED = {(CHAT.id, "MA102", "model.version")}


def host_as_approved(*, group_interval: timedelta = timedelta(minutes=5)) -> Host:
    """Return a host whose chat serves as approved, and was looked at."""
    host = Host(group_interval=group_interval)
    host.house.approve(release())
    host.house.serve(CHAT, chat_document())
    host.sweep()
    host.house.clock.advance(hours=1)
    return host


def event(id_: str, host: Host, target: Target = CHAT) -> dict:
    return write_event(target, id_, host.house.clock.now().isoformat())


def drift(host: Host) -> None:
    """Somebody puts another version in service."""
    host.house.serve(CHAT, chat_document("2024-11-20"))
    host.post(event("e-drift", host))
    host.run()


def drift_and_return(host: Host) -> None:
    """Somebody puts another version in service, and takes it back when on-call has been told."""
    drift(host)
    host.house.clock.advance(hours=1)
    host.house.serve(CHAT, chat_document())
    host.post(event("e-return", host))
    host.run()


def flood(host: Host) -> None:
    """Two events come at once, and a sweep comes between them."""
    host.house.serve(CHAT, chat_document("2024-11-20", raiPolicyName="strict"))
    host.post(event("e-1", host), event("e-2", host))
    host.sweep()


STORIES: dict[str, tuple[Callable[[Host], None], set[Problem]]] = {
    "drift": (drift, DRIFTED),
    "drift and return": (drift_and_return, set()),
    "flood": (flood, DRIFTED),
}


def steps_of(story: str) -> list[str]:
    """Return the steps of a story in which nothing goes wrong."""
    host = host_as_approved()
    host.fuse.steps.clear()
    STORIES[story][0](host)
    return list(host.fuse.steps)


EVERY_STEP = [
    pytest.param(story, at, id=f"{story}, {at} {name}")
    for story in ("drift and return", "flood")
    for at, name in enumerate(steps_of(story))
]


# The step at which a message of the queue `alerts` tells: it has read, and committed its claim.
TELLING = ["before rows", "before commit", "after commit", "before telling"].index("before telling")


def play(story: str, *strikes: tuple[int, Callable[[], BaseException]]) -> Host:
    """Play a story; each strike hits at so many steps after the one before it."""
    host = host_as_approved()
    acts, _ = STORIES[story]
    arm(host.fuse, *strikes)
    acts(host)
    return host


def arm(fuse: Fuse, *strikes: tuple[int, Callable[[], BaseException]]) -> None:
    fuse.steps.clear()
    if not strikes:
        fuse.at = -1
        return
    (fuse.at, first), *others = strikes

    def strike() -> BaseException:
        arm(fuse, *others)
        return first()

    fuse.strike = strike


@pytest.mark.parametrize("story", STORIES)
def test_a_story_without_a_fault_is_recorded_and_told_whole(story: str) -> None:
    host = play(story)

    assert host.violations(STORIES[story][1]) == []


@pytest.mark.parametrize(("story", "at"), EVERY_STEP)
def test_a_death_at_any_step_loses_and_repeats_nothing(story: str, at: int) -> None:
    host = play(story, (at, Killed))

    assert host.violations(STORIES[story][1]) == []
    assert host.poison == []


@pytest.mark.parametrize(("story", "at"), EVERY_STEP[::4])
def test_a_second_death_at_any_later_step_loses_and_repeats_nothing(story: str, at: int) -> None:
    for later in range(at % 7, 40, 7):
        host = play(story, (at, Killed), (later, Killed))

        assert host.violations(STORIES[story][1]) == []


@pytest.mark.parametrize(("story", "at"), EVERY_STEP)
def test_a_refused_or_unanswered_call_at_any_step_loses_and_repeats_nothing(story: str, at: int) -> None:
    host = play(story, (at, lambda: Unavailable("HTTP 503")))

    assert host.violations(STORIES[story][1]) == []
    assert host.poison == []


@pytest.mark.parametrize(("story", "at"), [case for case in EVERY_STEP if str(case.id).endswith("after commit")])
def test_a_lost_answer_that_comes_back_as_a_conflict_loses_and_repeats_nothing(story: str, at: int) -> None:
    host = play(story, (at, lambda: Conflict("met its own success")))

    assert host.violations(STORIES[story][1]) == []


def test_a_message_that_is_delivered_twice_does_its_work_once() -> None:
    host = host_as_approved()
    drift(host)
    before = host.house.ledger.all_rows()

    host.post(event("e-drift", host) | {"eventTime": json.loads(_only_event(before))["time"]})
    host.run()

    assert host.violations(DRIFTED) == []


def _only_event(rows: dict) -> str:
    (entry,) = [row["raw"] for (_, key), row in rows.items() if key.startswith("j-") and b"e-drift" in row["raw"]]
    return json.dumps(json.loads(entry)["body"]["events"][0])


def twin_of(host: Host) -> Checker:
    """Return a checker of another process: the same rows and queues, locks of its own."""
    one = host.house.checker
    return Checker(
        one.ledger,
        one.releases,
        one.alerts,
        one.evidence,
        one.live,
        one.identities,
        one.now,
        one.group_wait,
        one.catalogue_age,
    )


def check_by_twin(host: Host, live: Live) -> Callable[[], object]:
    """Return a whole check by another process, to be run in the middle of the first one's look."""
    return lambda: twin_of(host).settle(CHAT, lambda: live.look(CHAT), "", "sweep")


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_twin_that_commits_during_the_look_makes_the_first_look_again(times: int) -> None:
    host = host_as_approved()
    host.live.meanwhile = [check_by_twin(host, host.live)] * times

    drift(host)

    assert host.violations(DRIFTED) == []


def test_what_was_seen_before_a_twin_committed_is_never_recorded_after_it() -> None:
    host = host_as_approved()

    def return_and_check() -> None:
        host.house.serve(CHAT, chat_document())  # the first one has seen the drift, and has not committed it
        twin_of(host).settle(CHAT, lambda: host.live.look(CHAT), "", "sweep")

    host.live.meanwhile = [return_and_check]

    drift(host)

    assert host.violations(set()) == []


def test_two_sweeps_at_once_record_the_parent_in_the_order_in_which_they_looked() -> None:
    host = host_as_approved()
    sweeper, house = host.house.sweeper, host.house

    def fail_and_sweep() -> None:
        house.live.unlisted[CHAT.parent] = "HTTP 403"  # the first one has seen a readable account
        sweeper.sweep_parent(CHAT.parent)

    host.live.meanwhile = [fail_and_sweep]

    host.sweep()

    assert host.violations({(CHAT.parent, "MA901", "sight")}) == []


@pytest.mark.parametrize(("story", "at"), EVERY_STEP[::2])
def test_a_twin_and_a_death_together_lose_and_repeat_nothing(story: str, at: int) -> None:
    host = host_as_approved()
    host.live.meanwhile = [check_by_twin(host, host.live)]
    arm(host.fuse, (at, Killed))

    STORIES[story][0](host)

    assert host.violations(STORIES[story][1]) == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_events_in_any_order_end_in_the_same_findings(order: tuple[int, ...]) -> None:
    host = host_as_approved()
    host.house.serve(CHAT, chat_document("2024-11-20"))
    start = host.house.clock.now()
    times = [(start + timedelta(minutes=number)).isoformat() for number in range(4)]

    for number in order:
        host.post(write_event(CHAT, f"e-{number}", times[number]))
        host.run()

    assert host.violations(DRIFTED) == []


@pytest.mark.parametrize("count", [21, 47, 130])
def test_more_waiting_events_than_one_commit_folds_are_all_journalled_once(count: int) -> None:
    host = host_as_approved()
    host.house.serve(CHAT, chat_document("2024-11-20"))

    host.post(*(event(f"e-{number}", host) for number in range(count)))
    host.run()

    assert host.violations(DRIFTED) == []


@pytest.mark.parametrize("at", range(0, 60, 4))
def test_a_death_amid_many_waiting_events_loses_none(at: int) -> None:
    host = host_as_approved()
    events = [event(f"e-{number}", host) for number in range(50)]
    for each in events:
        host.house.intake.take(json.dumps(each))
    host.house.serve(CHAT, chat_document("2024-11-20"))
    host.events |= {each["id"] for each in events}
    arm(host.fuse, (at, Killed))

    host.run()

    assert host.violations(DRIFTED) == []


def tagged(count: int, value: str) -> tuple[dict, dict]:
    """Return a document with many tags, and the facts that approve other values of them."""
    document = chat_document()
    document["deployment"]["tags"] = {f"t{number:03d}": value for number in range(count)}
    return document, CHAT_FACTS | {f"tags.t{number:03d}": "approved" for number in range(count)}


@pytest.mark.parametrize(
    ("value", "at"),
    [*(("x", at) for at in (None, *range(0, 80, 5))), *(("\x00" * 256, at) for at in (None, 9, 21, 33))],
)
def test_more_changes_than_one_commit_holds_are_all_found_and_told_once(value: str, at: int | None) -> None:
    document, facts = tagged(75, value)
    host = host_as_approved()
    host.house.approve(release(facts=facts))
    host.house.serve(CHAT, document)
    if at is not None:
        arm(host.fuse, (at, Killed))

    host.post(event("e-1", host))
    host.run()

    assert host.violations({(CHAT.id, "MA501", f"tags.t{number:03d}") for number in range(75)}) == []


def fleet(count: int) -> list[Target]:
    return [parse_target(f"{ACCOUNT}/deployments/d{number:03d}") for number in range(count)]


def drifting_fleet(count: int, *, seconds_apart: float) -> tuple[Host, set[Problem]]:
    """Return a host in which so many deployments of one account drift, one event after the other."""
    host = Host()
    for target in fleet(count):
        host.house.approve(release(target))
        host.house.serve(target, chat_document())
    host.sweep()
    host.house.clock.advance(hours=1)
    start = host.house.clock.now()
    for number, target in enumerate(fleet(count)):
        host.house.serve(target, chat_document("2024-11-20"))
        host.house.clock.time = start + timedelta(seconds=number * seconds_apart)
        host.post(event(f"e-{number}", host, target))
    host.house.clock.time = start
    return host, {(target.id, "MA102", "model.version") for target in fleet(count)}


@pytest.mark.parametrize(
    ("count", "seconds_apart", "alerts"), [(60, 0, 1), (400, 0.2, 2)], ids=["at once", "within 80 seconds"]
)
def test_a_storm_over_one_account_is_told_in_few_alerts(count: int, seconds_apart: float, alerts: int) -> None:
    host, problems = drifting_fleet(count, seconds_apart=seconds_apart)

    host.run()

    assert len({alert.id for alert in host.house.channel.alerts}) == alerts
    assert host.violations(problems) == []


def test_a_batch_that_needs_many_transactions_is_told_once_wherever_its_teller_dies() -> None:
    prepared, problems = drifting_fleet(100, seconds_apart=0)
    prepared.run("events", "checks")
    prepared.waiting = prepared.waiting[:1]  # one wake is enough; each of the findings sent one

    for at in itertools.count():
        host = copy.deepcopy(prepared)
        arm(host.fuse, (at, Killed))
        host.run()
        if host.fuse.at == at:
            break  # there was no such step any more

        assert host.violations(problems) == []
        assert len({alert.id for alert in host.house.channel.alerts}) == 1

    assert at > 10


def test_a_finding_that_comes_back_is_told_again() -> None:
    host = host_as_approved()
    drift_and_return(host)
    host.house.clock.advance(hours=1)
    host.house.serve(CHAT, chat_document("2024-11-20"))

    host.post(event("e-again", host))
    host.run()

    assert host.violations(DRIFTED) == []
    assert host.house.told == [("opened", "MA102"), ("resolved", "MA102"), ("opened", "MA102")]


def test_what_is_found_while_a_batch_is_being_told_is_told_afterwards_without_a_sweep() -> None:
    host = host_as_approved()
    host.house.serve(CHAT, chat_document("2024-11-20"))
    host.post(event("e-drift", host))
    host.run("events", "checks")
    host.house.clock.advance(seconds=30)
    arm(host.fuse, (TELLING, Killed))
    (teller,) = host.waiting
    host.deliver(teller)
    host.house.serve(CHAT, chat_document())
    host.post(event("e-return", host))

    host.run()

    assert (teller.deliveries, len(host.house.channel.alerts)) == (2, 2)
    assert host.violations(set()) == []


def test_what_is_found_at_the_very_moment_of_telling_is_told_afterwards_without_a_sweep() -> None:
    host = host_as_approved()

    def find_and_wake() -> None:
        (teller,) = host.waiting
        host.house.serve(CHAT, chat_document())
        host.post(event("e-return", host))
        host.run("events", "checks")
        (wake,) = [message for message in host.waiting if message is not teller]
        host.deliver(wake)  # it finds the batch claimed

    host.channel.meanwhile = [find_and_wake]

    drift(host)

    assert len(host.house.channel.alerts) == 2
    assert host.violations(set()) == []


def claimed_by_the_dead() -> Host:
    """Return a host that died so often while it told an alert that the message went to the poison queue."""
    host = host_as_approved()
    host.house.channel.errors = [Killed()] * 5
    drift(host)
    return host


def test_what_a_dead_message_has_claimed_is_told_by_a_sweep_in_the_end() -> None:
    host = claimed_by_the_dead()

    for _ in range(8):
        host.house.clock.advance(minutes=15)
        host.sweep()

    assert [message.queue for message in host.poison] == ["alerts"]
    assert host.violations(DRIFTED) == []
    assert len(host.house.channel.alerts) == 1


def test_a_channel_that_is_down_for_hours_is_told_once_it_is_back_without_a_sweep() -> None:
    host = host_as_approved()
    refused = 20
    host.house.channel.errors = [NotDelivered("HTTP 503") for _ in range(refused)]
    began_at = host.house.clock.now()

    drift(host)

    assert host.poison == []
    assert host.violations(DRIFTED) == []
    assert len(host.house.channel.alerts) == 1
    assert host.house.clock.now() - began_at < refused * MOST_WAIT


def test_what_is_found_while_a_channel_is_down_travels_in_an_alert_of_its_own() -> None:
    host = host_as_approved()
    host.house.channel.errors = [NotDelivered("HTTP 503")]
    host.house.serve(CHAT, chat_document("2024-11-20"))
    host.post(event("e-drift", host))
    host.run("events", "checks")
    host.house.serve(CHAT, chat_document())
    host.post(event("e-return", host))

    host.run()

    assert host.violations(set()) == []
    assert host.poison == []


@pytest.mark.parametrize("dies_at", range(6))
def test_a_process_that_dies_while_a_channel_is_down_loses_and_doubles_nothing(dies_at: int) -> None:
    host = host_as_approved()
    host.house.channel.errors = [NotDelivered("HTTP 503"), Killed(), NotDelivered("HTTP 503")]
    host.house.serve(CHAT, chat_document("2024-11-20"))
    host.post(event("e-drift", host))
    host.run("events", "checks")
    host.fuse.at = len(host.fuse.steps) + dies_at

    host.run()

    assert host.violations(DRIFTED) == []
    assert len({alert.id for alert in host.house.channel.alerts}) == 1


def test_a_claim_whose_owner_may_still_live_is_left_alone() -> None:
    host = claimed_by_the_dead()

    host.house.clock.advance(minutes=15)
    host.sweep()

    assert host.house.channel.alerts == []


def test_what_is_found_while_a_dead_message_holds_its_claim_is_told_as_well() -> None:
    host = claimed_by_the_dead()
    host.house.serve(CHAT, chat_document())
    host.post(event("e-return", host))
    host.run()

    for _ in range(8):
        host.house.clock.advance(minutes=15)
        host.sweep()

    assert host.violations(set()) == []
    assert len(host.house.channel.alerts) == 2


def test_waiting_for_a_dead_message_does_not_keep_the_queue_busy() -> None:
    host = claimed_by_the_dead()
    host.house.serve(CHAT, chat_document())
    host.post(event("e-return", host))
    host.fuse.steps.clear()

    host.run()

    assert len(host.fuse.steps) < 400


def test_more_notices_than_one_batch_holds_are_all_told_without_a_sweep() -> None:
    host = host_as_approved()
    partition = keys.partition(CHAT.parent)
    for number in range(MAX_BATCH + 5):
        host.house.ledger.commit(partition, [Create(ledger.row(keys.outbox(notice(number).id), notice(number)))])
    host.house.checker.wake(CHAT.parent)

    host.run()

    assert [len(alert.notices) for alert in host.house.channel.alerts] == [MAX_BATCH, 5]


def test_an_event_whose_check_was_lost_is_folded_by_a_sweep() -> None:
    host = host_as_approved()
    host.house.intake.take(json.dumps(event("e-1", host)))
    host.events.add("e-1")
    host.house.checks.take()

    host.sweep()

    assert host.violations(set()) == []


def test_an_event_of_a_target_that_nobody_ever_saw_is_folded_by_a_sweep() -> None:
    host = host_as_approved()
    ghost = parse_target(f"{ACCOUNT}/deployments/ghost")
    host.house.intake.take(json.dumps(event("e-1", host, ghost)))
    host.events.add("e-1")
    host.house.checks.take()

    host.sweep()

    assert host.violations(set()) == []


def test_a_quiet_estate_writes_nothing_to_the_journal_and_tells_nobody() -> None:
    host = host_as_approved()
    entries = [key for _, key in host.house.ledger.all_rows() if key.startswith("j-")]

    for _ in range(3):
        host.house.clock.advance(minutes=15)
        host.sweep()

    assert [key for _, key in host.house.ledger.all_rows() if key.startswith("j-")] == entries
    assert host.house.channel.alerts == []


def test_a_quiet_estate_with_an_old_alert_wakes_nobody() -> None:
    host = host_as_approved()
    drift(host)
    host.house.clock.advance(minutes=15)

    host.house.sweeper.sweep_parent(CHAT.parent)

    assert host.house.alerts.sent == []


@pytest.mark.parametrize("at", range(40))
def test_a_death_while_reminding_loses_and_repeats_nothing(at: int) -> None:
    host = host_as_approved()
    drift(host)
    host.house.clock.advance(days=1)
    arm(host.fuse, (at, Killed))

    host.remind()
    host.sweep()

    assert host.violations(DRIFTED) == []


def test_a_duplicate_costs_two_round_trips() -> None:
    host = host_as_approved()
    same = event("e-1", host)
    host.post(same)
    host.run()
    tables = (host.house.ledger, host.house.releases)
    before = sum(table.round_trips for table in tables)

    host.post(same)
    host.run()

    assert sum(table.round_trips for table in tables) - before == 2


@pytest.mark.parametrize("time", ["2035-01-01T00:00:00Z", "2016-01-01T00:00:00Z"])
def test_an_event_that_claims_another_time_hides_nothing_that_follows(time: str) -> None:
    host = host_as_approved()
    host.post(write_event(CHAT, "e-forged", time))
    host.run()

    drift(host)

    assert host.violations(DRIFTED) == []


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_an_event_with_a_hostile_text_in_every_field_is_taken_in_and_folded(text: str) -> None:
    host = host_as_approved()
    forged = event(text * 100, host) | {"subject": text * 100, "eventType": text * 100}
    forged["data"] |= {"operationName": text * 100, "claims": {"name": text * 100, "appid": text * 100}}

    host.post(forged)
    host.run()

    assert host.poison == []
    assert [key for _, key in host.house.ledger.all_rows() if "-i-" in key] == []


@pytest.mark.parametrize(
    "odd",
    [{"tags": {"t": "\ud800"}}, {"tags": {"\ud800": "x"}}, {"sku": {"capacity": 2**70}}, {"sku": {"name": 1e400}}],
)
def test_a_document_with_odd_values_is_recorded_all_the_same(odd: dict) -> None:
    host = host_as_approved()
    document = chat_document()
    document["deployment"] |= odd
    host.house.serve(CHAT, document)

    host.post(event("e-1", host))
    host.run()

    assert (host.violations(), host.poison) == ([], [])


def test_a_document_that_is_nested_without_end_is_recorded_all_the_same() -> None:
    host = host_as_approved()
    deep: object = "bottom"
    for _ in range(3000):
        deep = [deep]
    host.house.serve(CHAT, chat_document(capabilities=deep))

    host.post(event("e-1", host))
    host.run()

    assert (host.violations(), host.poison) == ([], [])
