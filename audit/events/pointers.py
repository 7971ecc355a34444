"""Where an event points: the targets that it names, or the reason why it names none.

An event is a hint where to look and nothing else, so whatever names one of our targets is good enough. Some name
a thing that only a release can lead to a target: a container image, a secret, a content filter (`Asset`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from audit.model import Approved, Release, Target
from audit.targets import find_target, normalise_id
from audit.texts import cut

MAX_MODELS = 50  # of one event: each is a check of its own; whoever names more has the whole workspace checked

_TEMPLATE = "/providers/microsoft.resources/deployments/"
_FILTER = re.compile(r"/raipolicies/(?P<name>[^/]+)(?:/.*)?")
_BLOB = re.compile(r"/?blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<name>.+)", re.IGNORECASE)
_SECRET_KINDS = {"secret": "secrets", "key": "keys", "certificate": "certificates"}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an event says, whichever schema it came in; the names in `data` are lower-cased."""

    type: str
    source: str
    subject: str
    data: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return a text of the data; it is empty where it is missing, null or something else."""
        return text_of(self.data, name)

    def inner(self, name: str) -> dict[str, Any]:
        """Return an object of the data with its names lower-cased; it is empty where there is none."""
        value = self.data.get(name)
        return {key.lower(): each for key, each in value.items()} if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Asset:
    """What a release may name: an image, a secret, a content filter.

    A name that ends in a slash also names what is below it. `parent` and `fact` say in whose releases and in
    which fact it may stand; anywhere where they are empty.
    """

    names: tuple[str, ...]
    parent: str = ""
    fact: str = ""


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob that was written or deleted."""

    container: str
    name: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """What an event points to. `reason` says why there is no target, which an `asset` may still lead to.

    A `blob` may be a release file that was dropped, which is no target either.
    """

    resource: str
    targets: tuple[Target, ...] = ()
    asset: Asset | None = None
    reason: str = ""
    blob: Blob | None = None


def text_of(mapping: Mapping[str, Any], name: str) -> str:
    """Return a text that may be missing, null or something else, and then says nothing."""
    value = mapping.get(name)
    return value if isinstance(value, str) else ""


def point(envelope: Envelope) -> Pointer:
    """Return where an event points, by the family that its type belongs to."""
    type_ = envelope.type.lower()
    return next((read for prefix, read in _FAMILIES if type_.startswith(prefix)), _resource)(envelope)


def targets_naming(asset: Asset, releases: Iterable[Release]) -> tuple[Target, ...]:
    """Return the targets whose release names an asset in its facts or its evidence, sorted."""
    found = {r.target.id: r.target for r in releases if any(_is_named(t, asset.names) for t in _texts(r, asset))}
    return tuple(found[id_] for id_ in sorted(found))


def _resource(envelope: Envelope) -> Pointer:
    """Return where an event of a resource points: Azure Resource Manager's own, a policy's, anybody's."""
    named = (
        envelope.text("resourceuri"),
        text_of(envelope.inner("resourceinfo"), "id"),
        envelope.subject,
        text_of(envelope.inner("authorization"), "scope"),
        envelope.source,
    )
    ids = (text for text in named if text.lower().lstrip().startswith("/subscriptions/"))
    resource = next(ids, envelope.subject or envelope.source)
    target = find_target(resource)
    if target is None:
        return Pointer(resource, reason=_why_none(envelope, resource))
    return Pointer(resource, (target,), _content_filter(resource, target))


def _content_filter(resource: str, target: Target) -> Asset | None:
    """Return the content filter that a resource is: the deployments whose release names it are meant as well."""
    match = _FILTER.fullmatch(normalise_id(resource).removeprefix(target.parent))
    return Asset((match["name"],), target.parent, "content_filter") if match else None


def _why_none(envelope: Envelope, resource: str) -> str:
    if _TEMPLATE in resource.lower():
        return (
            "a template deployment: what it writes announces itself, under the same correlation id "
            "(azure-docs#12166)"
        )
    return f"{cut(envelope.type, 100)} names nothing we audit"


