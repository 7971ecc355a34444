"""A model of MLflow is a target like any other: for release files, policies, the command line and the sweep."""

import json
from pathlib import Path

import pytest

from audit.approvals.policy import policy_of
from audit.approvals.release_files import read_files
from audit.cli.targets import matching, resolve
from audit.errors import BadInput
from audit.model import Kind, Look, Outcome
from audit.service.history import Historian, serving_data
from audit.targets import parse_target
from tests.house import CHAT, House, release

UPPER = parse_target("mlflow://prod/models/Churn")
LOWER = parse_target("mlflow://prod/models/churn")
PROD = parse_target("mlflow://prod")


def document(champion: str = "3") -> dict:
    model = {"name": "Churn", "aliases": [{"alias": "champion", "version": champion}], "tags": {}}
    version = {"version": "3", "source": "s3://models/3", "tags": {}}
    return {"registered_model": model, "versions": [version], "runs": {}}


def write(folder: Path, **content: object) -> Path:
    path = folder / "mlflow.json"
    path.write_text(json.dumps(content))
    return path


def entry(target: str, **changes: object) -> dict:
    facts = {"aliases": {"Champion": 3}, "versions": {"3": {"path": "s3://models/3", "origin.data": "c:1"}}}
    said = {
        "id": "r1",
        "target": target,
        "approved_by": "ada",
        "approved_at": "2026-11-01T12:00:00Z",
        "facts": facts,
    }
    return said | changes


def test_a_release_file_names_a_model_of_mlflow(tmp_path: Path) -> None:
    path = write(tmp_path, releases=[entry("mlflow://PROD/models/Churn")])

    (read,) = read_files(path).releases

    assert read.target == UPPER
    assert read.facts == {
        "aliases.Champion": "3",
        "versions.3.origin.data": "c:1",
        "versions.3.path": "s3://models/3",
    }


def test_two_models_whose_names_differ_in_case_may_both_be_approved(tmp_path: Path) -> None:
    path = write(tmp_path, releases=[entry(UPPER.id), entry(LOWER.id, id="r2")])

    assert [each.target for each in read_files(path).releases] == [UPPER, LOWER]


def test_a_misspelt_id_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    path = write(tmp_path, releases=[entry("mlflow://prod/model/Churn")])

    with pytest.raises(BadInput, match="mlflow://REGISTRY/models/NAME"):
        read_files(path)


def test_a_policy_of_a_registry_holds_for_its_models_alone(tmp_path: Path) -> None:
    path = write(tmp_path, policies=[{"scope": " MLflow://Prod/ ", "required_tags": ["owner"]}])

    policies = read_files(path).policies

    demands = [policy_of(target, {}, policies).required_tags for target in (UPPER, CHAT)]
    assert demands == [("owner",), ()]
    assert policy_of(parse_target("mlflow://prod-2/models/Churn"), {}, policies).required_tags == ()


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("prod/Churn", [UPPER]),
        ("prod/churn", [LOWER]),
        ("PROD/CHURN", [UPPER, LOWER]),
        ("model:prod/Churn", [UPPER]),
        ("prod/*", [PROD, UPPER, LOWER]),
    ],
)
def test_a_plain_name_means_the_model_in_this_case_if_there_is_one(pattern: str, meant: list) -> None:
    known = {UPPER, LOWER, CHAT} | ({PROD} if "*" in pattern else set())

    assert matching(pattern.replace("prod/*", "prod*/*"), known) == meant


def test_an_id_is_taken_as_it_is_without_asking_what_is_known() -> None:
    assert resolve(("mlflow://prod/models/Churn", UPPER.id)) == [UPPER]


def test_a_sweep_finds_a_moved_alias_and_says_that_nothing_announced_it() -> None:
    house = House()
    house.approve(release(UPPER, facts={"aliases.champion": "3"}))
    house.serve(UPPER, document())
    house.sweep()
    house.clock.advance(hours=1)
    house.serve(UPPER, document(champion="4"))

    house.sweep()

    assert house.told == [("opened", "MA102")]
    (notice,) = house.channel.alerts[0].notices
    assert "no event announced this" in notice.episode.cause
    assert "platform" not in notice.episode.cause
    assert notice.episode.finding.target.kind is Kind.MODEL


def test_a_registry_that_cannot_be_listed_keeps_what_was_found_open() -> None:
    house = House()
    house.approve(release(UPPER, facts={"aliases.champion": "3"}))
    house.serve(UPPER, document(champion="4"))
    house.sweep()
    house.live.unlisted[PROD.id] = "HTTP 403"
    house.live.errors[UPPER] = Look(Outcome.UNREADABLE, reason="HTTP 403")
    house.clock.advance(hours=1)

    house.sweep()

    still_open = {(row["rule"], row["name"]) for row in house.reporter.open_findings()}
    assert {("MA102", "Churn"), ("MA901", "prod")} <= still_open


def test_what_served_is_where_the_aliases_pointed() -> None:
    house = House()
    house.serve(UPPER, document())
    house.serve(LOWER, {"registered_model": {"name": "churn"}, "versions": [], "runs": {}})
    house.sweep()
    historian = Historian(house.ledger, house.releases, house.blobs)

    served = [serving_data(each) for each in historian.serving_everywhere(house.clock.now())]

    assert [(each["target"], each["serving"]) for each in served] == [("prod/Churn", "@champion: version 3")]


def test_a_release_to_go_back_to_whose_version_was_deleted_is_said_to_be_gone() -> None:
    house = House()
    house.approve(release(UPPER, "r1", facts={"aliases.champion": "2"}))
    house.approve(release(UPPER, "r2", facts={"aliases.champion": "3"}, rollback="r1"))
    house.serve(UPPER, document())

    house.sweep()

    assert ("opened", "MA905") in house.told
