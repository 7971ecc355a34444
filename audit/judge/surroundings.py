"""What the targets of a parent say of each other: which models serve, what became of them, what is approved."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.judge.assets import Named, models_of
from audit.judge.given import Asset
from audit.judge.names import split
from audit.model import Facts, Kind, Release, Scalar, Target
from audit.record.memory import Around, assets_that_fit, names_that_fit

_WITH_ASSETS = frozenset({Kind.ONLINE_ENDPOINT, Kind.BATCH_ENDPOINT})


_GONE = Asset(is_gone=True)

Versions = Mapping[str, Asset]

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
    def is_unseen(self) -> bool:
        """Say whether it is an endpoint of which nobody knows what it serves."""
        return self.facts is None and self.target.kind in _WITH_ASSETS

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
    known = {model: _versions(facts) for model, facts in (*others.items(), *own.items())}
    serving, is_blind = _serving(neighbours), any(each.is_unseen for each in neighbours)
    approved = names_that_fit(f"{named.name} {named.version}" for each in neighbours for named in _approved(each))
    told = {}
    for each in neighbours:
        before = each.before or Around(swept_at)
        around = Around(swept_at)
        if each.target.kind in _WITH_ASSETS:
            around = Around(swept_at, assets=_assets(each, before, known, has_all_models=has_all_models))
        elif each.target.kind is Kind.MODEL:
            served = {*serving.get(each.target.name, ()), *(before.serving if is_blind else ())}
            around = Around(swept_at, serving=names_that_fit(served))
        elif each.target.kind is Kind.OPENAI_DEPLOYMENT:
            around = Around(swept_at, approved_models=approved)
        told[each.target] = around
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


def _assets(
    each: Neighbour, before: Around, known: Mapping[str, Versions | None], *, has_all_models: bool
) -> dict[str, Asset]:
    found = dict(before.assets) if each.is_unseen else {}
    for named in each.named:
        is_elsewhere = named.registry or not has_all_models
        versions = known.get(named.model, None if is_elsewhere else {})
        asset = before.assets.get(named.key) if versions is None else versions.get(named.version, _GONE)
        if asset is not None:
            found[named.key] = asset
    return assets_that_fit(found)


def _versions(facts: Facts | None) -> Versions | None:
    """Return what the facts of a model say of each version; None where nobody knows them."""
    if facts is None:
        return None
    said: dict[str, dict[str, Scalar]] = {}
    for name, value in facts.items():
        part, rest = split(name)
        said.setdefault(part.removeprefix("versions."), {})[rest] = value
    return {
        version: Asset(
            path=str(each.get("path", "")),
            stage=str(each.get("stage", "")),
            is_archived=each.get("archived") is True,
            is_anonymous=each.get("anonymous") is True,
        )
        for version, each in said.items()
    }
