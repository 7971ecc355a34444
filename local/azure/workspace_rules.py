"""What Azure Machine Learning accepts: models and their versions, online endpoints and deployments."""

from local.azure import workspace_documents as ml
from local.azure.answers import not_imitated
from local.azure.documents import Document
from local.azure.drafts import Draft, Rules, bad_request
from local.azure.operations import Failure
from local.azure.traffic import traffic_flaw


def accept_model(draft: Draft) -> Document:
    """Take a model container: archiving a whole model is a PUT of its container."""
    before = draft.before["properties"] if draft.before else {}
    return ml.complete_model(draft.id, before | _given(draft))


def accept_version(draft: Draft) -> Document:
    """Take a model version. Its files never change; what is not sent stays as it was."""
    given = _given(draft)
    before: Document = draft.before["properties"] if draft.before else {}
    if before and given.get("modelUri", before["modelUri"]) != before["modelUri"]:
        raise bad_request("UserError", "Asset paths cannot be updated.")
    if not before and not given.get("modelUri"):
        raise bad_request("UserError", "A model version needs a modelUri.")
    return ml.complete_model_version(draft.id, before | given)


def accept_endpoint(draft: Draft) -> Document:
    """Take an online endpoint, which may send traffic to its own deployments only."""
    document = ml.complete_endpoint(draft.id, draft.parent["location"], draft.sent, _tenant(draft))
    properties = document["properties"]
    deployments = [each["name"] for each in draft.estate.below(draft.id, "deployments")]
    if flaw := traffic_flaw(properties["traffic"], properties["mirrorTraffic"], deployments):
        raise bad_request("BadRequest", f"Traffic of '{draft.name}': expected {flaw.expected}; got {flaw.got}.")
    return document


def accept_deployment(draft: Draft) -> Document:
    """Take a managed online deployment."""
    document = ml.complete_deployment(draft.id, draft.parent["location"], draft.sent)
    if document["properties"]["endpointComputeType"] != "Managed":
        raise not_imitated("online deployments on other than managed compute")
    if document["sku"]["capacity"] < 1:
        raise bad_request("BadRequest", "The instance count of a deployment must be at least 1.")
    return document


def may_delete_deployment(draft: Draft) -> None:
    """Refuse to take away a deployment that still gets traffic: the rollout guide sets it to 0 first."""
    shares = draft.parent["properties"]["traffic"]
    if shares.get(draft.name):
        message = f"Deployment '{draft.name}' gets {shares[draft.name]} percent of the traffic. Set it to 0 first."
        raise bad_request("BadRequest", message)


def missing_model(draft: Draft, document: Document) -> Failure | None:
    """Find that the model of a deployment is not there, which the service sees only when it provisions."""
    model = document["properties"]["model"]
    if not model or not model.lower().startswith("/subscriptions/") or "/versions/" not in model:
        return None
    if draft.estate.find(model):
        return None
    return Failure("ModelRegistryError", f"Could not find asset with ID: {model}")


def _given(draft: Draft) -> Document:
    return {key: value for key, value in draft.sent_properties.items() if value is not None}


def _tenant(draft: Draft) -> str:
    return draft.estate.fleet.tenant


MODEL_RULES = Rules(accept_model, is_slow=False)
VERSION_RULES = Rules(accept_version, is_slow=False)
ENDPOINT_RULES = Rules(accept_endpoint, patchable=frozenset({"tags", "identity", "properties"}))
DEPLOYMENT_RULES = Rules(
    accept_deployment, may_delete_deployment, missing_model, patchable=frozenset({"tags", "sku", "properties"})
)
