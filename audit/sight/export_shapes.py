"""The shapes in which `az` prints what Azure knows, made into ARM's own.

`az ml` prints the entities of azure-ai-ml (`entity._to_dict()`): snake_case, enumerations by their Python names,
durations in seconds. `az cognitiveservices` and `az rest` print ARM's JSON.
"""

import re
from collections.abc import Iterable
from typing import Any

from audit.model import Document

_AS_GIVEN = frozenset({"tags", "capabilities"})  # whose keys are somebody's names and no words of a language
_SIZES = (("H", 3600), ("M", 60), ("S", 1))


def catalogue_row(entry: Document) -> Document | None:
    """Return a row of the catalogue of a region, or of an account's own, which lacks the shell around it."""
    if isinstance(entry.get("model"), dict) and "id" not in entry:
        return _as_document(entry)
    is_model = "id" not in entry and {"format", "name", "version"} <= entry.keys()
    return {"model": _in_camel_case(entry)} if is_model else None


def as_arm(id_: str, entry: Document) -> Document:
    """Return the document in ARM's shape; what is in it already stays as it is."""
    if "/microsoft.cognitiveservices/" in id_:
        return _as_document(entry)
    is_arm = isinstance(entry.get("properties"), dict) and str(entry.get("type", "")).lower().startswith(
        "microsoft."
    )
    for part, shape in _SHAPES.items():
        if not is_arm and re.search(part, id_):
            return {"name": id_.rsplit("/", 1)[1], "tags": entry.get("tags") or {}} | shape(entry)
    return entry


def _as_document(entry: Document) -> Document:
    return {_camel(key): each if key in _AS_GIVEN else _in_camel_case(each) for key, each in entry.items()}


def _in_camel_case(value: Any) -> Any:
    """Return a document with its snake_case keys as ARM has them; the SDK for accounts prints them either way."""
    if isinstance(value, list):
        return [_in_camel_case(each) for each in value]
    return _as_document(value) if isinstance(value, dict) else value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each[:1].upper() + each[1:] for each in others) if first else name


def _version(entry: Document) -> Document:
    flavours = {name: {"data": each} for name, each in (entry.get("flavors") or {}).items()}
    properties = {
        "modelUri": entry.get("path"),
        "modelType": entry.get("type"),
        "stage": entry.get("stage"),
        "jobName": entry.get("job_name"),
        "description": entry.get("description"),
        "flavors": flavours,
        "tags": entry.get("tags") or {},
        "properties": entry.get("properties") or {},
        "isArchived": None,  # not printed, which is not the same as not archived
        "isAnonymous": None,
    }
    return {"properties": properties, "systemData": _system_data(entry)}


def _job(entry: Document) -> Document:
    inputs = {name: _input(each) for name, each in (entry.get("inputs") or {}).items()}
    properties = {
        "status": _word(entry.get("status")),
        "codeId": entry.get("code"),
        "environmentId": entry.get("environment"),
        "inputs": inputs,
        "parameters": entry.get("parameters") or {},
        "tags": entry.get("tags") or {},
        "properties": entry.get("properties") or {},
    }
    return {"properties": properties}


def _input(said: Any) -> Document:
    """Return an input of a job, which is printed as a path of data or as its bare value."""
    return {"uri": said.get("path")} if isinstance(said, dict) else {"value": said}


def _endpoint(entry: Document) -> Document:
    properties = {
        "authMode": _word(entry.get("auth_mode")),
        "publicNetworkAccess": entry.get("public_network_access"),
        "provisioningState": _word(entry.get("provisioning_state")),
        "traffic": entry.get("traffic"),
        "mirrorTraffic": entry.get("mirror_traffic"),
        "defaults": {"deploymentName": (entry.get("defaults") or {}).get("deployment_name")},
    }
    said = entry.get("identity") or {}
    users: Document = {each.get("resource_id"): {} for each in said.get("user_assigned_identities") or []}
    identity = {"type": _word(said.get("type")), "userAssignedIdentities": users}
    return {"properties": properties, "identity": identity}


