"""The terse entries of a fleet made into ARM documents."""

from collections.abc import Iterator
from typing import Any, Protocol

from local.azure import account_documents as ai
from local.azure import hosted_documents as hosted
from local.azure import job_documents as jobs
from local.azure import workspace_documents as ml
from local.azure.documents import Authors, Document, earlier, overlay
from local.azure.fleet import (
    Account,
    BatchDeployment,
    BatchEndpoint,
    ContentFilter,
    Fleet,
    Job,
    Model,
    ModelVersion,
    OnlineDeployment,
    OnlineEndpoint,
    OpenAIDeployment,
    Registry,
    ServerlessEndpoint,
    Workspace,
)
from local.azure.fleetcheck import SYSTEM_FILTERS
from local.azure.identity import identities_of
from local.azure.ids import group_id, guid
from local.azure.yamlfile import Stamp

AZURE = "https://management.azure.com"


class Stamped(Protocol):
    """An entry that may say when, and by whom, it was made and last changed."""

    @property
    def created(self) -> Stamp | None:
        """When and by whom it was made."""

    @property
    def modified(self) -> Stamp | None:
        """When and by whom it was last changed."""


def authors_of(fleet: Fleet) -> Authors:
    """Return who is who in the fleet."""
    return Authors(identities_of(fleet), fleet.since)


def documents_of(fleet: Fleet) -> Iterator[Document]:
    """Yield the document of everything in the fleet that has an ARM id, parents first."""
    authors = authors_of(fleet)
    for name, workspace in fleet.workspaces.items():
        yield from _workspace_documents(fleet, name, workspace, authors)
    for name, registry in fleet.registries.items():
        yield from _registry_documents(fleet, name, registry, authors)
    for name, account in fleet.openai_accounts.items():
        yield from _account_documents(fleet, name, account, authors)


def workspace_id(fleet: Fleet, name: str) -> str:
    """Return the ARM id of a workspace of the fleet."""
    return f"{group_id(fleet.subscription, fleet.workspaces[name].resource_group)}/providers/{ml.WORKSPACE}/{name}"


def registry_id(fleet: Fleet, name: str) -> str:
    """Return the ARM id of a registry of the fleet."""
    return f"{group_id(fleet.subscription, fleet.registries[name].resource_group)}/providers/{ml.REGISTRY}/{name}"


def account_id(fleet: Fleet, name: str) -> str:
    """Return the ARM id of an account of the fleet."""
    group = group_id(fleet.subscription, fleet.openai_accounts[name].resource_group)
    return f"{group}/providers/{ai.ACCOUNT}/{name}"


def workspace_document(id_: str, entry: Workspace, tenant: str) -> Document:
    """Return a workspace without its stamp."""
    return _with(ml.complete_workspace(id_, entry.location, entry.tags, tenant), entry.more)


def registry_document(id_: str, entry: Registry, tenant: str) -> Document:
    """Return a registry without its stamp."""
    return _with(hosted.complete_registry(id_, entry.location, entry.tags, tenant), entry.more)


def model_document(id_: str, entry: Model) -> Document:
    """Return a model container without its stamp."""
    return ml.complete_model(id_, {"isArchived": entry.archived, "description": entry.description})


def version_document(id_: str, entry: ModelVersion) -> Document:
    """Return a model version without its stamp."""
    said: dict[str, Any] = {
        "stage": entry.stage,
        "isArchived": entry.archived,
        "isAnonymous": entry.anonymous,
        "modelType": entry.type,
        "modelUri": entry.path or ml.uploaded_path(id_),
        "jobName": entry.job,
        "description": entry.description,
        "tags": entry.tags,
        "properties": entry.properties,
    }
    return _with(ml.complete_model_version(id_, said), entry.more)


def job_document(id_: str, location: str, entry: Job) -> Document:
    """Return a job without its stamp."""
    scope = id_.split("/jobs/", 1)[0]
    data = {name: jobs.data_input(reference(scope, "data", each) or each) for name, each in entry.data.items()}
    values = {name: jobs.literal_input(value) for name, value in entry.parameters.items()}
    git = {word: getattr(entry, word) for word in jobs.GIT}
    properties: dict[str, Any] = {
        "jobType": entry.type,
        "status": entry.status,
        "inputs": {**data, **values},
        "tags": entry.tags,
        "properties": {**jobs.git_properties(git), **entry.properties},
    }
    if entry.type == "Command":
        properties |= {
            "codeId": reference(scope, "codes", entry.code),
            "environmentId": reference(scope, "environments", entry.environment),
            "environmentVariables": entry.env,
        }
    return _with(jobs.complete_job(id_, location, properties), entry.more)


