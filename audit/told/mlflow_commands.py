"""The commands by which on-call looks at a model of an MLflow registry, and sets it back to what was approved.

They are for a POSIX shell. Where the registry answers, and its token, are taken from variables named after it,
`MLFLOW_PROD` and `MLFLOW_PROD_TOKEN` for `mlflow://prod`; where the first is not set, the shell says so and stops.
"""

import json
import shlex
from collections.abc import Iterator
from urllib.parse import urlencode

from audit import mlflow
from audit.judge.names import split
from audit.model import Facts, Finding, Kind, Target
from audit.privacy import MARK

NO_STAGE = "None"


def look(target: Target) -> str:
    """Return the command that shows a model with its aliases, or the models of a registry."""
    if target.kind is Kind.PARENT:
        return _curl(target.parent, "GET", "registered-models/search?max_results=1000")
    name = urlencode({"name": mlflow.name_of(target.id)}, errors="replace")
    return _curl(target.parent, "GET", f"registered-models/get?{name}")


def roll_back(finding: Finding, approved: Facts) -> Iterator[str]:
    """Yield the command that sets the one fact back that a finding speaks of, where that can be said."""
    value = str(approved.get(finding.subject, ""))
    if not value or MARK in value:
        return
    (part, rest), name = split(finding.subject), mlflow.name_of(finding.target.id)
    version, (family, _, key) = part.removeprefix("versions."), rest.partition(".")
    registry, model, of_version = finding.target.parent, {"name": name}, {"name": name, "version": version}
    match (bool(part), family, key):
        case (False, "aliases", alias) if alias:
            yield _curl(registry, "POST", "registered-models/alias", model | {"alias": alias, "version": value})
        case (True, "stage", ""):
            yield _curl(registry, "POST", "model-versions/transition-stage", of_version | {"stage": value})
        case (True, "tags", tag) if tag:
            yield _curl(registry, "POST", "model-versions/set-tag", of_version | {"key": tag, "value": value})
        case (False, "tags", tag) if tag:
            yield _curl(registry, "POST", "registered-models/set-tag", model | {"key": tag, "value": value})
        case (True, "description", ""):
            yield _curl(registry, "PATCH", "model-versions/update", of_version | {"description": value})
        case (False, "description", ""):
            yield _curl(registry, "PATCH", "registered-models/update", model | {"description": value})


def _curl(registry: str, method: str, path: str, body: dict[str, str] | None = None) -> str:
    """Return a request; all that comes from outside is quoted, or percent-encoded in the URL."""
    variable = f"MLFLOW_{registry.removeprefix(mlflow.SCHEME).upper().replace('-', '_')}"
    address = f'"${{{variable}:?set it to the address of {registry}}}"'
    data = ["--header", "Content-Type: application/json", "--data", json.dumps(body)] if body else []
    words = ["curl", "--fail-with-body", "--request", method, *data]
    token = f'--oauth2-bearer "${variable}_TOKEN"'
    return f"{shlex.join(words)} {token} {address}{shlex.quote(f'/api/2.0/mlflow/{path}')}"
