"""What served at a moment: the answer equals what was there, and says where nobody looked (test 19)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.model import Outcome
from audit.ports import Create
from audit.record import keys
from audit.record.ledger import MAX_DIFFERING, Run, run_row
from audit.service.history import Historian, Serving
from audit.targets import parse_target
from tests.house import ACCOUNT, CHAT, House, chat_document, release, write_event

VERSIONS = ("2024-05-13", "2024-08-06", "2024-11-20")


def historian(house: House) -> Historian:
    return Historian(house.ledger, house.releases, house.blobs)


def ask(house: House, at: datetime) -> Serving | None:
    answer = historian(house).serving(CHAT, at)
    everywhere = [each for each in historian(house).serving_all(CHAT.parent, at) if each.target == CHAT]
    assert everywhere == ([answer] if answer else [])
    return answer


def test_before_the_first_look_nothing_is_known() -> None:
    house = House()
    house.serve(CHAT, chat_document())
    house.sweep()

    assert ask(house, datetime(2020, 1, 1, tzinfo=UTC)) is None


def test_an_answer_names_the_release_that_was_in_force_at_the_moment() -> None:
    house = House()
    house.serve(CHAT, chat_document())
    house.sweep()
    moments = []
    for id_, version in (("r1", "2024-08-06"), ("r2", "2024-11-20")):
        house.clock.advance(hours=1)
        house.approve(release(id_=id_, facts={"model.version": version}))
        moments.append(house.clock.now() + timedelta(minutes=1))

    before, first, second = (ask(house, at) for at in (moments[0] - timedelta(hours=1), *moments))

    assert before is not None
    assert first is not None
    assert second is not None
    assert [each.release and each.release.id for each in (before, first, second)] == [None, "r1", "r2"]
    assert [each.stands for each in (before, first, second)] == ["not approved", "as approved", "differs"]
    assert second.differing == ["model.version"]


def test_a_revoked_release_approves_nothing_from_then_on() -> None:
    house = House()
    house.approve(release())
    house.serve(CHAT, chat_document())
    house.sweep()
    house.clock.advance(hours=1)
    approved_at = house.clock.now()
    house.clock.advance(hours=1)
    house.approver.revoke(CHAT, "the evaluation was wrong")

    then, now = ask(house, approved_at), ask(house, house.clock.now() + timedelta(minutes=1))

    assert then is not None
    assert now is not None
    assert (then.stands, now.stands) == ("as approved", "not approved")


def test_an_approval_that_has_ended_is_said_to_have() -> None:
    house = House()
    house.approve(release(expires_at=house.clock.now() + timedelta(days=1)))
    house.serve(CHAT, chat_document())
    house.sweep()

    answer = ask(house, house.clock.now() + timedelta(days=2))

    assert answer is not None
    assert answer.stands == "approval expired 2026-11-22"


def test_what_very_many_targets_served_is_answered_in_four_ranges_and_without_the_journal() -> None:
    house = House()
    for number in range(150):
        target = parse_target(f"{ACCOUNT}/deployments/d{number}")
        house.approve(release(target))
        house.serve(target, chat_document())
    house.sweep()
    asked = house.ledger.round_trips + house.releases.round_trips

    answers = list(historian(house).serving_all(CHAT.parent, house.clock.now()))

    assert house.ledger.round_trips + house.releases.round_trips - asked == 4
    assert sum(each.stands == "as approved" for each in answers) == 150


def test_a_state_that_sweeps_confirm_stays_certain_without_a_write() -> None:
    house = House()
    house.serve(CHAT, chat_document())
    house.sweep()
    first = house.clock.now()
    for _ in range(4):
        house.clock.advance(minutes=15)
        house.sweep()

    answer = ask(house, first + timedelta(minutes=50))

    assert answer is not None
    assert answer.is_certain
    assert answer.until == house.clock.now()


def test_a_gap_in_which_nobody_looked_is_said_to_be_uncertain() -> None:
    house = House()
    house.serve(CHAT, chat_document("2024-08-06"))
    house.sweep()
    house.clock.advance(hours=2)
    house.serve(CHAT, chat_document("2024-11-20"))
    house.sweep()

    answer = ask(house, house.clock.now() - timedelta(hours=1))

    assert answer is not None
    assert not answer.is_certain
    assert answer.facts["model.version"] == "2024-08-06"
    assert answer.changed_at == house.clock.now()


Change = tuple[int, str, bool]


@given(
    changes=st.lists(
        st.tuples(st.integers(1, 90), st.sampled_from(VERSIONS), st.booleans()), min_size=1, max_size=12
    ),
    asked=st.lists(st.integers(0, 1200), min_size=1, max_size=8),
)
@settings(max_examples=40, deadline=None)
def test_any_history_is_answered_as_brute_force_would(changes: list[Change], asked: list[int]) -> None:
    house = House()
    began = house.clock.now()
    looks: list[tuple[datetime, str]] = []
    for number, (minutes, version, is_announced) in enumerate(changes):
        house.clock.advance(minutes=minutes)
        house.serve(CHAT, chat_document(version))
        if is_announced:
            time = house.clock.now().isoformat()
            house.deliver(write_event(id_=f"e-{number}", time=time))
        else:
            house.sweep()
        looks.append((house.clock.now(), version))

    for minutes in asked:
        at = began + timedelta(minutes=minutes, seconds=1)
        before = [version for moment, version in looks if moment <= at]
        after = [version for moment, version in looks if moment > at]
        answer = ask(house, at)

        assert (answer.facts["model.version"] if answer else None) == (before[-1] if before else None)
        if answer and after:
            assert answer.is_certain == (after[0] == before[-1])


def test_the_life_of_a_target_is_told_in_order() -> None:
    house = House()
    house.approve(release())
    house.clock.advance(seconds=1)
    house.serve(CHAT, chat_document("2024-11-20"))
    house.deliver(write_event())
    house.clock.advance(minutes=5)
    house.serve(CHAT, chat_document())
    house.deliver(write_event(id_="e-2", time="2026-11-21T09:04:58Z"))

    moments = historian(house).history(CHAT)

    assert [moment.at for moment in moments] == sorted(moment.at for moment in moments)
    assert [moment.what for moment in moments if moment.what != "look"] == [
        "event",
        "approval",
        "finding",
        "alert",
        "event",
        "finding",
        "alert",
    ]


def test_a_sweep_that_found_more_differences_than_it_can_keep_confirms_nobody() -> None:
    house = House()
    house.approve(release())
    house.serve(CHAT, chat_document())
    house.sweep()
    house.clock.advance(hours=2)
    storm = Run(house.clock.now(), Outcome.PRESENT, "", 2000, 2000, 0, {}, ["other"] * (MAX_DIFFERING + 1))
    house.ledger.commit(keys.partition(CHAT.parent), [Create(run_row(storm))])

    answer = ask(house, house.clock.now())

    assert answer is not None
    assert not answer.is_certain
