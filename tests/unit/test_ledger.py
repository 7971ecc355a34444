import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import AuditError, Conflict
from audit.findings import Cause, Change, follow
from audit.model import Actor, ActorKind, Event, Finding, Notice, Observation, Outcome, Severity
from audit.ports import Row
from audit.record import evidence, keys, ledger
from audit.record.evidence import EMPTY
from audit.record.ledger import MAX_CHANGES, MAX_FOLD, Hot, Verdict
from tests.fakes import MAX_BINARY, FakeTable
from tests.house import CHAT, CHURN
from tests.strategies import HOSTILE_TEXTS, any_text, scalars

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PARTITION = keys.partition(CHAT.parent)
STREAM = keys.target_hash(CHAT)
LONG = "\x00" * 500  # the worst of what `texts.cut` leaves: six bytes a character


def event(number: int = 1, text: str = "x", minute: int = 0) -> Event:
    actor = Actor(ActorKind.PERSON, text, text, text, "delegated token")
    time = NOW - timedelta(minutes=minute)
    return Event(f"{number:032x}", text, text, time, text, text, actor, CHAT)


def change(number: int, text: str = "x") -> Change:
    finding = Finding("MA401", CHAT, f"tags.{number}", Severity.LOW, text, text)
    (opened,) = follow([finding], {}, Outcome.PRESENT, Cause(text, True), "r1", NOW)
    return opened


def notice(number: int, text: str = "x") -> Notice:
    return Notice(keys.digest(str(number)), "opened", change(number, text).episode)


def verdict(changes: int = 0, events: int = 0, text: str = "x", facts: dict | None = None) -> Verdict:
    seen = Observation(CHAT, Outcome.PRESENT, NOW, {"model.version": "1"} if facts is None else facts)
    return Verdict(
        observation=seen,
        state=ledger.state_of(seen),
        changes=[change(number, text) for number in range(changes)],
        notices=[notice(number, text) for number in range(changes)],
        release="r1",
        release_link=EMPTY,
        origin="event",
        events=[event(number, text, minute=number) for number in range(events)],
    )


def hot(table: FakeTable) -> Hot:
    return ledger.read_hot(table.rows(PARTITION, *keys.hot(STREAM)))


def take_in(table: FakeTable, *events: Event) -> None:
    for each in events:
        table.commit(PARTITION, ledger.take_in(STREAM, each))


def record(table: FakeTable, what: Verdict, snapshot: str = "") -> Hot:
    table.commit(PARTITION, ledger.record(hot(table), ledger.fitting(what), snapshot, NOW))
    return hot(table)


def entries(table: FakeTable) -> list[dict]:
    return [json.loads(ledger.raw_of(row)) for row in table.rows(PARTITION, *keys.journal_range(STREAM))]


def test_a_target_nobody_has_looked_at_has_no_head() -> None:
    assert hot(FakeTable()) == Hot()


def test_a_recorded_verdict_becomes_the_head() -> None:
    head = record(FakeTable(), verdict(), "0a.json.gz").head

    assert head is not None
    assert (head.target, head.outcome, head.facts) == (CHAT, Outcome.PRESENT, {"model.version": "1"})
    assert (head.link.seq, head.snapshot, head.release, head.observed_at) == (1, "0a.json.gz", "r1", NOW)


def test_waiting_events_are_read_the_oldest_first() -> None:
    table = FakeTable()
    take_in(table, event(1, minute=1), event(2, minute=9), event(3))

    assert [int(each.key, 16) for each in hot(table).events] == [2, 1, 3]


def test_the_same_event_is_taken_in_once() -> None:
    table = FakeTable()
    take_in(table, event())

    with pytest.raises(Conflict):
        take_in(table, event())


def test_an_event_that_was_folded_is_not_taken_in_again() -> None:
    table = FakeTable()
    take_in(table, event())
    record(table, replace(verdict(), events=[event()]))

    with pytest.raises(Conflict):
        take_in(table, event())


