"""Have the targets of a parent remember what a sweep saw of their neighbours."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audit.approvals.releases import Approvals
from audit.errors import Conflict
from audit.judge.surroundings import Neighbour, surroundings
from audit.model import Facts, Kind, Observation, Outcome, Target
from audit.ports import Listing, Table, Write, every
from audit.record import keys, ledger, memory
from audit.record.ledger import Head, Hot
from audit.record.memory import Around
from audit.service import parents
from audit.targets import find_target

MOST_WRITES = 100  # of one transaction


@dataclass(frozen=True, slots=True)
class Listed:
    """A target as a sweep finds it: what is recorded, what is approved, and what the list says."""

    target: Target
    hot: Hot
    approvals: Approvals
    seen: Observation

    @property
    def neighbour(self) -> Neighbour:
        """Return what it tells the others; where it could not be seen now, what was seen last still stands."""
        was = self.hot.head.facts if self.hot.head else {}
        facts = (was or None) if self.seen.outcome is Outcome.UNREADABLE else self.seen.facts
        named = (self.approvals.release, self.approvals.rollback)
        return Neighbour(
            self.target, facts, tuple(release for release in named if release), self.hot.memory.around
        )

    def told(self, around: Around) -> "Listed":
        """Return it with what the others tell it; the very same where that is no news, or it is gone."""
        if self.seen.outcome is Outcome.ABSENT:
            return self
        remembered = memory.told(self.hot.memory, around)
        return self if remembered is self.hot.memory else replace(self, hot=replace(self.hot, memory=remembered))


def remember(
    table: Table, parent: str, listing: Listing, listed: Sequence[Listed], began_at: datetime
) -> list[Listed]:
    """Return what was listed, each with what the others say of it, and write down what of that is news.

    A list that could not be had says nothing of anybody, and what was remembered stays.
    """
    if listing.itself.outcome is Outcome.UNREADABLE:
        return list(listed)
    has_all_models = every(Kind.MODEL) not in listing.skipped
    neighbours = [each.neighbour for each in listed]
    elsewhere = _models_elsewhere(table, neighbours)
    around = surroundings(neighbours, elsewhere, began_at, has_all_models=has_all_models)
    told = [each.told(around[each.target]) for each in listed]
    news = [(old.hot, new) for old, new in zip(listed, told, strict=True) if new is not old]
    _write(table, parent, [ledger.memory_write(hot, new.target, new.hot.memory) for hot, new in news])
    return told


def _models_elsewhere(table: Table, neighbours: Sequence[Neighbour]) -> dict[str, Facts | None]:
    """Return the models of registries that neighbours name, as they were last seen: one read for each."""
    named = {(each.registry, each.name) for neighbour in neighbours for each in neighbour.named if each.registry}
    if not named:
        return {}
    registries = {parent.rsplit("/", 1)[1]: parent for parent in parents.known(table) if "/registries/" in parent}
    places = ((registry, name, registries.get(registry, "")) for registry, name in sorted(named))
    found = {f"{registry}/{name}": find_target(f"{place}/models/{name}") for registry, name, place in places}
    return {model: _last_seen(table, target) for model, target in found.items() if target is not None}


def _last_seen(table: Table, target: Target) -> Facts | None:
    """Return the facts of a target as they were last seen; None where nobody knows them, none where it is gone."""
    key = keys.head(keys.target_hash(target))
    rows = table.rows(keys.partition(target.parent), key, f"{key}-", 1)
    head = ledger.read(rows[0], Head) if rows else None
    if head is None or head.outcome is Outcome.UNREADABLE:
        return None
    return {} if head.outcome is Outcome.ABSENT else head.facts or None


def _write(table: Table, parent: str, writes: Sequence[Write]) -> None:
    """Write what targets shall remember; a row that a check has written meanwhile waits for the next sweep."""
    for start in range(0, len(writes), MOST_WRITES):
        batch = writes[start : start + MOST_WRITES]
        try:
            table.commit(keys.partition(parent), batch)
        except Conflict:
            for write in batch:
                with contextlib.suppress(Conflict):
                    table.commit(keys.partition(parent), [write])
