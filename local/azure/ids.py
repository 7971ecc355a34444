"""Paths of Azure Resource Manager taken apart without regard to case, and made-up guids that stay the same."""

import uuid
from dataclasses import dataclass

ML = "Microsoft.MachineLearningServices"
AI = "Microsoft.CognitiveServices"


@dataclass(frozen=True, slots=True)
class Address:
    """What a path names: a scope, a provider, and types and names in turns.

    With as many names as types it is one resource; with one name fewer it is a list. `group` is None where
    the scope is the whole subscription.
    """

    path: str
    subscription: str
    group: str | None
    provider: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def type(self) -> str:
        """The full resource type, lower-cased: `microsoft.cognitiveservices/accounts/deployments`."""
        return "/".join((self.provider, *self.types)).lower()

    @property
    def is_list(self) -> bool:
        """Whether the path ends in a type rather than a name."""
        return len(self.types) > len(self.names)

    @property
    def parent(self) -> str | None:
        """The path of the resource this one lives in; None at the top of its provider."""
        if len(self.types) < 2:
            return None
        return self.path.rsplit("/", 1 if self.is_list else 2)[0]


def read_path(path: str) -> Address | None:
    """Return what `path` names; None where it is no path below a resource provider."""
    parts = path.strip("/").split("/")
    lowered = [part.lower() for part in parts]
    if len(parts) < 5 or lowered[0] != "subscriptions" or not all(parts) or "providers" not in lowered[2:5:2]:
        return None
    at = lowered.index("providers", 2)
    if at == 4 and lowered[2] != "resourcegroups":
        return None
    types, names = parts[at + 2 :: 2], parts[at + 3 :: 2]
    group = parts[3] if at == 4 else None
    return Address("/" + "/".join(parts), parts[1], group, parts[at + 1], tuple(types), tuple(names))


def group_id(subscription: str, group: str) -> str:
    """Return the id of a resource group."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def collection_of(id_: str) -> str:
    """Return the lower-cased path of the list that the resource with this id stands in."""
    return id_.rsplit("/", 1)[0].lower()


def name_of(id_: str) -> str:
    """Return the last name in an id."""
    return id_.rsplit("/", 1)[-1]


def guid(*parts: object) -> str:
    """Return a guid that is always the same for the same parts, so that a fleet has the same ids every time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(str(part).lower() for part in parts)))