def _workspace(envelope: Envelope) -> Pointer:
    """Return where an event of a workspace's own topic points: to models it names, else to the workspace.

    `ModelDeployed` names a service in words of the first Azure ML API, which no target's id can be made of.
    """
    place = find_target(envelope.source)
    if place is None:
        return _resource(envelope)
    models = _models(envelope)
    if len(models) == 1 and not envelope.text("modelids"):
        return Pointer(models[0].id, (models[0],))
    return Pointer(models[0].id if models else envelope.source, (place, *models))


def _models(envelope: Envelope) -> list[Target]:
    """Return the models that an event names as `name:version,name:version`, by name, or in its subject."""
    registered = envelope.text("modelname") or _model_of(envelope.subject)
    deployed = [_name_of(each) for each in envelope.text("modelids").split(",")]
    names = dict.fromkeys(name for name in (registered, *deployed) if name and "/" not in name)
    found = [find_target(f"{envelope.source}/models/{name}") for name in names]
    return [target for target in found if target] if len(names) <= MAX_MODELS else []


def _model_of(subject: str) -> str:
    kind, _, rest = subject.partition("/")
    return _name_of(rest) if kind.lower() == "models" else ""


def _name_of(reference: str) -> str:
    name, colon, last = reference.strip().rpartition(":")
    return name if colon else last


def _image(envelope: Envelope) -> Pointer:
    """Return the image that a registry's event names, by tag and by digest."""
    target, registry = envelope.inner("target"), envelope.source.rsplit("/", 1)[-1].lower()
    host = text_of(envelope.inner("request"), "host") or f"{registry}.azurecr.io"
    repository = text_of(target, "repository") or envelope.subject.partition(":")[0]
    tag, digest = text_of(target, "tag"), text_of(target, "digest")
    image = f"{host}/{repository}".lower()
    names = [image, f"{image}:{tag}" if tag else "", f"{image}@{digest}" if digest else "", digest]
    named = tuple(name.lower() for name in names if name) if repository else ()
    return Pointer(image, asset=Asset(named), reason=f"no release names the image {cut(image, 200)}")


def _secret(envelope: Envelope) -> Pointer:
    """Return the secret, key or certificate that a vault's event names, in any version."""
    kind = _SECRET_KINDS.get(envelope.text("objecttype").lower(), "secrets")
    vault = envelope.text("vaultname") or envelope.source.rsplit("/", 1)[-1]
    name = envelope.text("objectname") or envelope.subject
    said = re.match(r"https://[^/\s]+/[^/\s]+/[^/\s]+", envelope.text("id").lower())
    url = said[0] if said else f"https://{vault}.vault.azure.net/{kind}/{name}".lower()
    names = (url, f"{url}/") if name or said else ()
    return Pointer(url, asset=Asset(names), reason=f"no release names the secret {cut(url, 200)}")


def _blob(envelope: Envelope) -> Pointer:
    """Return which blob an event of a storage account speaks of; anything else of it names nothing of ours."""
    found, pointer = _BLOB.fullmatch(envelope.subject), _resource(envelope)
    if found is None or not envelope.type.lower().endswith((".blobcreated", ".blobdeleted")):
        return pointer
    return replace(pointer, resource=envelope.subject, blob=Blob(found["container"].lower(), found["name"]))


def _handshake(envelope: Envelope) -> Pointer:
    return Pointer(envelope.source, reason="a handshake of Event Grid, which its trigger answers")


_FAMILIES: tuple[tuple[str, Callable[[Envelope], Pointer]], ...] = (
    ("microsoft.machinelearningservices.", _workspace),
    ("microsoft.containerregistry.", _image),
    ("microsoft.keyvault.", _secret),
    ("microsoft.storage.", _blob),
    ("microsoft.eventgrid.subscription", _handshake),
)


def _texts(release: Release, asset: Asset) -> Iterable[str]:
    """Return the texts of a release in which an asset may be named."""
    for name, value in release.facts.items():
        if not asset.fact or name == asset.fact:
            yield from map(str, value.one_of if isinstance(value, Approved) else (value,))
    if not asset.fact:
        yield from map(str, release.evidence.values())


def _is_named(text: str, names: Collection[str]) -> bool:
    said = text.strip().lower().removeprefix("docker://")
    return any(said == name or (name.endswith("/") and said.startswith(name)) for name in names)