def test_folding_moves_an_event_from_the_inbox_into_the_journal() -> None:
    table = FakeTable()
    take_in(table, event(1), event(2))

    after = record(table, replace(verdict(), events=[event(1)]))

    assert list(after.inbox) == [event(2).key]
    assert [each["key"] for each in entries(table)[0]["body"]["events"]] == [event(1).key]


def test_an_opened_finding_has_its_row_its_notice_and_its_place_in_the_journal() -> None:
    table = FakeTable()

    after = record(table, verdict(changes=1))

    assert [episode.finding.subject for episode in after.episodes.values()] == ["tags.0"]
    assert [row.key for row in table.rows(PARTITION, *keys.OUTBOX)] == [keys.outbox(notice(0).id)]
    assert [found["notice"] for found in entries(table)[0]["body"]["findings"]] == [notice(0).id]


def test_a_commit_on_an_old_head_is_a_conflict() -> None:
    table = FakeTable()
    record(table, verdict())
    old = hot(table)
    record(table, verdict(changes=1))

    with pytest.raises(Conflict):
        table.commit(PARTITION, ledger.record(old, verdict(changes=1), "", NOW))


def test_two_first_commits_are_a_conflict() -> None:
    table = FakeTable()
    record(table, verdict())

    with pytest.raises(Conflict):
        table.commit(PARTITION, ledger.record(Hot(), verdict(), "", NOW))


def test_an_observation_is_stored_only_where_something_changed() -> None:
    table = FakeTable()
    record(table, verdict(), "0a.json.gz")
    record(table, verdict(changes=1))

    assert len(table.rows(PARTITION, *keys.observations(STREAM))) == 1
    assert [entry["body"]["changed"] for entry in entries(table)] == [True, False]


def test_a_state_holds_since_the_moment_it_was_first_seen() -> None:
    table = FakeTable()
    first = record(table, verdict(), "0a.json.gz").head
    second = record(table, verdict(changes=1)).head

    assert first is not None
    assert second is not None
    assert (second.since, second.snapshot) == (first.since, first.snapshot)
    assert second.link.at > first.link.at


def test_a_verdict_that_fits_is_recorded_whole() -> None:
    what = verdict(changes=3, events=3)

    assert ledger.fitting(what) == what


def test_of_many_changes_the_first_are_recorded_and_the_events_wait_for_the_rest() -> None:
    part = ledger.fitting(verdict(changes=MAX_CHANGES + 5, events=3))

    assert len(part.changes) == len(part.notices) == MAX_CHANGES
    assert part.events == []


def test_of_many_events_the_oldest_are_folded() -> None:
    part = ledger.fitting(verdict(events=MAX_FOLD + 5))

    assert part.events == verdict(events=MAX_FOLD + 5).events[:MAX_FOLD]


@pytest.mark.parametrize(("changes", "events"), [(MAX_CHANGES, MAX_FOLD), (1, 1), (MAX_CHANGES * 9, 0), (0, 200)])
def test_the_largest_verdict_fits_into_one_transaction(changes: int, events: int) -> None:
    table = FakeTable()
    what = verdict(changes, events, LONG)
    take_in(table, *what.events)

    record(table, what, "0a.json.gz")

    assert len(ledger.raw_of(table.rows(PARTITION, *keys.journal_range(STREAM))[0])) <= MAX_BINARY


def test_whatever_is_left_is_recorded_by_the_next_commits() -> None:
    table = FakeTable()
    what = verdict(MAX_CHANGES * 2, MAX_FOLD * 2, LONG)
    take_in(table, *what.events)

    while left := what_is_left(what, hot(table)):
        record(table, left)

    assert len(hot(table).episodes) == MAX_CHANGES * 2
    assert sum(len(entry["body"]["events"]) for entry in entries(table)) == MAX_FOLD * 2


def what_is_left(what: Verdict, now: Hot) -> Verdict | None:
    pairs = zip(what.changes, what.notices, strict=True)
    left = [pair for pair in pairs if keys.finding_key(pair[0].episode.finding) not in now.episodes]
    if not left and not now.events:
        return None
    return replace(what, changes=[c for c, _ in left], notices=[n for _, n in left], events=now.events)


