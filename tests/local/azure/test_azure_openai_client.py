"""The real azure-mgmt-cognitiveservices against the stand-in."""

from collections.abc import Iterator

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.cognitiveservices.models import (
    Deployment,
    DeploymentModel,
    DeploymentProperties,
    PatchResourceTagsAndSku,
    Sku,
)

from local.azure import ControlPlane, dump_fleet, load_fleet
from local.azure.events import Event

pytestmark = pytest.mark.stack

GROUP, ACCOUNT = "rg-ml-prod", "aoai-prod"


@pytest.fixture
def client(plane: ControlPlane) -> Iterator[CognitiveServicesManagementClient]:
    with plane.openai_client("jo") as opened:
        yield opened


def test_accounts_are_listed_by_subscription_and_by_group(client: CognitiveServicesManagementClient) -> None:
    assert [each.name for each in client.accounts.list()] == ["aoai-prod", "aoai-support"]
    assert [each.name for each in client.accounts.list_by_resource_group(GROUP)] == ["aoai-prod"]
    assert client.accounts.get("rg-support-prod", "aoai-support").kind == "AIServices"


def test_a_deployment_is_read_with_everything_that_is_approved(client: CognitiveServicesManagementClient) -> None:
    chat = client.deployments.get(GROUP, ACCOUNT, "chat")

    model = chat.properties.model
    assert (model.format, model.name, model.version) == ("OpenAI", "gpt-4o", "2024-11-20")
    assert (chat.sku.name, chat.sku.capacity) == ("GlobalStandard", 50)
    assert chat.properties.version_upgrade_option == "NoAutoUpgrade"
    assert chat.properties.rai_policy_name == "contoso-strict"
    assert chat.system_data.created_by_type == "Application"


def test_an_absent_upgrade_option_stays_absent(client: CognitiveServicesManagementClient) -> None:
    assert client.deployments.get(GROUP, ACCOUNT, "embeddings").properties.version_upgrade_option is None


def test_deployments_are_listed_over_pages_of_two(
    plane: ControlPlane, client: CognitiveServicesManagementClient
) -> None:
    plane.page_size = 2

    assert [each.name for each in client.deployments.list(GROUP, ACCOUNT)] == ["chat", "embeddings", "summaries"]
    assert len(plane.requests) == 2


def test_the_catalogue_tells_dates_skus_and_replacement(client: CognitiveServicesManagementClient) -> None:
    rows = [each for each in client.models.list("westeurope") if each.kind == "OpenAI"]

    row = next(each.model for each in rows if each.model.version == "2024-11-20")
    assert row.lifecycle_status == "GenerallyAvailable"
    assert row.is_default_version
    assert row.deprecation.inference == row.skus[0].deprecation_date.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert row.replacement_config.target_model_name == "gpt-5.1"
    assert len(list(client.accounts.list_models(GROUP, ACCOUNT))) == len(rows)


def test_content_filters_are_read(client: CognitiveServicesManagementClient) -> None:
    strict = client.rai_policies.get(GROUP, ACCOUNT, "contoso-strict")

    hate = [each for each in strict.properties.content_filters if each.name == "hate"]
    assert strict.properties.type == "UserManaged"
    assert {each.severity_threshold for each in hate} == {"Low"}


def test_a_deployment_is_created_changed_and_deleted(
    client: CognitiveServicesManagementClient, events: list[Event]
) -> None:
    wanted = Deployment(
        sku=Sku(name="GlobalStandard", capacity=10),
        properties=DeploymentProperties(
            model=DeploymentModel(format="OpenAI", name="gpt-5.1", version="2025-11-13"),
            version_upgrade_option="NoAutoUpgrade",
        ),
    )

    created = client.deployments.begin_create_or_update(GROUP, ACCOUNT, "agents", wanted).result()
    grown = PatchResourceTagsAndSku(sku=Sku(name="GlobalStandard", capacity=20), tags={"owner": "crm"})
    changed = client.deployments.begin_update(GROUP, ACCOUNT, "agents", grown).result()
    client.deployments.begin_delete(GROUP, ACCOUNT, "agents").result()

    assert created.properties.provisioning_state == "Succeeded"
    assert created.properties.rai_policy_name == "Microsoft.DefaultV2"
    assert created.system_data.created_by == "jo.bloggs@contoso.example"
    assert (changed.sku.capacity, changed.properties.current_capacity, changed.tags) == (20, 20, {"owner": "crm"})
    assert changed.etag != created.etag
    assert [each["eventType"].rsplit(".", 1)[-1] for each in events] == [
        "ResourceWriteSuccess",
        "ResourceWriteSuccess",
        "ResourceDeleteSuccess",
    ]
    with pytest.raises(ResourceNotFoundError):
        client.deployments.get(GROUP, ACCOUNT, "agents")


def test_a_changed_version_keeps_when_it_was_created_and_tells_who_changed_it(
    client: CognitiveServicesManagementClient,
) -> None:
    chat = client.deployments.get(GROUP, ACCOUNT, "chat")
    created_at = chat.system_data.created_at
    chat.properties.model.version = "2024-08-06"

    changed = client.deployments.begin_create_or_update(GROUP, ACCOUNT, "chat", chat).result()

    assert changed.properties.model.version == "2024-08-06"
    assert changed.system_data.created_at == created_at
    assert changed.system_data.last_modified_by == "jo.bloggs@contoso.example"
    assert changed.system_data.last_modified_at > created_at


def test_a_deployment_below_no_account_is_not_found(client: CognitiveServicesManagementClient) -> None:
    with pytest.raises(ResourceNotFoundError):
        client.deployments.begin_delete(GROUP, "none", "chat")


def test_a_reader_is_refused_by_the_real_client(plane: ControlPlane) -> None:
    with (
        plane.openai_client("model-audit") as reader,
        pytest.raises(HttpResponseError, match="AuthorizationFailed"),
    ):
        reader.deployments.begin_delete(GROUP, ACCOUNT, "chat")


def test_what_was_written_is_told_back_as_a_fleet(
    plane: ControlPlane, client: CognitiveServicesManagementClient
) -> None:
    grown = PatchResourceTagsAndSku(sku=Sku(name="GlobalStandard", capacity=70))
    client.deployments.begin_update(GROUP, ACCOUNT, "chat", grown).result()

    told = plane.fleet()

    chat = told.openai_accounts[ACCOUNT].deployments["chat"]
    assert (chat.capacity, chat.more) == (70, {})
    assert chat.modified is not None
    assert chat.modified.by == "jo"
    assert load_fleet(dump_fleet(told), today=told.since.at.date()) == told
