"""The facts of MLflow's models, and what the rules, the report, the gate and the scan make of them."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given

from audit.approvals.gate import Candidate, decide
from audit.approvals.policy import DEFAULT
from audit.errors import BadInput
from audit.judge import judge
from audit.judge.names import rule_of, serving
from audit.model import Kind, Look, Observation, Outcome
from audit.privacy import MARK, PersonalData, Privacy
from audit.sight.facts import facts_of, observe
from audit.sight.mlflow_facts import MAX_VALUES, missing_run, take_run
from audit.sight.scan import rows_of
from audit.targets import parse_target
from tests.house import APPROVED_AT, release
from tests.strategies import json_values

CHURN = parse_target("mlflow://prod/models/Churn")
NOW = APPROVED_AT + timedelta(days=20)
RUN = {
    "info": {"run_id": "r1", "user_id": "jo"},
    "data": {
        "tags": [{"key": "mlflow.source.git.commit", "value": "0a1b2c3"}, {"key": "mlflow.user", "value": "jo"}],
        "params": [{"key": "depth", "value": "7"}, {"key": "api_key", "value": "hunter2"}],
        "metrics": [{"key": "auc", "value": 0.91}],
    },
    "inputs": {"dataset_inputs": [{"dataset": {"name": "customers", "digest": "d41d8c"}}]},
}


def version(number: str = "3", **more: object) -> dict:
    return {"version": number, "source": f"s3://models/{number}", "status": "READY", "tags": {}, **more}


def document(*versions: dict, runs: dict | None = None, **aliases: str) -> dict:
    pointers = [{"alias": alias, "version": number} for alias, number in aliases.items()]
    model = {"name": "Churn", "aliases": pointers, "tags": {}}
    return {"registered_model": model, "versions": list(versions), "runs": runs or {}}


def seen(*versions: dict, **aliases: str) -> Observation:
    return observe(CHURN, Look(Outcome.PRESENT, document(*versions, **aliases)), NOW)


def test_what_is_taken_of_a_run_is_what_makes_the_model_again_and_nobody() -> None:
    assert take_run(RUN) == {
        "outcome": Outcome.PRESENT,
        "git_commit": "0a1b2c3",
        "data": ["customers:d41d8c"],
        "parameters": {"api_key": "hunter2", "depth": "7"},
    }


def test_a_secret_among_parameters_and_tags_is_marked_by_its_name() -> None:
    privacy = Privacy(b"k" * 32, PersonalData.HASH)
    told = document(version(run_id="r1", user_id="jo", tags={"password": "hunter2"}), runs={"r1": take_run(RUN)})

    facts = facts_of(Kind.MODEL, privacy.redact(told))

    assert str(facts["versions.3.origin.parameters.api_key"]).startswith(MARK)
    assert str(facts["versions.3.tags.password"]).startswith(MARK)
    assert "hunter2" not in str(facts)
    assert privacy.redact(told)["versions"][0]["user_id"] == privacy.person("jo")


def test_a_run_with_thousands_of_parameters_is_cut() -> None:
    params = [{"key": f"p{number}", "value": "1"} for number in range(1000)]

    assert len(take_run({"data": {"params": params}})["parameters"]) == MAX_VALUES


@given(json_values)
def test_no_answer_is_too_odd_for_a_run(value: object) -> None:
    assert take_run(value)["outcome"] in (Outcome.PRESENT, Outcome.UNREADABLE)
    assert take_run({"data": value, "inputs": {"dataset_inputs": value}})["outcome"]


@given(json_values)
def test_an_odd_document_is_refused_and_nothing_else(value: object) -> None:
    for told in (
        {"registered_model": value},
        document(value),
        document(version(tags=value)),
        document(champion=value),
    ):  # type: ignore[arg-type]
        with contextlib.suppress(BadInput):
            facts_of(Kind.MODEL, told)


def test_the_commit_that_a_version_itself_tells_stands_where_its_run_does_not() -> None:
    told = version(run_id="r1", tags={"mlflow.source.git.commit": "feed"})

    facts = facts_of(Kind.MODEL, document(told, runs={"r1": missing_run(Outcome.UNREADABLE)}))

    assert (facts["versions.3.origin.git_commit"], facts["versions.3.origin.outcome"]) == ("feed", "unreadable")


def test_an_alias_keeps_its_case() -> None:
    assert seen(version(), Champion="3").facts["aliases.Champion"] == "3"


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("aliases.champion", "MA102"),
        ("versions.3.path", "MA106"),
        ("versions.3.stage", "MA604"),
        ("versions.3.tags.owner", "MA501"),
        ("versions.3.origin.run", "MA509"),
        ("versions.3.origin.git_commit", "MA509"),
        ("versions.3.origin.data", "MA506"),
        ("versions.3.provisioning_state", "MA907"),
    ],
)
def test_each_fact_is_judged_by_the_rule_of_its_meaning(name: str, rule: str) -> None:
    assert rule_of(name) == rule


def test_versions_that_nothing_points_to_are_not_in_use() -> None:
    many = [version(str(number)) for number in range(1, 20)]
    staged = [version(str(number), current_stage="Production") for number in range(1, 20)]

    assert judge(None, seen(*many, champion="3"), {}, NOW) == ()
    assert [finding.rule for finding in judge(None, seen(*staged), {}, NOW)] == ["MA605"]


def test_a_failed_registration_is_found() -> None:
    (finding,) = judge(None, seen(version(status="FAILED_REGISTRATION")), {}, NOW)

    assert (finding.rule, finding.subject) == ("MA907", "versions.3.provisioning_state")


def test_what_serves_is_where_the_aliases_point() -> None:
    assert serving(seen(version(), champion="3", shadow="4").facts) == [
        "@champion: version 3",
        "@shadow: version 4",
    ]


def test_a_scan_shows_each_alias_and_that_it_can_move() -> None:
    (row,) = rows_of(seen(version(), version("4"), champion="3"), {}, NOW)

    assert (row.where, row.deployment, row.model, row.version) == ("prod/Churn", "@champion", "Churn", "3")
    assert row.changes == "yes: whoever moves the alias"


@pytest.mark.parametrize(
    ("model", "alias", "is_approved"),
    [
        ("models:/Churn/3", "champion", True),
        ("Churn:3", "", True),
        ("models:/Churn/4", "champion", False),
        ("models:/Churn/3", "Champion", False),
        ("models:/churn/3", "champion", False),
        ("models:/Other/3", "champion", False),
        ("models:/Churn@champion", "champion", False),
    ],
)
def test_the_gate_lets_an_alias_be_moved_to_the_approved_version_alone(
    model: str, alias: str, is_approved: bool
) -> None:
    approved = release(CHURN, facts={"aliases.champion": "3", "versions.3.path": "s3://models/3"})

    decision = decide(Candidate(CHURN, model, deployment=alias), approved, DEFAULT, NOW)

    assert decision.is_approved is is_approved
