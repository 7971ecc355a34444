"""The commands of rules that set one thing back, or show who did it."""

import shlex

import pytest

from audit.model import Facts, Finding, Severity, Target
from audit.targets import parse_target
from audit.told.commands import commands_for, look
from tests.house import CHAT, CHURN, WORKSPACE, release

JOBS = parse_target(f"{WORKSPACE}/batchEndpoints/nightly")
MODEL = parse_target(f"{WORKSPACE}/models/churn")


def back(rule: str, target: Target, subject: str, facts: Facts, live: Facts | None = None) -> list[str]:
    """Return the last words of each command after the look."""
    found = Finding(rule, target, subject, Severity.HIGH, "", "")
    first, *others = commands_for(found, release(target, facts=facts), live or {})

    assert first == look(target)
    return [shlex.split(each)[-1] for each in others]


@pytest.mark.parametrize(
    ("rule", "target", "name", "value", "setting"),
    [
        ("MA405", CHURN, "deployments.blue.instance_count", 2, "instance_count=2"),
        ("MA407", CHURN, "deployments.blue.environment", "env:12", "environment=azureml:env:12"),
        (
            "MA407",
            CHURN,
            "deployments.blue.environment",
            "shared/env:12",
            "environment=azureml://registries/shared/environments/env/versions/12",
        ),
        ("MA413", CHURN, "public_network_access", "disabled", "public_network_access=disabled"),
        ("MA308", JOBS, "default_deployment", "nightly-3", "defaults.deployment_name=nightly-3"),
        ("MA423", JOBS, "deployments.nightly-3.compute", "cpu", "compute=cpu"),
        ("MA501", CHURN, "tags.owner", "growth", "tags.owner=growth"),
        ("MA501", MODEL, "versions.3.tags.owner", "growth", "tags.owner=growth"),
        ("MA604", MODEL, "versions.3.stage", "Production", "stage=Production"),
        ("MA415", CHAT, "account.local_auth_disabled", True, "properties.disableLocalAuth=True"),
    ],
)
def test_one_setting_is_set_back_alone(rule: str, target: Target, name: str, value: object, setting: str) -> None:
    assert back(rule, target, name, {name: value}) == [setting]


@pytest.mark.parametrize("value", ["hidden:0123456789abcdef", ""])
def test_a_mark_of_a_secret_is_never_written_back(value: str) -> None:
    assert back("MA501", CHURN, "tags.key", {"tags.key": value}) == []


def test_a_mirror_that_nobody_approved_is_switched_off() -> None:
    facts, live = {"traffic.blue": 100}, {"mirror_traffic.green": 10}

    assert back("MA306", CHURN, "mirror_traffic", facts, live) == ["green=0"]


def test_a_version_that_was_archived_is_restored() -> None:
    assert back("MA602", MODEL, "versions.3.archived", {"versions.3.archived": False}) == ["3"]


def test_a_batch_deployment_is_deleted_as_one() -> None:
    found = Finding("MA303", JOBS, "red", Severity.HIGH, "", "")

    assert commands_for(found, release(JOBS), {})[1].startswith("az ml batch-deployment delete")


@pytest.mark.parametrize("rule", ["MA203", "MA701", "MA702", "MA703"])
def test_who_did_it_stands_in_the_activity_log(rule: str) -> None:
    found = Finding(rule, CHURN, "change", Severity.HIGH, "", "")

    assert f"activity-log list --resource-id {CHURN.id}" in commands_for(found, None, {})[1]


def test_the_log_of_a_failed_deployment_is_shown() -> None:
    found = Finding("MA907", CHURN, "deployments.blue.provisioning_state", Severity.HIGH, "", "")

    assert commands_for(found, None, {})[1].endswith("--endpoint-name churn --name blue")


@pytest.mark.parametrize("rule", ["MA104", "MA107", "MA109", "MA601", "MA605", "MA801", "MA805", "MA902", "MA903"])
def test_what_no_write_mends_offers_only_a_look(rule: str) -> None:
    facts = {"model.name": "gpt-4o", "model.version": "2024-08-06", "sku.name": "Standard"}

    assert back(rule, CHAT, "target", facts, facts) == []
