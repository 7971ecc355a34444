import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from audit.model import Alert, Episode, Finding, Notice, Severity, Status
from audit.rules import RULES
from audit.told.alerts import MAX_NOTICES, alert_data, notice_data, summary
from tests.house import CHAT

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def notice(
    severity: Severity = Severity.HIGH,
    status: Status = Status.OPEN,
    due_at: datetime | None = None,
    id_: str = "n-1",
) -> Notice:
    finding = Finding("MA102", CHAT, "model.version", severity, "2024-08-06", "2024-11-20", due_at=due_at)
    resolved_at = NOW if status is Status.RESOLVED else None
    episode = Episode(finding, status, 1, NOW - timedelta(hours=1), NOW, resolved_at, cause="Jo", release="r1")
    return Notice(id_, "opened", episode, ("az x",))


def alert(*notices: Notice) -> Alert:
    return Alert("a-1", CHAT.parent, NOW, notices)


def test_an_alert_is_json_that_says_everything_once() -> None:
    data = alert_data(alert(notice()))

    assert json.loads(json.dumps(data)) == data
    assert (data["alert"], data["parent"], data["at"]) == ("a-1", CHAT.parent, "2026-11-21T09:00:00+00:00")
    assert (data["summary"], data["more"]) == ("1 high open", 0)


def test_a_notice_names_rule_target_values_and_what_to_do() -> None:
    data = notice_data(notice())

    assert (data["rule"], data["title"], data["remedy"]) == ("MA102", RULES["MA102"].title, RULES["MA102"].remedy)
    assert (data["parent"], data["name"], data["target"]) == ("aoai-prod", "chat", CHAT.id)
    assert (data["expected"], data["got"], data["cause"]) == ("2024-08-06", "2024-11-20", "Jo")
    assert data["commands"] == ["az x"]


def test_a_repeat_is_the_same_to_the_byte() -> None:
    assert json.dumps(alert_data(alert(notice()))) == json.dumps(alert_data(alert(notice())))


def test_the_names_of_the_stable_form_do_not_change_by_accident() -> None:
    assert set(notice_data(notice())) == {
        *(
            "announced",
            "cause",
            "commands",
            "detail",
            "due_at",
            "expected",
            "got",
            "id",
            "kind",
            "meaning",
            "name",
        ),
        *("opened_at", "parent", "release", "remedy", "resolution", "resolved_at", "rule", "severity"),
        *("status", "waiver"),
        *("subject", "target", "target_kind", "title"),
    }


def test_what_nobody_reads_at_night_is_counted() -> None:
    data = alert_data(alert(*[notice()] * (MAX_NOTICES + 7)))

    assert (len(data["notices"]), data["more"]) == (MAX_NOTICES, 7)
    assert data["summary"] == f"{MAX_NOTICES + 7} high open"


@pytest.mark.parametrize(
    ("notices", "text"),
    [
        ([notice(Severity.LOW), notice(Severity.CRITICAL), notice(Severity.CRITICAL)], "2 critical, 1 low open"),
        ([notice(status=Status.RESOLVED)], "1 resolved"),
        ([notice(Severity.MEDIUM), notice(status=Status.RESOLVED)], "1 medium open; 1 resolved"),
        ([], ""),
    ],
)
def test_the_summary_counts_the_most_urgent_first(notices: list[Notice], text: str) -> None:
    assert summary(notices) == text


def test_moments_that_are_not_known_are_null() -> None:
    open_, due = notice_data(notice()), notice_data(notice(due_at=NOW + timedelta(days=3)))

    assert (open_["resolved_at"], open_["due_at"]) == (None, None)
    assert due["due_at"] == "2026-11-24T09:00:00+00:00"


def test_the_largest_alert_stays_below_event_grids_limit() -> None:
    worst = notice()
    text = "\x00" * 500
    finding = replace(worst.episode.finding, expected=text, got=text, detail=text, subject=text)
    worst = replace(worst, episode=replace(worst.episode, finding=finding, cause=text, resolution=text))

    assert len(json.dumps(alert_data(alert(*[worst] * 1000)))) < 1_048_576
