"""Properties of what is remembered: it fits, it comes to rest, and what cannot be seen changes nothing."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.judge.given import Asset
from audit.model import Facts, Observation, Outcome, Retirement, Target
from audit.record import ledger, memory
from audit.record.memory import Around, Memory
from tests.house import CHAT, CHURN, MODEL, release
from tests.strategies import any_text
from tests.unit.test_judge import NOW, facts_of_any_name
from tests.unit.test_judge_fleets import fleets

RETIREMENT = Retirement("GenerallyAvailable", NOW + timedelta(days=90))
anything = st.one_of(fleets, st.tuples(st.sampled_from([CHAT, CHURN, MODEL]), facts_of_any_name))
long_texts = st.text(min_size=1, max_size=3).map(lambda text: text * 2_000) | any_text


def look(target: Target, facts: Facts, outcome: Outcome = Outcome.PRESENT, hours: int = 0) -> Observation:
    return Observation(target, outcome, NOW + timedelta(hours=hours), facts)


def after(known: Memory, approved: Facts, seen: Observation, before: Facts | None = None) -> Memory:
    return memory.after_look(known, before or {}, release(seen.target, facts=approved), seen, RETIREMENT)


@settings(max_examples=60)
@given(anything, facts_of_any_name)
def test_a_second_look_at_the_same_remembers_nothing_new(fleet: tuple[Target, Facts], before: Facts) -> None:
    target, facts = fleet

    once = after(memory.NOTHING, facts, look(target, facts), before)

    assert after(once, facts, look(target, facts, hours=1), facts) == once


@settings(max_examples=60)
@given(anything)
def test_a_look_that_could_not_see_changes_nothing(fleet: tuple[Target, Facts]) -> None:
    target, facts = fleet
    known = after(memory.NOTHING, facts, look(target, facts))

    assert after(known, {}, look(target, {}, Outcome.UNREADABLE, hours=1)) is known


@settings(max_examples=60)
@given(st.sets(any_text, max_size=6), st.sets(any_text, max_size=6))
def test_a_version_is_there_or_gone_and_never_both(one: set[str], other: set[str]) -> None:
    known = memory.NOTHING
    for hours, names in enumerate((one, other, one)):
        known = after(known, {}, look(MODEL, {f"versions.{name}.archived": False for name in names}, hours=hours))

        assert not set(known.present) & known.gone.keys()


@settings(max_examples=20)
@given(anything, long_texts, st.sampled_from([1, 40, 1_500]))
def test_a_row_gives_back_whatever_was_remembered(fleet: tuple[Target, Facts], text: str, count: int) -> None:
    target, facts = fleet
    numbers = range(count)
    facts |= {f"versions.{n}.tags.{text}": text for n in numbers} | {f"tags.{text}{n}": text for n in numbers}
    facts |= {f"mirror_traffic.{text}{n}": 1 for n in numbers}
    around = Around(
        NOW,
        memory.assets_that_fit({f"{text}:{n}": Asset(text, text) for n in numbers}),
        memory.names_that_fit(f"{text}{n}" for n in numbers),
        memory.names_that_fit([text]),
    )

    here = after(memory.NOTHING, dict.fromkeys(facts, ""), look(target, facts))
    gone = after(here, {}, look(target, {}, Outcome.ABSENT, hours=1))
    back = after(gone, {"tags.x": ""}, look(target, facts, hours=2))

    for known in (here, gone, back):
        stored = ledger.row("0-x-n", memory.told(known, around))
        assert ledger.read(stored, Memory) == memory.told(known, around)


def test_an_older_sweep_does_not_take_back_what_a_newer_one_told() -> None:
    newer = memory.told(memory.NOTHING, Around(NOW, serving=("3",)))

    assert memory.told(newer, Around(NOW - timedelta(minutes=1), serving=("2",))) is newer
    assert memory.told(newer, Around(NOW + timedelta(minutes=1), serving=("3",))) is newer


def test_what_a_sweep_has_nothing_to_say_of_is_not_written() -> None:
    assert memory.told(memory.NOTHING, Around(NOW)) is memory.NOTHING


def test_what_was_approved_is_forgotten_with_the_approval() -> None:
    seen = look(CHAT, {"model.version": "1", "tags.owner": "growth"})
    known = memory.after_look(memory.NOTHING, {}, release(facts={"model.version": "1"}), seen, RETIREMENT)

    revoked = memory.after_look(known, {}, None, seen, RETIREMENT)

    assert known.at_approval == {"": {"model.version": "1", "tags.owner": "growth"}}
    assert revoked == replace(known, signed="", at_approval={}, retirement=None)
