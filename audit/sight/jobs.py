"""The job behind a model version: what of it tells how to make the model again.

Of a job little is taken: state of its git folder, code, environment, data and parameters. Its command and its
environment variables never leave this module, because people put secrets there; what is taken is redacted by its
names and values like everything else.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from audit.model import Document, Outcome
from audit.sight.references import parse_reference

NEWEST = 50  # versions of a model whose jobs are looked at: each costs a read, and few policies allow as many
MAX_VALUES = 100  # inputs and parameters of one job; far more is a mistake or an attack
MAX_NAME = 255
NOT_LOOKED_AT = "not looked at"

_FINISHED = frozenset({"completed", "failed", "canceled"})
_NAME = re.compile(r"[\w.-]+")
_DOTS = frozenset({".", ".."})

# Where the SDK of Azure ML and where MLflow note the git folder that a job was submitted from, and a commit that
# somebody gave by hand.
_GIT = {
    "git_commit": ("azureml.git.commit", "mlflow.source.git.commit", "git_commit"),
    "git_branch": ("azureml.git.branch", "mlflow.source.git.branch"),
    "git_repository": ("azureml.git.repository_uri", "mlflow.source.git.repourl"),
    "git_dirty": ("azureml.git.dirty",),
}
_FEATURES = "feature_retrieval_spec"

Pairs = Iterator[tuple[str, Any]]


def named_by(versions: list[Any]) -> list[tuple[str, str]]:
    """Return version and job of those versions that name a job, the newest version first."""
    documents = [each for each in versions if isinstance(each, dict)]
    found = [(_created(each), str(each.get("name")), _job_name(each)) for each in documents]
    return [(version, job) for _, version, job in sorted(found, reverse=True) if job]


def can_be_asked_for(name: str) -> bool:
    """Say whether a job's name can stand in a URL: it comes from a document that anybody may have written."""
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None and name not in _DOTS


def is_finished(taken: Document) -> bool:
    """Say whether what was taken of a job cannot change any more."""
    return str(taken.get("status", "")).lower() in _FINISHED


def take(job: Document) -> Document:
    """Return what is taken of a job's document.

    A step of a pipeline has no properties there: Azure ML shows it in its run history only.
    """
    properties = job.get("properties")
    if not isinstance(properties, dict):
        return missing(Outcome.UNREADABLE)
    noted = {**_lowered(properties.get("tags")), **_lowered(properties.get("properties"))}
    inputs = _mapping(properties.get("inputs"))
    parameters = {**_those_with(inputs, "value"), **_mapping(properties.get("parameters"))}
    return {
        "outcome": Outcome.PRESENT,
        "status": properties.get("status"),
        **{word: next((noted[name] for name in names if noted.get(name)), None) for word, names in _GIT.items()},
        "code": properties.get("codeId"),
        "environment": properties.get("environmentId"),
        "data": _few(_those_with(inputs, "uri")),
        "parameters": _few(parameters),
    }


def missing(outcome: str) -> Document:
    """Return what stands for a job of which nothing could be taken."""
    return {"outcome": outcome}


def facts(job: Document, workspace: str) -> Pairs:
    """Yield the facts of what was taken of a job; how it ended is one only where it ended badly."""
    yield "outcome", str(job["outcome"])
    status = str(job.get("status") or "").lower()
    yield "status", status if status in _FINISHED - {"completed"} else None
    for word in _GIT:
        yield word, job.get(word)
    for word in ("code", "environment"):
        yield word, _reference(job.get(word), workspace)
    data = _mapping(job.get("data"))
    yield "data", ", ".join(sorted({str(_reference(uri, workspace)) for uri in data.values()})) or None
    yield _FEATURES, _reference(data.get(_FEATURES), workspace)
    for name, value in _mapping(job.get("parameters")).items():
        yield f"parameters.{name}", value


def _job_name(version: Document) -> str:
    properties = version.get("properties")
    return str(properties.get("jobName") or "") if isinstance(properties, dict) else ""


def _created(version: Document) -> str:
    return str(_mapping(version.get("systemData")).get("createdAt") or "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _lowered(value: Any) -> dict[str, Any]:
    return {str(name).lower(): each for name, each in _mapping(value).items()}


def _those_with(inputs: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return this part of the inputs that have it: the place of data, or a value."""
    return {name: each[part] for name, each in inputs.items() if isinstance(each, dict) and part in each}


def _few(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(values.items())[:MAX_VALUES])


def _reference(text: Any, workspace: str) -> str | None:
    return str(parse_reference(str(text), workspace)) if text else None
