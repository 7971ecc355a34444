"""Which target an ARM resource id belongs to."""

import re
import unicodedata

from audit.errors import BadInput
from audit.model import Kind, Target

MAX_ID = 2048  # ARM ids are far shorter; what is longer is not one, and not worth a regular expression
_DOTS = frozenset({".", ".."})  # an HTTP client would walk up the path and ask for something else
_END = re.compile(r"[\s/]+\Z")

_GROUP = r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers"
_WORKSPACE = rf"{_GROUP}/microsoft\.machinelearningservices/workspaces/[^/]+"
_ACCOUNT = rf"{_GROUP}/microsoft\.cognitiveservices/accounts/[^/]+"
_TARGETS = {
    Kind.ONLINE_ENDPOINT: re.compile(rf"(?P<id>(?P<parent>{_WORKSPACE})/onlineendpoints/(?P<name>[^/]+))(/.*)?"),
    Kind.MODEL: re.compile(rf"(?P<id>(?P<parent>{_WORKSPACE})/models/(?P<name>[^/]+))(/.*)?"),
    Kind.OPENAI_DEPLOYMENT: re.compile(rf"(?P<id>(?P<parent>{_ACCOUNT})/deployments/(?P<name>[^/]+))(/.*)?"),
}
_PARENT = re.compile(rf"(?P<parent>{_WORKSPACE}|{_ACCOUNT})(/.*)?")


def normalise_id(resource_id: str) -> str:
    """Return the id as ARM compares it: lower-cased, NFC, without blanks around it or slashes at its end.

    Lower case comes first: a small letter may have a composed form that its capital has not.
    """
    return _END.sub("", unicodedata.normalize("NFC", resource_id.lower())).lstrip()


def find_target(resource_id: str) -> Target | None:
    """Return the target that this resource is, or is part of; None where it is nothing we audit.

    A deployment of an online endpoint belongs to the endpoint, a model version to the model; a workspace or
    an account is the target that tells whether it can be listed.
    """
    id_ = _plausible_id(resource_id)
    for kind, form in _TARGETS.items():
        if match := form.fullmatch(id_):
            return Target(match["id"], kind, match["parent"], match["name"])
    return parent_target(id_) if find_parent(id_) == id_ else None


def parse_target(resource_id: str) -> Target:
    """Return the target of this id; raise `BadInput` where it names nothing we audit."""
    target = find_target(resource_id)
    if target is None:
        raise BadInput(
            "expected the ARM id of an online endpoint, a model or an Azure OpenAI deployment "
            f"(/subscriptions/.../providers/...), got {resource_id[:200]!r}"
        )
    return target


def find_parent(resource_id: str) -> str | None:
    """Return the id of the workspace or account that this resource is or lives in, if any."""
    match = _PARENT.fullmatch(_plausible_id(resource_id))
    return match and match["parent"]


def parent_target(parent: str) -> Target:
    """Return the target that a workspace or account is itself, given its normalised id."""
    return Target(parent, Kind.PARENT, parent, parent.rsplit("/", 1)[1])


def _plausible_id(resource_id: str) -> str:
    """Return the normalised id, or nothing where ARM cannot have given it: it is asked for in a URL later."""
    if len(resource_id) > MAX_ID:
        return ""
    id_ = normalise_id(resource_id)
    return id_ if id_.isprintable() and not _DOTS & set(id_.split("/")) else ""
