"""The registered models behind the deployments of an endpoint, and what their workspace says of them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from audit.judge.given import Asset
from audit.judge.names import split
from audit.model import Approved, ApprovedFacts, Facts, Observation, Scalar

# What an endpoint does not say itself; without `archived` none of it is known.
OF_ASSETS = frozenset({"model.asset_path", "model.archived", "model.anonymous", "model.stage"})


def models_of(facts: ApprovedFacts) -> Iterator[tuple[str, str, str]]:
    """Yield part, name and version of every model that facts name or admit, in lower case.

    Models of a registry are left out: it is another place than the workspace, and not listed with it.
    """
    for fact, value in facts.items():
        part, rest = split(fact)
        prefix = f"{part}." if part else ""
        if rest == "model.name" and f"{prefix}model.registry" not in facts:
            for name in _choices(value):
                yield from (
                    (part, name.lower(), version.lower())
                    for version in _choices(facts.get(f"{prefix}model.version", ()))
                )


def _choices(value: Scalar | Approved | tuple[()]) -> tuple[str, ...]:
    if isinstance(value, Approved):
        return tuple(map(str, value.one_of))
    return () if value == () else (str(value),)


def with_assets(seen: Observation, assets: Mapping[str, Asset]) -> Observation:
    """Return an observation with what is known of the models behind it; what the look itself said stays."""
    if not assets:
        return seen
    known: dict[str, Scalar] = {}
    for part, name, version in models_of(seen.facts):
        asset = assets.get(f"{name}:{version}")
        if part and asset is not None and not asset.is_gone:
            known |= {f"{part}.model.{each}": value for each, value in _facts(asset).items()}
    return replace(seen, facts=known | dict(seen.facts))


def _facts(asset: Asset) -> Facts:
    said: dict[str, Scalar] = {"archived": asset.is_archived, "anonymous": asset.is_anonymous}
    return said | {name: text for name, text in (("asset_path", asset.path), ("stage", asset.stage)) if text}
