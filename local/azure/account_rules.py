"""What Azure Cognitive Services accepts: deployments of models on offer, and content filters."""

from typing import get_args

from local.azure import account_documents as ai
from local.azure.documents import Document
from local.azure.drafts import Draft, Rules, bad_request
from local.azure.fleet import CatalogueRow, Upgrade


def accept_deployment(draft: Draft) -> Document:
    """Take a deployment of a model that the account's region offers, in a SKU and a size it can have."""
    model = draft.sent_properties.get("model")
    if not isinstance(model, dict) or not model.get("name"):
        raise bad_request("InvalidResourceProperties", "A deployment needs a model with a name.")
    row = _offered(draft, model)
    said = {"format": row.format, "name": row.model, "version": row.version}
    properties = draft.sent_properties | {"model": model | said}
    document = ai.complete_deployment(draft.id, draft.sent | {"properties": properties})
    _check_sku(row, document["sku"])
    _check_options(draft, document["properties"])
    return document


def accept_content_filter(draft: Draft) -> Document:
    """Take a content filter of the account's own."""
    if draft.before and draft.before["properties"]["type"] == "SystemManaged":
        raise bad_request("InvalidRaiPolicy", f"The policy '{draft.name}' is managed by the system.")
    return ai.complete_content_filter(draft.id, draft.sent)


def _offered(draft: Draft, model: Document) -> CatalogueRow:
    """Return the row of the catalogue that is asked for: the default version where none is named."""
    version = model.get("version")
    rows = [row for row in draft.estate.offers(draft.parent["location"]) if row.model == model["name"]]
    matching = (row for row in rows if (row.version == version if version else row.default))
    row = next(matching, None)
    label = f"'Format: {model.get('format')}, Name: {model['name']}, Version: {version}'"
    if row is None:
        message = f"The model {label} of account deployment is not supported."
        raise bad_request("DeploymentModelNotSupported", message)
    if row.retires <= draft.today and not draft.before:
        raise bad_request("ServiceModelDeprecated", f"The model {label} has been retired on {row.retires}.")
    return row


def _check_sku(row: CatalogueRow, sku: Document) -> None:
    if sku["name"] not in row.skus:
        message = f"The sku '{sku['name']}' of account deployment is not supported by the model '{row.model}'."
        raise bad_request("InvalidResourceProperties", message)
    if not isinstance(sku["capacity"], int) or not 0 < sku["capacity"] <= row.max_capacity:
        message = (
            f"The specified capacity '{sku['capacity']}' of account deployment is bigger than available "
            f"capacity '{row.max_capacity}' for UsageName '{row.format}.{sku['name']}.{row.model}'."
        )
        raise bad_request("InsufficientQuota", message)


def _check_options(draft: Draft, properties: Document) -> None:
    option, policy = properties.get("versionUpgradeOption"), properties["raiPolicyName"]
    if option is not None and option not in get_args(Upgrade):
        raise bad_request("InvalidResourceProperties", f"The versionUpgradeOption '{option}' is not supported.")
    if draft.estate.find(f"{draft.parent['id']}/raiPolicies/{policy}") is None:
        raise bad_request("InvalidRaiPolicy", f"The policy '{policy}' does not exist in the account.")


DEPLOYMENT_RULES = Rules(accept_deployment, patchable=frozenset({"sku", "tags"}), updating="Accepted")
CONTENT_FILTER_RULES = Rules(accept_content_filter, is_slow=False)
