"""From a service's own JSON to the flat facts that are compared.

Normalised here, so that what the server writes by itself never looks like a change: the case of enumerations,
ids in their many spellings, numbers that come as texts, zero traffic entries, and the names the service adds
for its own use (`AzureAsyncOperationUri`, throttling keys, rate limits, etags).
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

from audit.errors import BadInput
from audit.model import Document, Facts, Kind, Look, Observation, Outcome, Target
from audit.sight import jobs
from audit.sight.mlflow_facts import model_facts
from audit.sight.references import parse_reference
from audit.targets import find_parent
from audit.texts import cut

# Absent means this: the service then upgrades when the version expires
# (learn.microsoft.com, Azure OpenAI "working with models", model deployment upgrade configuration).
DEFAULT_UPGRADE_OPTION = "OnceCurrentVersionExpired"

_SCALARS = (str, int, float, bool)  # a tuple is asked twice as fast as the union `Scalar`

# A sweep meets the same references every time; 16,384 kept ones are some 10 MB.
_parse_reference = lru_cache(maxsize=16_384)(parse_reference)

Pairs = Iterator[tuple[str, Any]]


def observe(target: Target, look: Look, began_at: datetime) -> Observation:
    """Return the observation that a look amounts to; a document we cannot understand makes it unreadable.

    `look.document` must be free of secrets already.
    """
    if look.outcome is not Outcome.PRESENT:
        return Observation(target, look.outcome, began_at, reason=cut(look.reason))
    try:
        facts = facts_of(target.kind, look.document)
    except BadInput as error:
        return Observation(target, Outcome.UNREADABLE, began_at, document=look.document, reason=cut(str(error)))
    return Observation(
        target, Outcome.PRESENT, began_at, facts, look.document, modified_at=_modified_at(look.document)
    )


def facts_of(kind: Kind, document: Document) -> Facts:
    """Return the facts of a target's document; raise `BadInput` where its shape is not the service's."""
    try:
        pairs = _READERS[kind](document)
        return {name: v if isinstance(v, _SCALARS) else str(v) for name, v in pairs if v is not None}
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise BadInput(
            f"expected the {kind} document that its service describes; got {type(error).__name__}: {error}"
        ) from error


def _openai_deployment(document: Document) -> Pairs:
    deployment = document["deployment"]
    properties = deployment["properties"]
    model, sku = properties["model"], deployment.get("sku") or {}
    yield "model.format", model.get("format")
    yield "model.name", model["name"]
    yield "model.version", _word(_text(model["version"]))
    yield "sku.name", sku.get("name")
    yield "sku.capacity", _number(sku.get("capacity"))
    yield "upgrade_option", properties.get("versionUpgradeOption") or DEFAULT_UPGRADE_OPTION
    yield "content_filter", properties.get("raiPolicyName")
    yield "spillover", properties.get("spilloverDeploymentName")
    yield "dynamic_throttling", properties.get("dynamicThrottlingEnabled") or None
    yield "model.source", model.get("source") or None
    yield "service_tier", _word(properties.get("serviceTier"))
    yield "state", _word(properties.get("deploymentState"))
    if routing := properties.get("routing"):
        yield from _routing(routing)
    yield "provisioning_state", _word(properties.get("provisioningState"))
    yield from _tags(deployment)
    if account := document.get("account"):
        yield from _account(account)
    if policy := document.get("content_filter"):
        yield from _content_filter(policy)


def _routing(routing: Document) -> Pairs:
    """Yield which models a router may choose from, whatever their order."""
    yield "routing.mode", _word(routing.get("mode"))
    models = (
        each if isinstance(each, str) else f"{each['name']} {each.get('version') or ''}"
        for each in routing.get("models") or []
    )
    yield "routing.models", ", ".join(sorted(each.strip() for each in models)) or None


def _account(account: Document) -> Pairs:
    """Yield what holds for all deployments of an account: who gets in, from where, and in which region."""
    properties = account.get("properties") or {}
    yield "account.location", _word(account.get("location"))
    yield "account.public_network_access", _word(properties.get("publicNetworkAccess"))
    # A missing `disableLocalAuth` means that keys are accepted.
    yield "account.local_auth_disabled", bool(properties.get("disableLocalAuth"))
    yield "account.network_default", _word((properties.get("networkAcls") or {}).get("defaultAction"))


def _content_filter(policy: Document) -> Pairs:
    """Yield what is inside the content filter: the deployment only names it, and does not change when it does."""
    properties = policy.get("properties") or {}
    yield "content_filter.base", properties.get("basePolicyName") or None
    yield "content_filter.mode", _word(properties.get("mode"))
    for each in properties.get("contentFilters") or []:
        yield f"content_filter.{_slot(each, each['name'])}", _strength(each)
    for each in properties.get("customBlocklists") or []:
        yield (
            f"content_filter.blocklists.{_slot(each, each['blocklistName'])}",
            _strength({"enabled": True} | each),
        )


def _slot(entry: Document, name: str) -> str:
    return f"{name.lower()}.{str(entry.get('source') or 'both').lower()}"


def _strength(entry: Document) -> str:
    """Return what a filter does: `block low` stops even what is slightly harmful, `block high` lets that pass."""
    if not entry.get("enabled"):
        return "off"
    threshold = str(entry.get("severityThreshold") or "").lower()
    return f"{'block' if entry.get('blocking') else 'annotate'} {threshold}".strip()


def _batch_endpoint(document: Document) -> Pairs:
    endpoint, properties = document["endpoint"], document["endpoint"]["properties"]
    yield "auth_mode", _word(properties.get("authMode"))
    yield from _identity(endpoint)
    yield "provisioning_state", _word(properties.get("provisioningState"))
    yield "default_deployment", _word((properties.get("defaults") or {}).get("deploymentName"))
    yield from _tags(endpoint)
    for deployment in document["deployments"]:
        prefix = f"deployments.{deployment['name'].lower()}."
        for name, value in _batch_deployment(deployment):
            yield prefix + name, value


def _batch_deployment(deployment: Document) -> Pairs:
    properties = deployment["properties"]
    model = properties.get("model") or {}
    yield from _model_reference(_batch_model(model), deployment)
    yield from _code(properties)
    yield "compute", _word((properties.get("compute") or "").rsplit("/", 1)[-1])
    yield "instance_count", _number((properties.get("resources") or {}).get("instanceCount"))
    yield "mini_batch_size", _number(properties.get("miniBatchSize"))
    yield "error_threshold", _number(properties.get("errorThreshold"))
    yield "output_action", _word(properties.get("outputAction"))
    yield "provisioning_state", _word(properties.get("provisioningState"))
    for name, value in (properties.get("environmentVariables") or {}).items():
        yield f"env.{name}", value
    yield from _tags(deployment)


def _batch_model(model: Document) -> str | None:
    """Return the model of a batch deployment as one text: an asset, or a place in a data store or a job."""
    if "datastoreId" in model:
        return f"{model['datastoreId']}/paths/{model.get('path', '')}"
    if "jobId" in model:
        return f"{model['jobId']}/{model.get('path', '')}"
    return model.get("assetId")


def _serverless_endpoint(document: Document) -> Pairs:
    endpoint, properties = document["endpoint"], document["endpoint"]["properties"]
    yield from _model_reference((properties.get("modelSettings") or {}).get("modelId"), endpoint)
    yield "auth_mode", _word(properties.get("authMode"))
    yield "content_safety", _word((properties.get("contentSafety") or {}).get("contentSafetyStatus"))
    yield "endpoint_state", _word(properties.get("endpointState"))
    yield "provisioning_state", _word(properties.get("provisioningState"))
    yield from _tags(endpoint)


def _online_endpoint(document: Document) -> Pairs:
    endpoint, properties = document["endpoint"], document["endpoint"]["properties"]
    yield "auth_mode", _word(properties.get("authMode"))
    yield "public_network_access", _word(properties.get("publicNetworkAccess"))
    yield from _identity(endpoint)
    yield "provisioning_state", _word(properties.get("provisioningState"))
    yield from _shares("traffic", properties.get("traffic"))
    yield from _shares("mirror_traffic", properties.get("mirrorTraffic"))
    yield from _tags(endpoint)
    for deployment in document["deployments"]:
        prefix = f"deployments.{deployment['name'].lower()}."
        for name, value in _online_deployment(deployment):
            if value is not None:
                yield prefix + name, value


_SETTINGS = {
    "scale": "scaleSettings",
    "request": "requestSettings",
    "liveness": "livenessProbe",
    "readiness": "readinessProbe",
    "startup": "startupProbe",
}


def _online_deployment(deployment: Document) -> Pairs:
    properties = deployment["properties"]
    yield from _model_reference(properties.get("model"), deployment)
    yield from _code(properties)
    yield "compute_type", _word(properties.get("endpointComputeType"))
    yield "instance_type", properties.get("instanceType")
    yield "instance_count", _number((deployment.get("sku") or {}).get("capacity"))
    yield "app_insights", properties.get("appInsightsEnabled")
    yield "egress", _word(properties.get("egressPublicNetworkAccess"))
    yield "private_network_connection", properties.get("privateNetworkConnection") or None
    yield "model_mount_path", properties.get("modelMountPath")
    yield "provisioning_state", _word(properties.get("provisioningState"))
    for part, settings in _SETTINGS.items():
        for name, value in (properties.get(settings) or {}).items():
            yield f"{part}.{name}", value
    if needs := properties.get("containerResourceRequirements"):  # of a container on Kubernetes
        yield from _resources("requests", needs.get("containerResourceRequests"))
        yield from _resources("limits", needs.get("containerResourceLimits"))
    for name, value in (properties.get("environmentVariables") or {}).items():
        yield f"env.{name}", value
    for name, collection in ((properties.get("dataCollector") or {}).get("collections") or {}).items():
        yield f"data_collection.{name}", _word(collection.get("dataCollectionMode"))
        yield f"data_sampling.{name}", collection.get("samplingRate")
    yield from _tags(deployment)


def _resources(part: str, resources: Document | None) -> Pairs:
    for name, value in (resources or {}).items():
        yield f"resources.{part}.{name}", value


def _code(properties: Document) -> Pairs:
    yield "environment", _reference(properties.get("environmentId"))
    code = properties.get("codeConfiguration") or {}
    yield "code", _reference(code.get("codeId"))
    yield "scoring_script", code.get("scoringScript")


def _model(document: Document) -> Pairs:
    if "registered_model" in document:
        yield from model_facts(document)
        return
    for version in document["versions"]:
        properties, prefix = version["properties"], f"versions.{str(version['name']).lower()}."
        yield prefix + "path", properties.get("modelUri")
        yield prefix + "type", _word(properties.get("modelType"))
        yield prefix + "stage", properties.get("stage")
        # An export that does not show them says null; what the service leaves out is not so.
        yield prefix + "archived", _flag(properties.get("isArchived", False))
        yield prefix + "anonymous", _flag(properties.get("isAnonymous", False))
        yield prefix + "job", properties.get("jobName")
        yield prefix + "description", properties.get("description") or None
        yield prefix + "flavors", ", ".join(sorted(properties.get("flavors") or {})) or None
        yield from ((f"{prefix}origin.{name}", value) for name, value in _origin(properties))
        for name, value in (properties.get("properties") or {}).items():
            yield f"{prefix}properties.{name}", value
        yield from ((prefix + name, value) for name, value in _tags(properties))
    home = _home(document["versions"][0]) if document["versions"] else ""
    for job in document.get("jobs") or []:
        prefix = f"versions.{str(job['version']).lower()}.job."
        yield from ((prefix + name, value) for name, value in jobs.facts(job, home))


# Where the run that made a version leaves its traces on it: MLflow's own names (mlflow/utils/mlflow_tags.py),
# those that azure-ai-ml writes into a run's properties, and the ones that people give.
_COMMITS = ("azureml.git.commit", "mlflow.source.git.commit", "git_commit", "git.commit", "commit")
_RUNS = ("azureml.runid", "mlflow.run_id", "mlflow.runid", "run_id", "runid", "job_id")
_DATA = ("training_data", "training_dataset", "data_version", "dataset", "azureml.datasetid", "mlflow.data")
_PARAMETERS = ("param.", "params.", "parameter.", "parameters.", "hyperparameter.")
_ORIGIN = re.compile(r"ExperimentRun/dcid\.(?P<run>[^/]+)/|azureml://jobs/(?P<job>[^/]+)/", re.IGNORECASE)


def _origin(properties: Document) -> Pairs:
    """Yield what a version says of the run behind it: commit, data and parameters, as far as they stand on it."""
    said = {
        str(name).lower(): value
        for source in ("properties", "tags")
        for name, value in (properties.get(source) or {}).items()
    }
    flavour = (properties.get("flavors") or {}).get("python_function") or {}
    path = _ORIGIN.search(str(properties.get("modelUri") or ""))
    run = (
        _first(said, _RUNS) or (flavour.get("data") or {}).get("run_id") or (path and (path["run"] or path["job"]))
    )
    yield "run", properties.get("jobName") or run or None
    yield "git_commit", _first(said, _COMMITS)
    yield "data", _first(said, _DATA) or _data_sets(properties.get("datasets"))
    for name, value in said.items():
        if prefix := next((each for each in _PARAMETERS if name.startswith(each)), ""):
            yield f"parameters.{name.removeprefix(prefix)}", value


def _first(said: Document, names: tuple[str, ...]) -> Any:
    return next((said[name] for name in names if said.get(name)), None)


def _data_sets(data_sets: list[Document] | None) -> str | None:
    return ", ".join(sorted(str(each.get("id") or each.get("name")) for each in data_sets or [])) or None


_READERS: dict[Kind, Callable[[Document], Pairs]] = {
    Kind.OPENAI_DEPLOYMENT: _openai_deployment,
    Kind.ONLINE_ENDPOINT: _online_endpoint,
    Kind.BATCH_ENDPOINT: _batch_endpoint,
    Kind.SERVERLESS_ENDPOINT: _serverless_endpoint,
    Kind.MODEL: _model,
    Kind.PARENT: lambda _: iter(()),
}


def _identity(resource: Document) -> Pairs:
    identity = resource.get("identity") or {}
    yield "identity", _word(identity.get("type"))
    yield "identity.user_assigned", ", ".join(sorted(identity.get("userAssignedIdentities") or {})).lower() or None


def _home(resource: Document) -> str:
    """Return the id of the workspace that a resource lives in, so far as it says."""
    return find_parent(str(resource.get("id") or "")) or ""


def _model_reference(text: str | None, resource: Document) -> Pairs:
    if not text:
        return
    reference = _parse_reference(text)
    if reference.path:  # a place in a data store is written in short where it is the resource's own workspace's
        reference = parse_reference(text, _home(resource))
    yield "model.name", reference.name.lower() or None
    yield "model.version", reference.version.lower() or None
    yield "model.label", reference.label.lower() or None
    yield "model.registry", reference.registry or None
    yield "model.path", reference.path or None


def _reference(text: str | None) -> str | None:
    return str(_parse_reference(text)) if text else None


def _shares(name: str, shares: dict[str, Any] | None) -> Pairs:
    # The endpoint's `get` adds zero entries that its `list` leaves out.
    for deployment, share in (shares or {}).items():
        if int(share):
            yield f"{name}.{deployment.lower()}", int(share)


def _tags(resource: Document) -> Pairs:
    for name, value in (resource.get("tags") or {}).items():
        yield f"tags.{name}", value


def _word(value: str | None) -> str | None:
    return value.lower() if value else None


def _flag(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _modified_at(document: Document) -> str:
    """Return the latest `lastModifiedAt` of the parts; all of them are UTC in one notation.

    The account around a deployment is left out: its changes are not the deployment's.
    """
    return cut(max([_written_at(part) for name, part in document.items() if name != "account"], default=""))


def _written_at(part: Any) -> str:
    if isinstance(part, list):
        return max(map(_written_at, part), default="")
    system = part.get("systemData") if isinstance(part, dict) else None
    time = system.get("lastModifiedAt") if isinstance(system, dict) else None
    return time if isinstance(time, str) else ""
