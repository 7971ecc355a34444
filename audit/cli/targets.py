"""The targets that a person means: by ARM id, or by a pattern such as `mlw-prod/churn` or `*/chat`."""

import fnmatch

from audit import wiring
from audit.errors import BadInput
from audit.model import Target
from audit.targets import parse_target


def resolve(patterns: tuple[str, ...]) -> list[Target]:
    """Return the targets, each once and in order; raise `BadInput` where a pattern matches none."""
    found: dict[Target, None] = {}
    for pattern in patterns:
        matching = [parse_target(pattern)] if pattern.startswith("/") else _matching(pattern)
        found |= dict.fromkeys(matching)
    return list(found)


def _matching(pattern: str) -> list[Target]:
    known = wiring.reporter().targets()
    matching = [t for t in known if fnmatch.fnmatchcase(f"{t.parent_name}/{t.name}", pattern.lower())]
    if not matching:
        raise BadInput(f"expected a target that matches {pattern!r} among {len(known)} known ones, found none")
    return matching