def test_facts_too_large_for_a_row_are_left_to_the_snapshot() -> None:
    facts = {f"tags.{number}": "x" * 200 for number in range(400)}

    head = record(FakeTable(), verdict(facts=facts), "0a.json.gz").head

    assert head is not None
    assert head.facts == {}


@given(st.dictionaries(any_text, scalars.filter(lambda value: value is not None), max_size=4))
def test_any_facts_can_be_recorded_and_read_again(facts: dict) -> None:
    head = record(FakeTable(), verdict(facts=facts), "0a.json.gz").head

    assert head is not None
    assert head.state == ledger.state_of(verdict(facts=facts).observation)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_any_text_in_an_event_or_a_finding_can_be_recorded(text: str) -> None:
    table = FakeTable()
    what = verdict(changes=1, events=1, text=text[:500])
    take_in(table, *what.events)

    assert record(table, what, "0a.json.gz").inbox == {}


def test_equal_observations_have_equal_states_whatever_their_order() -> None:
    one = Observation(CHAT, Outcome.PRESENT, NOW, {"a": 1, "b": 2}, reason="x")
    other = Observation(CHURN, Outcome.PRESENT, NOW + timedelta(hours=1), {"b": 2, "a": 1})

    assert ledger.state_of(one) == ledger.state_of(other)


@pytest.mark.parametrize(
    "changed", [{"outcome": Outcome.ABSENT}, {"facts": {"a": 2}}, {"facts": {"a": "1"}}, {"facts": {}}]
)
def test_another_outcome_or_fact_is_another_state(changed: dict) -> None:
    seen = Observation(CHAT, Outcome.PRESENT, NOW, {"a": 1})

    assert ledger.state_of(replace(seen, **changed)) != ledger.state_of(seen)


def test_a_target_as_recorded_is_settled() -> None:
    assert ledger.is_settled(record(FakeTable(), verdict(), "0a.json.gz"), verdict())


@pytest.mark.parametrize("what", [verdict(changes=1), verdict(facts={"a": 1})], ids=["a change", "another state"])
def test_a_target_with_something_new_is_not_settled(what: Verdict) -> None:
    assert not ledger.is_settled(record(FakeTable(), verdict(), "0a.json.gz"), what)


def test_a_target_is_not_settled_before_the_first_look_or_while_an_event_waits() -> None:
    table = FakeTable()

    assert not ledger.is_settled(hot(table), verdict())
    record(table, verdict(), "0a.json.gz")
    take_in(table, event())
    assert not ledger.is_settled(hot(table), verdict())


def test_a_row_of_a_newer_program_is_not_misread() -> None:
    with pytest.raises(AuditError, match="schema version 2, this program reads 1: update Model Audit"):
        ledger.read(Row("k", {"v": 2, "body": b"{}"}), str)


def test_a_column_is_as_harmless_as_the_body() -> None:
    row = ledger.row("k", "\ud800", type="\ud800")

    assert dict(row.values) == {"v": 1, "body": b'"?"', "type": "?"}


def test_a_row_that_is_too_large_says_so() -> None:
    with pytest.raises(AuditError, match="at most 60000 bytes for k"):
        ledger.row("k", "x" * 60_000)


def test_the_rows_of_a_partition_are_told_apart_by_their_target() -> None:
    rows = [
        Row(keys.head("a"), {}),
        Row(keys.head("b"), {}),
        Row(keys.inbox("a", "e"), {}),
        Row(keys.journal("b", 1), {}),
    ]

    assert {stream: len(each) for stream, each in ledger.by_stream(rows).items()} == {"a": 2, "b": 2}


def test_an_entrys_row_holds_the_very_bytes_that_were_hashed() -> None:
    entry = evidence.append("s", EMPTY, "check", {}, NOW)

    row = ledger.entry_row("s", entry)

    assert (ledger.raw_of(row), row.values["digest"]) == (entry.raw, evidence.sha256(entry.raw))


@pytest.mark.parametrize("values", [{}, {"raw": "a text"}, {"raw": None}])
def test_a_row_whose_bytes_were_taken_away_has_none(values: dict) -> None:
    assert ledger.raw_of(Row("j-s-000000000001", values)) == b""
