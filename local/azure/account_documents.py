"""Accounts, deployments, content filters and the model catalogue as Azure Cognitive Services answers them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from local.azure.documents import Document
from local.azure.fleet import CatalogueRow, Replacement
from local.azure.ids import AI, guid, name_of

ACCOUNT = f"{AI}/accounts"
DEPLOYMENT = f"{ACCOUNT}/deployments"
CONTENT_FILTER = f"{ACCOUNT}/raiPolicies"

# What only the service says; it ignores them in what it is sent.
_READ_ONLY = ("provisioningState", "currentCapacity", "capabilities", "rateLimits", "callRateLimit")

HARMS = ("hate", "sexual", "selfharm", "violence")
_KINDS = ("OpenAI", "AIServices")  # the catalogue lists each model once for each kind of account
_CHAT = {
    "area": "EUR",
    "chatCompletion": "true",
    "jsonObjectResponse": "true",
    "maxContextToken": "128000",
    "maxOutputToken": "16384",
    "assistants": "true",
    "responses": "true",
}
_EMBEDDINGS = {"area": "EUR", "embeddings": "true", "embeddingsMaxInputs": "2048"}


def complete_account(id_: str, kind: str, location: str, tags: dict[str, str], tenant: str) -> Document:
    """Return an account with everything the service fills in."""
    name = name_of(id_)
    host = f"https://{name}.openai.azure.com/"
    return {
        "id": id_,
        "name": name,
        "type": ACCOUNT,
        "etag": f'"{guid(id_, "etag")}"',
        "location": location,
        "sku": {"name": "S0"},
        "kind": kind,
        "tags": tags,
        "properties": {
            "endpoint": host if kind == "OpenAI" else f"https://{name}.cognitiveservices.azure.com/",
            "provisioningState": "Succeeded",
            "isMigrated": False,
            "customSubDomainName": name,
            "privateEndpointConnections": [],
            "publicNetworkAccess": "Enabled",
            "disableLocalAuth": True,
            "endpoints": {"OpenAI Language Model Instance API": host},
        },
        "identity": {
            "principalId": guid(id_, "principal"),
            "tenantId": tenant,
            "type": "SystemAssigned",
        },
    }


def complete_deployment(id_: str, sent: Document) -> Document:
    """Return an Azure OpenAI deployment with everything the service adds to what it was sent."""
    sku: Document = {"name": "Standard", "capacity": 1} | (sent.get("sku") or {})
    properties = (sent.get("properties") or {}).items()
    said = {key: value for key, value in properties if value is not None and key not in _READ_ONLY}
    filled: Document = {"raiPolicyName": "Microsoft.DefaultV2"} | said
    filled |= {
        "provisioningState": "Succeeded",
        "currentCapacity": sku["capacity"],
        # The key under `_H_` is noise that real answers carry; nothing may come to depend on it.
        "capabilities": _capabilities(filled["model"])
        | {"_H_azureml-throttling-key": f"oai-{guid(id_, 'key').replace('-', '')}"},
    }
    if not sku["name"].endswith("ProvisionedManaged"):
        filled["rateLimits"] = _rate_limits(sku["capacity"])
    document = {"id": id_, "type": DEPLOYMENT, "name": name_of(id_), "sku": sku, "properties": filled}
    # The service sends no `tags` at all where there are none.
    return document | ({"tags": sent["tags"]} if sent.get("tags") else {})


def complete_content_filter(id_: str, sent: Document, owner: str = "UserManaged") -> Document:
    """Return a content filter with everything the service fills in."""
    filled = {"type": owner, "mode": "Blocking", "basePolicyName": "Microsoft.DefaultV2"}
    properties = filled | {"contentFilters": content_filters({})} | (sent.get("properties") or {})
    return {"id": id_, "type": CONTENT_FILTER, "name": name_of(id_), "properties": properties}


def content_filters(thresholds: Mapping[str, str]) -> list[Document]:
    """Return the list of filters with one threshold for each harm, for prompts and for completions."""
    graded = [
        {
            "name": harm,
            "blocking": True,
            "enabled": True,
            "severityThreshold": thresholds.get(harm, "Medium"),
            "source": source,
        }
        for harm in HARMS
        for source in ("Prompt", "Completion")
    ]
    plain = (("jailbreak", "Prompt"), ("protected_material_text", "Completion"))
    return graded + [{"name": name, "blocking": True, "enabled": True, "source": source} for name, source in plain]


def catalogue_models(row: CatalogueRow, today: date) -> Iterator[Document]:
    """Yield one row of the catalogue as the region's list of models has it."""
    for kind in _KINDS:
        yield {"kind": kind, "skuName": "S0", "description": "", "model": catalogue_model(row, today)}


def catalogue_model(row: CatalogueRow, today: date) -> Document:
    """Return one row of the catalogue as an account's own list of models has it."""
    retires = _date_time(row.retires)
    model: Document = {
        "format": row.format,
        "name": row.model,
        "version": row.version,
        "isDefaultVersion": row.default,
        # API words: what the portal calls "Retired" is `Deprecated` here, and answers 410.
        "lifecycleStatus": "Deprecated" if row.retires <= today else row.status,
        "deprecation": {"inference": retires, "deprecationStatus": row.planned},
        "maxCapacity": row.max_capacity,
        "capabilities": _capabilities({"name": row.model}),
        "skus": [_catalogue_sku(row, sku, retires) for sku in row.skus],
        "modelCatalogAssetId": f"azureml://registries/azure-openai/models/{row.model}/versions/{row.version}",
        "systemData": {
            "createdBy": "Microsoft",
            "createdByType": "Application",
            "createdAt": "2024-01-01T00:00:00Z",
            "lastModifiedBy": "Microsoft",
            "lastModifiedByType": "Application",
            "lastModifiedAt": "2024-01-01T00:00:00Z",
        },
    }
    return model | ({"replacementConfig": _replacement(row.replacement)} if row.replacement else {})


def _catalogue_sku(row: CatalogueRow, sku: str, retires: str) -> Document:
    return {
        "name": sku,
        "usageName": f"{row.format}.{sku}.{row.model}",
        "deprecationDate": retires,
        "capacity": {"default": 10, "maximum": row.max_capacity},
        "rateLimits": _rate_limits(1),
    }


def _replacement(replacement: Replacement) -> Document:
    said = {
        "targetModelName": replacement.model,
        "targetModelVersion": replacement.version,
        "upgradeOnExpiryLeadTimeDays": replacement.lead_days,
    }
    starts = replacement.starts
    return said | ({"autoUpgradeStartDate": _date_time(starts)} if starts else {})


def _rate_limits(capacity: int) -> list[Document]:
    return [
        {"key": "request", "renewalPeriod": 60, "count": 10 * capacity},
        {"key": "token", "renewalPeriod": 60, "count": 1000 * capacity},
    ]


def _capabilities(model: Mapping[str, Any]) -> dict[str, str]:
    return dict(_EMBEDDINGS if "embedding" in str(model.get("name")) else _CHAT)


def _date_time(day: date) -> str:
    return datetime.combine(day, time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
