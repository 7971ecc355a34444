"""What the targets of a parent say of each other: which models serve, what became of them, what is approved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from audit.judge.assets import models_of
from audit.judge.given import Asset
from audit.judge.names import below, shape_of
from audit.memory import Around, around_of
from audit.model import Facts, Kind, Release, Target

_WITH_ASSETS = frozenset({Kind.ONLINE_ENDPOINT, Kind.BATCH_ENDPOINT})


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A target of a parent: its facts (None where nobody knows, none where it is gone), and its releases.

    The first of these is in force, the second the one that it names to go back to.
    """

    target: Target
    facts: Facts | None
    releases: tuple[Release, ...] = ()


def surroundings(
    neighbours: Iterable[Neighbour], swept_at: datetime, *, has_all_models: bool
) -> dict[Target, Around]:
    """Return what the others tell each target; where the models are not all there, none of them counts as gone."""
    all_ = list(neighbours)
    models = {each.target.name: each.facts for each in all_ if each.target.kind is Kind.MODEL}
    serving = _serving(all_)
    approved = {f"{name} {version}" for each in all_ for name, version in _approved(each)}
    return {
        each.target: around_of(
            swept_at,
            _assets(each, models, has_all_models=has_all_models) if each.target.kind in _WITH_ASSETS else {},
            serving.get(each.target.name, ()) if each.target.kind is Kind.MODEL else (),
            approved if each.target.kind is Kind.OPENAI_DEPLOYMENT else None,
        )
        for each in all_
    }


def _serving(neighbours: Iterable[Neighbour]) -> dict[str, set[str]]:
    """Return the versions that some deployment names, by model."""
    found: dict[str, set[str]] = {}
    for each in neighbours:
        if each.target.kind in _WITH_ASSETS:
            for _, name, version in models_of(each.facts or {}):
                found.setdefault(name, set()).add(version)
    return found


def _approved(each: Neighbour) -> set[tuple[str, str]]:
    """Return the models that the release in force of a target approves."""
    return {(name, version) for release in each.releases[:1] for _, name, version in models_of(release.facts)}


def _assets(each: Neighbour, models: Mapping[str, Facts | None], *, has_all_models: bool) -> dict[str, Asset]:
    found = {}
    for facts in (each.facts or {}, *(release.facts for release in each.releases)):
        for _, name, version in models_of(facts):
            if name in models or has_all_models:
                asset = _asset(models.get(name, {}), version)
                if asset is not None:
                    found[f"{name}:{version}"] = asset
    return found


def _asset(model: Facts | None, version: str) -> Asset | None:
    """Return what the facts of a model say of one version; None where nobody knows them."""
    if model is None:
        return None
    if version not in shape_of(model).versions:
        return Asset(is_gone=True)
    said = below(model, f"versions.{version}")
    return Asset(
        path=str(said.get("path", "")),
        stage=str(said.get("stage", "")),
        is_archived=said.get("archived") is True,
        is_anonymous=said.get("anonymous") is True,
    )
