import contextlib
import json
from copy import deepcopy

import pytest
from hypothesis import given, settings

from audit.errors import BadInput
from audit.model import Kind, Look, Outcome
from audit.sight.facts import facts_of, observe
from audit.targets import parse_target
from tests.house import APPROVED_AT, CHAT, CHURN, WORKSPACE, chat_document, churn_document
from tests.strategies import json_values

MODEL = parse_target(f"{WORKSPACE}/models/churn")
REAL_KINDS = [Kind.OPENAI_DEPLOYMENT, Kind.ONLINE_ENDPOINT, Kind.MODEL]
DOCUMENTS = {Kind.OPENAI_DEPLOYMENT: chat_document(), Kind.ONLINE_ENDPOINT: churn_document()}


def model_document(**properties: object) -> dict:
    version = {
        "name": "3",
        "properties": {
            "modelUri": "azureml://subscriptions/s/resourceGroups/r/workspaces/w/datastores/d/paths/LocalUpload/0a/m",
            "modelType": "mlflow_model",
            "isArchived": False,
            "isAnonymous": False,
            "tags": {"area": "churn"},
            "properties": {"git_commit": "0a1b2c"},
            **properties,
        },
        "systemData": {"lastModifiedAt": "2026-11-02T08:00:00.0000000Z"},
    }
    return {"versions": [version]}


def openai_facts(**properties: object) -> dict:
    return dict(facts_of(Kind.OPENAI_DEPLOYMENT, chat_document(**properties)))


def deployment_facts(**properties: object) -> dict:
    document = churn_document()
    document["deployments"][0]["properties"] |= properties
    return dict(facts_of(Kind.ONLINE_ENDPOINT, document))


def test_an_openai_deployment_gives_its_model_size_and_options() -> None:
    facts = openai_facts(raiPolicyName="Microsoft.DefaultV2")

    assert facts == {
        "content_filter": "Microsoft.DefaultV2",
        "model.format": "OpenAI",
        "model.name": "gpt-4o",
        "model.version": "2024-08-06",
        "provisioning_state": "succeeded",
        "sku.capacity": 50,
        "sku.name": "GlobalStandard",
        "upgrade_option": "NoAutoUpgrade",
    }


def test_an_absent_upgrade_option_is_the_services_default() -> None:
    assert openai_facts(versionUpgradeOption=None)["upgrade_option"] == "OnceCurrentVersionExpired"


def test_what_the_service_adds_for_its_own_use_is_no_fact() -> None:
    noise = {
        "capabilities": {"_H_azureml-throttling-key": "oai-03729a77593c4c649fbe72a5cee7fdf8"},
        "rateLimits": [{"key": "token", "renewalPeriod": 60, "count": 1000}],
        "currentCapacity": 50,
        "dynamicThrottlingEnabled": False,
    }

    assert openai_facts(**noise) == openai_facts()


def test_a_version_that_is_a_number_reads_like_one_that_is_a_text() -> None:
    document = chat_document()
    document["deployment"]["properties"]["model"]["version"] = 613

    assert facts_of(Kind.OPENAI_DEPLOYMENT, document)["model.version"] == "613"


def test_a_version_that_the_service_leaves_open_is_no_fact() -> None:
    document = chat_document()
    document["deployment"]["properties"]["model"]["version"] = None

    assert "model.version" not in facts_of(Kind.OPENAI_DEPLOYMENT, document)


def test_an_endpoint_gives_its_settings_its_traffic_and_its_deployments() -> None:
    facts = facts_of(Kind.ONLINE_ENDPOINT, churn_document())

    assert facts == {
        "auth_mode": "key",
        "deployments.blue.compute_type": "managed",
        "deployments.blue.instance_count": 2,
        "deployments.blue.instance_type": "Standard_DS3_v2",
        "deployments.blue.model.name": "churn",
        "deployments.blue.model.version": "3",
        "traffic.blue": 100,
    }


def test_a_deployment_without_traffic_is_the_same_whether_zero_is_said_or_not() -> None:
    said = facts_of(Kind.ONLINE_ENDPOINT, churn_document({"blue": 100, "green": 0}))

    assert said == facts_of(Kind.ONLINE_ENDPOINT, churn_document({"blue": 100}))


def test_the_new_operation_uri_of_every_write_is_no_fact() -> None:
    noise = {"properties": {"AzureAsyncOperationUri": "https://management.azure.com/subscriptions/s/od:1"}}

    assert deployment_facts(**noise) == deployment_facts()


def test_the_case_of_the_services_words_does_not_matter() -> None:
    assert deployment_facts(endpointComputeType="MANAGED") == deployment_facts(endpointComputeType="managed")


def test_a_label_is_a_fact_of_its_own() -> None:
    facts = deployment_facts(model="azureml:churn@latest")

    assert facts["deployments.blue.model.label"] == "latest"
    assert "deployments.blue.model.version" not in facts


