"""The facts of a model in an MLflow registry: its aliases, its versions, and of the run behind each what it tells.

They have the names of Azure ML's where they mean the same, so that one rule finds either. `audit.adapters.mlflow`
makes the document: the registered model, all versions with their tags as objects, and what is taken of runs by id.
"""

from collections.abc import Iterator
from typing import Any

from audit.model import Document, Outcome

MAX_VALUES = 100  # parameters and data sets of one run; far more is a mistake or an attack
NO_STAGE, ARCHIVED = "None", "archived"  # MLflow's own words, the second without regard to case
COMMIT, CONTEXT = "mlflow.source.git.commit", "mlflow.data.context"  # mlflow/utils/mlflow_tags.py
TRAINING = "training"  # the context of a data set that a model was fitted on

Pairs = Iterator[tuple[str, Any]]


def take_run(run: Any) -> Document:
    """Return what is taken of a run: commit, parameters and data, and nothing of who or what ran it."""
    try:
        told, inputs = run.get("data") or {}, (run.get("inputs") or {}).get("dataset_inputs") or []
        parameters = sorted(as_object(told.get("params") or []).items())[:MAX_VALUES]
        return {
            "outcome": Outcome.PRESENT,
            "git_commit": as_object(told.get("tags") or []).get(COMMIT),
            "data": sorted(_data_sets(inputs))[:MAX_VALUES],
            "parameters": dict(parameters),
        }
    except (AttributeError, KeyError, TypeError):
        return missing_run(Outcome.UNREADABLE)


def missing_run(outcome: Outcome) -> Document:
    """Return what stands for a run of which nothing could be taken."""
    return {"outcome": outcome}


def as_object(pairs: Any) -> Any:
    """Return a list of `{key, value}` as an object: in a list, no name tells that its value is a secret.

    Anything else stays as it is, and is not understood later.
    """
    if isinstance(pairs, list) and all(isinstance(each, dict) and "key" in each for each in pairs):
        return {str(each["key"]): each.get("value", "") for each in pairs}
    return pairs


def _data_sets(inputs: list[Document]) -> set[str]:
    """Return name and digest of what the model was trained on: of everything, where nothing is said to be that."""
    contexts = [as_object(each.get("tags") or []).get(CONTEXT) for each in inputs]
    trained_on = [each for each, context in zip(inputs, contexts, strict=True) if context == TRAINING] or inputs
    return {f"{each['dataset']['name']}:{each['dataset']['digest']}" for each in trained_on}


def model_facts(document: Document) -> Pairs:
    """Yield the facts of a model; aliases are MLflow's only pointers that can move."""
    model, runs = document["registered_model"], document["runs"]
    for alias in model.get("aliases") or []:
        yield f"aliases.{alias['alias']}", str(alias["version"])
    yield "description", model.get("description") or None
    yield from _tags(model)
    for version in document["versions"]:
        run = runs.get(version.get("run_id") or "") or {}
        prefix = f"versions.{version['version']}."
        yield from ((prefix + name, value) for name, value in (*_version(version), *_origin(version, run)))


def _version(version: Document) -> Pairs:
    stage = version.get("current_stage") or NO_STAGE
    yield "path", version.get("source") or None
    yield "stage", None if stage == NO_STAGE else stage
    yield "archived", stage.lower() == ARCHIVED
    yield "provisioning_state", (version.get("status") or "").lower() or None
    yield "description", version.get("description") or None
    yield from _tags(version)


def _origin(version: Document, run: Document) -> Pairs:
    """Yield what tells how a version came to be; of a run that could not be read, that this is so."""
    id_, outcome = version.get("run_id") or None, run.get("outcome", Outcome.ABSENT)
    yield "origin.run", id_
    yield "origin.outcome", str(outcome) if id_ and outcome != Outcome.PRESENT else None
    yield "origin.git_commit", run.get("git_commit") or (version.get("tags") or {}).get(COMMIT)
    yield "origin.data", ", ".join(run.get("data") or []) or None
    for name, value in (run.get("parameters") or {}).items():
        yield f"origin.parameters.{name}", value


def _tags(entity: Document) -> Pairs:
    for name, value in (entity.get("tags") or {}).items():
        yield f"tags.{name}", value