def _online_deployment(entry: Document) -> Document:
    collector = entry.get("data_collector") or {}
    properties = _deployment(entry) | {
        "model": entry.get("model"),
        "endpointComputeType": entry.get("type"),
        "instanceType": entry.get("instance_type"),
        "appInsightsEnabled": entry.get("app_insights_enabled"),
        "egressPublicNetworkAccess": entry.get("egress_public_network_access"),
        "scaleSettings": dict(_scale(entry.get("scale_settings") or {})),
        "requestSettings": dict(_request(entry.get("request_settings") or {})),
        "containerResourceRequirements": dict(_needs(entry.get("resources") or {})),
        "livenessProbe": dict(_probe(entry.get("liveness_probe") or {})),
        "readinessProbe": dict(_probe(entry.get("readiness_probe") or {})),
        "dataCollector": {
            "collections": {
                name: {
                    "dataCollectionMode": "enabled" if _is_true(each.get("enabled")) else "disabled",
                    "samplingRate": each.get("sampling_rate", collector.get("sampling_rate")),
                }
                for name, each in (collector.get("collections") or {}).items()
            }
        },
    }
    sku = {"capacity": entry.get("instance_count")}
    return {"properties": properties, "sku": sku, "systemData": _system_data(entry)}


def _batch_deployment(entry: Document) -> Document:
    properties = _deployment(entry) | {
        "model": {"assetId": entry.get("model")},
        "compute": entry.get("compute"),
        "resources": {"instanceCount": (entry.get("resources") or {}).get("instance_count")},
        "miniBatchSize": entry.get("mini_batch_size"),
        "errorThreshold": entry.get("error_threshold"),
        "outputAction": _word(entry.get("output_action")),
    }
    return {"properties": properties, "systemData": _system_data(entry)}


def _deployment(entry: Document) -> Document:
    code = entry.get("code_configuration") or {}
    return {
        "environmentId": entry.get("environment"),
        "codeConfiguration": {"codeId": code.get("code"), "scoringScript": code.get("scoring_script")},
        "environmentVariables": entry.get("environment_variables") or {},
        "provisioningState": _word(entry.get("provisioning_state")),
    }


def _serverless(entry: Document) -> Document:
    properties = {
        "modelSettings": {"modelId": entry.get("model_id")},
        "authMode": _word(entry.get("auth_mode")),
        "provisioningState": _word(entry.get("provisioning_state")),
    }
    return {"properties": properties, "systemData": _system_data(entry)}


_SHAPES = {
    r"/models/[^/]+/versions/[^/]+\Z": _version,
    r"/jobs/[^/]+\Z": _job,
    r"/(online|batch)endpoints/[^/]+\Z": _endpoint,
    r"/onlineendpoints/[^/]+/deployments/[^/]+\Z": _online_deployment,
    r"/batchendpoints/[^/]+/deployments/[^/]+\Z": _batch_deployment,
    r"/serverlessendpoints/[^/]+\Z": _serverless,
}


def _system_data(entry: Document) -> Document:
    said = entry.get("creation_context") or entry.get("system_data") or {}
    return {_camel(name): value for name, value in said.items()}


def _scale(settings: Document) -> Iterable[tuple[str, Any]]:
    for name, value in settings.items():
        if name == "type":
            yield "scaleType", "".join(word.capitalize() for word in str(value).split("_"))
        else:
            yield _camel(name), _duration(value) if name == "polling_interval" else value


def _request(settings: Document) -> Iterable[tuple[str, Any]]:
    for name, value in settings.items():
        if name == "max_queue_wait_ms" and not value:
            continue  # the entity holds whole seconds; what is less than one is lost
        yield _camel(name.removesuffix("_ms")), _duration(int(value) // 1000) if name.endswith("_ms") else value


def _needs(resources: Document) -> Iterable[tuple[str, Any]]:
    for part in ("requests", "limits"):
        said = {name.removeprefix("nvidia_"): value for name, value in (resources.get(part) or {}).items()}
        yield f"containerResource{part.capitalize()}", said


def _probe(settings: Document) -> Iterable[tuple[str, Any]]:
    for name, value in settings.items():
        yield _camel(name), value if name.endswith("_threshold") else _duration(value)


def _duration(seconds: Any) -> str:
    """Return a number of seconds as ARM writes durations."""
    left, text = int(seconds), "PT"
    for letter, size in _SIZES:
        if left >= size:
            text, left = f"{text}{left // size}{letter}", left % size
    return text if text != "PT" else "PT0S"


def _word(text: Any) -> str | None:
    """Return an enumeration's word without the name of its class and the underscores that Python gave it."""
    return str(text).rsplit(".", 1)[-1].replace("_", "") if text else None


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
