"""Every story in `tests/cases/` is judged as its `findings.json` says, and every rule has its stories."""

from pathlib import Path

import pytest

from audit.events.actors import TOOLS
from audit.judge.actor import PORTALS
from audit.model import Outcome
from audit.rules import FAMILIES, RULES
from audit.rules.page import page
from tests.rule_cases import PAGE, folders, read_story, shown

FOLDERS = folders()


def rule_of(folder: Path) -> str:
    return folder.name.partition("-")[0]


def is_quiet(folder: Path) -> bool:
    return folder.name.partition("-")[2].startswith("quiet-")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_story_is_judged_as_it_is_told(folder: Path) -> None:
    assert shown(read_story(folder).findings()) == (folder / "findings.json").read_text("utf-8")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_story_tells_of_its_rule_and_a_quiet_one_of_nothing(folder: Path) -> None:
    found = [finding.rule for finding in read_story(folder).findings()]

    assert (found == []) if is_quiet(folder) else (rule_of(folder) in found)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_story_is_one_that_can_be_seen(folder: Path) -> None:
    readable = read_story(folder).seen.outcome is not Outcome.UNREADABLE

    assert readable or rule_of(folder).startswith("MA9")


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_story_of_drift_and_a_quiet_one(rule: str) -> None:
    of_rule = [folder for folder in FOLDERS if rule_of(folder) == rule]

    assert {is_quiet(folder) for folder in of_rule} == {True, False}


def test_every_story_tells_of_a_rule() -> None:
    assert {rule_of(folder) for folder in FOLDERS} <= RULES.keys()


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_rule_says_what_it_means_and_what_to_do_in_sentences(rule) -> None:
    assert rule.title[0].isupper()
    assert not rule.title.endswith(".")
    assert rule.meaning.endswith(".")
    assert rule.remedy.endswith(".")
    assert f"### {rule.id}\n" in PAGE.read_text("utf-8")


def test_the_page_of_the_rules_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page()


def test_the_ids_of_a_family_share_their_hundred_and_stand_in_order() -> None:
    for number, rows in enumerate(FAMILIES.values(), start=1):
        ids = [rule.id for rule in rows]

        assert ids == sorted(set(ids))
        assert {each[:3] for each in ids} == {f"MA{number}"}


def test_portals_are_named_as_events_name_them() -> None:
    assert set(TOOLS.values()) >= PORTALS
