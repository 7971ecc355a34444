"""One name for an asset, however a service spells its reference.

The forms are those of `azure/ai/ml/constants/_common.py` and of recorded answers: ARM ids in any case, short
`azureml:` names, labels, registry and workspace URIs, MLflow URIs and data-store paths. A feed is what the
service calls a registry inside.
"""

import re
from dataclasses import dataclass

LATEST = "latest"

_PATH_LABELS = r"(?:versions/(?P<version>[^/]+)|labels/(?P<label>[^/]+))"
_ARM = r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.machinelearningservices"
_SCOPE = r"(?:(?:subscriptions/[^/]+/)?resourcegroups/[^/]+(?:/providers/[^/]+)?|locations/[^/]+)"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?:azureml:/?)?{_ARM}/workspaces/[^/]+/[^/]+/(?P<name>[^/]+)/{_PATH_LABELS}",
        rf"(?:azureml:/?)?{_ARM}/registries/(?P<registry>[^/]+)/[^/]+/(?P<name>[^/]+)/{_PATH_LABELS}",
        rf"azureml://(?:registries|feeds)/(?P<registry>[^/]+)/[^/]+/(?P<name>[^/]+)/{_PATH_LABELS}",
        rf"azureml://{_SCOPE}/workspaces/[^/]+/[^/]+/(?P<name>[^/]+)/{_PATH_LABELS}",
        rf"azureml://[a-z]+/(?P<name>[^/]+)/{_PATH_LABELS}",
        r"azureml:(?P<name>[^:/@]+):(?P<version>[^/@]+)",
        r"azureml:(?P<name>[^:/@]+)@(?P<label>[^/:]+)",
        r"models:/(?P<name>[^/@]+)/(?P<version>[^/]+)",
        r"models:/(?P<name>[^/@]+)@(?P<label>[^/]+)",
    )
)

# Serverless endpoints name their model without a version, and always serve the newest one.
_UNVERSIONED = re.compile(r"azureml://registries/(?P<registry>[^/]+)/models/(?P<name>[^/]+)", re.IGNORECASE)
# A place in a data store: the scope is compared without case, the path below it never is.
_STORED = re.compile(
    r"azureml:/(?P<scope>/subscriptions/[^/]+/resourcegroups/[^/]+(?:/providers/[^/]+)?/workspaces/[^/]+)?"
    r"/+datastores/(?P<store>[^/]+)/paths/(?P<path>.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An asset by name and version, or by a label that may move; else `path` holds what was said.

    `registry` names the registry it comes from; it is empty for an asset of the workspace itself.
    """

    name: str = ""
    version: str = ""
    label: str = ""
    registry: str = ""
    path: str = ""

    def __str__(self) -> str:
        place = f"{self.registry}/" if self.registry else ""
        if self.path:
            return self.path
        return f"{place}{self.name}@{self.label}" if self.label else f"{place}{self.name}:{self.version}"

    @property
    def key(self) -> str:
        """Return what is equal for all spellings of the same asset: a service may answer a name in either case."""
        return self.path or str(self).lower()


def parse_reference(text: str, workspace: str = "") -> Reference:
    """Return what a reference names; a form that is none of the known ones becomes a path.

    A place in a data store of `workspace`, the ARM id of the one that refers, is written in the short form.
    """
    text = text.strip()
    for form in _FORMS:
        if match := form.fullmatch(text):
            found = match.groupdict()
            return Reference(
                name=found["name"],
                version=found.get("version") or "",
                label=found.get("label") or "",
                registry=(found.get("registry") or "").lower(),
            )
    if match := _UNVERSIONED.fullmatch(text):
        return Reference(name=match["name"], label=LATEST, registry=match["registry"].lower())
    return Reference(path=_place(text, workspace.lower()))


def _place(text: str, workspace: str) -> str:
    match = _STORED.fullmatch(text)
    if match is None:
        return text
    below = f"datastores/{match['store']}/paths/{match['path']}"
    scope = re.sub(r"/providers/[^/]+", "", (match["scope"] or "").lower())
    is_home = scope == re.sub(r"/providers/[^/]+", "", workspace)
    return f"azureml:/{scope}/{below}" if scope and not is_home else f"azureml://{below}"
