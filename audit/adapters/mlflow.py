"""The live state of MLflow registries, read over MLflow's own REST API, without its client.

A sweep costs pages and not a read a model: the registered models with their aliases, all versions, and the runs
behind them by the hundred. A look at one model asks for the same documents by its name, so both show the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from audit import mlflow
from audit.adapters.mlflow_reader import MlflowReader
from audit.adapters.mlflow_server import MlflowServer
from audit.adapters.pace import Pace
from audit.adapters.reader import list_looks
from audit.adapters.recorder import Refused
from audit.model import Document, Kind, Look, Outcome, Target
from audit.ports import Listing
from audit.sight.catalogue import Catalogue
from audit.sight.mlflow_facts import as_object, missing_run, take_run

RUNS_AT_ONCE = 100  # whose ids, of 32 characters each, stand in one filter

# MLflow keeps prompts among its models, and leaves them out where it lists those.
_PROMPT = "mlflow.prompt.is_prompt"


class MlflowLive:
    """See `audit.ports.Live`: the registries of some servers, each asked at its own pace."""

    def __init__(self, servers: Iterable[MlflowServer], pace: Pace | None = None):
        readers = {mlflow.registry_id(each.name): MlflowReader(each, pace or Pace()) for each in servers}
        self._registries = {id_: _Registry(id_, reader) for id_, reader in readers.items()}

    def parents(self) -> list[str]:
        """Return the ids of the registries that the settings name."""
        return sorted(self._registries)

    def look(self, target: Target) -> Look:
        """Return what the server says of a model now."""
        try:
            return self._registry(target.parent).look(mlflow.name_of(target.id))
        except Refused as refused:
            return refused.look

    def list_targets(
        self,
        parent: str,
        known: Mapping[Target, str] | None = None,  # noqa: ARG002 - there is no index; pages are cheap
    ) -> Listing:
        """Return what a registry holds."""
        try:
            return self._registry(parent).list_models()
        except Refused as refused:
            return Listing({}, refused.look)

    def catalogue(self, parent: str, max_age: timedelta) -> Catalogue:  # noqa: ARG002 - the port's shape
        """Return no retirement dates: a registry has none."""
        return {}

    def _registry(self, id_: str) -> "_Registry":
        if id_ not in self._registries:
            raise Refused(Outcome.UNREADABLE, f"MODEL_AUDIT_MLFLOW names no address for {id_}")
        return self._registries[id_]


class _Registry:
    """One registry. What cannot be looked at raises `Refused`, `Throttled` or `Unavailable`."""

    def __init__(self, id_: str, reader: MlflowReader):
        self._id, self._reader = id_, reader

    def look(self, name: str) -> Look:
        answer = self._reader.get(f"look at {name}", "registered-models/get", {"name": name})
        model = _entity(answer.get("registered_model"))
        if isinstance(model["tags"], dict) and model["tags"].get(_PROMPT) == "true":
            return Look(Outcome.ABSENT)
        found = map(_entity, self._versions(_filter(name)))
        versions = [each for each in found if each.get("name") == name]  # some databases compare without case
        return self._look(model, versions, self._runs_of(versions))

    def list_models(self) -> Listing:
        versions: dict[str, list[Document]] = {}
        runs: dict[str, Document] = {}

        def items() -> list[Any]:
            listed = self._reader.pages("registered-models/search", "registered_models", {})
            models, strays = [self._with_id(each) for each in listed], []
            for each in self._versions({}):
                if _is_named(each):
                    versions.setdefault(each["name"], []).append(_entity(each))
                else:
                    strays.append(each)  # nobody can say whose it is
            runs.update(self._runs_of(each for of_one in versions.values() for each in of_one))
            return models + strays

        def look(_: Target, model: Document) -> Look:
            return self._look(_entity(model), versions.get(model["name"], []), runs)

        return list_looks(self._id, Kind.MODEL, items, look)

    def _with_id(self, model: Any) -> Any:
        return {**model, "id": mlflow.model_id(self._id, model["name"])} if _is_named(model) else model

    def _look(self, model: Document, versions: list[Document], runs: Mapping[str, Document]) -> Look:
        own = {name: value for name, value in model.items() if name not in ("id", "latest_versions")}
        behind = {id_: runs[id_] for id_ in _run_ids(versions)}
        parts = {"registered_model": own, "versions": sorted(versions, key=_number), "runs": behind}
        return Look(Outcome.PRESENT, parts)

    def _versions(self, query: Mapping[str, str]) -> Iterator[Any]:
        return self._reader.pages("model-versions/search", "model_versions", query)

    def _runs_of(self, versions: Iterable[Document]) -> dict[str, Document]:
        """Return what is taken of the runs behind versions; what may not be read of them says so.

        MLflow searches runs only within experiments, and tells only of those that we may read.
        """
        ids = _run_ids(versions)
        if not ids:
            return {}
        try:
            found = dict(self._search_runs([id_ for id_ in ids if id_.isalnum()]))
        except Refused as refused:
            return dict.fromkeys(ids, missing_run(refused.look.outcome))
        return {id_: found.get(id_) or missing_run(Outcome.ABSENT) for id_ in ids}

    def _search_runs(self, ids: Sequence[str]) -> Iterator[tuple[str, Document]]:
        listed = self._reader.pages("experiments/search", "experiments", {"view_type": "ALL"})
        experiments = [each.get("experiment_id") for each in listed if isinstance(each, dict)]
        for start in range(0, len(ids), RUNS_AT_ONCE):
            named = ", ".join(f"'{id_}'" for id_ in ids[start : start + RUNS_AT_ONCE])
            asked = {
                "experiment_ids": experiments,
                "filter": f"attributes.run_id IN ({named})",
                "run_view_type": "ALL",
                "max_results": RUNS_AT_ONCE,
            }
            for run in self._reader.post("search the runs", "runs/search", asked).get("runs") or []:
                if isinstance(run, dict) and isinstance(run.get("info"), dict):
                    yield str(run["info"].get("run_id")), take_run(run)


def _is_named(said: Any) -> bool:
    return isinstance(said, dict) and isinstance(said.get("name"), str)


def _filter(name: str) -> dict[str, str]:
    """Return the query for a model's versions; all are read where its name has both quotes of MLflow's filters."""
    quote = next((each for each in "'\"" if each not in name), "")
    return {"filter": f"name={quote}{name}{quote}"} if quote else {}


def _run_ids(versions: Iterable[Document]) -> list[str]:
    ids = (version.get("run_id") for version in versions)
    return sorted({id_ for id_ in ids if isinstance(id_, str) and id_})


def _number(version: Document) -> tuple[int, str]:
    text = str(version.get("version", ""))
    return len(text), text


def _entity(said: Any) -> Document:
    """Return a model or a version with its tags as an object."""
    if not isinstance(said, dict):
        raise Refused(Outcome.UNREADABLE, f"expected a JSON object, got {type(said).__name__}")
    return {**said, "tags": as_object(said.get("tags", []))}
