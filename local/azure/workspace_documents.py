"""Workspaces, models, online endpoints and deployments as Azure Machine Learning answers them.

Shapes and noise are those of recorded answers; `complete_*` adds what the service adds to what it is sent, so
that a fleet file and a write by a real SDK end in the same documents.
"""

import hashlib
from typing import Any

from local.azure.documents import Document
from local.azure.ids import ML, guid, name_of

WORKSPACE = f"{ML}/workspaces"
MODEL = f"{WORKSPACE}/models"
MODEL_VERSION = f"{MODEL}/versions"
ENDPOINT = f"{WORKSPACE}/onlineEndpoints"
DEPLOYMENT = f"{ENDPOINT}/deployments"
REGISTRY = f"{ML}/registries"

_PROBE = {
    "failureThreshold": 30,
    "successThreshold": 1,
    "timeout": "PT2S",
    "period": "PT10S",
    "initialDelay": "PT10S",
}
_DEPLOYMENT_DEFAULTS: Document = {
    "description": None,
    "codeConfiguration": None,
    "environmentId": None,
    "environmentVariables": {},
    "scaleSettings": {"scaleType": "Default"},
    "requestSettings": {
        "maxQueueWait": "PT0.5S",
        "requestTimeout": "PT5S",
        "maxConcurrentRequestsPerInstance": 1,
    },
    "modelMountPath": None,
    "appInsightsEnabled": False,
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "instanceType": None,
    "model": None,
    "privateNetworkConnection": False,
    "egressPublicNetworkAccess": "Enabled",
    "endpointComputeType": "Managed",
}


def complete_workspace(id_: str, location: str, tags: dict[str, str], tenant: str) -> Document:
    """Return a workspace with everything the service fills in."""
    name, group = name_of(id_), id_.split("/providers/", 1)[0]
    store = f"{group}/providers/Microsoft.Storage/storageAccounts/st{guid(id_)[:12].replace('-', '')}"
    return {
        "id": id_,
        "name": name,
        "type": WORKSPACE,
        "location": location,
        "tags": tags,
        "etag": None,
        "properties": {
            "friendlyName": name,
            "description": "",
            "storageAccount": store,
            "keyVault": f"{group}/providers/Microsoft.Keyvault/vaults/kv-{name}",
            "applicationInsights": f"{group}/providers/Microsoft.insights/components/appi-{name}",
            "hbiWorkspace": False,
            "tenantId": tenant,
            "provisioningState": "Succeeded",
            "managedNetwork": {"isolationMode": "Disabled"},
            "v1LegacyMode": False,
            "workspaceId": guid(id_, "workspace"),
            "privateLinkCount": 0,
            "publicNetworkAccess": "Enabled",
            "discoveryUrl": f"https://{location}.api.azureml.ms/discovery",
            "mlFlowTrackingUri": f"azureml://{location}.api.azureml.ms/mlflow/v1.0{id_}",
            "enableDataIsolation": False,
        },
        "identity": identity_of(id_, tenant),
        "kind": "Default",
        "sku": {"name": "Basic", "tier": "Basic"},
    }


def complete_model(id_: str, properties: Document) -> Document:
    """Return a model container; the versions it counts are added when it is read."""
    filled: Document = {"description": None, "tags": {}, "properties": {}, "isArchived": False} | properties
    type_ = MODEL if "/workspaces/" in id_ else f"{REGISTRY}/models"
    return {"id": id_, "name": name_of(id_), "type": type_, "properties": filled}


def complete_model_version(id_: str, properties: Document) -> Document:
    """Return a model version with everything the service fills in."""
    filled: Document = {
        "description": None,
        "tags": {},
        "properties": {},
        "isArchived": False,
        "isAnonymous": False,
        "flavors": {},
        "modelType": "custom_model",
        "modelUri": uploaded_path(id_),
        "jobName": None,
        "stage": None,
        "provisioningState": "Succeeded",
    } | properties
    filled["flavors"] = filled["flavors"] or {}
    type_ = MODEL_VERSION if "/workspaces/" in id_ else f"{REGISTRY}/models/versions"
    return {"id": id_, "name": name_of(id_), "type": type_, "properties": filled}


