"""The targets that a person means: by id, or by a pattern such as `mlw-prod/churn` or `*/chat`.

An endpoint often has the name of the model that it serves. A plain name then means the endpoint, and with `model:`
before it the model; any kind of target may be named so.
"""

import fnmatch
from collections.abc import Collection

from audit import wiring
from audit.errors import BadInput
from audit.mlflow import is_mlflow
from audit.model import Kind, Target
from audit.targets import parse_target

_WILDCARDS = frozenset("*?[")


def resolve(patterns: tuple[str, ...]) -> list[Target]:
    """Return the targets, each once and in order; raise `BadInput` where a pattern matches none."""
    found: dict[Target, None] = {}
    for pattern in patterns:
        is_id = pattern.startswith("/") or is_mlflow(pattern)
        meant = [parse_target(pattern)] if is_id else matching(pattern, _known())
        found |= dict.fromkeys(meant)
    return list(found)


def _known() -> Collection[Target]:
    reporter = wiring.reporter()
    return {*reporter.targets(), *(release.target for release in reporter.approved())}


def matching(pattern: str, known: Collection[Target]) -> list[Target]:
    """Return those of the known targets that a pattern means, sorted; raise `BadInput` where it means none."""
    kind, name = _kind_and_name(pattern)
    found = [t for t in known if kind in ("", t.kind) and fnmatch.fnmatchcase(_name(t).lower(), name.lower())]
    if not _WILDCARDS & set(name):
        found = [target for target in found if not kind and target.kind is not Kind.MODEL] or found
        found = [target for target in found if _name(target) == name] or found  # names in MLflow have a case
    if not found:
        raise BadInput(f"expected a target that matches {pattern!r} among {len(known)} known ones, found none")
    return sorted(found, key=lambda target: target.id)


def _kind_and_name(pattern: str) -> tuple[str, str]:
    kind, colon, name = pattern.partition(":")
    return (kind, name) if colon and kind in set(Kind) else ("", pattern)


def _name(target: Target) -> str:
    return f"{target.parent_name}/{target.name}"
