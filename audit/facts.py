"""From a service's own JSON to the flat facts that are compared.

Normalised here, so that what the server writes by itself never looks like a change: the case of enumerations,
ids in their many spellings, numbers that come as texts, zero traffic entries, and the names the service adds
for its own use (`AzureAsyncOperationUri`, throttling keys, rate limits, etags).
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from operator import itemgetter
from typing import Any

from audit.errors import BadInput
from audit.model import Document, Facts, Kind, Look, Observation, Outcome, Scalar, Target
from audit.references import parse_reference
from audit.texts import cut

# Absent means this: the service then upgrades when the version expires
# (learn.microsoft.com, Azure OpenAI "working with models", model deployment upgrade configuration).
DEFAULT_UPGRADE_OPTION = "OnceCurrentVersionExpired"

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
        return {name: _scalar(value) for name, value in sorted(pairs, key=itemgetter(0)) if value is not None}
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise BadInput(
            f"expected the {kind} document that Azure describes; got {type(error).__name__}: {error}"
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
    yield "provisioning_state", _word(properties.get("provisioningState"))
    yield from _tags(deployment)


def _online_endpoint(document: Document) -> Pairs:
    endpoint, properties = document["endpoint"], document["endpoint"]["properties"]
    yield "auth_mode", _word(properties.get("authMode"))
    yield "public_network_access", _word(properties.get("publicNetworkAccess"))
    yield "identity", _word((endpoint.get("identity") or {}).get("type"))
    yield "provisioning_state", _word(properties.get("provisioningState"))
    yield from _shares("traffic", properties.get("traffic"))
    yield from _shares("mirror_traffic", properties.get("mirrorTraffic"))
    yield from _tags(endpoint)
    for deployment in document["deployments"]:
        prefix = f"deployments.{deployment['name'].lower()}."
        yield from ((prefix + name, value) for name, value in _online_deployment(deployment))


def _online_deployment(deployment: Document) -> Pairs:
    properties = deployment["properties"]
    yield from _model_reference(properties.get("model"))
    yield "environment", _reference(properties.get("environmentId"))
    code = properties.get("codeConfiguration") or {}
    yield "code", _reference(code.get("codeId"))
    yield "scoring_script", code.get("scoringScript")
    yield "compute_type", _word(properties.get("endpointComputeType"))
    yield "instance_type", properties.get("instanceType")
    yield "instance_count", _number((deployment.get("sku") or {}).get("capacity"))
    yield "app_insights", properties.get("appInsightsEnabled")
    yield "egress", _word(properties.get("egressPublicNetworkAccess"))
    yield "provisioning_state", _word(properties.get("provisioningState"))
    for name, value in (properties.get("scaleSettings") or {}).items():
        yield f"scale.{name}", value
    for name, value in (properties.get("environmentVariables") or {}).items():
        yield f"env.{name}", value
    for name, collection in ((properties.get("dataCollector") or {}).get("collections") or {}).items():
        yield f"data_collection.{name}", _word(collection.get("dataCollectionMode"))
    yield from _tags(deployment)


def _model(document: Document) -> Pairs:
    for version in document["versions"]:
        properties, prefix = version["properties"], f"versions.{str(version['name']).lower()}."
        yield prefix + "path", properties.get("modelUri")
        yield prefix + "type", _word(properties.get("modelType"))
        yield prefix + "stage", properties.get("stage")
        yield prefix + "archived", bool(properties.get("isArchived"))
        yield prefix + "anonymous", bool(properties.get("isAnonymous"))
        yield prefix + "job", properties.get("jobName")
        for name, value in (properties.get("properties") or {}).items():
            yield f"{prefix}properties.{name}", value
        yield from ((prefix + name, value) for name, value in _tags(properties))


_READERS: dict[Kind, Callable[[Document], Pairs]] = {
    Kind.OPENAI_DEPLOYMENT: _openai_deployment,
    Kind.ONLINE_ENDPOINT: _online_endpoint,
    Kind.MODEL: _model,
    Kind.PARENT: lambda _: iter(()),
}


def _model_reference(text: str | None) -> Pairs:
    if text is None:
        return
    reference = parse_reference(text)
    yield "model.name", reference.name.lower() or None
    yield "model.version", reference.version.lower() or None
    yield "model.label", reference.label.lower() or None
    yield "model.registry", reference.registry or None
    yield "model.path", reference.path or None


def _reference(text: str | None) -> str | None:
    return str(parse_reference(text)) if text else None


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


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _modified_at(document: Document) -> str:
    """Return the latest `lastModifiedAt` of the parts; all of them are UTC in one notation."""
    parts = (part for value in document.values() for part in (value if isinstance(value, list) else [value]))
    systems = (part.get("systemData") for part in parts if isinstance(part, dict))
    times = (system.get("lastModifiedAt") for system in systems if isinstance(system, dict))
    return cut(max((time for time in times if isinstance(time, str)), default=""))


def _scalar(value: Any) -> Scalar:
    return value if isinstance(value, str | int | float | bool) else str(value)
