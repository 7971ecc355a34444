import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from audit.model import Episode, Facts, Finding, Outcome, Release, Severity, Status, Target
from audit.record import evidence, keys
from audit.record.evidence import EMPTY, Entry
from audit.record.ledger import Head
from audit.targets import parse_target
from audit.told.render import render_report
from audit.told.report import MAX_IGNORED, Ignored, Record, Report, Standing, build, standing
from tests.house import CHAT, CHURN, WORKSPACE, House, chat_document, release, write_event
from tests.strategies import json_values

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
START = NOW - timedelta(days=7)
MODEL = parse_target(f"{WORKSPACE}/models/churn")
ACTOR = {"kind": "person", "id": "oid", "name": "Jo", "tool": "the Azure portal", "why": "x"}
WRITE = {
    "key": "k-1",
    "id": "e-1",
    "type": "Microsoft.Resources.ResourceWriteSuccess",
    "time": "2026-11-21T07:59:58Z",
    "operation": "Microsoft.CognitiveServices/accounts/deployments/write",
    "actor": ACTOR,
}
OPENED_TEXT = (
    "opened: Another model version serves than was approved (MA102, critical): "
    "approved 2024-08-06, found 2024-11-20"
)
OPENED = {
    "key": "f-1",
    "notice": "n-1",
    "number": 1,
    "subject": "model.version",
    "cause": "Jo",
    "rule": "MA102",
    "severity": "critical",
    "change": "opened",
    "expected": "2024-08-06",
    "got": "2024-11-20",
}


def body(**changes: object) -> dict:
    said = {
        "outcome": "present",
        "reason": "",
        "snapshot": "",
        "changed": True,
        "origin": "event",
        "events": [WRITE],
        "findings": [OPENED],
    }
    return said | changes


def chain(target: Target, *bodies: dict, at: datetime = NOW - timedelta(hours=1)) -> list[Entry]:
    entries: list[Entry] = []
    for each in bodies:
        last = entries[-1].link if entries else EMPTY
        entries.append(evidence.append(keys.target_hash(target), last, "check", each, at))
    return entries


def record(
    target: Target = CHAT,
    outcome: Outcome = Outcome.PRESENT,
    facts: Facts | None = None,
    approved: Release | None = None,
    episodes: Sequence[Episode] = (),
    entries: Sequence[Entry] = (),
) -> Record:
    link = entries[-1].link if entries else EMPTY
    head = Head(target, link, outcome, "s", START, NOW, "", "", "", facts or {})
    return Record(head, approved, episodes, [entry.raw for entry in entries])


def episode(rule: str = "MA102", severity: Severity = Severity.HIGH, **changes: object) -> Episode:
    due_at = NOW + timedelta(days=9) if rule in ("MA801", "MA802") else None
    finding = Finding(rule, CHAT, "model.version", severity, "1", "2", due_at=due_at)
    return replace(Episode(finding, Status.OPEN, 1, START, START), **changes)  # type: ignore[arg-type]


def report(*records: Record) -> Report:
    return build([CHAT.parent], records, [], [], START, NOW)


@pytest.mark.parametrize(
    ("target", "outcome", "approved", "rules", "expected"),
    [
        (CHAT, Outcome.UNREADABLE, release(), ["MA901", "MA102"], Standing.UNSEEN),
        (CHAT, Outcome.ABSENT, release(), ["MA103"], Standing.GONE),
        (CHAT, Outcome.PRESENT, None, ["MA101"], Standing.UNAPPROVED),
        (MODEL, Outcome.PRESENT, None, [], Standing.REGISTERED),
        (CHAT, Outcome.PRESENT, release(), ["MA102"], Standing.DIFFERS),
        (CHAT, Outcome.PRESENT, release(), ["MA601"], Standing.DIFFERS),
        (CHAT, Outcome.PRESENT, release(), ["MA801", "MA802"], Standing.APPROVED),
        (CHAT, Outcome.PRESENT, release(), [], Standing.APPROVED),
    ],
)
def test_a_target_stands_by_its_outcome_its_approval_and_its_open_findings(
    target: Target, outcome: Outcome, approved: Release | None, rules: list[str], expected: Standing
) -> None:
    head = record(target, outcome).head

    assert standing(head, approved, [episode(rule) for rule in rules]) is expected


