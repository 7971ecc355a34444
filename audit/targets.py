"""Which target an id belongs to: an ARM resource id, or one of an MLflow registry (`audit.mlflow`)."""

import re
import unicodedata
from typing import Any

from audit import mlflow
from audit.errors import BadInput
from audit.model import Kind, Target

MAX_ID = 2048  # ARM ids are far shorter; what is longer is not one, and not worth a regular expression
_DOTS = frozenset({".", ".."})  # an HTTP client would walk up the path and ask for something else
_END = re.compile(r"[\s/]+\Z")

_GROUP = r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers"
_WORKSPACES, _REGISTRIES = (
    "microsoft.machinelearningservices/workspaces",
    "microsoft.machinelearningservices/registries",
)
_ACCOUNTS = "microsoft.cognitiveservices/accounts"
_KINDS = {
    (_WORKSPACES, "onlineendpoints"): Kind.ONLINE_ENDPOINT,
    (_WORKSPACES, "batchendpoints"): Kind.BATCH_ENDPOINT,
    (_WORKSPACES, "serverlessendpoints"): Kind.SERVERLESS_ENDPOINT,
    (_WORKSPACES, "models"): Kind.MODEL,
    (_REGISTRIES, "models"): Kind.MODEL,
    (_ACCOUNTS, "deployments"): Kind.OPENAI_DEPLOYMENT,
}
_HOME = "|".join(map(re.escape, (_WORKSPACES, _REGISTRIES, _ACCOUNTS)))
_PARENT = re.compile(rf"(?P<parent>{_GROUP}/(?:{_HOME})/[^/]+)(/.*)?")
_CHILD = re.compile(rf"(?P<id>(?P<parent>{_GROUP}/(?P<home>{_HOME})/[^/]+)/(?P<type>[^/]+)/(?P<name>[^/]+))(/.*)?")

# What many deployments of an account name, so that a change of it is a reason to look at all of them.
_SHARED = frozenset({(_ACCOUNTS, "raipolicies"), (_ACCOUNTS, "raiblocklists")})

_KINDS_WITH_DEPLOYMENTS = frozenset({"openai", "aiservices"})  # of accounts


def normalise_id(resource_id: str) -> str:
    """Return the id as ARM compares it: lower-cased, NFC, without blanks around it or slashes at its end.

    Lower case comes first: a small letter may have a composed form that its capital has not.
    """
    id_ = unicodedata.normalize("NFC", resource_id.lower())
    return (id_ if id_[-1:].isalnum() else _END.sub("", id_)).lstrip()


def find_target(resource_id: str) -> Target | None:
    """Return the target that this resource is, or is part of; None where it is nothing we audit.

    A deployment of an endpoint belongs to the endpoint, a model version to the model; a workspace, a registry or
    an account is the target that tells whether it can be listed. A content filter is part of whatever deployment
    names it, so it leads to the account.
    """
    if mlflow.is_mlflow(resource_id):
        return _mlflow_target(resource_id)
    id_ = _plausible_id(resource_id)
    if match := _CHILD.fullmatch(id_):
        place = (match["home"], match["type"])
        if kind := _KINDS.get(place):
            return Target(match["id"], kind, match["parent"], match["name"])
        return parent_target(match["parent"]) if place in _SHARED else None
    return parent_target(id_) if find_parent(id_) == id_ else None


def parse_target(resource_id: str) -> Target:
    """Return the target of this id; raise `BadInput` where it names nothing we audit."""
    target = find_target(resource_id)
    if target is None:
        raise BadInput(
            "expected the ARM id of an online, batch or serverless endpoint, of a model or of a deployment of a "
            "Cognitive Services account (/subscriptions/.../providers/...), or mlflow://REGISTRY/models/NAME, "
            f"got {resource_id[:200]!r}"
        )
    return target


def can_have_deployments(account: Any) -> bool:
    """Say whether an account, as a list or an index shows it, is of a kind that models are deployed in."""
    return isinstance(account, dict) and str(account.get("kind")).lower() in _KINDS_WITH_DEPLOYMENTS


def find_parent(resource_id: str) -> str | None:
    """Return the id of the workspace, registry or account that this resource is or lives in, if any."""
    if mlflow.is_mlflow(resource_id):
        found = mlflow.normalise(resource_id)
        return found and found[0]
    match = _PARENT.fullmatch(_plausible_id(resource_id))
    return match and match["parent"]


def parent_target(parent: str) -> Target:
    """Return the target that a workspace, registry or account is itself, given its normalised id."""
    return Target(parent, Kind.PARENT, parent, parent.rsplit("/", 1)[1])


def _mlflow_target(id_: str) -> Target | None:
    found = mlflow.normalise(id_)
    if found is None:
        return None
    registry, model = found
    return Target(model, Kind.MODEL, registry, mlflow.shown(model)) if model else parent_target(registry)


def _plausible_id(resource_id: str) -> str:
    """Return the normalised id, or nothing where ARM cannot have given it: it is asked for in a URL later."""
    if len(resource_id) > MAX_ID:
        return ""
    id_ = normalise_id(resource_id)
    has_dots = "/." in id_ and _DOTS & set(id_.split("/"))
    return id_ if id_.isprintable() and not has_dots else ""
