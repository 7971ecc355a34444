from datetime import timedelta

import pytest

from audit.approvals.gate import Candidate, Decision, decide
from audit.approvals.policy import DEFAULT, Policy
from audit.model import Approved, Release, Stage
from tests.house import APPROVED_AT, CHAT, CHURN, release

NOW = APPROVED_AT + timedelta(days=1)
FACTS = {
    "deployments.blue.model.name": "churn",
    "deployments.blue.model.version": "3",
    "deployments.green.model.name": "churn",
    "deployments.green.model.version": Approved(one_of=("4", "5")),
    "deployments.green.instance_count": Approved(at_most=4),
}


def ask(model: str, approved: Release | None = None, policy: Policy = DEFAULT, **changes: object) -> Decision:
    return decide(Candidate(CHURN, model, **changes), approved or release(CHURN, facts=FACTS), policy, NOW)  # type: ignore[arg-type]


def checks(decision: Decision) -> list[str]:
    return [reason.check for reason in decision.reasons]


@pytest.mark.parametrize("model", ["azureml:churn:3", "churn:4", "AZUREML:Churn:5", "models:/churn/3"])
def test_an_approved_model_passes(model: str) -> None:
    assert ask(model).is_approved


@pytest.mark.parametrize("model", ["azureml:churn:6", "other:3", "azureml://registries/x/models/churn/versions/3"])
def test_another_model_does_not_pass_and_hears_what_would(model: str) -> None:
    (reason,) = ask(model).reasons

    assert reason.check == "model"
    assert reason.expected == "churn:3 or churn:one of 4, 5"
    assert "new release of mlw-prod/churn" in reason.remedy


@pytest.mark.parametrize("model", ["azureml:churn@latest", "churn", "azureml:churn:latest", "", "\ud800"])
def test_a_model_that_is_not_pinned_does_not_pass(model: str) -> None:
    decision = ask(model)

    assert checks(decision) == ["pinned"]
    assert "churn:3" in decision.reasons[0].remedy


def test_a_deployment_admits_only_its_own_model() -> None:
    assert ask("churn:3", deployment="Blue").is_approved
    assert checks(ask("churn:3", deployment="green")) == ["model"]
    assert checks(ask("churn:3", deployment="purple")) == ["model"]


def test_where_nothing_is_approved_nothing_passes() -> None:
    decision = decide(Candidate(CHAT, "gpt-4o:2024-08-06"), None, DEFAULT, NOW)

    assert checks(decision) == ["release"]


def test_a_release_that_names_no_version_approves_none() -> None:
    assert checks(ask("churn:3", release(CHURN, facts={"deployments.blue.model.name": "churn"}))) == ["model"]


def test_what_has_expired_does_not_pass() -> None:
    assert checks(ask("churn:3", release(CHURN, facts=FACTS, expires_at=NOW))) == ["expiry"]


def test_the_stage_and_its_gates_are_asked() -> None:
    staged = release(CHURN, facts=FACTS, stage=Stage.STAGING)
    policy = Policy(gates_before_staging=("evaluation",))

    assert checks(ask("churn:3", staged)) == ["stage"]
    assert ask("churn:3", staged, stage=Stage.STAGING).is_approved
    assert checks(ask("churn:3", staged, policy, stage=Stage.STAGING)) == ["gate"]


def test_only_the_named_deployers_pass() -> None:
    mine = release(CHURN, facts=FACTS, deployers=("abc",))

    assert ask("churn:3", mine, deployer="ABC").is_approved
    assert checks(ask("churn:3", mine, deployer="x")) == ["deployer"]
    assert checks(ask("churn:3", policy=Policy(pipelines=("abc",)), deployer="x")) == ["deployer"]


def test_further_values_are_asked_where_the_release_names_them() -> None:
    assert ask("churn:5", facts={"deployments.green.instance_count": "4", "unnamed": "x"}).is_approved
    assert checks(ask("churn:5", facts={"deployments.green.instance_count": "5"})) == [
        "deployments.green.instance_count"
    ]
