"""What serves, which version exactly, and what will become of it: a row a deployment or alias, approved or not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.judge.names import ALIASES
from audit.judge.pinning import UPGRADED_SKUS, may_upgrade
from audit.model import Facts, Kind, Observation, Outcome
from audit.sight.catalogue import Catalogue, Unread, retirement_of

_SERVING = frozenset({Kind.ONLINE_ENDPOINT, Kind.BATCH_ENDPOINT, Kind.SERVERLESS_ENDPOINT, Kind.OPENAI_DEPLOYMENT})


@dataclass(frozen=True, slots=True)
class Row:
    """One deployment. `changes` says whether the model can change by itself, `then` what happens at `retires`."""

    where: str
    kind: str
    deployment: str
    model: str
    version: str
    share: str
    changes: str
    retires: str
    then: str
    days_left: int | None
    target: str


def rows_of(seen: Observation, catalogue: Catalogue | Unread, now: datetime) -> Iterator[Row]:
    """Yield the rows of one target: one for each deployment or alias; none for what serves nobody."""
    if seen.target.kind is Kind.MODEL:
        yield from _aliases(seen)
    if seen.target.kind not in _SERVING or seen.outcome is Outcome.ABSENT:
        return
    if seen.outcome is Outcome.UNREADABLE:
        yield _row(seen, "", {}, _Fate("not known", "", f"could not look: {seen.reason}"))
    elif seen.target.kind is Kind.OPENAI_DEPLOYMENT:
        yield _row(seen, "", seen.facts, _openai_fate(seen.facts, catalogue, now))
    elif seen.target.kind is Kind.SERVERLESS_ENDPOINT:
        yield _row(seen, "", seen.facts, _Fate(_movement(seen.facts), "", ""))
    else:
        yield from _deployments(seen)


@dataclass(frozen=True, slots=True)
class _Fate:
    changes: str
    retires: str
    then: str
    days_left: int | None = None


def _deployments(seen: Observation) -> Iterator[Row]:
    names = sorted({name.split(".", 2)[1] for name in seen.facts if name.startswith("deployments.")})
    for name in names:
        prefix = f"deployments.{name}."
        facts = {each.removeprefix(prefix): value for each, value in seen.facts.items() if each.startswith(prefix)}
        yield _row(seen, name, facts, _Fate(_movement(facts), "", ""))


def _aliases(seen: Observation) -> Iterator[Row]:
    """Yield where the aliases of a model point, which is what its consumers load."""
    for name in (each for each in seen.facts if each.startswith(ALIASES)):
        facts = {"model.name": seen.target.name, "model.version": seen.facts[name]}
        fate = _Fate("yes: whoever moves the alias", "", "")
        yield _row(seen, f"@{name.removeprefix(ALIASES)}", facts, fate)


def _row(seen: Observation, deployment: str, facts: Facts, fate: _Fate) -> Row:
    label = facts.get("model.label")
    return Row(
        where=f"{seen.target.parent_name}/{seen.target.name}",
        kind=seen.target.kind,
        deployment=deployment,
        model=_model(facts),
        version=f"@{label}" if label else str(facts.get("model.version", "")),
        share=_share(seen, deployment),
        changes=fate.changes,
        retires=fate.retires,
        then=fate.then,
        days_left=fate.days_left,
        target=seen.target.id,
    )


def _model(facts: Facts) -> str:
    name = str(facts.get("model.name") or facts.get("model.path") or "")
    registry = facts.get("model.registry")
    return f"{registry}/{name}" if registry else name


def _share(seen: Observation, deployment: str) -> str:
    if seen.target.kind is Kind.ONLINE_ENDPOINT and deployment:
        mirrored = seen.facts.get(f"mirror_traffic.{deployment}")
        return f"{seen.facts.get(f'traffic.{deployment}', 0)} %" + (
            f" (+{mirrored} % mirrored)" if mirrored else ""
        )
    if seen.target.kind is Kind.BATCH_ENDPOINT and deployment:
        return "default" if seen.facts.get("default_deployment") == deployment else ""
    return ""


def _movement(facts: Facts) -> str:
    """Say whether what Azure ML serves can become another model without a deployment."""
    if facts.get("model.label"):
        return f"yes: it follows @{facts['model.label']}"
    if facts.get("model.version"):
        return "no"
    return "not known: no registered model" if not facts.get("model.path") else "yes: its files can be replaced"


def _openai_fate(facts: Facts, catalogue: Catalogue | Unread, now: datetime) -> _Fate:
    option = str(facts.get("upgrade_option", "")).casefold()
    is_upgraded = str(facts.get("sku.name", "")).casefold() in UPGRADED_SKUS
    changes = _openai_changes(option, is_upgraded=is_upgraded)
    if isinstance(catalogue, Unread):
        return _Fate(changes, "not known", "the retirement dates could not be read")
    retirement = retirement_of(facts, catalogue)
    if retirement is None:
        return _Fate(changes, "not known", "the region's catalogue does not name it")
    if retirement.lifecycle.casefold() == "deprecated" or (retirement.at and retirement.at <= now):
        return _Fate(changes, _day(retirement.at), "it is retired: requests fail", 0)
    if retirement.at is None:
        return _Fate(changes, "no date yet", "")
    left = (retirement.at - now) // timedelta(days=1)
    if not may_upgrade(facts):
        return _Fate(changes, _day(retirement.at), "it stops answering (410)", left)
    starts = retirement.at - timedelta(days=retirement.upgrade_lead_days)
    into = retirement.replacement or "the default version of then"
    return _Fate(changes, _day(retirement.at), f"from {_day(starts)} Azure puts {into} in its place", left)


def _openai_changes(option: str, *, is_upgraded: bool) -> str:
    if not is_upgraded:
        return "no: Azure never upgrades this SKU"
    if option == "noautoupgrade":
        return "no"
    return (
        "yes: at a new default version" if option == "oncenewdefaultversionavailable" else "yes: when it retires"
    )


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""
