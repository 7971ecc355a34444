from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.findings import REPEAT_AFTER, Cause, Change, follow, remind
from audit.model import Episode, Finding, Outcome, Severity, Status
from audit.record import keys
from tests.house import CHAT

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CAUSE = Cause("Jo wrote the deployment", True)
QUIETLY = Cause("no event announced this", False)


def finding(rule: str = "MA102", got: str = "2024-11-20", **changes: object) -> Finding:
    values = {"subject": "model.version", "severity": Severity.HIGH, "expected": "2024-08-06"} | changes
    return Finding(rule, CHAT, got=got, **values)  # type: ignore[arg-type]


def deadline(step: int, due_at: datetime, left: int) -> Finding:
    return finding(
        "MA802",
        got=f"gpt-4o, {left} days left",
        expected=f"a successor before {due_at:%Y-%m-%d}",
        step=step,
        due_at=due_at,
    )


def run(
    judged: list[Finding],
    known: dict[str, Episode] | None = None,
    outcome: Outcome = Outcome.PRESENT,
    cause: Cause = CAUSE,
    now: datetime = NOW,
) -> list[Change]:
    return follow(judged, known or {}, outcome, cause, "r1", now)


def known(*changes: Change) -> dict[str, Episode]:
    return {keys.finding_key(change.episode.finding): change.episode for change in changes}


def test_a_new_finding_opens_an_episode_with_its_cause_and_release() -> None:
    (change,) = run([finding()])

    assert change == Change(Episode(finding(), Status.OPEN, 1, NOW, NOW, cause=CAUSE.text, release="r1"), "opened")


def test_what_no_event_announced_says_so() -> None:
    (change,) = run([finding()], cause=QUIETLY)

    assert not change.episode.announced


def test_a_finding_that_stands_is_not_told_again() -> None:
    assert run([finding()], known(*run([finding()]))) == []


def test_a_finding_that_is_gone_is_resolved_and_says_by_what() -> None:
    (change,) = run([], known(*run([finding()])), cause=QUIETLY, now=NOW + timedelta(hours=1))

    assert (change.notice, change.episode.status) == ("resolved", Status.RESOLVED)
    assert change.episode.resolved_at == NOW + timedelta(hours=1)
    assert (change.episode.cause, change.episode.resolution) == (CAUSE.text, QUIETLY.text)


def test_what_is_resolved_is_not_resolved_again() -> None:
    resolved = run([], known(*run([finding()])))

    assert run([], known(*resolved)) == []


def test_a_finding_that_comes_back_opens_its_next_episode() -> None:
    resolved = run([], known(*run([finding()])))

    (again,) = run([finding()], known(*resolved), cause=QUIETLY)

    assert (again.notice, again.episode.number, again.episode.status) == ("opened", 2, Status.OPEN)
    assert (again.episode.resolved_at, again.episode.resolution, again.episode.revision) == (None, "", 0)


def test_a_finding_that_says_something_else_has_changed() -> None:
    (change,) = run([finding(got="2025-01-01")], known(*run([finding()])), cause=QUIETLY)

    assert (change.notice, change.episode.finding.got) == ("changed", "2025-01-01")
    assert (change.episode.cause, change.episode.announced) == (QUIETLY.text, False)
    assert (change.episode.number, change.episode.opened_at) == (1, NOW)


@pytest.mark.parametrize("outcome", [Outcome.PRESENT, Outcome.ABSENT])
def test_a_look_that_saw_resolves_what_is_gone(outcome: Outcome) -> None:
    assert [change.notice for change in run([], known(*run([finding()])), outcome)] == ["resolved"]


def test_an_unreadable_target_closes_nothing() -> None:
    blind = finding("MA901", subject="sight")

    changes = run([blind], known(*run([finding()])), Outcome.UNREADABLE)

    assert [(change.notice, change.episode.finding.rule) for change in changes] == [("opened", "MA901")]


def test_sight_that_returns_resolves_the_inability_to_look() -> None:
    blind = run([finding("MA901", subject="sight")], outcome=Outcome.UNREADABLE)

    assert [change.notice for change in run([], known(*blind))] == ["resolved"]


def test_a_deadline_is_told_at_each_step_and_not_each_day() -> None:
    due_at = NOW + timedelta(days=28)
    opened = run([deadline(30, due_at, 28)])
    next_day = run([deadline(30, due_at, 27)], known(*opened))
    two_weeks_later = run([deadline(14, due_at, 14)], known(*opened))

    assert next_day == []
    assert [change.notice for change in two_weeks_later] == ["step-14"]


def test_a_deadline_that_moves_within_its_step_has_changed() -> None:
    opened = run([deadline(30, NOW + timedelta(days=28), 28)])

    (moved,) = run([deadline(30, NOW + timedelta(days=20), 20)], known(*opened))

    assert moved.notice == "changed"
    assert moved.episode.finding.due_at == NOW + timedelta(days=20)


def test_every_notice_of_an_episode_has_an_identity_of_its_own() -> None:
    episodes = known(*run([finding(got="1")]))
    told = []
    for got in "2323":
        changes = run([finding(got=got)], episodes)
        episodes |= known(*changes)
        told += [(change.episode.number, change.notice, change.episode.revision) for change in changes]

    assert len(set(told)) == 4


def test_changes_come_in_the_same_order_whatever_the_order_of_the_findings() -> None:
    many = [finding(rule) for rule in ("MA401", "MA102", "MA301", "MA105")]

    assert run(many) == run(many[::-1])


def test_two_findings_about_one_subject_live_their_own_lives() -> None:
    both = [finding("MA102"), finding("MA201")]

    changes = run([finding("MA102")], known(*run(both)))

    assert [(change.notice, change.episode.finding.rule) for change in changes] == [("resolved", "MA201")]


@given(st.lists(st.sets(st.sampled_from(["MA102", "MA301", "MA401"])), max_size=12))
def test_whatever_comes_and_goes_openings_and_resolutions_alternate(history: list[set[str]]) -> None:
    episodes: dict[str, Episode] = {}
    told: dict[str, list[str]] = {}
    for rules in history:
        changes = run([finding(rule) for rule in rules], episodes)
        episodes |= known(*changes)
        for change in changes:
            told.setdefault(change.episode.finding.rule, []).append(change.notice)

    for rule, notices in told.items():
        assert notices == (["opened", "resolved"] * len(notices))[: len(notices)]
        assert (notices[-1] == "opened") == (rule in history[-1])


@pytest.mark.parametrize("severity", Severity)
def test_an_open_finding_is_reminded_of_once_its_silence_is_over(severity: Severity) -> None:
    (opened,) = run([finding(severity=severity)])
    due = NOW + REPEAT_AFTER[severity]

    assert remind([opened.episode], due - timedelta(seconds=1)) == []
    assert [change.notice for change in remind([opened.episode], due)] == ["reminder"]


def test_a_reminder_starts_a_new_silence() -> None:
    (opened,) = run([finding()])
    (reminder,) = remind([opened.episode], NOW + timedelta(days=1))

    assert remind([reminder.episode], NOW + timedelta(days=1, hours=1)) == []
    assert reminder.episode == replace(opened.episode, revision=1, noticed_at=NOW + timedelta(days=1))


def test_nobody_is_reminded_of_what_is_resolved() -> None:
    resolved = run([], known(*run([finding()])))

    assert remind([change.episode for change in resolved], NOW + timedelta(days=99)) == []