def test_what_is_resolved_does_not_count_against_a_target() -> None:
    assert standing(record().head, release(), [episode(status=Status.RESOLVED)]) is Standing.APPROVED


def test_targets_are_counted_by_how_they_stand() -> None:
    counts = report(record(approved=release()), record(CHURN), record(MODEL)).counts

    assert counts == {
        Standing.UNSEEN: 0,
        Standing.GONE: 0,
        Standing.UNAPPROVED: 1,
        Standing.DIFFERS: 0,
        Standing.APPROVED: 1,
    }


def test_what_nobody_approved_and_is_gone_is_not_amiss() -> None:
    found = report(record(outcome=Outcome.ABSENT))

    assert found.lines == []
    assert sum(found.counts.values()) == 0


def test_a_workspace_is_no_line_of_its_own() -> None:
    assert report(record(parse_target(WORKSPACE))).lines == []


def test_a_line_says_what_serves() -> None:
    facts = {"model.name": "gpt-4o", "model.version": "2024-08-06"}

    (line,) = report(record(facts=facts)).lines

    assert (line.serving, line.since, line.observed_at) == (["gpt-4o 2024-08-06"], START, NOW)


def test_a_registered_model_lists_its_versions_whatever_they_are_called() -> None:
    facts = {
        "versions.10.archived": False,
        "versions.2.archived": False,
        "versions.2024.11.archived": True,
        "versions.2.tags.a.archived": "x",
        "versions.2.properties.x.archived": "x",
    }

    (line,) = report(record(MODEL, facts=facts)).lines

    assert line.serving == ["versions 10, 2, 2024.11"]


def test_open_findings_come_the_most_urgent_first() -> None:
    late = episode("MA301", opened_at=NOW)
    findings = [episode("MA401", Severity.LOW), late, episode("MA102", Severity.CRITICAL), episode("MA104")]

    rules = [card.rule.id for card in report(record(episodes=findings)).open]

    assert rules == ["MA102", "MA104", "MA301", "MA401"]


def test_deadlines_stand_apart_from_what_is_amiss_now() -> None:
    found = report(record(approved=release(), episodes=[episode("MA802"), episode("MA102")]))

    assert [card.rule.id for card in found.open] == ["MA102"]
    assert [(card.rule.id, card.days_left) for card in found.deadlines] == [("MA802", 9)]


@pytest.mark.parametrize(
    ("resolved_at", "count"),
    [(START, 1), (NOW, 1), (START - timedelta(seconds=1), 0), (NOW + timedelta(seconds=1), 0)],
)
def test_what_was_resolved_counts_in_its_period(resolved_at: datetime, count: int) -> None:
    resolved = episode(status=Status.RESOLVED, resolved_at=resolved_at)

    assert len(report(record(episodes=[resolved])).resolved) == count


def test_a_happening_says_what_who_and_what_it_led_to() -> None:
    _, happening = report(record(entries=chain(CHAT, body(), body()))).happenings

    assert (happening.target, happening.text) == ("aoai-prod/chat", "Changed")
    assert happening.who == ["Jo through the Azure portal wrote the deployment"]
    assert happening.findings == [OPENED_TEXT]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"outcome": "unreadable", "reason": "HTTP 403"}, "Could not be looked at: HTTP 403"),
        ({"outcome": "absent"}, "Is not there any more"),
        ({"outcome": "absent", "changed": False}, "Is still not there"),
        ({"changed": False}, "Was written to, and is as it was"),
        ({"events": []}, "Changed, and no event announced it"),
        ({"events": [], "changed": False}, "Is as it was"),
    ],
)
def test_a_happening_is_told_as_a_sentence(said: dict, text: str) -> None:
    happenings = report(record(entries=chain(CHAT, body(), body(**said)))).happenings

    assert [each.text for each in happenings] == ["Was looked at for the first time", text]


