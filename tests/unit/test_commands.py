import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.model import Facts, Finding, Release, Severity, Target
from audit.targets import find_target, parse_target
from audit.told.commands import commands_for, look
from tests.house import ACCOUNT, CHAT, CHURN, WORKSPACE, release
from tests.strategies import HOSTILE_TEXTS, any_text

MODEL = parse_target(f"{WORKSPACE}/models/churn")
IN_GROUP = "--resource-group rg-ml"
LIVE = {
    "content_filter": "strict",
    "model.format": "OpenAI",
    "model.name": "gpt-4o",
    "model.version": "2024-11-20",
    "provisioning_state": "succeeded",
    "sku.capacity": 50,
    "sku.name": "GlobalStandard",
    "spillover": "chat-2",
    "tags.owner": "growth",
    "upgrade_option": "OnceCurrentVersionExpired",
}


def finding(rule: str, subject: str = "", target: Target = CHAT, expected: str = "") -> Finding:
    return Finding(rule, target, subject, Severity.HIGH, expected, "")


def run(found: Finding, facts: Facts | None, live: Facts = LIVE) -> list[str]:
    approved = None if facts is None else release(found.target, facts=facts)
    return list(commands_for(found, approved, live))


def put_body(command: str) -> dict:
    words = shlex.split(command)
    body: dict = json.loads(words[words.index("--body") + 1])
    return body


@pytest.mark.parametrize(
    ("target", "command"),
    [
        (CHAT, f"az cognitiveservices account deployment show {IN_GROUP} --name aoai-prod --deployment-name chat"),
        (CHURN, f"az ml online-deployment list {IN_GROUP} --workspace-name mlw-prod --endpoint-name churn"),
        (MODEL, "az ml model list --resource-group rg-ml --workspace-name mlw-prod --name churn"),
        (parse_target(WORKSPACE), f"az resource show --ids {WORKSPACE.lower()}"),
    ],
)
def test_every_target_has_a_command_to_look(target: Target, command: str) -> None:
    assert look(target) == command


def test_the_first_command_looks() -> None:
    assert run(finding("MA101"), None) == [look(CHAT)]


def test_one_request_puts_back_what_was_approved_and_leaves_the_rest() -> None:
    _, command = run(finding("MA102"), {"model.version": "2024-08-06", "sku.capacity": "80"})

    assert shlex.split(command)[:6] == [
        *("az", "rest", "--method", "put", "--url"),
        f"{CHAT.id}?api-version=2025-09-01",
    ]
    assert put_body(command) == {
        "sku": {"name": "GlobalStandard", "capacity": 80},
        "tags": {"owner": "growth"},
        "properties": {
            "model": {"format": "OpenAI", "name": "gpt-4o", "version": "2024-08-06"},
            "versionUpgradeOption": "OnceCurrentVersionExpired",
            "raiPolicyName": "strict",
            "spilloverDeploymentName": "chat-2",
        },
    }


def test_a_deployment_that_is_gone_is_put_back_from_the_release_alone() -> None:
    _, command = run(finding("MA103"), LIVE, live={})

    assert put_body(command)["properties"]["model"]["version"] == "2024-11-20"


@pytest.mark.parametrize("missing", ["model.name", "model.version", "sku.name"])
def test_a_request_that_the_service_would_refuse_is_not_offered(missing: str) -> None:
    facts = {name: value for name, value in LIVE.items() if name != missing}

    assert run(finding("MA103"), facts, live={}) == [look(CHAT)]


def test_a_request_that_would_write_a_mark_over_a_secret_is_not_offered() -> None:
    assert run(finding("MA102"), {"model.version": "1"}, LIVE | {"tags.key": "hidden:0123456789abcdef"}) == [
        look(CHAT)
    ]


def test_a_version_that_is_not_pinned_is_pinned() -> None:
    _, command = run(finding("MA201", "upgrade_option", expected="NoAutoUpgrade"), {"model.version": "2024-11-20"})

    assert put_body(command)["properties"]["versionUpgradeOption"] == "NoAutoUpgrade"


