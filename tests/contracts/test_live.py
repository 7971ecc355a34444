"""What the service may rely on when it looks: of the fake, of the real SDKs on the stand-in, of a real MLflow."""

import time
from datetime import timedelta

import pytest

from audit.errors import Throttled, Unavailable
from audit.model import Look, Observation, Outcome, Target
from audit.sight.catalogue import Unread, retirement_of
from audit.sight.facts import observe
from audit.targets import parse_target
from tests.contracts.worlds import (
    BATCH,
    MLFLOW_TARGETS,
    RETIRES,
    TARGETS,
    TELLTALES,
    FakeWorld,
    World,
)
from tests.fakes import FakeClock
from tests.house import CHAT, CHURN

ON_AZURE = pytest.param("azure_world", marks=pytest.mark.stack)
ON_MLFLOW = pytest.param("mlflow_world", marks=pytest.mark.mlflow)
WITH_INDEX = WITH_CATALOGUE = pytest.mark.parametrize("world", ["fake", ON_AZURE], indirect=True)
IN_EACH_WORLD = pytest.mark.parametrize("world", ["fake", ON_AZURE, ON_MLFLOW], indirect=True)
EACH_TARGET = pytest.mark.parametrize(
    ("world", "target"),
    [
        pytest.param(*world.values, target, marks=world.marks, id=f"{world.values[0]}-{target.kind}-{target.name}")
        for world, targets in (
            (pytest.param("fake"), (*TARGETS, *MLFLOW_TARGETS)),
            (ON_AZURE, TARGETS),
            (ON_MLFLOW, MLFLOW_TARGETS),
        )
        for target in targets
    ],
    indirect=["world"],
)
AT_ONCE = 2.0  # seconds: far less than what the SDKs would sleep


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    real: World = FakeWorld() if request.param == "fake" else request.getfixturevalue(request.param)
    return real


def seen(target: Target, look: Look) -> Observation:
    return observe(target, look, FakeClock().now())


@EACH_TARGET
def test_what_is_there_is_present_with_its_facts(world: World, target: Target) -> None:
    observation = seen(target, world.live.look(target))

    name, value = TELLTALES[target]
    assert observation.outcome is Outcome.PRESENT
    assert observation.facts[name] == value


@EACH_TARGET
def test_what_is_not_there_is_absent(world: World, target: Target) -> None:
    missing = parse_target(f"{target.id}-missing")

    assert world.live.look(missing) == Look(Outcome.ABSENT)


@EACH_TARGET
def test_what_we_may_not_see_is_unreadable_and_says_why(world: World, target: Target) -> None:
    world.forbid(target)

    look = world.live.look(target)

    assert look.outcome is Outcome.UNREADABLE
    assert "403" in look.reason


@EACH_TARGET
def test_a_malformed_document_is_unreadable(world: World, target: Target) -> None:
    world.malform(target)

    assert seen(target, world.live.look(target)).outcome is Outcome.UNREADABLE


@EACH_TARGET
def test_being_throttled_says_for_how_long_and_does_not_wait(world: World, target: Target) -> None:
    world.throttle(target, 77)
    began = time.monotonic()

    with pytest.raises(Throttled) as throttled:
        world.live.look(target)

    assert throttled.value.retry_after == timedelta(seconds=77)
    assert time.monotonic() - began < AT_ONCE


@EACH_TARGET
def test_nothing_is_concluded_from_a_service_that_is_down(world: World, target: Target) -> None:
    world.break_down(target)

    with pytest.raises(Unavailable):
        world.live.look(target)


@EACH_TARGET
def test_a_listing_shows_what_a_look_shows(world: World, target: Target) -> None:
    listing = world.live.list_targets(target.parent)

    listed, looked = seen(target, listing.looks[target]), seen(target, world.live.look(target))
    assert listing.itself == Look(Outcome.PRESENT)
    assert (listed.outcome, listed.facts) == (looked.outcome, looked.facts)


@EACH_TARGET
def test_a_malformed_document_hides_no_other_of_its_list(world: World, target: Target) -> None:
    world.malform(target)

    listing = world.live.list_targets(target.parent)

    outcomes = {each: seen(each, look).outcome for each, look in listing.looks.items()}
    assert listing.itself == Look(Outcome.PRESENT)
    assert outcomes == {
        each: Outcome.UNREADABLE if each == target else Outcome.PRESENT
        for each in world.targets
        if each.parent == target.parent
    }


@EACH_TARGET
def test_a_listing_we_may_not_see_is_unreadable_and_says_why(world: World, target: Target) -> None:
    world.forbid(target)

    listing = world.live.list_targets(target.parent)

    assert listing.itself.outcome is Outcome.UNREADABLE
    assert "403" in listing.itself.reason
    assert not any(look.outcome is Outcome.ABSENT for look in listing.looks.values())


@EACH_TARGET
def test_a_listing_is_throttled_as_a_look_is(world: World, target: Target) -> None:
    world.throttle(target, 77)

    with pytest.raises(Throttled) as throttled:
        world.live.list_targets(target.parent)

    assert throttled.value.retry_after == timedelta(seconds=77)


@EACH_TARGET
def test_a_listing_is_not_cut_short_where_the_service_is_down(world: World, target: Target) -> None:
    world.break_down(target)

    with pytest.raises(Unavailable):
        world.live.list_targets(target.parent)


@IN_EACH_WORLD
def test_every_parent_is_named_once_in_lower_case(world: World) -> None:
    assert sorted(world.live.parents()) == sorted({target.parent for target in world.targets})


@WITH_CATALOGUE
def test_the_catalogue_knows_when_a_model_retires_and_what_replaces_it(world: World) -> None:
    catalogue = world.live.catalogue(CHAT.parent, timedelta())

    retirement = retirement_of(seen(CHAT, world.live.look(CHAT)).facts, catalogue)
    assert retirement is not None
    assert (retirement.at, retirement.replacement) == (RETIRES, "gpt-5.1 2025-11-13")
    assert retirement.upgrade_lead_days == 14


@WITH_CATALOGUE
def test_a_catalogue_we_may_not_read_says_why_and_hides_no_deployment(world: World) -> None:
    world.hide_catalogue(CHAT)

    catalogue = world.live.catalogue(CHAT.parent, timedelta())

    assert isinstance(catalogue, Unread)
    assert "403" in catalogue.reason
    assert world.live.look(CHAT).outcome is Outcome.PRESENT


@WITH_INDEX
def test_what_an_index_knows_no_change_of_is_listed_and_left_unread(world: World) -> None:
    known = world.live.list_targets(CHURN.parent, {}).marks

    listing = world.live.list_targets(CHURN.parent, known)

    assert known.keys() == listing.unread == {CHURN, BATCH}
    assert not listing.looks.keys() & listing.unread
    assert listing.listed == sum(target.parent == CHURN.parent for target in TARGETS)


@WITH_INDEX
def test_what_an_index_knew_otherwise_is_read_and_has_the_mark_of_now(world: World) -> None:
    marks = world.live.list_targets(CHURN.parent, {}).marks

    listing = world.live.list_targets(CHURN.parent, {CHURN: "another mark"})

    assert listing.unread == frozenset()
    assert listing.looks[CHURN].outcome is Outcome.PRESENT
    assert listing.marks == marks


@WITH_INDEX
def test_without_anything_known_no_index_is_asked(world: World) -> None:
    listing = world.live.list_targets(CHURN.parent)

    assert (listing.unread, listing.marks, listing.index) == (frozenset(), {}, "")
