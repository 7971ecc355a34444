from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given

from audit.model import (
    Alert,
    Episode,
    Facts,
    Finding,
    Kind,
    Notice,
    Outcome,
    Release,
    Severity,
    Status,
    Target,
)
from audit.record import evidence, keys
from audit.record.evidence import EMPTY, Link
from audit.record.ledger import Head
from audit.targets import parse_target
from audit.told.alerts import alert_data
from audit.told.render import render_alert, render_report
from audit.told.report import Record, Report, build
from tests.house import CHAT, CHURN, WORKSPACE, release
from tests.strategies import HOSTILE_TEXTS, any_text

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
START = NOW - timedelta(days=7)
MODEL = parse_target(f"{WORKSPACE}/models/churn")


class Elements(HTMLParser):
    """What a page is made of: its elements, their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[tuple] = Counter()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.found[tag, tuple(attrs)] += 1

    def handle_comment(self, data: str) -> None:
        self.found["a comment", data] += 1

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def elements(page: str) -> Elements:
    parser = Elements()
    parser.feed(page)
    parser.close()
    return parser


def named(target: Target, text: str) -> Target:
    """Return the same target under another name; ids stay, so that nothing is sorted differently."""
    return replace(target, name=text)


def episode(target: Target, text: str, rule: str, **changes: object) -> Episode:
    due_at = NOW + timedelta(days=9) if rule == "MA802" else None
    finding = Finding(rule, named(target, text), text, Severity.HIGH, text, text, text, due_at)
    opened = Episode(finding, Status.OPEN, 2, START, NOW, cause=text, release=text)
    return replace(opened, **changes)  # type: ignore[arg-type]


def entry(target: Target, text: str) -> evidence.Entry:
    actor = {"kind": "person", "id": text, "name": text, "tool": text, "why": text}
    event = {"key": "k", "id": text, "type": text, "time": "2026-11-21T07:59:58Z"}
    found = {"rule": "MA102", "severity": "high", "change": "opened", "expected": text, "got": text}
    body = {
        "outcome": "unreadable",
        "reason": text,
        "changed": True,
        "origin": "event",
        "snapshot": text,
        "events": [event | {"operation": f"{text}/x", "actor": actor}],
        "findings": [found | {"notice": "n", "cause": text, "key": "f", "subject": text, "number": 1}],
    }
    return evidence.append(keys.target_hash(target), EMPTY, "check", body, NOW - timedelta(hours=1))


def record(target: Target, text: str, facts: Facts, *episodes: Episode, approved: Release | None = None) -> Record:
    written = entry(target, text)
    head = Head(named(target, text), written.link, Outcome.PRESENT, "s", START, NOW, text, text, "", facts)
    return Record(head, approved, episodes, [written.raw])


def report(text: str) -> Report:
    """Return a report in which every field that comes from outside holds the same text."""
    approved = release(CHAT, id_=text, owner=text, rollback=text, evidence={text: text})
    approved = replace(approved, ticket=text, approved_by=text)
    chat = {"model.name": text, "model.version": text}
    churn = {"deployments.blue.model.name": text, "deployments.blue.model.label": text, "traffic.blue": 100}
    records = [
        record(CHAT, text, chat, episode(CHAT, text, "MA102"), episode(CHAT, text, "MA802"), approved=approved),
        record(CHURN, text, churn, episode(CHURN, text, "MA301", status=Status.RESOLVED, resolved_at=NOW)),
        record(MODEL, text, {"versions.3.archived": False, "versions.3.tags.x": text}),
    ]
    told = [(CHAT.parent, Link(1, "d", NOW), [b"no entry"])]
    return build([CHAT.parent], records, told, [text], START, NOW, {(text, text): 3})


def plain(text: str) -> str:
    """Return a harmless text in whose place the templates decide alike: they ask whether a subject has a dot."""
    return "x.y" if "." in text else "xy"


@given(any_text.filter(bool))
def test_no_text_changes_what_the_report_is_made_of(text: str) -> None:
    hostile, harmless = (elements(render_report(report(each))) for each in (text, plain(text)))

    assert hostile.found == harmless.found


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_hostile_text_stands_in_the_report_as_text(text: str) -> None:
    page = elements(render_report(report(text)))

    assert page.found == elements(render_report(report(plain(text)))).found
    assert printable(text).strip() in " ".join(page.text)


def printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def test_the_report_fetches_nothing_and_runs_nothing() -> None:
    page = elements(render_report(report("x")))
    tags = {tag for tag, _ in page.found}
    attributes = {name for _, attrs in page.found for name, _ in attrs}

    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base", "svg"}
    assert not attributes & {"src", "href", "style", "srcset", "action"}
    assert not [name for name in attributes if name.startswith("on")]


def test_equal_reports_render_to_equal_bytes() -> None:
    assert render_report(report("x")) == render_report(report("x"))


def test_a_report_of_nothing_says_so() -> None:
    page = " ".join(elements(render_report(build([], [], [], [], START, NOW))).text)

    assert "Nothing is audited yet." in page
    assert "Nothing: no finding is open." in page


def alert(text: str, kind: Kind = Kind.OPENAI_DEPLOYMENT) -> dict:
    open_ = episode(replace(CHAT, kind=kind), text, "MA102")
    resolved = episode(CHAT, text, "MA102", status=Status.RESOLVED, resolved_at=NOW, resolution=text)
    notices = (Notice("n-1", "opened", open_, ("az look", "az back")), Notice("n-2", "resolved", resolved))
    return alert_data(Alert("a-1", CHAT.parent, NOW, notices))


def test_an_alert_reads_as_plain_text() -> None:
    lines = render_alert(alert("x")).splitlines()

    assert lines[0] == "1 high open; 1 resolved in aoai-prod"
    assert "OPENED  HIGH  Another model version serves than was approved  (MA102)" in lines
    assert any(line.endswith("az back") for line in lines)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_no_text_adds_a_line_or_a_control_character_to_an_alert(text: str) -> None:
    lines = render_alert(alert(text)).split("\n")

    assert len(lines) == len(render_alert(alert("x")).split("\n"))
    assert [line for line in lines if not line.isprintable()] == []


@given(any_text)
def test_an_alert_shows_what_is_printable_as_it_is(text: str) -> None:
    assert f"expected {printable(text)}, got" in render_alert(alert(text))
