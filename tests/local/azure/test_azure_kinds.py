"""Every kind of target: the fleet file's words for it, and what the live read sees of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.adapters.cloud import Cloud
from audit.adapters.live import AzureLive
from audit.adapters.pace import Pace
from audit.model import Facts, Kind, Outcome
from audit.sight.facts import facts_of, observe
from audit.targets import parse_target
from local.azure import ControlPlane, Fault, Fleet, FleetError, dump_fleet, load_fleet, read_fleet
from local.azure.estate import estate_of
from local.clock import Clock
from tests.local.azure.asking import ELSEWHERE, SHARED, TODAY, WHOLE
from tests.local.azure.test_azure_fleet import WORKSPACE as SMALL

pytestmark = pytest.mark.usefixtures("own_cloud")

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
EXAMPLES = SHARED / (
    "azure-rest-api-specs/specification/machinelearningservices/resource-manager/"
    "Microsoft.MachineLearningServices/stable/2024-04-01/examples"
)
GROUP = "/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/rg-one/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/mlw-one"
ACCOUNT = f"{GROUP}/Microsoft.CognitiveServices/accounts/aoai-one"
REGISTRY = f"{GROUP}/Microsoft.MachineLearningServices/registries/reg-shared".replace("rg-one", "rg-shared")


@pytest.fixture
def fleet() -> Fleet:
    return read_fleet(WHOLE, today=TODAY)


@pytest.fixture
def live(whole: ControlPlane) -> AzureLive:
    return live_of(whole)


@pytest.fixture
def own(fleet: Fleet, tmp_path: Path) -> Any:
    with ControlPlane(fleet, Clock(), lambda _: None, tmp_path) as running:
        yield running


def live_of(plane: ControlPlane) -> AzureLive:
    cloud = Cloud(plane.base_url, str(plane.ca_path))
    return AzureLive(plane.credential("auditor"), cloud, [plane.fleet().subscription], Pace(1000, 1000))


def facts(live: AzureLive, id_: str) -> Facts:
    target = parse_target(id_)
    seen = observe(target, live.look(target), NOW)
    assert seen.outcome is Outcome.PRESENT, seen.reason
    return seen.facts


def test_the_whole_fleet_survives_being_dumped_loaded_and_read_back(fleet: Fleet) -> None:
    assert load_fleet(dump_fleet(fleet), today=TODAY) == fleet
    assert estate_of(fleet).told() == fleet
    assert load_fleet(dump_fleet(estate_of(fleet).told()), today=TODAY + timedelta(days=3)) == fleet


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        ("{default: v2}", "batch_endpoints.n.default: expected a deployment of the endpoint (none yet); got 'v2'"),
        ("{deployments: {v1: {model: 'x:1'}}}", "batch_endpoints.n.deployments.v1.model: expected a model of the"),
    ],
)
def test_a_mistake_in_a_batch_endpoint_is_told(batch: str, told: str) -> None:
    with pytest.raises(FleetError) as raised:
        load_fleet(f"{SMALL}    batch_endpoints: {{n: {batch}}}\n", today=TODAY)

    assert told in str(raised.value)


@pytest.mark.stack
def test_every_parent_is_found_and_listed_whole(live: AzureLive) -> None:
    listings = {parent.rsplit("/", 1)[1]: live.list_targets(parent) for parent in live.parents()}

    assert {name: (each.listed, each.seen, each.unreadable) for name, each in listings.items()} == {
        "mlw-one": (9, 9, 0),
        "reg-shared": (1, 1, 0),
        "aoai-one": (5, 5, 0),
        "foundry-two": (1, 1, 0),
    }
    assert {target.kind for each in listings.values() for target in each.looks} == set(Kind) - {Kind.PARENT}


@pytest.mark.stack
def test_a_listed_target_has_the_facts_of_one_looked_at(live: AzureLive) -> None:
    for parent in live.parents():
        for target, look in live.list_targets(parent).looks.items():
            assert observe(target, look, NOW).facts == facts(live, target.id), target.id


@pytest.mark.stack
def test_a_batch_endpoint_shows_its_default_and_what_every_deployment_runs(live: AzureLive) -> None:
    seen = facts(live, f"{WORKSPACE}/batchEndpoints/nightly")

    assert seen["default_deployment"] == "v2"
    assert (seen["deployments.v2.model.name"], seen["deployments.v2.model.version"]) == ("churn", "2")
    assert (seen["deployments.v2.compute"], seen["deployments.v2.instance_count"]) == ("cpu-cluster", 4)


@pytest.mark.stack
def test_a_serverless_endpoint_without_a_version_follows_the_newest(live: AzureLive) -> None:
    llama, phi = (facts(live, f"{WORKSPACE}/serverlessEndpoints/{name}") for name in ("llama", "phi"))

    assert (llama["model.registry"], llama["model.label"]) == ("azureml-meta", "latest")
    assert (phi["model.version"], phi["content_safety"]) == ("7", "disabled")


@pytest.mark.stack
def test_a_deployment_of_a_registrys_model_names_the_version_that_the_registry_holds(live: AzureLive) -> None:
    deployed = facts(live, f"{WORKSPACE}/onlineEndpoints/churn")
    held = facts(live, f"{REGISTRY}/models/churn")

    parts = [deployed[f"deployments.green.model.{part}"] for part in ("registry", "name", "version")]
    assert parts == ["reg-shared", "churn", "7"]
    assert held["versions.7.origin.git_commit"] == "b92f7c8"


@pytest.mark.stack
def test_a_registry_is_read_at_its_own_endpoint(own: ControlPlane) -> None:
    live_of(own).list_targets(REGISTRY.lower())

    paths = [call.path for call in own.requests]
    assert paths[0] == "/registrymanagement/v1.0/registries/reg-shared/discovery"
    assert all(path.startswith("/mferp/managementfrontend/subscriptions/") for path in paths[1:])


@pytest.mark.stack
def test_a_version_shows_the_run_commit_and_data_behind_it(live: AzureLive) -> None:
    seen = facts(live, f"{WORKSPACE}/models/churn")

    assert {name: seen[f"versions.2.origin.{name}"] for name in ("run", "git_commit", "data")} == {
        "run": "churn_train_0142",
        "git_commit": "81b0d4e0c1",
        "data": "azureml:churn-events:31",
    }


@pytest.mark.stack
def test_a_change_inside_a_content_filter_is_a_change_of_the_deployment(own: ControlPlane) -> None:
    chat, policy = f"{ACCOUNT}/deployments/chat", own.document(f"{ACCOUNT}/raiPolicies/strict")
    assert policy is not None
    before = facts(live_of(own), chat)
    filters = [each | {"enabled": each["name"] != "hate"} for each in policy["properties"]["contentFilters"]]
    own.place(policy | {"properties": policy["properties"] | {"contentFilters": filters}})

    after = facts(live_of(own), chat)

    changed = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
    assert changed == {
        "content_filter.hate.prompt": ("block low", "off"),
        "content_filter.hate.completion": ("block low", "off"),
    }


@pytest.mark.stack
def test_what_holds_for_an_account_stands_beside_its_deployments(live: AzureLive) -> None:
    seen = facts(
        live,
        f"{GROUP}/Microsoft.CognitiveServices/accounts/foundry-two/deployments/mistral".replace(
            "rg-one", "rg-two"
        ),
    )

    assert {name: value for name, value in seen.items() if name.startswith("account.")} == {
        "account.location": "swedencentral",
        "account.local_auth_disabled": False,
        "account.public_network_access": "disabled",
    }


@pytest.mark.stack
def test_accounts_of_one_region_share_one_catalogue(own: ControlPlane) -> None:
    live = live_of(own)

    for _ in range(3):
        live.catalogue(ACCOUNT.lower(), timedelta(hours=1))

    assert sum(call.path.endswith("/locations/westeurope/models") for call in own.requests) == 1


@pytest.mark.stack
def test_one_target_that_fails_for_now_hides_none_of_the_others(own: ControlPlane) -> None:
    own.faults.add(Fault(path="*/onlineendpoints/edge/deployments", status=503))

    listing = live_of(own).list_targets(WORKSPACE.lower())

    unreadable = [target.name for target, look in listing.looks.items() if look.outcome is Outcome.UNREADABLE]
    assert (listing.itself.outcome, unreadable) == (Outcome.PRESENT, ["edge"])
    assert (listing.listed, listing.seen, listing.unreadable) == (9, 8, 1)


@pytest.mark.stack
def test_a_kind_that_a_region_does_not_know_is_skipped_and_said(own: ControlPlane) -> None:
    own.faults.add(Fault(path="*/serverlessendpoints", status=404))

    listing = live_of(own).list_targets(WORKSPACE.lower())

    assert listing.itself.outcome is Outcome.PRESENT
    assert list(listing.skipped) == ["every serverless-endpoint"]
    assert listing.seen == 7


@pytest.mark.skipif(not EXAMPLES.exists(), reason=ELSEWHERE)
@pytest.mark.parametrize(
    ("kind", "endpoint", "deployments"),
    [
        (Kind.BATCH_ENDPOINT, "Workspace/BatchEndpoint/get.json", "Workspace/BatchDeployment/list.json"),
        (Kind.ONLINE_ENDPOINT, "Workspace/OnlineEndpoint/get.json", ""),
        (Kind.SERVERLESS_ENDPOINT, "Workspace/ServerlessEndpoint/get.json", ""),
    ],
)
def test_the_official_examples_of_endpoints_are_read(kind: Kind, endpoint: str, deployments: str) -> None:
    below = _example(deployments)["value"] if deployments else []

    assert facts_of(kind, {"endpoint": _example(endpoint), "deployments": below})["auth_mode"]


@pytest.mark.skipif(not EXAMPLES.exists(), reason=ELSEWHERE)
@pytest.mark.parametrize("place", ["Registry", "Workspace"])
def test_the_official_examples_of_model_versions_are_read(place: str) -> None:
    versions = _example(f"{place}/ModelVersion/list.json")["value"]

    assert facts_of(Kind.MODEL, {"versions": versions})["versions.string.path"] == "string"


def _example(path: str) -> Any:
    return json.loads((EXAMPLES / path).read_text("utf-8"))["responses"]["200"]["body"]