def test_a_capacity_that_is_no_number_raises_nothing() -> None:
    assert run(finding("MA401", "sku.capacity"), {"sku.capacity": "many"})


@pytest.mark.parametrize("rule", ["MA104", "MA601", "MA801", "MA802", "MA901"])
def test_there_is_no_way_back_from_what_no_rollback_mends(rule: str) -> None:
    assert run(finding(rule), LIVE) == [look(CHAT)]


@pytest.mark.parametrize(
    ("name", "words"),
    [("traffic", ["--traffic", "blue=90 green=10"]), ("mirror_traffic", ["--mirror-traffic", "blue=90 green=10"])],
)
def test_traffic_is_set_back_by_one_command(name: str, words: list[str]) -> None:
    _, command = run(finding("MA301", name, CHURN), {f"{name}.blue": 90, f"{name}.green": "10"})

    assert command.startswith("az ml online-endpoint update --resource-group rg-ml --workspace-name mlw-prod")
    assert shlex.split(command)[-2:] == words


def test_mirrored_traffic_that_no_release_names_leaves_the_traffic_alone() -> None:
    assert run(finding("MA301", "mirror_traffic", CHURN), {"traffic.blue": 100}) == [look(CHURN)]


def test_a_deployment_that_nobody_approved_is_deleted() -> None:
    _, command = run(finding("MA303", "red", CHURN), {"traffic.blue": 100})

    assert command == (
        "az ml online-deployment delete --resource-group rg-ml --workspace-name mlw-prod "
        "--endpoint-name churn --name red"
    )


@pytest.mark.parametrize(
    ("more", "reference"),
    [({}, "azureml:churn:3"), ({"registry": "shared"}, "azureml://registries/shared/models/churn/versions/3")],
)
@pytest.mark.parametrize("rule", ["MA102", "MA105", "MA202"])
def test_another_model_is_replaced_by_the_approved_one(rule: str, more: dict, reference: str) -> None:
    model = {"name": "churn", "version": "3", **more}
    facts = {f"deployments.blue.model.{name}": value for name, value in model.items()}

    _, command = run(finding(rule, "deployments.blue.model.version", CHURN), facts)

    assert command.endswith(f"--endpoint-name churn --name blue --set model={reference}")


@pytest.mark.parametrize(
    ("rule", "subject"),
    [
        ("MA401", "deployments.blue.instance_count"),
        ("MA501", "deployments.blue.tags.model.name"),
        ("MA302", "blue"),
    ],
)
def test_the_model_is_left_alone_where_something_else_differs(rule: str, subject: str) -> None:
    facts = {"deployments.blue.model.name": "churn", "deployments.blue.model.version": "3"}

    assert run(finding(rule, subject, CHURN), facts) == [look(CHURN)]


def test_a_model_that_the_release_does_not_name_whole_is_not_put_back() -> None:
    facts = {"deployments.blue.model.name": "churn"}

    assert run(finding("MA105", "deployments.blue.model.name", CHURN), facts) == [look(CHURN)]


hostile = any_text | st.sampled_from(HOSTILE_TEXTS)


@given(hostile, hostile, hostile)
def test_no_name_from_outside_escapes_its_quotes(name: str, value: str, subject: str) -> None:
    for place in (f"{ACCOUNT}/deployments", f"{WORKSPACE}/onlineEndpoints"):
        target = find_target(f"{place}/{name}")
        if target is None:
            continue
        facts = {"model.name": value, "model.version": value, "sku.name": "S", "traffic.blue": value}
        for rule in ("MA102", "MA301", "MA303"):
            subject_ = "traffic" if rule == "MA301" else subject
            _, *back = run(finding(rule, subject_, target), facts, {})

            words = shlex.split(back[0]) if back else []
            assert len(words) in (0, 8, 11, 12)
            assert shlex.split(look(target))[-1] == target.name


def test_a_release_for_a_model_offers_only_a_look() -> None:
    found: Release = release(MODEL, facts={"versions.3.stage": "Production"})

    assert commands_for(finding("MA401", "versions.3.stage", MODEL), found, {}) == (look(MODEL),)
