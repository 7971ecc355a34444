"""No rule is judged on paper only: each is found by the service, from approving and looking to an open finding."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import time, timedelta
from pathlib import Path

import pytest

from audit.approvals.policy import DEFAULT, Policy, ScopedPolicy, WorkingHours
from audit.model import Look, Outcome, Waiver
from audit.rules import RULES
from audit.service.approve import Asked
from tests.house import CHAT, MODEL, PIPELINE, House, chat_document, model_document, release
from tests.rule_cases import read_story
from tests.unit.test_cases import FOLDERS, is_quiet, rule_of
from tests.unit.test_past import (
    REFUSED,
    RETIRES,
    canary,
    chat_house,
    churn_house,
    event,
    model_house,
    retiring,
    upgrading_house,
    way_back,
)

PORTAL = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"


def play(folder: Path) -> House:
    """Return a house in which a story has been approved and swept."""
    story, live = read_story(folder), json.loads((folder / "live.json").read_text("utf-8"))
    target, house = story.seen.target, House(policies=[everywhere(story.policy)])
    if story.release is not None:
        house.approve(story.release)
    house.live.catalogues[target.parent] = story.catalogue
    look = Look(Outcome(live["outcome"]), live.get("document", {}), live.get("reason", ""))
    if look.outcome is Outcome.PRESENT:
        house.serve(target, look.document)
    else:
        house.live.errors[target] = look
    house.sweep()
    return house


def everywhere(policy: Policy) -> ScopedPolicy:
    said = {each.name: getattr(policy, each.name) for each in fields(Policy)}
    return ScopedPolicy("*", **{name: value for name, value in said.items() if value != getattr(DEFAULT, name)})


def drifted(house: House) -> House:
    house.serve(CHAT, chat_document("2024-11-20"))
    house.clock.advance(hours=1)
    return house


def written(house: House, app: str = "") -> House:
    """Return the house after a person wrote to chat, through the Azure CLI or another app."""
    told = event(house, CHAT)
    told["data"]["claims"] |= {"appid": app} if app else {}
    house.deliver(told)
    return house


def approved_by_who_deploys() -> House:
    house = chat_house()
    house.approve(replace(release(), approved_by="Jo Bloggs"))
    return written(house)


def written_against(**policy: object) -> House:
    house = chat_house()
    house.policies = [ScopedPolicy("*", **policy)]  # type: ignore[arg-type]
    return written(house)


def waived(days: int) -> House:
    house = drifted(chat_house())
    now = house.clock.now()
    waiver = Waiver(
        CHAT, "MA102", "grace", "a trial", now - timedelta(days=60), now + timedelta(days=days), "CHG-9"
    )
    house.approver.apply(Asked(waivers=[waiver]))
    house.sweep()
    return house


def upgraded_by_azure() -> House:
    house = drifted(chat_house())
    house.sweep()
    return house


def unseen_for_days() -> House:
    house = chat_house()
    house.live.errors[CHAT] = REFUSED
    house.sweep()
    house.clock.advance(days=3)
    house.sweep()
    return house


def on_trial_for_long() -> House:
    house = churn_house(canary())
    house.clock.advance(days=30)
    house.sweep()
    return house


def model_becomes(*versions: str, **properties: object) -> House:
    house = model_house(tags={"owner": "risk"})
    house.serve(MODEL, model_document(*versions, **properties))
    house.deliver(event(house, MODEL))
    return house


def date_moved() -> House:
    house = chat_house()
    house.live.catalogues[CHAT.parent] = retiring(RETIRES - timedelta(days=90))
    house.sweep()
    return house


def way_back_with(*documents: dict) -> House:
    house = way_back()
    house.serve(MODEL, {"versions": [each for document in documents for each in document["versions"]]})
    house.sweep()
    return house


SCENES: dict[str, Callable[[], House]] = {
    "MA108": approved_by_who_deploys,
    "MA110": lambda: waived(-1),
    "MA203": upgraded_by_azure,
    "MA307": on_trial_for_long,
    "MA511": lambda: model_becomes("2", "3", tags={"owner": "growth"}),
    "MA606": lambda: model_becomes("3", tags={"owner": "risk"}),
    "MA701": lambda: written_against(pipelines=(PIPELINE,)),
    "MA702": lambda: written(chat_house(), PORTAL),
    "MA703": lambda: written_against(working_hours=WorkingHours(("mon", "fri"), time(8), time(18))),
    "MA803": date_moved,
    "MA804": upgrading_house,
    "MA806": lambda: waived(5),
    "MA902": unseen_for_days,
    "MA903": lambda: chat_house(rollback="r-none"),
    "MA904": lambda: way_back_with(model_document("3"), model_document("2", isArchived=True)),
    "MA905": lambda: way_back_with(model_document("3")),
    "MA906": lambda: way_back("3"),
}
"""How a rule comes about that needs more than one look: a past, neighbours, or somebody who did something."""

WITHOUT_PAST = [folder for folder in FOLDERS if not (folder / "history.json").exists()]
TELLING = [folder for folder in WITHOUT_PAST if not is_quiet(folder)]
QUIET = [folder for folder in WITHOUT_PAST if is_quiet(folder)]


@pytest.mark.parametrize("rule", SCENES)
def test_a_rule_that_needs_a_past_is_found_by_the_service(rule: str) -> None:
    house = SCENES[rule]()

    assert rule in {found for found, _ in house.open}


@pytest.mark.parametrize("folder", TELLING, ids=lambda folder: folder.name)
def test_a_story_without_a_past_is_found_by_the_first_sweep(folder: Path) -> None:
    expected = {(each.rule, each.subject) for each in read_story(folder).findings()}

    assert expected <= play(folder).open


@pytest.mark.parametrize("folder", QUIET, ids=lambda folder: folder.name)
def test_a_quiet_story_is_quiet_in_the_service_too(folder: Path) -> None:
    assert play(folder).open == set()


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_is_silent_in_the_service(rule: str) -> None:
    told = {rule_of(folder) for folder in TELLING}

    assert rule in told | SCENES.keys(), f"expected a story without a past, or a scene, in which {rule} is found"
