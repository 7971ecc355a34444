"""The real azure-ai-ml against the stand-in: everything it reads and writes that the product looks at."""

from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from local.azure import ControlPlane, Fault
from local.azure.events import Event
from tests.local.azure.asking import WORKSPACE

pytestmark = [
    pytest.mark.stack,
    pytest.mark.usefixtures("own_cloud"),
    # azure-ai-ml's schemas are warned about by its own dependency; nothing of ours is meant.
    pytest.mark.filterwarnings("ignore::marshmallow.warnings.RemovedInMarshmallow4Warning"),
    pytest.mark.filterwarnings("ignore::marshmallow.warnings.ChangedInMarshmallow4Warning"),
]

UPLOADED = "azureml://datastores/workspaceblobstore/paths/LocalUpload/0a1b2c/churn"


@pytest.fixture
def client(plane: ControlPlane) -> Any:
    return plane.ml_client("release-pipeline", "mlw-prod")


def test_models_and_versions_are_listed_as_the_views_say(client: Any) -> None:
    from azure.ai.ml.constants import ListViewType

    assert [each.name for each in client.models.list()] == ["churn", "fraud"]
    assert [each.version for each in client.models.list(name="churn")] == ["2", "3"]
    every = client.models.list(name="churn", list_view_type=ListViewType.ALL)
    assert [(each.version, each.stage) for each in every] == [
        ("1", "Archived"),
        ("2", "Production"),
        ("3", "Production"),
    ]


def test_a_version_is_read_with_tags_properties_and_author(client: Any) -> None:
    version = client.models.get("churn", "3")

    assert version.tags == {"git_commit": "c7e59f2", "owner": "ml-platform"}
    assert version.properties["auc"] == "0.874"
    assert version.creation_context.created_by == "44444444-4444-4444-8444-444444444444"


def test_the_label_latest_is_the_newest_version(client: Any) -> None:
    assert client.models.get("churn", label="latest").version == "3"


def test_a_model_that_is_not_there_is_not_found(client: Any) -> None:
    with pytest.raises(ResourceNotFoundError):
        client.models.get("none", "1")


def test_endpoints_and_deployments_are_read(client: Any) -> None:
    endpoints = {each.name: each for each in client.online_endpoints.list()}
    deployments = {each.name: each for each in client.online_deployments.list("fraud")}

    assert endpoints["fraud"].traffic == {"blue": 90, "green": 10}
    assert endpoints["fraud"].auth_mode == "aad_token"
    assert deployments["green"].model == f"{WORKSPACE}/models/fraud/versions/12"
    assert (deployments["blue"].instance_count, deployments["blue"].instance_type) == (4, "Standard_F4s_v2")


def test_lists_are_read_over_pages_of_two(plane: ControlPlane, client: Any) -> None:
    plane.page_size = 2
    from azure.ai.ml.constants import ListViewType

    assert len(list(client.models.list(list_view_type=ListViewType.ALL))) == 3
    assert [call.status for call in plane.requests] == [200, 200]
    assert "$skipToken" in plane.requests[-1].query


def test_workspaces_are_listed_and_read(client: Any) -> None:
    assert [each.name for each in client.workspaces.list()] == ["mlw-prod"]
    assert client.workspaces.get("mlw-prod").location == "westeurope"


def test_traffic_is_moved_and_announced(client: Any, events: list[Event]) -> None:
    endpoint = client.online_endpoints.get("fraud")
    endpoint.traffic = {"blue": 0, "green": 100}

    moved = client.online_endpoints.begin_create_or_update(endpoint).result()

    assert moved.traffic == {"green": 100}
    assert [each["subject"] for each in events] == [f"{WORKSPACE}/onlineEndpoints/fraud"]
    assert events[0]["data"]["httpRequest"]["method"] == "PUT"


def test_traffic_that_does_not_add_up_is_refused(client: Any, events: list[Event]) -> None:
    endpoint = client.online_endpoints.get("fraud")
    endpoint.traffic = {"blue": 50, "green": 40}

    with pytest.raises(HttpResponseError, match="add up to 0 or 100"):
        client.online_endpoints.begin_create_or_update(endpoint).result()

    assert events[0]["eventType"] == "Microsoft.Resources.ResourceWriteFailure"


