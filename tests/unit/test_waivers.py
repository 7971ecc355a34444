from datetime import datetime, timedelta

import pytest

from audit.approvals.waivers import State, cover, ending, id_of, state
from audit.model import Finding, Severity, Waiver
from audit.record import keys
from tests.house import APPROVED_AT, CHAT, CHURN

START, END = APPROVED_AT, APPROVED_AT + timedelta(days=30)


def waiver(
    subject: str = "", rule: str = "MA401", target=CHAT, start: datetime = START, end: datetime = END
) -> Waiver:
    return Waiver(target, rule, "ada", "known", start, end, subject=subject)


def finding(subject: str = "sku.capacity", rule: str = "MA401", target=CHAT) -> Finding:
    return Finding(rule, target, subject, Severity.MEDIUM, "50", "80")


@pytest.mark.parametrize(
    ("days", "expected"), [(-1, State.PENDING), (0, State.ACTIVE), (29, State.ACTIVE), (30, State.EXPIRED)]
)
def test_the_state_follows_from_the_time(days: int, expected: State) -> None:
    assert state(waiver(), START + timedelta(days=days)) is expected


def test_a_waiver_covers_its_rule_at_its_target_and_subject() -> None:
    others = [finding("sku.name"), finding(rule="MA102"), finding(target=CHURN)]

    covered = cover([finding(), *others], [waiver("sku.capacity")], START)

    assert list(covered.by) == [keys.finding_key(finding())]
    assert covered.open == tuple(others)


def test_a_waiver_without_a_subject_covers_the_rule_everywhere_at_its_target() -> None:
    assert cover([finding(), finding("sku.name")], [waiver()], START).open == ()


def test_what_has_ended_or_not_begun_covers_nothing() -> None:
    assert cover([finding()], [waiver()], END).by == {}
    assert cover([finding()], [waiver()], START - timedelta(seconds=1)).by == {}


def test_the_narrower_waiver_is_named_then_the_longer_one() -> None:
    narrow, wide = waiver("sku.capacity"), waiver(end=END + timedelta(days=1))

    covered = cover([finding(), finding("x")], [wide, narrow], START)

    assert [id_of(each) for each in covered.by.values()] == [id_of(narrow), id_of(wide)]


def test_an_end_is_announced_on_the_steps_that_are_shorter_than_the_waiver() -> None:
    assert ending([waiver()], START) == []
    assert ending([waiver()], END - timedelta(days=10)) == [(waiver(), 14)]
    assert ending([waiver()], END) == []