def endpoint_document(id_: str, location: str, entry: OnlineEndpoint, tenant: str) -> Document:
    """Return an online endpoint without its stamp."""
    properties = {
        "authMode": entry.auth,
        "traffic": entry.traffic,
        "mirrorTraffic": entry.mirror,
        "publicNetworkAccess": entry.public_network,
        "description": entry.description,
    }
    sent = {"tags": entry.tags, "properties": properties}
    return _settled(_with(ml.complete_endpoint(id_, location, sent, tenant), entry.more))


def deployment_document(id_: str, location: str, entry: OnlineDeployment) -> Document:
    """Return an online deployment without its stamp."""
    scope = id_.split("/onlineEndpoints/", 1)[0]
    code = reference(scope, "codes", entry.code)
    properties = {
        "model": reference(scope, "models", entry.model),
        "environmentId": reference(scope, "environments", entry.environment),
        "codeConfiguration": {"codeId": code, "scoringScript": entry.script} if code else None,
        "environmentVariables": entry.env,
        "instanceType": entry.instance_type,
    }
    sent = {"tags": entry.tags, "sku": {"capacity": entry.capacity}, "properties": properties}
    return _settled(_with(ml.complete_deployment(id_, location, sent), entry.more))


def batch_endpoint_document(id_: str, location: str, entry: BatchEndpoint, tenant: str) -> Document:
    """Return a batch endpoint without its stamp."""
    properties: dict[str, Any] = {
        "authMode": entry.auth,
        "defaults": {"deploymentName": entry.default} if entry.default else None,
        "description": entry.description,
    }
    sent = {"tags": entry.tags, "properties": properties}
    return _with(hosted.complete_batch_endpoint(id_, location, sent, tenant), entry.more)


def batch_deployment_document(id_: str, location: str, entry: BatchDeployment) -> Document:
    """Return a batch deployment without its stamp."""
    scope = id_.split("/batchEndpoints/", 1)[0]
    model, code = reference(scope, "models", entry.model), reference(scope, "codes", entry.code)
    properties: dict[str, Any] = {
        "model": {"referenceType": "Id", "assetId": model} if model else None,
        "environmentId": reference(scope, "environments", entry.environment),
        "codeConfiguration": {"codeId": code, "scoringScript": entry.script} if code else None,
        "environmentVariables": entry.env,
        "compute": f"{scope}/computes/{entry.compute}" if entry.compute else None,
        "resources": {"instanceCount": entry.instances, "instanceType": None, "properties": {}},
    }
    sent = {"tags": entry.tags, "properties": properties}
    return _with(hosted.complete_batch_deployment(id_, location, sent), entry.more)


def serverless_document(id_: str, location: str, entry: ServerlessEndpoint) -> Document:
    """Return a serverless endpoint without its stamp."""
    properties = {
        "modelSettings": {"modelId": entry.model},
        "authMode": entry.auth,
        "contentSafety": {"contentSafetyStatus": entry.content_safety},
    }
    sent = {"tags": entry.tags, "properties": properties}
    return _with(hosted.complete_serverless_endpoint(id_, location, sent), entry.more)


def account_document(id_: str, entry: Account, tenant: str) -> Document:
    """Return an account without its stamp."""
    document = ai.complete_account(id_, entry.kind, entry.location, entry.tags, tenant)
    document["properties"]["publicNetworkAccess"] = entry.public_network
    return _with(document, entry.more)


def openai_document(id_: str, entry: OpenAIDeployment) -> Document:
    """Return an Azure OpenAI deployment without its stamp."""
    properties = {
        "model": {"format": entry.format, "name": entry.model, "version": entry.version},
        "versionUpgradeOption": entry.upgrade,
        "raiPolicyName": entry.content_filter,
    }
    sku = {"name": entry.sku, "capacity": entry.capacity}
    sent = {"tags": entry.tags, "sku": sku, "properties": properties}
    document = _with(ai.complete_deployment(id_, sent), entry.more)
    return document | {"etag": f'"{guid(id_, "etag")}"'}


def filter_document(id_: str, entry: ContentFilter, owner: str = "UserManaged") -> Document:
    """Return a content filter without its stamp."""
    filters = ai.content_filters(entry.thresholds)
    properties = {"basePolicyName": entry.base, "mode": entry.mode, "contentFilters": filters}
    document = ai.complete_content_filter(id_, {"properties": properties}, owner)
    return _with(document, entry.more) | {"etag": f'"{guid(id_, "etag")}"'}


def reference(scope: str, kind: str, short: str | None) -> str | None:
    """Return the id that `name:version` stands for in a workspace; anything longer is an id already."""
    if short is None or "/" in short or short.startswith("azureml:"):
        return short
    name, _, version = short.rpartition(":")
    return f"{scope}/{kind}/{name}/versions/{version}"


