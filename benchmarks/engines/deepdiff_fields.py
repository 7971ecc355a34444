"""DeepDiff on the approved settings alone, its fastest honest use; it knows neither dates nor catalogue."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.engines import Engine
from benchmarks.engines.streaming import project
from benchmarks.fields import FIELDS, Key, id_of, kind_of
from benchmarks.files import LIVE, Plain, read_approved

Found = tuple[str, str, str, Any]
"""Rule, subject, target id, and DeepDiff's own account of the difference."""

_RULES = {kind: {field.subject: field.rule for field in fields} for kind, fields in FIELDS.items()}


def comparing(folder: Path, now: datetime) -> Engine:  # noqa: ARG001 - as all engines
    """Parse, pick the approved settings and let DeepDiff compare them."""
    from deepdiff import DeepDiff

    approved = read_approved(folder)

    def run() -> Sequence[Found]:
        with (folder / LIVE).open("rb") as lines:
            documents = map(json.loads, lines)
            return [found for document in documents for found in _compare(document, approved, DeepDiff)]

    return Engine(run, _keys)


def _compare(document: Any, approved: Mapping[str, Plain], deep_diff: Callable[..., Any]) -> Iterator[Found]:
    kind, id_ = kind_of(document), id_of(document)
    plain = approved.get(id_)
    if plain is None:
        yield ("MA101", "target", id_, None)
        return
    difference = deep_diff(plain.values, project(document))
    for subject in difference.affected_root_keys:
        yield (_RULES[kind][subject], subject, id_, difference)


def _keys(records: Sequence[Found]) -> Iterable[Key]:
    return (found[:3] for found in records)