def test_a_deployment_is_moved_to_another_version(client: Any, events: list[Event]) -> None:
    deployment = client.online_deployments.get("blue", "fraud")
    deployment.model = "azureml:fraud:12"

    changed = client.online_deployments.begin_create_or_update(deployment).result()

    assert changed.model == f"{WORKSPACE}/models/fraud/versions/12"
    assert changed.provisioning_state == "Succeeded"
    assert events[0]["data"]["operationName"].endswith("/onlineEndpoints/deployments/write")


def test_a_deployment_and_its_endpoint_come_and_go(client: Any, events: list[Event]) -> None:
    from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint

    endpoint = ManagedOnlineEndpoint(name="offers", auth_mode="key", tags={"team": "crm"})
    client.online_endpoints.begin_create_or_update(endpoint).result()
    deployment = ManagedOnlineDeployment(
        name="blue",
        endpoint_name="offers",
        model="azureml:churn:3",
        environment="azureml:inference:7",
        instance_type="Standard_DS3_v2",
        instance_count=2,
    )
    created = client.online_deployments.begin_create_or_update(deployment).result()
    client.online_deployments.begin_delete("blue", "offers").result()
    client.online_endpoints.begin_delete("offers").result()

    assert (created.name, created.instance_count) == ("blue", 2)
    assert [each["data"]["operationName"].rsplit("/", 2)[-2:] for each in events] == [
        ["onlineEndpoints", "write"],
        ["deployments", "write"],
        ["deployments", "delete"],
        ["onlineEndpoints", "delete"],
    ]
    with pytest.raises(ResourceNotFoundError):
        client.online_endpoints.get("offers")


def test_a_deployment_of_a_model_that_is_not_there_fails_while_it_runs(client: Any) -> None:
    deployment = client.online_deployments.get("blue", "fraud")
    deployment.model = "azureml:fraud:99"

    with pytest.raises(HttpResponseError, match="Could not find asset"):
        client.online_deployments.begin_create_or_update(deployment).result()

    assert client.online_deployments.get("blue", "fraud").provisioning_state == "Failed"


def test_a_deployment_below_no_endpoint_is_not_found(client: Any) -> None:
    with pytest.raises(ResourceNotFoundError):
        client.online_deployments.begin_delete("blue", "none").result()


def test_a_version_is_archived_and_restored_with_its_stage_kept(client: Any, plane: ControlPlane) -> None:
    id_ = f"{WORKSPACE}/models/churn/versions/2"

    client.models.archive("churn", "2")
    archived = plane.document(id_)
    client.models.restore("churn", "2")
    restored = plane.document(id_)

    assert archived is not None
    assert restored is not None
    assert archived["properties"]["isArchived"]
    assert not restored["properties"]["isArchived"]
    assert restored["properties"]["stage"] == "Production"


def test_a_version_is_registered_from_a_path_already_uploaded(client: Any, events: list[Event]) -> None:
    from azure.ai.ml.entities import Model

    model = Model(name="churn", path=UPLOADED, type="custom_model", tags={"git_commit": "abc"})

    registered = client.models.create_or_update(model)

    assert registered.version == "4"
    assert [each["eventType"].rsplit(".", 1)[-1] for each in events] == ["ResourceWriteSuccess", "ModelRegistered"]


def test_the_files_of_a_version_cannot_be_exchanged(client: Any) -> None:
    from azure.ai.ml.entities import Model

    with pytest.raises(HttpResponseError, match="Asset paths cannot be updated"):
        client.models.create_or_update(Model(name="churn", version="3", path=UPLOADED, type="custom_model"))


def test_being_throttled_is_waited_out(plane: ControlPlane, client: Any) -> None:
    plane.faults.add(Fault(path="*/models", status=429, retry_after=1, first=1))

    assert [each.name for each in client.models.list()] == ["churn", "fraud"]
    first, second = plane.requests
    assert (first.status, second.status) == (429, 200)
    assert (second.at - first.at).total_seconds() >= 1


def test_a_token_that_is_refused_raises_an_authentication_error(plane: ControlPlane, client: Any) -> None:
    plane.faults.add(Fault(status=401))

    with pytest.raises(ClientAuthenticationError):
        list(client.models.list())
