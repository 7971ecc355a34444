"""What a judgement is told of a target's past and surroundings, from what is remembered and approved."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from audit.judge.assets import models_of
from audit.judge.given import Asset, History, Rollback, Standing
from audit.judge.names import shape_of, versions_of
from audit.judge.retirement import is_retired
from audit.model import Facts, Kind, Observation, Release, Stage
from audit.record.memory import Memory, model_of, signature
from audit.sight.catalogue import Catalogue, Unread, retirement_of

_WORST_FIRST = (Standing.GONE, Standing.ARCHIVED)


def recall(
    history: History,
    memory: Memory,
    approved: tuple[Release | None, Release | None],
    seen: Observation,
    catalogue: Catalogue | Unread,
    now: datetime,
) -> History:
    """Return a history with what is remembered; `approved` are the release and the one that it may go back to."""
    release, earlier = approved
    said = memory.retirement
    if said is not None and said.model != model_of(seen.facts):
        said = None  # it is the date of another model
    history = replace(history, trials=memory.trials, gone=memory.gone)
    if release is not None and memory.signed == signature(release):
        history = replace(
            history,
            at_approval=memory.at_approval,
            retires_at=said.at if said else None,
            retires_said_at=said.said_at if said else None,
        )
    if memory.around is not None:
        history = replace(
            history,
            assets=memory.around.assets,
            serving=memory.around.serving,
            approved_models=memory.around.approved_models,
        )
    return replace(history, rollback=_rollback(release, earlier, seen.facts, history.assets, catalogue, now))


def _rollback(
    release: Release | None,
    earlier: Release | None,
    facts: Facts,
    assets: Mapping[str, Asset],
    catalogue: Catalogue | Unread,
    now: datetime,
) -> Rollback | None:
    """Return what is known of the release that a release names to go back to; None where it names none.

    What nobody has looked at counts as ready: there is nothing to be said against it.
    """
    if release is None or not release.rollback:
        return None
    if earlier is None or earlier.id != release.rollback:
        return Rollback(None)
    match release.target.kind:
        case Kind.OPENAI_DEPLOYMENT:
            found = _by_catalogue(earlier, facts, catalogue, now)
        case Kind.MODEL:
            found = [_of_version(name, facts) for name in versions_of(earlier.facts)]
        case _:
            known = (assets.get(named.key) for named in models_of(earlier.facts))
            found = [_of_asset(asset) for asset in known if asset is not None]
    return Rollback(earlier, _worst([*found, *([Standing.ARCHIVED] if earlier.stage is Stage.ARCHIVED else [])]))


def _by_catalogue(earlier: Release, facts: Facts, catalogue: Catalogue | Unread, now: datetime) -> list[Standing]:
    if isinstance(catalogue, Unread):
        return []
    around = {name: facts[name] for name in ("model.format", "sku.name") if name in facts}
    wanted = around | dict(earlier.exact_facts)
    known = retirement_of(wanted, catalogue)
    is_gone = _is_withdrawn(wanted, catalogue) if known is None else is_retired(known, now)
    return [Standing.GONE] if is_gone else []


def _is_withdrawn(wanted: Facts, catalogue: Catalogue) -> bool:
    """Say whether other versions of a model are offered; a model that has none there may be a team's own."""
    family = tuple(str(wanted.get(f"model.{name}", "")).casefold() for name in ("format", "name"))
    return "model.version" in wanted and any((format_, name) == family for format_, name, *_ in catalogue)


def _of_version(name: str, facts: Facts) -> Standing:
    if name not in shape_of(facts).versions:
        return Standing.GONE
    return Standing.ARCHIVED if facts.get(f"versions.{name}.archived") is True else Standing.READY


def _of_asset(asset: Asset) -> Standing:
    return Standing.GONE if asset.is_gone else Standing.ARCHIVED if asset.is_archived else Standing.READY


def _worst(found: Iterable[Standing]) -> Standing:
    known = set(found)
    return next((standing for standing in _WORST_FIRST if standing in known), Standing.READY)
