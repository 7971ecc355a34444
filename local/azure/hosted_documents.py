"""Batch and serverless endpoints and registries as Azure Machine Learning answers them."""

from local.azure.documents import Document
from local.azure.ids import guid, name_of
from local.azure.workspace_documents import REGISTRY, WORKSPACE, identity_of

BATCH_ENDPOINT = f"{WORKSPACE}/batchEndpoints"
BATCH_DEPLOYMENT = f"{BATCH_ENDPOINT}/deployments"
SERVERLESS_ENDPOINT = f"{WORKSPACE}/serverlessEndpoints"

_BATCH_DEFAULTS: Document = {
    "description": None,
    "codeConfiguration": None,
    "environmentId": None,
    "environmentVariables": {},
    "compute": None,
    "errorThreshold": -1,
    "retrySettings": {"maxRetries": 3, "timeout": "PT30S"},
    "miniBatchSize": 10,
    "loggingLevel": "Info",
    "model": None,
    "maxConcurrencyPerInstance": 1,
    "outputAction": "AppendRow",
    "outputFileName": "predictions.csv",
    "resources": {"instanceCount": 1, "instanceType": None, "properties": {}},
    "provisioningState": "Succeeded",
}


def complete_batch_endpoint(id_: str, location: str, sent: Document, tenant: str) -> Document:
    """Return a batch endpoint with everything the service adds to what it was sent."""
    host = f"https://{name_of(id_)}.{location}.inference.ml.azure.com"
    filled: Document = {"authMode": "AADToken", "description": None, "properties": {}, "defaults": None} | _said(
        sent
    )
    filled |= {"scoringUri": f"{host}/jobs", "swaggerUri": None, "provisioningState": "Succeeded"}
    document = _tracked(id_, BATCH_ENDPOINT, location, sent, filled)
    return document | {"kind": None, "identity": identity_of(id_, tenant, sent.get("identity"))}


def complete_batch_deployment(id_: str, location: str, sent: Document) -> Document:
    """Return a batch deployment with everything the service adds to what it was sent."""
    return _tracked(id_, BATCH_DEPLOYMENT, location, sent, {"properties": {}, **_BATCH_DEFAULTS, **_said(sent)})


def complete_serverless_endpoint(id_: str, location: str, sent: Document) -> Document:
    """Return a serverless endpoint with everything the service adds to what it was sent."""
    filled: Document = {"authMode": "Key", "contentSafety": {"contentSafetyStatus": "Enabled"}} | _said(sent)
    filled |= {
        "inferenceEndpoint": {"uri": f"https://{name_of(id_)}.{location}.models.ai.azure.com", "headers": {}},
        "provisioningState": "Succeeded",
        "endpointState": "Online",
        "marketplaceSubscriptionId": None,
    }
    sku = {"name": "Consumption", "tier": "Free"}
    return _tracked(id_, SERVERLESS_ENDPOINT, location, sent, filled) | {"sku": sku}


def complete_registry(id_: str, location: str, tags: dict[str, str], tenant: str) -> Document:
    """Return a registry with everything the service fills in."""
    name = name_of(id_)
    return {
        "id": id_,
        "name": name,
        "type": REGISTRY,
        "location": location,
        "tags": tags,
        "identity": identity_of(id_, tenant),
        "properties": {
            "discoveryUrl": f"https://{location}.api.azureml.ms/registrymanagement/v1.0/registries/{name}/discovery",
            "intellectualPropertyPublisher": None,
            "managedResourceGroup": {
                "resourceId": f"/subscriptions/{guid(id_, 'managed')}/resourceGroups/rg-{name}"
            },
            "mlFlowRegistryUri": f"azureml://{location}.api.azureml.ms/mlflow/v1.0/registries/{name}",
            "publicNetworkAccess": "Enabled",
            "regionDetails": [{"location": location, "acrDetails": [], "storageAccountDetails": []}],
            "registryPrivateEndpointConnections": [],
        },
    }


def discovery(base_url: str, registry: Document) -> Document:
    """Return where a registry answers, as its discovery says it."""
    _, _, subscription, _, group, *_ = registry["id"].split("/")
    return {
        "registryName": registry["name"],
        "primaryRegion": registry["location"],
        "primaryRegionResourceProviderUri": f"{base_url}/",
        "resourceGroup": group,
        "subscriptionId": subscription,
        "registryFqdns": {},
    }


def _said(sent: Document) -> Document:
    return {key: value for key, value in (sent.get("properties") or {}).items() if value is not None}


def _tracked(id_: str, type_: str, location: str, sent: Document, properties: Document) -> Document:
    tags = sent.get("tags") or {}
    named = {"id": id_, "name": name_of(id_), "type": type_, "location": location, "tags": tags}
    return named | {"properties": properties}
