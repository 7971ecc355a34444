"""Judge what is seen against what was approved: pure, from a release and an observation to findings.

A family of rules is a module here: small functions, each from a case to findings. What differs from the
release is found by comparing (`compare.py`), and the name of the fact says which rule it breaks (`names.py`).
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any

from audit.approvals.policy import DEFAULT, Policy, unmet_gates
from audit.judge import (
    actor,
    approval,
    compare,
    lifecycle,
    metadata,
    pinning,
    readiness,
    traffic,
)
from audit.judge.assets import with_assets
from audit.judge.given import (
    NO_HISTORY,
    Asset,
    Case,
    History,
    Rollback,
    Standing,
    Written,
)
from audit.judge.names import pointers, serving, shape_of
from audit.judge.pinning import may_upgrade
from audit.judge.retirement import OF_THE_CATALOGUE, retirement
from audit.model import Finding, Kind, Observation, Outcome, Release
from audit.sight.catalogue import Catalogue, Unread

_Rules = Callable[[Any, Case], Iterator[Finding]]  # its release is None only where nothing is approved

_EVERY = frozenset(Kind)
_WITH_DEPLOYMENTS = frozenset({Kind.ONLINE_ENDPOINT, Kind.BATCH_ENDPOINT})
_WITH_TRAFFIC = frozenset({Kind.ONLINE_ENDPOINT})
_OPENAI = frozenset({Kind.OPENAI_DEPLOYMENT})
_MODELS = frozenset({Kind.MODEL})

# Each is asked about every target of these kinds that is present and approved.
_OF_RELEASES = (
    (approval.expiry, _EVERY),
    (approval.review, _EVERY),
    (approval.gates, _EVERY),
    (approval.four_eyes, _EVERY),
    (traffic.deployments, _WITH_DEPLOYMENTS),
    (traffic.splits, _WITH_TRAFFIC),
    (compare.differences, _EVERY),
    (pinning.references, _EVERY),
    (pinning.upgrades, _OPENAI),
    (pinning.silent_change, _EVERY),
    (metadata.required, _EVERY),
    (metadata.reproducible, _EVERY),
    (metadata.changed, _EVERY),
    (lifecycle.stages, _EVERY),
    (actor.change, _EVERY),
    (readiness.rollback, _EVERY),
)
# Each is asked about every target of these kinds that is present, approved or not.
_OF_TARGETS = (
    (traffic.trials, _WITH_TRAFFIC),
    (lifecycle.archived, _EVERY),
    (lifecycle.versions, _MODELS),
    (readiness.states, _EVERY),
    (retirement, _OPENAI),
)
_RULE_AND_SUBJECT = attrgetter("rule", "subject")


def _asked(kind: Kind, *, is_approved: bool) -> list[_Rules]:
    """Return the rules that are asked about a target that is present."""
    rows = (*(_OF_RELEASES if is_approved else [(approval.unapproved, _EVERY)]), *_OF_TARGETS)
    return [rules for rules, kinds in rows if kind in kinds]


_ASKED = {(kind, known): _asked(kind, is_approved=known) for kind in Kind for known in (True, False)}


def judge(
    release: Release | None,
    observation: Observation,
    catalogue: Catalogue | Unread,
    now: datetime,
    policy: Policy = DEFAULT,
    history: History = NO_HISTORY,
) -> tuple[Finding, ...]:
    """Return every finding, sorted; the same input gives the same findings in the same order.

    An unreadable target yields findings about sight and says nothing about the rest. Waivers hide nothing
    here: that one is about to end, or has ended, is a finding beside what it covers.
    """
    approved = shape_of(release.facts if release else ())
    unmet = unmet_gates(release, policy) if release else []
    seen = with_assets(observation, history.assets)
    case = Case(seen, seen.facts, shape_of(seen.facts), approved, unmet, catalogue, now, policy, history)
    found = _judge(release, case)
    if history.waivers:
        found += approval.waivers(found, case)
    found.sort(key=_RULE_AND_SUBJECT)
    return tuple(found)


def _judge(release: Release | None, case: Case) -> list[Finding]:
    match case.observation.outcome:
        case Outcome.UNREADABLE:
            return list(readiness.sight(case))
        case Outcome.ABSENT:
            gone = approval.gone(release, case) if release else ()
            return [*gone, *lifecycle.deleted(None, case, frozenset())]
    asked = _ASKED[case.observation.target.kind, release is not None]
    return [found for rules in asked for found in rules(release, case)]


__all__ = [
    "OF_THE_CATALOGUE",
    "Asset",
    "History",
    "Rollback",
    "Standing",
    "Written",
    "judge",
    "may_upgrade",
    "pointers",
    "serving",
]
