"""What is taken of the job behind a model version, and what of it becomes a fact."""

import pytest
from hypothesis import given

from audit.judge.names import rule_of
from audit.model import Facts, Kind, Look, Outcome
from audit.privacy import Privacy
from audit.record.evidence import canonical
from audit.sight import jobs
from audit.sight.facts import facts_of, observe
from audit.targets import parse_target
from tests.fakes import FakeClock
from tests.house import WORKSPACE
from tests.strategies import json_values

MODEL = parse_target(f"{WORKSPACE}/models/churn")
VERSION = {
    "id": f"{WORKSPACE}/models/churn/versions/3",
    "name": "3",
    "properties": {"jobName": "train-7"},
    "systemData": {"createdAt": "2026-10-01T08:00:00Z"},
}
COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"


def job_document(**properties: object) -> dict:
    return {
        "id": f"{WORKSPACE}/jobs/train-7",
        "name": "train-7",
        "properties": {
            "jobType": "Command",
            "status": "Completed",
            "command": "python train.py --password hunter2hunter2",
            "codeId": f"{WORKSPACE}/codes/training/versions/9",
            "environmentId": f"{WORKSPACE}/environments/training/versions/4",
            "environmentVariables": {"API_KEY": "not-a-real-one"},
            "inputs": {
                "training": {"jobInputType": "uri_folder", "uri": f"{WORKSPACE}/data/customers/versions/7"},
                "holdout": {"jobInputType": "mltable", "uri": "azureml:customers:6"},
                "depth": {"jobInputType": "literal", "value": "6"},
            },
            "properties": {"azureml.git.commit": COMMIT, "mlflow.source.git.repoURL": "https://git.example/churn"},
            "tags": {"team": "growth"},
            **properties,
        },
    }


def facts_with(job: dict) -> Facts:
    """Return the facts below `versions.3.job.`, which the model has because of its job."""
    found = facts_of(Kind.MODEL, {"versions": [VERSION], "jobs": [{"version": "3", **jobs.take(job)}]})
    prefix = "versions.3.job."
    return {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}


def test_commit_data_code_environment_and_parameters_of_a_job_are_facts_of_the_version() -> None:
    assert facts_with(job_document()) == {
        "outcome": "present",
        "git_commit": COMMIT,
        "git_repository": "https://git.example/churn",
        "code": "training:9",
        "environment": "training:4",
        "data": "customers:6, customers:7",
        "parameters.depth": "6",
    }


def test_a_job_that_ended_badly_says_so_and_one_that_runs_or_is_done_does_not() -> None:
    ends = {status: facts_with(job_document(status=status)).get("status") for status in ("Failed", "Running")}

    assert ends == {"Failed": "failed", "Running": None}


def test_a_feature_retrieval_spec_among_the_inputs_is_a_fact_of_its_own() -> None:
    inputs = {"feature_retrieval_spec": {"jobInputType": "uri_folder", "uri": "azureml:churn-features:2"}}

    assert facts_with(job_document(inputs=inputs))["feature_retrieval_spec"] == "churn-features:2"


def test_a_step_of_a_pipeline_cannot_be_looked_at_and_says_so() -> None:
    assert facts_with({"name": "train-7", "properties": None}) == {"outcome": "unreadable"}


def test_secrets_of_a_job_are_never_kept() -> None:
    inputs = {
        "api_key": {"jobInputType": "literal", "value": "not-a-real-one"},
        "note": {"jobInputType": "literal", "value": "password=hunter2hunter2"},
    }
    properties = {"azureml.git.repository_uri": "https://jo:hunter2hunter2@git.example/churn"}
    taken = jobs.take(job_document(inputs=inputs, properties=properties))
    document = {"versions": [VERSION], "jobs": [{"version": "3", **taken}]}

    seen = observe(MODEL, Look(Outcome.PRESENT, Privacy(b"k" * 32).redact(document)), FakeClock().now())

    stored = canonical([dict(seen.facts), seen.document]).decode()
    assert seen.outcome is Outcome.PRESENT
    assert "not-a-real-one" not in stored
    assert "hunter2" not in stored
    assert str(seen.facts["versions.3.job.parameters.api_key"]).startswith("hidden:")


def test_a_job_with_very_many_parameters_gives_a_bounded_number_of_facts() -> None:
    inputs = {f"p{number}": {"value": str(number)} for number in range(100_000)}

    assert len(facts_with(job_document(inputs=inputs))) < 2 * jobs.MAX_VALUES


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a?b", "a b", "", "x" * 256, "a\n"])
def test_a_name_that_no_job_has_is_not_asked_for(name: str) -> None:
    assert not jobs.can_be_asked_for(name)


def test_the_jobs_of_the_newest_versions_come_first() -> None:
    versions = [
        VERSION | {"name": str(n), "systemData": {"createdAt": f"2026-10-{n:02}T08:00:00Z"}} for n in range(1, 5)
    ]

    named = jobs.named_by([*versions, "odd", {"properties": None}])

    assert [version for version, _ in named] == ["4", "3", "2", "1"]


def test_each_fact_of_a_job_is_judged_by_a_rule_of_reproducibility() -> None:
    rules = {name: rule_of(f"versions.3.job.{name}") for name in ("git_commit", "data", "parameters.depth")}

    assert rules == {"git_commit": "MA509", "data": "MA506", "parameters.depth": "MA509"}


@given(json_values)
def test_whatever_stands_in_a_job_can_be_taken_or_is_unreadable(value: object) -> None:
    document = {"versions": [VERSION], "jobs": [{"version": "3", **jobs.take({"properties": value})}]}

    assert observe(MODEL, Look(Outcome.PRESENT, document), FakeClock().now()).outcome in set(Outcome)
