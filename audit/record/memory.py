"""What is remembered of a target beside its head: what no later look and no later list can show.

It is one row among the target's hot rows, read by the range that a check reads anyway, and written only when it
changes: by a check in its own transaction, by a sweep as far as `Around` goes. Everything in it is bounded, so it
always fits; what does not fit is not remembered, and a rule that needs it stays quiet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

import msgspec

from audit.approvals.approved import admits
from audit.judge.assets import with_assets
from audit.judge.given import Asset
from audit.judge.metadata import OF_MODELS, written_on_parts
from audit.judge.names import FILES, phrase, rule_of, shape_of
from audit.judge.traffic import on_trial
from audit.model import Facts, Kind, Observation, Outcome, Release, Retirement
from audit.record import evidence

T = TypeVar("T")

# Bytes as JSON; together with what is around them they stay below the 60,000 of a row's body.
MAX_AT_APPROVAL = 18_000
MAX_GONE = 12_000  # some 250 versions, the last to go first
MAX_PRESENT = 20_000  # some 2,000 versions, the highest numbers first
MAX_AROUND = 6_000  # each of its three parts
MAX_TRIALS = 3_000


@dataclass(frozen=True, slots=True)
class Said:
    """The day on which a model retires, as Azure said it at a moment."""

    model: str
    at: datetime
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Around:
    """What only a sweep of the parent can tell a target, as of the sweep that began at `swept_at`.

    `assets` are the models that an endpoint or its releases name, by `name:version`; `serving` the versions of a
    model that some endpoint names; `approved_models` those of all releases of the account.
    """

    swept_at: datetime
    assets: Mapping[str, Asset] = field(default_factory=dict)
    serving: tuple[str, ...] = ()
    approved_models: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a target.

    `signed` names the release that `at_approval` (what was written on its parts, by part) and `retirement` belong
    to. `trials` tells since when each deployment has been on trial. `present` are the versions of a model that the
    last look saw, `gone` tells of those that it no longer saw by when that was.
    """

    signed: str = ""
    at_approval: Mapping[str, Facts] = field(default_factory=dict)
    retirement: Said | None = None
    trials: Mapping[str, datetime] = field(default_factory=dict)
    present: tuple[str, ...] = ()
    gone: Mapping[str, datetime] = field(default_factory=dict)
    around: Around | None = None


NOTHING = Memory()


def signature(release: Release | None) -> str:
    """Return what names a release as it was signed: whoever signs anew has seen what is live by then."""
    return f"{release.id} {release.approved_at.isoformat()}" if release else ""


def after_look(
    memory: Memory, before: Facts, release: Release | None, seen: Observation, retirement: Retirement | None
) -> Memory:
    """Return what is remembered after a look; `before` are the facts that were seen by the look before it.

    A look that could not see leaves everything as it is.
    """
    if seen.outcome is Outcome.UNREADABLE:
        return memory
    memory = _versions(replace(memory, trials=_trials(memory, seen)), seen)
    if memory.signed != signature(release):
        memory = replace(memory, signed=signature(release), at_approval={}, retirement=None)
        memory = _at_approval(memory, release, before)
    memory = _at_approval(memory, release, with_assets(seen, memory.around.assets if memory.around else {}).facts)
    return _retirement(memory, release, seen, retirement)


def _trials(memory: Memory, seen: Observation) -> Mapping[str, datetime]:
    if seen.target.kind is not Kind.ONLINE_ENDPOINT:
        return {}
    tried = sorted(evidence.harmless(name) for name in on_trial(seen.facts, shape_of(seen.facts)))
    return fitting({name: memory.trials.get(name, seen.began_at) for name in tried}, MAX_TRIALS)


def _versions(memory: Memory, seen: Observation) -> Memory:
    """Return the memory with the versions that are there, and those that are gone; one may come back."""
    if seen.target.kind is not Kind.MODEL:
        return memory
    present = {evidence.harmless(name) for name in shape_of(seen.facts).versions}
    gone = dict.fromkeys(memory.present, seen.began_at) | dict(memory.gone)
    last_first = sorted(gone.keys() - present, key=lambda name: (gone[name], name), reverse=True)
    highest_first = sorted(present, key=lambda name: (len(name), name), reverse=True)
    return replace(
        memory,
        present=tuple(fitting(dict.fromkeys(highest_first, 0), MAX_PRESENT)),
        gone=fitting({name: gone[name] for name in last_first}, MAX_GONE),
    )


def _at_approval(memory: Memory, release: Release | None, facts: Facts) -> Memory:
    """Return the memory with what is written on those approved parts that are there for the first time.

    A part is taken as it is once it has the approved model: what was there before it is not what was approved.
    """
    if release is None:
        return memory
    known = dict(memory.at_approval)
    for part, written in written_on_parts(facts, release).items():
        if _is_approved_model(part, facts, release):
            prefix = f"{part}." if part else ""
            files = {name: value for name, value in written.items() if rule_of(prefix + name) == FILES}
            known[part] = files | dict(known.get(part, written))  # of files one learns late, from a sweep
    return replace(memory, at_approval=fitting(dict(sorted(known.items())), MAX_AT_APPROVAL))


def _is_approved_model(part: str, facts: Facts, release: Release) -> bool:
    prefix = f"{part}." if part else ""
    return all(
        admits(release.facts[prefix + name], facts.get(prefix + name))
        for name in OF_MODELS
        if prefix + name in release.facts
    )


def _retirement(
    memory: Memory, release: Release | None, seen: Observation, retirement: Retirement | None
) -> Memory:
    if (
        release is None
        or retirement is None
        or retirement.at is None
        or not _is_approved_model("", seen.facts, release)
    ):
        return memory
    model = model_of(seen.facts)
    if memory.retirement is not None and memory.retirement.model == model:
        return memory
    return replace(memory, retirement=Said(model, retirement.at, seen.began_at))


def model_of(facts: Facts) -> str:
    """Return the model of an Azure OpenAI deployment and its SKU, which its date of retirement depends on."""
    return f"{phrase(facts)} {facts.get('sku.name', '')}".casefold()


def assets_that_fit(assets: Mapping[str, Asset]) -> dict[str, Asset]:
    """Return as many assets as a sweep may tell a target."""
    return fitting(dict(sorted(assets.items())), MAX_AROUND)


def names_that_fit(names: Iterable[str]) -> tuple[str, ...]:
    """Return as many names of versions or models as a sweep may tell a target."""
    return tuple(fitting(dict.fromkeys(sorted(names), 0), MAX_AROUND))


def told(memory: Memory, around: Around) -> Memory:
    """Return the memory with what a sweep found; the very same where it is no news or an older tale."""
    known = memory.around or Around(datetime.min.replace(tzinfo=around.swept_at.tzinfo))
    is_known = replace(around, swept_at=known.swept_at) == known
    if is_known or known.swept_at >= around.swept_at:
        return memory
    return replace(memory, around=around)


def fitting(items: Mapping[str, T], most: int) -> dict[str, T]:
    """Return those items, the first before the others, that take at most so many bytes together."""
    kept, left = {}, most
    for name, value in items.items():
        try:
            size = len(msgspec.json.encode(name)) + len(msgspec.json.encode(value)) + 2
        except UnicodeEncodeError:  # half a character, which JSON can escape and no service means
            continue
        if size <= left:
            kept[name], left = value, left - size
    return kept