def test_a_first_look_that_found_nothing_amiss_is_no_happening() -> None:
    first = chain(CHAT, body(origin="sweep", events=[], findings=[]))

    assert report(record(entries=first)).happenings == []


def test_what_happened_before_the_period_is_left_out() -> None:
    old = chain(CHAT, body(), at=START - timedelta(seconds=1))

    assert report(record(entries=old)).happenings == []


def test_the_proof_counts_chains_entries_and_events() -> None:
    entries = chain(CHAT, body(), body(events=[WRITE | {"key": "k-2"}]))

    proof = report(record(entries=entries)).proof

    assert (proof.chains, proof.entries, proof.events, proof.repeated_events) == (1, 2, 2, 0)
    assert proof.broken == []


def test_an_event_that_is_journalled_twice_is_counted() -> None:
    assert report(record(entries=chain(CHAT, body(), body()))).proof.repeated_events == 1


def test_a_broken_chain_is_named() -> None:
    entries = chain(CHAT, body(), body())
    broken = record(entries=entries)

    proof = report(replace(broken, entries=broken.entries[1:])).proof

    assert [name for name, _ in proof.broken] == [CHAT.id]


@pytest.mark.parametrize(
    "garbage",
    [b"", b"{", b"\xff", b"[]", b"{}", b'{"body": []}', b'{"at": 5}', b'{"at": "2026-11-20", "body": {}}'],
)
def test_a_report_is_written_even_where_somebody_spoilt_an_entry(garbage: bytes) -> None:
    spoilt = replace(record(entries=chain(CHAT, body())), entries=[garbage])

    assert "The record is broken." in render_report(report(spoilt))


@given(json_values)
def test_whatever_somebody_wrote_into_an_entry_the_report_is_written(value: object) -> None:
    whole = json.loads(chain(CHAT, body())[0].raw)
    spoilt = [json.dumps(whole | {"body": value, "prev": "x"}).encode()]
    spoilt += [json.dumps(whole | {"body": body(**{name: value}), "prev": "x"}).encode() for name in body()]

    for raw in spoilt:
        found = report(replace(record(entries=chain(CHAT, body())), entries=[raw]))

        assert [name for name, _ in found.proof.broken] == [CHAT.id]


def test_the_report_of_a_whole_house_holds_together() -> None:
    house = House()
    house.approve(release())
    house.serve(CHAT, chat_document())
    house.sweep()
    house.serve(CHAT, chat_document("2024-11-20"))
    house.deliver(write_event())

    found = house.reporter.report(START, NOW + timedelta(hours=1))

    assert [line.standing for line in found.lines] == [Standing.DIFFERS]
    assert [card.rule.id for card in found.open] == ["MA102"]
    assert (found.proof.events, found.proof.alerts, found.proof.broken) == (1, 1, [])


def test_events_of_very_many_types_are_summed_up_the_most_frequent_first() -> None:
    counts = {(f"Contoso.{number}", "names nothing"): number for number in range(1, 101)}

    ignored = build([], [], [], [], START, NOW, counts).ignored

    assert ignored[0] == Ignored("Contoso.100", "names nothing", 100)
    assert len(ignored) == MAX_IGNORED + 1
    assert sum(each.count for each in ignored) == sum(counts.values())


def test_a_target_that_nothing_happened_to_was_confirmed_by_the_last_sweep() -> None:
    house = House()
    house.approve(release())
    house.serve(CHAT, chat_document())
    house.sweep()
    for _ in range(3):
        house.clock.advance(minutes=15)
        house.sweep()

    (line,) = house.reporter.report(house.clock.now() - timedelta(days=1), house.clock.now()).lines

    assert line.observed_at == house.clock.now()