def short_system_data(data: Document, display_name: str) -> Document:
    """Return what an online deployment shows of its `systemData`: a display name, and nobody who changed it."""
    return {
        "createdAt": data["createdAt"].replace("Z", "+00:00"),
        "createdBy": display_name,
        "lastModifiedAt": data["lastModifiedAt"].replace("Z", "+00:00"),
    }


def _workspace_documents(fleet: Fleet, name: str, workspace: Workspace, authors: Authors) -> Iterator[Document]:
    scope = workspace_id(fleet, name)
    yield _stamped(workspace_document(scope, workspace, fleet.tenant), workspace, authors, fleet.since)
    yield from _model_documents(scope, workspace.models, authors)
    for job_name, job in workspace.jobs.items():
        document = job_document(f"{scope}/jobs/{job_name}", workspace.location, job)
        yield _stamped(document, job, authors, fleet.since)
    yield from _hosted_documents(scope, workspace, authors, fleet.tenant)
    for endpoint_name, endpoint in workspace.online_endpoints.items():
        id_ = f"{scope}/onlineEndpoints/{endpoint_name}"
        document = endpoint_document(id_, workspace.location, endpoint, fleet.tenant)
        yield _stamped(document, endpoint, authors, fleet.since)
        yield from _deployment_documents(id_, workspace, endpoint, authors)


def _registry_documents(fleet: Fleet, name: str, registry: Registry, authors: Authors) -> Iterator[Document]:
    scope = registry_id(fleet, name)
    yield _stamped(registry_document(scope, registry, fleet.tenant), registry, authors, fleet.since)
    yield from _model_documents(scope, registry.models, authors)


def _model_documents(scope: str, models: dict[str, Model], authors: Authors) -> Iterator[Document]:
    for model_name, model in models.items():
        id_ = f"{scope}/models/{model_name}"
        yield _stamped(model_document(id_, model), model, authors, authors.since)
        for position, (version, entry) in enumerate(model.versions.items()):
            document = version_document(f"{id_}/versions/{version}", entry)
            yield _stamped(document, entry, authors, earlier(authors.since, position))


def _hosted_documents(scope: str, workspace: Workspace, authors: Authors, tenant: str) -> Iterator[Document]:
    for name, endpoint in workspace.batch_endpoints.items():
        id_ = f"{scope}/batchEndpoints/{name}"
        document = batch_endpoint_document(id_, workspace.location, endpoint, tenant)
        yield _stamped(document, endpoint, authors, authors.since)
        for key, entry in endpoint.deployments.items():
            document = batch_deployment_document(f"{id_}/deployments/{key}", workspace.location, entry)
            yield _stamped(document, entry, authors, authors.since)
    for name, serverless in workspace.serverless_endpoints.items():
        document = serverless_document(f"{scope}/serverlessEndpoints/{name}", workspace.location, serverless)
        yield _stamped(document, serverless, authors, authors.since)


def _deployment_documents(
    endpoint_id: str, workspace: Workspace, endpoint: OnlineEndpoint, authors: Authors
) -> Iterator[Document]:
    for name, entry in endpoint.deployments.items():
        document = deployment_document(f"{endpoint_id}/deployments/{name}", workspace.location, entry)
        stamped = _stamped(document, entry, authors, authors.since)
        author = authors.display_name((entry.created or authors.since).by)
        yield stamped | {"systemData": short_system_data(stamped["systemData"], author)}


def _account_documents(fleet: Fleet, name: str, account: Account, authors: Authors) -> Iterator[Document]:
    id_ = account_id(fleet, name)
    yield _stamped(account_document(id_, account, fleet.tenant), account, authors, fleet.since)
    owned = [(policy, "SystemManaged", ContentFilter(base="")) for policy in SYSTEM_FILTERS]
    owned += [(policy, "UserManaged", entry) for policy, entry in account.content_filters.items()]
    for policy, owner, rules in owned:
        document = filter_document(f"{id_}/raiPolicies/{policy}", rules, owner)
        yield _stamped(document, rules, authors, fleet.since)
    for key, entry in account.deployments.items():
        document = openai_document(f"{id_}/deployments/{key}", entry)
        yield _stamped(document, entry, authors, fleet.since)


def _stamped(document: Document, entry: Stamped, authors: Authors, usual: Stamp) -> Document:
    created = entry.created or usual
    return document | {"systemData": authors.system_data(created, entry.modified or created)}


def _with(document: Document, more: Document) -> Document:
    return document | {"properties": overlay(document["properties"], more)}


def _settled(document: Document) -> Document:
    """Add what a finished operation leaves behind."""
    id_, properties = document["id"], document["properties"]
    noise = ml.operation_uri(AZURE, id_, document["location"], guid(id_, "operation"))
    inner = (properties.get("properties") or {}) | {"AzureAsyncOperationUri": noise}
    return document | {"properties": {"provisioningState": "Succeeded", **properties, "properties": inner}}
