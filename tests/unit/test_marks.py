"""Environment variables: a release names plain values, and nothing that is stored or told holds them."""

from dataclasses import replace
from pathlib import Path

import pytest

from audit.approvals.marks import key_of, marked
from audit.approvals.release_files import read_files
from audit.errors import BadInput
from audit.judge.compare import OTHER_KEY
from audit.model import Approved
from audit.privacy import MARK, Privacy
from audit.service.approve import Approver, Asked
from tests.house import CHURN, PRIVACY, House, churn_document, release

NAME = "deployments.blue.env.MODE"
PLAIN = "swordfish"
OTHER = Privacy(b"o" * 32)


def house_with(value: object, live: str = PLAIN, privacy: Privacy = PRIVACY) -> House:
    """Return a house whose endpoint has a variable, was approved with `value` for it, and was swept."""
    house, document = House(), churn_document()
    document["deployments"][0]["properties"]["environmentVariables"] = {"MODE": live}
    Approver(house.releases, lambda: "ada", house.clock.now, privacy).apply(Asked([approved(value)]))
    house.serve(CHURN, document)
    house.sweep()
    return house


def approved(value: object = PLAIN):
    return release(CHURN, facts={"deployments.blue.model.version": "3", NAME: value})


def test_the_approved_value_is_quiet_and_another_one_is_found_without_telling_either() -> None:
    quiet, found = house_with(PLAIN), house_with(PLAIN, live="marlin")

    ((episode),) = found.reporter.episodes()
    assert quiet.open == set()
    assert found.open == {("MA421", NAME)}
    assert (episode.finding.expected, episode.finding.got) == (PRIVACY.mark(PLAIN), PRIVACY.mark("marlin"))
    assert episode.finding.detail == ""


def test_one_of_several_values_may_be_approved() -> None:
    choices = Approved(one_of=("marlin", PLAIN))

    assert house_with(choices).open == set()
    assert house_with(choices, live="cod").open == {("MA421", NAME)}


def test_a_variable_that_is_not_audited_may_hold_anything() -> None:
    assert house_with(Approved(because="it is tuned every day")).open == set()


def test_no_table_holds_a_plain_value() -> None:
    house = house_with(PLAIN)

    rows = [*house.releases.all_rows().values(), *house.ledger.all_rows().values()]
    assert PLAIN not in repr(rows)
    assert PRIVACY.mark(PLAIN) in repr(rows)


def test_a_plan_tells_no_plain_value() -> None:
    house = house_with(PLAIN)

    (step,) = house.approver.plan(Asked([approved("marlin")]))

    assert [(each.was, each.becomes) for each in step.differences] == [
        (PRIVACY.mark(PLAIN), PRIVACY.mark("marlin"))
    ]


def test_applying_a_plain_value_again_changes_nothing() -> None:
    house = house_with(PLAIN)

    (step,) = house.approver.apply(Asked([approved()]))

    assert step.change == "unchanged"


def test_a_release_that_was_applied_with_another_key_says_so_until_it_is_applied_with_ours() -> None:
    house = house_with(PLAIN, privacy=OTHER)
    ((episode),) = house.reporter.episodes()

    house.approver.apply(Asked([approved()]))
    house.sweep()

    assert (episode.finding.rule, episode.finding.detail) == ("MA421", OTHER_KEY)
    assert house.open == set()


def test_a_mark_stays_as_it_is_and_names_no_key() -> None:
    mark = PRIVACY.mark(PLAIN)

    assert marked(approved(mark), OTHER) == approved(mark)
    assert house_with(mark, privacy=OTHER).open == set()


def test_only_values_of_variables_are_hidden() -> None:
    facts = {"deployments.env.model.version": "3", "tags.env.MODE": PLAIN, "deployments.blue.tags.env.x": PLAIN}

    assert marked(release(CHURN, facts=facts), PRIVACY) == release(CHURN, facts=facts)


def test_an_empty_value_is_no_secret() -> None:
    assert house_with("", live="").open == set()


def test_what_tells_keys_apart_is_a_mark_itself() -> None:
    assert key_of(PRIVACY) != key_of(OTHER)
    assert key_of(PRIVACY).startswith(MARK)
    assert marked(approved(), PRIVACY) == replace(approved(PRIVACY.mark(PLAIN)), marked_with=key_of(PRIVACY))


def test_a_range_of_values_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        f"releases:\n  - id: r1\n    target: {CHURN.id}\n    approved_by: ada\n"
        "    approved_at: 2026-11-01T12:00:00Z\n    facts:\n      deployments.blue.env.MODE: {at_least: 1}\n"
    )

    with pytest.raises(BadInput, match=r"r\.yaml:7: .*got a range"):
        read_files(tmp_path)
