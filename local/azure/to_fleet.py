"""ARM documents told back as the terse entries of a fleet, so that what a story did can be read and kept."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from local.azure import account_documents as ai
from local.azure import from_fleet
from local.azure import job_documents as jobs
from local.azure import workspace_documents as ml
from local.azure.documents import Authors, Document, by_name, earlier, said, unsaid
from local.azure.fleet import (
    Account,
    BatchDeployment,
    BatchEndpoint,
    CatalogueRow,
    ContentFilter,
    Fleet,
    Job,
    Model,
    ModelVersion,
    OnlineDeployment,
    OnlineEndpoint,
    OpenAIDeployment,
    Person,
    Registry,
    ServerlessEndpoint,
    Workspace,
)
from local.azure.ids import collection_of
from local.azure.yamlfile import Stamp

Collections = Mapping[str, Mapping[str, Document]]  # lower-cased list path -> lower-cased name -> document
Entry = TypeVar(
    "Entry",
    Workspace,
    Registry,
    ModelVersion,
    Job,
    OnlineEndpoint,
    OnlineDeployment,
    BatchEndpoint,
    BatchDeployment,
    ServerlessEndpoint,
    Account,
    OpenAIDeployment,
    ContentFilter,
)


class FleetReader:
    """Reads the documents of one subscription back into entries."""

    def __init__(self, collections: Collections, authors: Authors, tenant: str) -> None:
        self._collections = collections
        self._authors = authors
        self._tenant = tenant

    def fleet(self, subscription: str, people: dict[str, Person], catalogue: Iterable[CatalogueRow]) -> Fleet:
        """Return everything as one fleet."""
        return Fleet(
            subscription=subscription,
            tenant=self._tenant,
            since=self._authors.since,
            people=people,
            workspaces=by_name(self._of_type(ml.WORKSPACE), self._workspace),
            registries=by_name(self._of_type(ml.REGISTRY), self._registry),
            openai_accounts=by_name(self._of_type(ai.ACCOUNT), self._account),
            catalogue=tuple(catalogue),
        )

    def _of_type(self, type_: str) -> list[Document]:
        every = (each for documents in self._collections.values() for each in documents.values())
        return [each for each in every if str(each.get("type")).lower() == type_.lower()]

    def _below(self, parent: Document, kind: str) -> list[Document]:
        return list(self._collections.get(collection_of(f"{parent['id']}/{kind}/-"), {}).values())

    def _stamps(self, document: Document, usual: Stamp | None = None) -> dict[str, Any]:
        created, modified = self._authors.stamps(document)
        return {"created": said(created, usual or self._authors.since), "modified": said(modified, created)}

    def _workspace(self, document: Document) -> Workspace:
        plain = Workspace(
            resource_group=document["id"].split("/")[4],
            location=document["location"],
            tags=document["tags"],
            models=by_name(self._below(document, "models"), self._model),
            jobs=by_name(self._below(document, "jobs"), lambda job: self._job(job, document["location"])),
            online_endpoints=by_name(self._below(document, "onlineEndpoints"), self._endpoint),
            batch_endpoints=by_name(self._below(document, "batchEndpoints"), self._batch_endpoint),
            serverless_endpoints=by_name(self._below(document, "serverlessEndpoints"), self._serverless),
            **self._stamps(document),
        )
        return _exact(
            plain, document, lambda entry: from_fleet.workspace_document(document["id"], entry, self._tenant)
        )

    def _registry(self, document: Document) -> Registry:
        plain = Registry(
            resource_group=document["id"].split("/")[4],
            location=document["location"],
            tags=document["tags"],
            models=by_name(self._below(document, "models"), self._model),
            **self._stamps(document),
        )
        return _exact(
            plain, document, lambda entry: from_fleet.registry_document(document["id"], entry, self._tenant)
        )

    def _model(self, document: Document) -> Model:
        ordered = sorted(self._below(document, "versions"), key=lambda each: self._authors.stamps(each)[0].at)
        places = {each["name"]: place for place, each in enumerate(ordered)}
        return Model(
            versions={each["name"]: self._version(each, places[each["name"]]) for each in ordered},
            archived=document["properties"]["isArchived"],
            description=document["properties"]["description"],
            **self._stamps(document),
        )

    def _version(self, document: Document, place: int) -> ModelVersion:
        properties, id_ = document["properties"], document["id"]
        path = properties["modelUri"]
        plain = ModelVersion(
            stage=properties["stage"],
            archived=properties["isArchived"],
            anonymous=properties["isAnonymous"],
            type=properties["modelType"],
            path=None if path == ml.uploaded_path(id_) else path,
            job=properties["jobName"],
            description=properties["description"],
            tags=properties["tags"],
            properties=properties["properties"],
            **self._stamps(document, earlier(self._authors.since, place)),
        )
        return _exact(plain, document, lambda entry: from_fleet.version_document(id_, entry))

    def _job(self, document: Document, location: str) -> Job:
        properties, id_ = document["properties"], document["id"]
        scope, noted = id_.split("/jobs/", 1)[0], properties["properties"]
        git = {word: noted.get(names[0]) for word, names in jobs.GIT.items()}
        inputs = properties["inputs"]
        plain = Job(
            type=properties["jobType"],
            status=properties["status"],
            **git,
            data={name: _short(scope, each["uri"]) or "" for name, each in inputs.items() if "uri" in each},
            parameters={name: each["value"] for name, each in inputs.items() if "value" in each},
            environment=_short(scope, properties.get("environmentId")),
            code=_short(scope, properties.get("codeId")),
            env=properties.get("environmentVariables", {}),
            tags=properties["tags"],
            properties={name: each for name, each in noted.items() if name not in jobs.git_properties(git)},
            **self._stamps(document),
        )
        return _exact(plain, document, lambda entry: from_fleet.job_document(id_, location, entry))

    def _endpoint(self, document: Document) -> OnlineEndpoint:
        properties, id_ = document["properties"], document["id"]
        plain = OnlineEndpoint(
            traffic=properties["traffic"],
            mirror=properties["mirrorTraffic"],
            auth=properties["authMode"],
            public_network=properties["publicNetworkAccess"],
            description=properties["description"],
            tags=document["tags"],
            deployments=by_name(self._below(document, "deployments"), self._deployment),
            **self._stamps(document),
        )
        location = document["location"]
        return _exact(
            plain, document, lambda entry: from_fleet.endpoint_document(id_, location, entry, self._tenant)
        )

    def _deployment(self, document: Document) -> OnlineDeployment:
        properties, id_ = document["properties"], document["id"]
        scope = id_.split("/onlineEndpoints/", 1)[0]
        code = properties["codeConfiguration"] or {}
        plain = OnlineDeployment(
            model=_short(scope, properties["model"]),
            environment=_short(scope, properties["environmentId"]),
            instance_type=properties["instanceType"],
            capacity=document["sku"]["capacity"],
            code=_short(scope, code.get("codeId")),
            script=code.get("scoringScript"),
            env=properties["environmentVariables"],
            tags=document["tags"],
            **self._stamps(document),
        )
        location = document["location"]
        return _exact(plain, document, lambda entry: from_fleet.deployment_document(id_, location, entry))

    def _batch_endpoint(self, document: Document) -> BatchEndpoint:
        properties, id_ = document["properties"], document["id"]
        plain = BatchEndpoint(
            default=(properties["defaults"] or {}).get("deploymentName"),
            auth=properties["authMode"],
            description=properties["description"],
            tags=document["tags"],
            deployments=by_name(self._below(document, "deployments"), self._batch_deployment),
            **self._stamps(document),
        )
        location = document["location"]
        return _exact(
            plain, document, lambda entry: from_fleet.batch_endpoint_document(id_, location, entry, self._tenant)
        )

    def _batch_deployment(self, document: Document) -> BatchDeployment:
        properties, id_ = document["properties"], document["id"]
        scope = id_.split("/batchEndpoints/", 1)[0]
        code, compute = properties["codeConfiguration"] or {}, properties["compute"]
        plain = BatchDeployment(
            model=_short(scope, (properties["model"] or {}).get("assetId")),
            environment=_short(scope, properties["environmentId"]),
            compute=compute and compute.rsplit("/", 1)[-1],
            instances=properties["resources"]["instanceCount"],
            code=_short(scope, code.get("codeId")),
            script=code.get("scoringScript"),
            env=properties["environmentVariables"],
            tags=document["tags"],
            **self._stamps(document),
        )
        location = document["location"]
        return _exact(plain, document, lambda entry: from_fleet.batch_deployment_document(id_, location, entry))

    def _serverless(self, document: Document) -> ServerlessEndpoint:
        properties, id_ = document["properties"], document["id"]
        plain = ServerlessEndpoint(
            model=properties["modelSettings"]["modelId"],
            auth=properties["authMode"],
            content_safety=properties["contentSafety"]["contentSafetyStatus"],
            tags=document["tags"],
            **self._stamps(document),
        )
        location = document["location"]
        return _exact(plain, document, lambda entry: from_fleet.serverless_document(id_, location, entry))

    def _account(self, document: Document) -> Account:
        owned = [
            each for each in self._below(document, "raiPolicies") if each["properties"]["type"] == "UserManaged"
        ]
        plain = Account(
            resource_group=document["id"].split("/")[4],
            location=document["location"],
            kind=document["kind"],
            public_network=document["properties"]["publicNetworkAccess"],
            tags=document["tags"],
            deployments=by_name(self._below(document, "deployments"), self._openai),
            content_filters=by_name(owned, self._filter),
            **self._stamps(document),
        )
        return _exact(
            plain, document, lambda entry: from_fleet.account_document(document["id"], entry, self._tenant)
        )

    def _openai(self, document: Document) -> OpenAIDeployment:
        properties, model = document["properties"], document["properties"]["model"]
        plain = OpenAIDeployment(
            model=model["name"],
            version=model["version"],
            format=model["format"],
            sku=document["sku"]["name"],
            capacity=document["sku"]["capacity"],
            upgrade=properties.get("versionUpgradeOption"),
            content_filter=properties["raiPolicyName"],
            tags=document.get("tags", {}),
            **self._stamps(document),
        )
        return _exact(plain, document, lambda entry: from_fleet.openai_document(document["id"], entry))

    def _filter(self, document: Document) -> ContentFilter:
        properties = document["properties"]
        graded = {
            each["name"]: each["severityThreshold"]
            for each in properties["contentFilters"]
            if each.get("severityThreshold", "Medium") != "Medium"
        }
        plain = ContentFilter(
            base=properties["basePolicyName"],
            mode=properties["mode"],
            thresholds=graded,
            **self._stamps(document),
        )
        return _exact(plain, document, lambda entry: from_fleet.filter_document(document["id"], entry))


def _exact(plain: Entry, document: Document, made: Callable[[Entry], Document]) -> Entry:
    """Return the entry with `more` holding whatever it would not make by itself."""
    return replace(plain, more=unsaid(document, made(plain)))


def _short(scope: str, id_: str | None) -> str | None:
    if id_ is None or not id_.lower().startswith(f"{scope.lower()}/"):
        return id_
    parts = id_[len(scope) + 1 :].split("/")
    return f"{parts[1]}:{parts[3]}" if len(parts) == 4 and parts[2].lower() == "versions" else id_
