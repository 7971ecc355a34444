import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.model import Finding, Kind, Severity, Target
from audit.record import keys
from tests.house import CHAT, CHURN
from tests.strategies import HOSTILE_TEXTS, any_text

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LEGAL = re.compile(r"[0-9a-z-]{1,119}")

hostile = any_text | st.sampled_from(HOSTILE_TEXTS)


def target(id_: str) -> Target:
    return Target(id_, Kind.MODEL, id_, id_)


def finding(**changes: str) -> Finding:
    values = {"rule": "MA102", "subject": "model.version", "expected": "1", "got": "2"} | changes
    return Finding(target=CHAT, severity=Severity.HIGH, **values)


@given(hostile, hostile, hostile)
def test_no_name_from_outside_reaches_a_key(one: str, two: str, three: str) -> None:
    stream = keys.target_hash(target(one))
    event = keys.event_key(one, two, three, one, two)
    made = [
        keys.partition(one),
        keys.head(stream),
        keys.inbox(stream, event),
        keys.finding_row(stream, keys.finding_key(finding(subject=two))),
        keys.release_row(stream, three),
        keys.outbox(keys.notice_id(one, 1, two, 0)),
        keys.intake(stream, event, NOW),
        keys.journal(stream, 1),
        keys.observation(stream, NOW),
    ]

    assert [key for key in made if not LEGAL.fullmatch(key)] == []


@given(st.lists(any_text, min_size=1, max_size=4), st.lists(any_text, min_size=1, max_size=4))
def test_a_digest_tells_every_split_of_the_same_text_apart(one: list[str], other: list[str]) -> None:
    assert (keys.digest(*one) == keys.digest(*other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(("ab", "c"), ("a", "bc")), (("ab",), ("a", "b")), (("",), ("", "")), (("1:a",), ("1", "a"))],
)
def test_moving_a_border_changes_a_digest(one: tuple, other: tuple) -> None:
    assert keys.digest(*one) != keys.digest(*other)


def test_a_digest_is_the_same_for_ever() -> None:
    assert keys.digest("a", "b") == "facdde7abf1eac5b301273ab2e282f79"


def test_what_was_observed_is_no_part_of_a_problems_identity() -> None:
    assert keys.finding_key(finding(got="2", expected="1")) == keys.finding_key(finding(got="3", expected="0"))


@pytest.mark.parametrize("changed", [{"rule": "MA401"}, {"subject": "sku.name"}])
def test_another_rule_or_subject_is_another_problem(changed: dict) -> None:
    assert keys.finding_key(finding(**changed)) != keys.finding_key(finding())


@pytest.mark.parametrize("at", range(5))
def test_every_part_of_an_event_counts_for_its_identity(at: int) -> None:
    parts = ["source", "id", "type", "subject", "time"]
    other = [part + "x" * (number == at) for number, part in enumerate(parts)]

    assert keys.event_key(*other) != keys.event_key(*parts)


def test_one_range_holds_all_hot_rows_of_a_target_and_nothing_else() -> None:
    stream, other = keys.target_hash(CHAT), keys.target_hash(CHURN)
    start, end = keys.hot(stream)
    hot = [
        keys.head(stream),
        keys.inbox(stream, "e"),
        keys.finding_row(stream, "f"),
        keys.release_row(stream, "r"),
    ]
    cold = [
        keys.head(other),
        keys.journal(stream, 1),
        keys.observation(stream, NOW),
        keys.intake(stream, "e", NOW),
    ]

    assert all(start <= key < end for key in hot)
    assert not any(start <= key < end for key in cold)


def test_a_partitions_ranges_keep_what_is_hot_owed_and_journalled_apart() -> None:
    stream = keys.target_hash(CHAT)
    ranges = {
        keys.ALL_HOT: [keys.head(stream), keys.inbox(stream, "e")],
        keys.OUTBOX: [keys.OUTBOX_HEAD, keys.OUTBOX_BATCH, keys.outbox("n")],
        keys.ALL_ENTRIES: [keys.journal(stream, 1), keys.journal(keys.ALERTS, 1)],
    }

    for (start, end), own in ranges.items():
        held = [key for each in ranges.values() for key in each if start <= key < end]
        assert held == own


def test_no_targets_chain_can_be_taken_for_that_of_the_alerts() -> None:
    start, end = keys.journal_range(keys.ALERTS)

    assert not start <= keys.journal(keys.target_hash(CHAT), 1) < end


@given(st.integers(1, 10**11), st.integers(1, 10**11))
def test_entries_sort_as_they_follow_each_other(one: int, other: int) -> None:
    assert (keys.journal("s", one) < keys.journal("s", other)) == (one < other)


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(microseconds=1), timedelta(days=1)))
def test_newer_observations_sort_first(at: datetime, later: timedelta) -> None:
    try:
        newer = at + later
    except OverflowError:
        return

    assert keys.observation("s", newer) < keys.observation("s", at)


def test_an_observations_key_is_the_moment_whatever_the_zone() -> None:
    elsewhere = NOW.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+05:30").tzinfo)

    assert keys.observation("s", elsewhere) == keys.observation("s", NOW)


def test_a_notice_has_one_identity_for_each_thing_owed() -> None:
    ids = {
        keys.notice_id("f", number, kind, revision)
        for number in (1, 2)
        for kind in ("opened", "resolved")
        for revision in (0, 1)
    }

    assert len(ids) == 8
