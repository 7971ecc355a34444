"""What the targets of a parent say of each other: which models serve, what became of them, what is approved."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.judge.assets import Named, models_of
from audit.judge.given import Asset
from audit.judge.names import below, shape_of
from audit.memory import Around, around_of
from audit.model import Facts, Kind, Release, Target

_WITH_ASSETS = frozenset({Kind.ONLINE_ENDPOINT, Kind.BATCH_ENDPOINT})


Models = Mapping[str, Facts | None]
"""The facts of models by `name` or `registry/name`; None where nobody knows them, none at all where it is gone."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A target of a parent: its facts, as `Models` has them, its releases, and what it was told before.

    The first of its releases is in force, the second the one that it names to go back to.
    """

    target: Target
    facts: Facts | None
    releases: tuple[Release, ...] = ()
    before: Around | None = None

    @property
    def named(self) -> Iterator[Named]:
        """Return the model versions that an endpoint serves, may serve or may go back to."""
        if self.target.kind in _WITH_ASSETS:
            yield from models_of(self.facts or {})
            for release in self.releases:
                yield from models_of(release.facts)


def surroundings(
    neighbours: Sequence[Neighbour], others: Models, swept_at: datetime, *, has_all_models: bool
) -> dict[Target, Around]:
    """Return what the others tell each target, and models of other places, `others`.

    What nobody could see this time is still as it was told before. Where not all models of the parent are there,
    none that is missing counts as gone.
    """
    own = {each.target.name: each.facts for each in neighbours if each.target.kind is Kind.MODEL}
    models, serving = {**others, **own}, _serving(neighbours)
    is_blind = any(each.facts is None for each in neighbours if each.target.kind in _WITH_ASSETS)
    approved = {f"{named.name} {named.version}" for each in neighbours for named in _approved(each)}
    told = {}
    for each in neighbours:
        before = each.before or Around(swept_at)
        kind, assets, served = each.target.kind, {}, set[str]()
        if kind in _WITH_ASSETS:
            assets = _assets(each, before, models, has_all_models=has_all_models)
        elif kind is Kind.MODEL:
            served = serving.get(each.target.name, set()) | set(before.serving if is_blind else ())
        told[each.target] = around_of(
            swept_at, assets, served, approved if kind is Kind.OPENAI_DEPLOYMENT else None
        )
    return told


def _serving(neighbours: Iterable[Neighbour]) -> dict[str, set[str]]:
    """Return the versions that some deployment names, by model."""
    found: dict[str, set[str]] = {}
    for each in neighbours:
        for named in models_of(each.facts or {}) if each.target.kind in _WITH_ASSETS else ():
            found.setdefault(named.model, set()).add(named.version)
    return found


def _approved(each: Neighbour) -> Iterator[Named]:
    """Return the models that the release in force of a target approves."""
    return itertools.chain(*(models_of(release.facts) for release in each.releases[:1]))


def _assets(each: Neighbour, before: Around, models: Models, *, has_all_models: bool) -> dict[str, Asset]:
    found = dict(before.assets) if each.facts is None else {}
    for named in each.named:
        is_elsewhere = named.registry or not has_all_models
        asset = _asset(models.get(named.model, None if is_elsewhere else {}), named.version)
        if known := asset or before.assets.get(named.key):
            found[named.key] = known
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
