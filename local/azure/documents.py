"""What all ARM documents share: ids, stamps, noise, and the way from a terse entry to a document and back."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local.azure.identity import Identity
from local.azure.yamlfile import Stamp

Document = dict[str, Any]

# What stands among an endpoint's properties without anybody having meant it, so a fleet file leaves it out: the
# service's own noise, and stamps that azure-ai-ml mixes in when it reads and sends back when it writes.
NOISE = (
    "AzureAsyncOperationUri",
    "createdAt",
    "createdBy",
    "createdByType",
    "lastModifiedAt",
    "lastModifiedBy",
    "lastModifiedByType",
)


@dataclass(frozen=True, slots=True)
class Authors:
    """Who is who, in both directions, and the stamp of everything that has none of its own."""

    identities: Mapping[str, Identity]
    since: Stamp

    def system_data(self, created: Stamp, modified: Stamp) -> Document:
        """Return `systemData` as the service writes it."""
        return {
            "createdAt": service_time(created.at),
            "createdBy": self._author(created.by),
            "createdByType": self._author_type(created.by),
            "lastModifiedAt": service_time(modified.at),
            "lastModifiedBy": self._author(modified.by),
            "lastModifiedByType": self._author_type(modified.by),
        }

    def stamps(self, document: Document) -> tuple[Stamp, Stamp]:
        """Return when and by whom a document was made and last changed."""
        noted = document["systemData"]
        created = Stamp(_moment(noted["createdAt"]), self._key(noted["createdBy"]))
        return created, Stamp(
            _moment(noted["lastModifiedAt"]), self._key(noted.get("lastModifiedBy") or noted["createdBy"])
        )

    def display_name(self, key: str) -> str:
        """Return the name that Azure ML shows for the author of an online deployment."""
        return self.identities[key].name if key in self.identities else key

    def _author(self, key: str) -> str:
        return self.identities[key].author if key in self.identities else key

    def _author_type(self, key: str) -> str:
        return self.identities[key].author_type if key in self.identities else "User"

    def _key(self, author: str) -> str:
        of = (key for key, each in self.identities.items() if author in (each.author, each.name))
        return next(of, author)


def service_time(moment: datetime) -> str:
    """Return a moment the way Azure writes it: UTC with seven digits of a second."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S.%f}{utc.microsecond % 10}Z"


def earlier(stamp: Stamp, days: int) -> Stamp:
    """Return the stamp of something made `days` after another, by the same author."""
    return Stamp(stamp.at + timedelta(days=days), stamp.by)


def merge(base: Document, change: Mapping[str, Any]) -> Document:
    """Return `base` with a JSON merge patch (RFC 7396) laid over it: null removes, objects are merged."""
    merged = deepcopy(base)
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = deepcopy(value)
    return merged


def overlay(properties: Document, more: Mapping[str, Any]) -> Document:
    """Return `properties` with a fleet file's `more` laid over it whole; null takes a property away."""
    laid = properties | deepcopy(dict(more))
    return {key: value for key, value in laid.items() if value is not None or key not in more}


def unsaid(document: Document, known: Document) -> Document:
    """Return the properties of `document` that `known`, made from a terse entry, lacks or has otherwise."""
    properties, implied = _quiet(document["properties"]), _quiet(known["properties"])
    return {key: properties.get(key) for key in properties | implied if properties.get(key) != implied.get(key)}


def without_noise(properties: Mapping[str, Any]) -> Document:
    """Return a `properties` dictionary of a dictionary without what the server puts there by itself."""
    return {key: value for key, value in properties.items() if key not in NOISE}


def said(stamp: Stamp, usual: Stamp) -> Stamp | None:
    """Return the stamp to write in a fleet file: None where it goes without saying."""
    return None if stamp == usual else stamp


def by_name(documents: Iterable[Document], entry_of: Callable[[Document], Any]) -> dict[str, Any]:
    """Return the terse entries of some documents under their names, in the order of their names."""
    return {each["name"]: entry_of(each) for each in sorted(documents, key=lambda each: str(each["name"]))}


def _quiet(properties: Mapping[str, Any]) -> Document:
    inner = properties.get("properties")
    quiet = {key: value for key, value in properties.items() if value is not None}
    return quiet | ({"properties": without_noise(inner)} if isinstance(inner, Mapping) else {})


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
