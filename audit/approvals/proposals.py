"""What a release file that was dropped into the container proposes: it is shown, and nobody's approval changes.

What it would change is kept by digest, so that what somebody has put in force meanwhile is told apart later.
"""

import itertools
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from audit.events.message import PROPOSED, RELEASE_PROPOSED
from audit.model import Actor, ActorKind, Event, Target
from audit.record import evidence, keys
from audit.texts import cut

MAX_CHANGES = 50  # kept of one file, and so many targets journal it: whoever proposes more is counted
MAX_BYTES = 40_000  # that these may take of the file's row; ids may be long
_WORDS = {"granted": "a first release", "replaced": "another release", "waived": "a waiver"}


class Result(StrEnum):
    """What became of a file."""

    PROPOSED = "proposed"
    NOTHING_NEW = "nothing new"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would change: `granted`, `replaced`, `waived` or `policy set`.

    `subject` is the target's id or the policy's scope, `by` who the file says approves it.
    """

    change: str
    subject: str
    name: str
    by: str
    digest: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a file came to when it was planned. `more` counts the changes that are not kept one by one."""

    file: str
    sha256: str
    at: datetime
    result: Result
    error: str = ""
    changes: tuple[Change, ...] = ()
    more: int = 0


def with_changes(read: Proposal, changes: Iterable[Change]) -> Proposal:
    """Return what a file proposes that could be planned."""
    found = tuple(changes)
    result = Result.PROPOSED if found else Result.NOTHING_NEW
    sizes = itertools.accumulate(len(msgspec.json.encode(change)) for change in found[:MAX_CHANGES])
    kept = found[: sum(size <= MAX_BYTES for size in sizes)]
    return replace(read, result=result, changes=kept, more=len(found) - len(kept))


def digest(approved: Any) -> str:
    """Return what stands for a release, a waiver or a policy: equal for equal ones, from a file or in force."""
    return evidence.sha256(evidence.canonical(msgspec.to_builtins(approved)))


def pending(proposals: Iterable[Proposal], in_force: Collection[str]) -> list[Proposal]:
    """Return what is not in force of proposals, the newest first; files that propose nothing are left out."""
    shown = (
        replace(each, changes=tuple(change for change in each.changes if change.digest not in in_force))
        for each in proposals
        if each.result in (Result.PROPOSED, Result.REFUSED)
    )
    found = [each for each in shown if each.error or each.changes or each.more]
    return sorted(found, key=lambda each: (each.at, each.file), reverse=True)


def event_of(proposal: Proposal, change: Change, target: Target, person: Callable[[str], str]) -> Event:
    """Return what the target's journal tells of a change; equal for every delivery of the same content.

    Who dropped the file is not known: an event of a storage account does not say.
    """
    by = f"claims approval by {person(change.by)}" if change.by else "claims nobody's approval"
    what = _WORDS.get(change.change, change.change)
    text = f"proposed {what}, {change.name}, in {proposal.file} ({by}); not in force"
    return Event(
        key=keys.event_key("proposal", proposal.file, change.digest, target.id, ""),
        id=proposal.sha256[:32],
        type=RELEASE_PROPOSED,
        time=proposal.at,
        resource=cut(proposal.file),
        operation=cut(text),
        actor=Actor(ActorKind.UNKNOWN, why="a storage account's event names nobody"),
        target=target,
        status=PROPOSED,
    )
