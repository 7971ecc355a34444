"""Each kind of target against Microsoft's own example documents and against recorded answers of Azure."""

import json
from pathlib import Path
from typing import Any

import pytest

from audit.model import Facts, Kind
from audit.sight.catalogue import read_catalogue
from audit.sight.facts import facts_of
from audit.targets import find_parent

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "azure-rest-api-specs"
PROVIDERS = DATA / "specification"
ML_PROVIDER = PROVIDERS / "machinelearningservices/resource-manager/Microsoft.MachineLearningServices"
ML = ML_PROVIDER / "stable/2024-04-01/examples"
AI = PROVIDERS / "cognitiveservices/resource-manager/Microsoft.CognitiveServices"
PREVIEW, STABLE = AI / "preview/2024-06-01-preview/examples", AI / "stable/2023-05-01/examples"
REAL, TRANSCRIBED = DATA / "real-shapes", DATA / "transcribed"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"Microsoft's files are not at {DATA}")


def body(file: Path) -> Any:
    """Return the body of an example's good answer, or a recorded answer as it is."""
    said = json.loads(file.read_text("utf-8"))
    return said["responses"]["200"]["body"] if "responses" in said else said


def online(deployments: list[Any]) -> Facts:
    endpoint = body(ML / "Workspace/OnlineEndpoint/get.json")
    return facts_of(Kind.ONLINE_ENDPOINT, {"endpoint": endpoint, "deployments": deployments})


@pytest.mark.parametrize(
    ("example", "compute"), [("ManagedOnlineDeployment", "managed"), ("KubernetesOnlineDeployment", "kubernetes")]
)
def test_an_online_deployment_of_either_compute_is_read_with_its_settings(example: str, compute: str) -> None:
    found = online([body(ML / f"OnlineDeployment/{example}/get.json")])

    told = {name: found[f"deployments.string.{name}"] for name in ("compute_type", "scoring_script", "env.string")}
    assert told == {"compute_type": compute, "scoring_script": "string", "env.string": "string"}
    assert found["deployments.string.liveness.period"] == "PT5M"
    assert found["traffic.string"] == 1


def test_what_a_container_on_kubernetes_may_use_is_a_fact() -> None:
    found = online([body(ML / "OnlineDeployment/KubernetesOnlineDeployment/get.json")])

    names = {name.rpartition(".resources.")[2] for name in found if ".resources." in name}
    assert names == {f"{part}.{of}" for part in ("requests", "limits") for of in ("cpu", "gpu", "memory")}


def test_a_list_of_online_deployments_is_read() -> None:
    assert online(body(ML / "OnlineDeployment/list.json")["value"])["deployments.string.provisioning_state"]


def test_a_batch_endpoint_is_read_with_its_deployments() -> None:
    document = {
        "endpoint": body(ML / "Workspace/BatchEndpoint/get.json"),
        "deployments": [body(ML / "Workspace/BatchDeployment/get.json")],
    }

    found = facts_of(Kind.BATCH_ENDPOINT, document)

    assert (found["default_deployment"], found["deployments.string.output_action"]) == ("string", "summaryonly")


def test_a_serverless_endpoint_is_read() -> None:
    found = facts_of(Kind.SERVERLESS_ENDPOINT, {"endpoint": body(ML / "Workspace/ServerlessEndpoint/get.json")})

    assert (found["auth_mode"], found["content_safety"]) == ("key", "enabled")


@pytest.mark.parametrize("place", ["Workspace", "Registry"])
@pytest.mark.parametrize("example", ["get", "list"])
def test_a_model_version_of_a_workspace_or_a_registry_is_read(place: str, example: str) -> None:
    said = body(ML / f"{place}/ModelVersion/{example}.json")

    found = facts_of(Kind.MODEL, {"versions": said.get("value", [said])})

    assert any(name.endswith(".path") for name in found)


@pytest.mark.parametrize("folder", [PREVIEW, STABLE], ids=["preview", "stable"])
@pytest.mark.parametrize("example", ["GetDeployment", "ListDeployments"])
def test_an_openai_deployment_is_read_with_its_account(folder: Path, example: str) -> None:
    said = body(folder / f"{example}.json")
    account = body(folder / "GetAccount.json")

    for deployment in said.get("value", [said]):
        found = facts_of(Kind.OPENAI_DEPLOYMENT, {"deployment": deployment, "account": account})
        assert (found["model.name"], found["model.version"]) == ("ada", "1")
        assert found["upgrade_option"] == "OnceCurrentVersionExpired"  # the example does not name one
        assert found["account.location"] == "westus"


def test_what_is_inside_a_content_filter_is_read() -> None:
    document = {
        "deployment": body(PREVIEW / "GetDeployment.json"),
        "content_filter": body(PREVIEW / "GetRaiPolicy.json"),
    }

    found = facts_of(Kind.OPENAI_DEPLOYMENT, document)

    strength = {
        name: found[f"content_filter.{name}"] for name in ("hate.prompt", "selfharm.prompt", "jailbreak.prompt")
    }
    assert strength == {"hate.prompt": "off", "selfharm.prompt": "block high", "jailbreak.prompt": "block"}


@pytest.mark.parametrize(
    "file",
    [
        TRANSCRIBED / "ListDeployments-2025-09-01.json",
        REAL / "cognitiveservices-deployments-list-2025-06-01.json",
    ],
    ids=lambda file: file.stem,
)
def test_a_recorded_list_of_openai_deployments_is_read(file: Path) -> None:
    found = [facts_of(Kind.OPENAI_DEPLOYMENT, {"deployment": each}) for each in body(file)["value"]]

    assert all(each["model.version"] and each["sku.capacity"] == 1 for each in found)
    assert not any("throttling" in name.lower() or "etag" in name for each in found for name in each)


def test_a_recorded_model_version_shows_the_hash_of_its_upload() -> None:
    versions = body(REAL / "ml-modelversions-list-2022-05-01.json")["value"]

    path = str(facts_of(Kind.MODEL, {"versions": versions})["versions.4.path"])

    assert "/LocalUpload/d6682949913d69b83b1502194b114c21/" in path


def test_a_recorded_online_deployment_is_read() -> None:
    found = online([body(REAL / "ml-onlinedeployment-get-2022-02-01-preview.json")])

    assert (found["deployments.blue.model.name"], found["deployments.blue.model.version"]) == ("test-model", "4")


@pytest.mark.parametrize(
    "file",
    [
        ML / "Workspace/listBySubscription.json",
        PREVIEW / "ListAccountsBySubscription.json",
        REAL / "cognitiveservices-accounts-list-2025-06-01.json",
        REAL / "machinelearning-workspaces-list-2023-04-01.json",
    ],
    ids=lambda file: file.stem,
)
def test_every_workspace_and_account_of_a_list_is_a_parent(file: Path) -> None:
    listed = [each["id"] for each in body(file)["value"]]

    assert [find_parent(id_) for id_ in listed] == [id_.lower() for id_ in listed]


def test_the_catalogue_of_an_account_tells_what_replaces_a_model() -> None:
    rows = body(TRANSCRIBED / "ListAccountModels-2026-07-15-preview.json")["value"]
    catalogue = read_catalogue([{"model": row} for row in rows])

    assert all(each.lifecycle for each in catalogue.values())
    assert any(each.replacement for each in catalogue.values())
