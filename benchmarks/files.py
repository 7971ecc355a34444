"""The files of a corpus, and what is approved in the plain form that engines other than ours read.

Only the standard library is imported here, because the peers run in an environment of their own.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

LIVE, APPROVED, RELEASES, CATALOGUE = "live.jsonl", "approved.jsonl", "releases.jsonl", "catalogue.json"


@dataclass(frozen=True, slots=True)
class Plain:
    """What is approved for one target, as Azure writes the values, by the name of the fact."""

    values: dict[str, Any]
    expires_at: datetime


def read_approved(folder: Path) -> dict[str, Plain]:
    """Return what is approved, by lower-cased target id."""
    with (folder / APPROVED).open() as lines:
        rows = [json.loads(line) for line in lines]
    return {row["id"]: Plain(row["values"], datetime.fromisoformat(row["expires_at"])) for row in rows}


def read_retirements(folder: Path) -> dict[tuple[str, str], datetime]:
    """Return when the models of the catalogue retire, by name and version."""
    models = [row["model"] for row in json.loads((folder / CATALOGUE).read_text())]
    return {
        (model["name"], model["version"]): datetime.fromisoformat(model["deprecation"]["inference"])
        for model in models
    }
