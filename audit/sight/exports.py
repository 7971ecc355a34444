"""What `az ... -o json` printed, read back as looks: for an auditor who has files and no rights in Azure.

What an entity of azure-ai-ml does not hold, `az ml` does not print, and no reader can bring it back: `UNSEEN`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from audit.errors import BadInput
from audit.model import Document, Facts, Kind, Look, Outcome, Release, Target
from audit.sight import jobs
from audit.sight.catalogue import Catalogue, read_catalogue
from audit.sight.export_shapes import as_arm, catalogue_row
from audit.targets import find_parent, find_target, normalise_id

MAX_BYTES = 200_000_000  # a region's catalogue is 10 MB; what is far beyond is no export

# Facts that `az ml` does not print, or not always, by the kind of target; `az rest` prints them all.
UNSEEN: dict[Kind, re.Pattern[str]] = {
    Kind.MODEL: re.compile(r"versions\.[^.]+\.(archived|anonymous|job\..+)"),
    Kind.ONLINE_ENDPOINT: re.compile(
        r"deployments\.[^.]+\.(egress|request\.maxQueueWait|startup\..+|model_mount_path|private_network_connection)"
    ),
    Kind.BATCH_ENDPOINT: re.compile(r"identity(\.user_assigned)?"),
    Kind.SERVERLESS_ENDPOINT: re.compile(r"content_safety|endpoint_state"),
}

_REGISTRY_URI = re.compile(r"azureml://registries/(?P<registry>[^/]+)(?P<asset>/.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Export:
    """A look for every target of a folder, its catalogues by file, and what was not taken and why."""

    looks: Mapping[Target, Look]
    catalogues: Mapping[str, Catalogue] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    def catalogue_for(self, parent: str) -> Catalogue | None:
        """Return the retirement dates of an account's region; None where the folder holds no dates at all.

        A catalogue does not say which region it is of, so a file with the region in its name goes first.
        """
        documents = (look.document for target, look in self.looks.items() if target.parent == parent)
        accounts = (document.get("account") or {} for document in documents)
        location = next((str(account["location"]).lower() for account in accounts if account.get("location")), "")
        own = [catalogue for name, catalogue in self.catalogues.items() if location and location in name.lower()]
        every = {key: each for one in self.catalogues.values() for key, each in one.items()}
        return own[0] if own else (every if self.catalogues else None)


def judgeable(release: Release, seen: Facts) -> Release:
    """Return a release without the facts that `az` does not print and that are not in what was seen."""
    unseen = UNSEEN.get(release.target.kind)
    kept = {name: value for name, value in release.facts.items() if name in seen or not _is_unseen(unseen, name)}
    return replace(release, facts=kept)


def _is_unseen(pattern: re.Pattern[str] | None, name: str) -> bool:
    return pattern is not None and pattern.fullmatch(name) is not None


def read_exports(folder: Path) -> Export:
    """Return what the `*.json` files below a folder hold; raise `BadInput` where one cannot be read."""
    files = sorted(path for path in folder.rglob("*.json") if path.is_file())
    if not files:
        raise BadInput(f"expected files that `az ... -o json` printed (*.json) in {folder}, found none")
    return gather({str(path.relative_to(folder)): _read(path) for path in files})


def gather(files: Mapping[str, Any]) -> Export:
    """Return what files hold, given their parsed JSON by name."""
    found = _Found()
    entries = [(name, entry) for name, content in sorted(files.items()) for entry in _entries(content)]
    for _, entry in entries:
        found.note_registry(entry)
    for name, entry in entries:
        found.add(name, entry)
    return Export(dict(found.looks()), {n: read_catalogue(rows) for n, rows in found.rows.items()}, found.skipped)


def _read(path: Path) -> Any:
    if path.stat().st_size > MAX_BYTES:
        raise BadInput(f"expected at most {MAX_BYTES} bytes in {path}, got {path.stat().st_size}")
    try:
        return json.loads(path.read_text("utf-8-sig"))  # PowerShell's `>` writes a byte order mark
    except (ValueError, RecursionError) as error:
        raise BadInput(f"expected JSON as `az ... -o json` prints it in {path}, got: {error}") from error


def _entries(content: Any) -> Iterator[Document]:
    """Yield the documents of a file: of `show` one, of `list` many, of `az rest` a page."""
    if isinstance(content, dict) and isinstance(content.get("value"), list):
        content = content["value"]
    for entry in content if isinstance(content, list) else [content]:
        if isinstance(entry, dict):
            yield entry


@dataclass(slots=True)
class _Found:
    """Documents sorted by what they are, in ARM's shape, by their normalised ids."""

    documents: dict[str, Document] = field(default_factory=dict)
    rows: dict[str, list[Document]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    registries: dict[str, str] = field(default_factory=dict)

    def note_registry(self, entry: Document) -> None:
        """Remember where a registry lives: its assets only say its name."""
        id_ = find_parent(str(entry.get("id") or ""))
        if id_ and "/registries/" in id_:
            self.registries[id_.rsplit("/", 1)[1]] = id_

    def add(self, file: str, entry: Document) -> None:
        """Take a document in, or note why not."""
        row = catalogue_row(entry)
        if row is not None:
            self.rows.setdefault(file, []).append(row)
            return
        id_, why = self._id(str(entry.get("id") or ""))
        try:
            if id_ and not why:
                self.documents[id_] = as_arm(id_, entry) | {"id": id_}
        except (AttributeError, TypeError, ValueError) as error:
            why = f"expected a document as az prints it, got {type(error).__name__}"
        if why:
            self.skipped[f"{file}: {entry.get('id') or entry.get('name') or 'an entry'}"] = why

    def _id(self, said: str) -> tuple[str, str]:
        """Return the ARM id that an entry names, and why there is none."""
        if match := _REGISTRY_URI.fullmatch(said):
            home = self.registries.get(match["registry"].lower())
            if home is None:
                return "", f"where the registry is, is not said: add `az ml registry show -n {match['registry']}`"
            return normalise_id(home + match["asset"]), ""
        id_ = normalise_id(re.sub(r"\Aazureml:/*", "/", said))
        return (id_, "") if find_parent(id_) else ("", "it is nothing that is audited")

    def looks(self) -> Iterator[tuple[Target, Look]]:
        """Yield a look for every target that the documents belong to."""
        below: dict[Target, list[Document]] = {}
        for id_, document in sorted(self.documents.items()):
            target = find_target(id_)
            if target is not None and target.kind is not Kind.PARENT:
                below.setdefault(target, []).append(document)
        for target, documents in below.items():
            look = self._look(target, documents)
            if look is not None:
                yield target, look

    def _look(self, target: Target, documents: list[Document]) -> Look | None:
        itself = self.documents.get(target.id)
        parts = [each for each in documents if each["id"] != target.id]
        if target.kind is Kind.MODEL:
            versions = [each for each in parts if "/versions/" in each["id"]]
            if not versions:
                self.skipped[target.id] = f"only the name was listed: add `az ml model list --name {target.name}`"
                return None
            return Look(Outcome.PRESENT, {"versions": versions} | self._jobs(target, versions))
        if itself is None:
            return _unseen(f"the endpoint itself is not in the export, only {len(parts)} of its deployments")
        if target.kind is Kind.OPENAI_DEPLOYMENT:
            return Look(Outcome.PRESENT, self._with_account(target, itself))
        if target.kind is Kind.SERVERLESS_ENDPOINT:
            return Look(Outcome.PRESENT, {"endpoint": itself})
        missing = sorted(_named(itself) - {str(each["name"]).lower() for each in parts})
        if missing:
            return _unseen(f"deployments that the endpoint names are not in the export: {', '.join(missing)}")
        return Look(Outcome.PRESENT, {"endpoint": itself, "deployments": parts})

    def _jobs(self, target: Target, versions: list[Document]) -> dict[str, list[Document]]:
        """Return what the folder holds of the jobs behind versions; a job that is not in it is not told of."""
        found = {
            version: self.documents.get(normalise_id(f"{target.parent}/jobs/{name}"))
            for version, name in jobs.named_by(versions)
        }
        taken = [{"version": version, **jobs.take(job)} for version, job in found.items() if job is not None]
        return {"jobs": taken} if taken else {}

    def _with_account(self, target: Target, deployment: Document) -> Document:
        document = {"deployment": deployment}
        policy = (deployment.get("properties") or {}).get("raiPolicyName") or ""
        parts = {"account": target.parent, "content_filter": f"{target.parent}/raipolicies/{policy}"}
        known = {name: self.documents.get(normalise_id(id_)) for name, id_ in parts.items()}
        return document | {name: each for name, each in known.items() if each is not None}


def _unseen(reason: str) -> Look:
    return Look(Outcome.UNREADABLE, reason=reason)


def _named(endpoint: Document) -> set[str]:
    """Return the deployments that an endpoint itself speaks of."""
    properties = endpoint.get("properties") or {}
    default = (properties.get("defaults") or {}).get("deploymentName")
    shares = {**(properties.get("traffic") or {}), **(properties.get("mirrorTraffic") or {})}
    return {str(name).lower() for name, share in shares.items() if share} | (
        {default.lower()} if default else set()
    )