def test_environment_code_scale_and_tags_of_a_deployment_are_facts() -> None:
    document = churn_document()
    document["deployments"][0]["tags"] = {"team": "growth"}
    document["deployments"][0]["properties"] |= {
        "environmentId": f"{WORKSPACE}/environments/churn-env/versions/12",
        "codeConfiguration": {"codeId": f"{WORKSPACE}/codes/c0de/versions/1", "scoringScript": "score.py"},
        "scaleSettings": {"scaleType": "TargetUtilization", "maxInstances": 4},
        "environmentVariables": {"LOG_LEVEL": "hidden:0a"},
        "dataCollector": {"collections": {"model_inputs": {"dataCollectionMode": "Enabled"}}},
    }

    facts = facts_of(Kind.ONLINE_ENDPOINT, document)

    prefix = "deployments.blue."
    assert {name.removeprefix(prefix): value for name, value in facts.items() if name.startswith(prefix)} == {
        "code": "c0de:1",
        "compute_type": "managed",
        "data_collection.model_inputs": "enabled",
        "env.LOG_LEVEL": "hidden:0a",
        "environment": "churn-env:12",
        "instance_count": 2,
        "instance_type": "Standard_DS3_v2",
        "model.name": "churn",
        "model.version": "3",
        "scale.maxInstances": 4,
        "scale.scaleType": "TargetUtilization",
        "scoring_script": "score.py",
        "tags.team": "growth",
    }


def test_every_version_of_a_model_gives_facts() -> None:
    facts = facts_of(Kind.MODEL, model_document(stage="Production"))

    assert facts["versions.3.stage"] == "Production"
    assert facts["versions.3.archived"] is False
    assert facts["versions.3.properties.git_commit"] == "0a1b2c"
    assert facts["versions.3.tags.area"] == "churn"


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_order_of_a_document_does_not_matter(kind: Kind) -> None:
    backwards = json.loads(json.dumps(DOCUMENTS[kind]), object_pairs_hook=lambda pairs: dict(reversed(pairs)))

    assert list(facts_of(kind, backwards).items()) == list(facts_of(kind, DOCUMENTS[kind]).items())


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (Kind.OPENAI_DEPLOYMENT, {}),
        (Kind.OPENAI_DEPLOYMENT, {"deployment": {"properties": None}}),
        (Kind.OPENAI_DEPLOYMENT, {"deployment": {"properties": {"model": "gpt-4o"}}}),
        (Kind.ONLINE_ENDPOINT, {"endpoint": {"properties": {"traffic": {"blue": "most"}}}, "deployments": []}),
        (Kind.ONLINE_ENDPOINT, {"endpoint": {"properties": {"traffic": {"blue": 1e400}}}, "deployments": []}),
        (Kind.ONLINE_ENDPOINT, {"endpoint": {"properties": {}}, "deployments": [{"name": "blue"}]}),
        (Kind.MODEL, {"versions": [{"name": "3", "properties": []}]}),
    ],
)
def test_a_document_of_another_shape_is_bad_input(kind: Kind, document: dict) -> None:
    with pytest.raises(BadInput, match="document that its service describes"):
        facts_of(kind, document)


@pytest.mark.parametrize("kind", REAL_KINDS)
@given(document=json_values)
def test_no_document_raises_anything_but_bad_input(kind: Kind, document: object) -> None:
    for wrapped in (document, {"deployment": document, "endpoint": document, "deployments": document}):
        with contextlib.suppress(BadInput):
            assert facts_of(kind, wrapped) is not None  # type: ignore[arg-type]


def paths(value: object, path: tuple = ()) -> list[tuple]:
    """Return the path of every value inside a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, inner in items for each in paths(inner, (*path, key)))]


def with_value(document: dict, path: tuple, value: object) -> dict:
    changed = deepcopy(document)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


@settings(max_examples=30)
@given(json_values)
def test_an_odd_value_anywhere_makes_a_target_unreadable_at_worst(value: object) -> None:
    for target, document in ((CHAT, chat_document()), (CHURN, churn_document()), (MODEL, model_document())):
        for path in paths(document)[1:]:
            seen = observe(target, Look(Outcome.PRESENT, with_value(document, path, value)), APPROVED_AT)

            assert seen.outcome in (Outcome.PRESENT, Outcome.UNREADABLE)


def test_a_document_nobody_understands_makes_the_target_unreadable_and_says_why() -> None:
    seen = observe(CHAT, Look(Outcome.PRESENT, {"deployment": {}}), APPROVED_AT)

    assert (seen.outcome, seen.facts) == (Outcome.UNREADABLE, {})
    assert "KeyError: 'properties'" in seen.reason


def test_the_reason_of_an_unreadable_look_stays_short() -> None:
    seen = observe(CHAT, Look(Outcome.UNREADABLE, reason="x" * 100_000), APPROVED_AT)

    assert len(seen.reason) <= 500


def test_an_absent_target_has_no_facts() -> None:
    seen = observe(CHAT, Look(Outcome.ABSENT), APPROVED_AT)

    assert (seen.outcome, seen.facts) == (Outcome.ABSENT, {})


def test_the_latest_write_to_any_part_counts() -> None:
    document = churn_document()
    document["endpoint"]["systemData"] = {"lastModifiedAt": "2026-11-01T00:00:00Z"}
    document["deployments"][0]["systemData"] = {"lastModifiedAt": "2026-11-02T00:00:00Z"}

    seen = observe(CHURN, Look(Outcome.PRESENT, document), APPROVED_AT)

    assert seen.modified_at == "2026-11-02T00:00:00Z"