def complete_endpoint(id_: str, location: str, sent: Document, tenant: str) -> Document:
    """Return an online endpoint with everything the service adds to what it was sent."""
    name = name_of(id_)
    host = f"https://{name}.{location}.inference.ml.azure.com"
    filled: Document = {
        "authMode": "Key",
        "description": None,
        "compute": None,
        "traffic": {},
        "mirrorTraffic": {},
        "publicNetworkAccess": "Enabled",
        "properties": {},
    } | {key: value for key, value in (sent.get("properties") or {}).items() if value is not None}
    # Keys are taken in and never given out again.
    filled.pop("keys", None)
    filled |= {"scoringUri": f"{host}/score", "swaggerUri": f"{host}/swagger.json"}
    filled["properties"] = filled["properties"] | {"azureml.onlineendpointid": id_.lower()}
    return {
        "id": id_,
        "name": name,
        "type": ENDPOINT,
        "location": location,
        "kind": "Managed",
        "tags": sent.get("tags") or {},
        "identity": identity_of(id_, tenant, sent.get("identity")),
        "properties": filled,
    }


def complete_deployment(id_: str, location: str, sent: Document) -> Document:
    """Return a managed online deployment with everything the service adds to what it was sent."""
    said = {key: value for key, value in (sent.get("properties") or {}).items() if value is not None}
    sku = sent.get("sku") or {}
    return {
        "id": id_,
        "name": name_of(id_),
        "type": DEPLOYMENT,
        "location": location,
        "kind": "Managed",
        "tags": sent.get("tags") or {},
        "sku": {"name": "Default", "tier": "Standard", "capacity": sku.get("capacity") or 1},
        "properties": {"properties": {}, **_DEPLOYMENT_DEFAULTS, **said},
    }


def uploaded_path(version_id: str) -> str:
    """Return where the SDK would have uploaded a version's files: a folder named by a hash of their content."""
    _, subscription, _, group, _, _, kind, workspace, _, model, _, version = version_id.strip("/").split("/")
    if kind == "registries":  # the registry copies the files into a store that it alone names
        return f"https://{guid(version_id)[:8]}.blob.core.windows.net/{workspace}-{guid(version_id)}/{model}"
    upload = hashlib.md5(f"{model}:{version}".encode(), usedforsecurity=False).hexdigest()
    where = f"subscriptions/{subscription}/resourceGroups/{group}/workspaces/{workspace}"
    return f"azureml://{where}/datastores/workspaceblobstore/paths/LocalUpload/{upload}/{model}"


def operation_uri(base: str, id_: str, location: str, operation: str) -> str:
    """Return the address of an operation's state, which Azure ML also leaves behind as noise in the document."""
    subscription = id_.split("/")[2]
    at = f"/subscriptions/{subscription}/providers/{ML}/locations/{location}/mfeOperationsStatus"
    return f"{base}{at}/{operation_name(id_, operation)}?api-version=2022-02-01-preview"


def operation_name(id_: str, operation: str) -> str:
    """Return the name of an operation on an online endpoint or deployment, as Azure ML makes it up."""
    return f"{'odidp' if '/deployments/' in id_ else 'oeidp'}:{guid(id_)}:{operation}"


def identity_of(id_: str, tenant: str, sent: Any = None) -> Document:
    """Return the identity that was asked for, with the ids of a system-assigned one."""
    wanted = sent or {"type": "SystemAssigned"}
    if "SystemAssigned" not in str(wanted.get("type")):
        return dict(wanted)
    return {**wanted, "principalId": guid(id_, "principal"), "tenantId": tenant}
