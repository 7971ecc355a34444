"""The registered models behind the deployments of an endpoint, and what their workspace says of them."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from audit.judge.given import Asset
from audit.judge.names import split
from audit.model import Approved, ApprovedFacts, Facts, Observation, Scalar

# What an endpoint does not say itself; without `archived` none of it is known.
OF_ASSETS = frozenset({"model.asset_path", "model.archived", "model.anonymous", "model.stage"})


NO_CHOICE = Approved()  # a fact that is not named; it admits nothing


class Named(NamedTuple):
    """A model version as facts name it, in lower case; `registry` is empty for one of the workspace itself."""

    part: str
    registry: str
    name: str
    version: str

    @property
    def model(self) -> str:
        """Return the model, whatever its version."""
        return f"{self.registry}/{self.name}" if self.registry else self.name

    @property
    def key(self) -> str:
        """Return what stands for the version among assets."""
        return f"{self.model}:{self.version}"


def models_of(facts: ApprovedFacts) -> Iterator[Named]:
    """Yield every model version that facts name or admit."""
    for fact, value in facts.items():
        part, rest = split(fact)
        if rest == "model.name":
            prefix = fact.removesuffix("name")
            registries = _choices(facts.get(f"{prefix}registry", ""))
            versions = _choices(facts.get(f"{prefix}version", NO_CHOICE))
            for each in itertools.product(registries, _choices(value), versions):
                yield Named(part, *map(str.lower, each))


def _choices(value: Scalar | Approved) -> tuple[str, ...]:
    return tuple(map(str, value.one_of)) if isinstance(value, Approved) else (str(value),)


def with_assets(seen: Observation, assets: Mapping[str, Asset]) -> Observation:
    """Return an observation with what is known of the models behind it; what the look itself said stays."""
    if not assets:
        return seen
    known: dict[str, Scalar] = {}
    for named in models_of(seen.facts):
        asset = assets.get(named.key)
        if named.part and asset is not None and not asset.is_gone:
            known |= {f"{named.part}.model.{each}": value for each, value in _facts(asset).items()}
    return replace(seen, facts=known | dict(seen.facts))


def _facts(asset: Asset) -> Facts:
    said: dict[str, Scalar] = {"archived": asset.is_archived, "anonymous": asset.is_anonymous}
    return said | {name: text for name, text in (("asset_path", asset.path), ("stage", asset.stage)) if text}
