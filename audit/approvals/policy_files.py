"""Policies as release files hold them, read as strictly as releases."""

import re
from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from audit.approvals.policy import DAYS, EVERYTHING, GATES, TAG, ScopedPolicy, WorkingHours
from audit.approvals.strict_files import Content, did_you_mean
from audit.errors import BadInput
from audit.model import Severity, Stage
from audit.rules import RULES
from audit.targets import find_parent, normalise_id

MAX_NUMBER = 36_500  # a hundred years of days, and of anything else that is counted here a mistake beyond it

_SUBSCRIPTION = re.compile(r"/subscriptions/[^/]+(?:/resourcegroups/[^/]+)?")
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_GATES = Meta(description=f"Of: {', '.join(GATES)}.")

LeastStage = Literal["none", "staging", "production"]  # nothing archived serves, so no place can demand that

_NUMBERS = (
    "max_active_versions",
    "retention_days",
    "max_waiver_days",
    "max_trial_days",
    "max_unseen_hours",
    "successor_days",
)


class HoursEntry(Struct, forbid_unknown_fields=True, frozen=True):
    """When changes are expected."""

    days: Annotated[list[str], Meta(description=f"Of: {', '.join(DAYS)}.")]
    start: Annotated[str, Meta(description="HH:MM")]
    end: Annotated[str, Meta(description="HH:MM")]
    zone: Annotated[str, Meta(description="A name of the IANA database, such as Europe/Berlin.")] = "UTC"


class PolicyEntry(Struct, forbid_unknown_fields=True, frozen=True):
    """What a scope demands of releases; what is left out is said by a wider scope."""

    scope: Annotated[
        str,
        Meta(
            description="`*`; the ARM id of a subscription, resource group, workspace or account; "
            "mlflow://REGISTRY; tag:name=value"
        ),
    ]
    gates_before_staging: Annotated[list[str], _GATES] | None = None
    gates_before_production: Annotated[list[str], _GATES] | None = None
    required_tags: list[str] | None = None
    required_properties: list[str] | None = None
    max_active_versions: int | None = None
    retention_days: int | None = None
    ladder: Annotated[list[int], Meta(description="Days before a deadline on which to warn.")] | None = None
    severities: Annotated[dict[str, Severity], Meta(description="By rule, such as MA401: low.")] | None = None
    pipelines: Annotated[list[str], Meta(description="Object or application ids that may deploy.")] | None = None
    working_hours: HoursEntry | None = None
    max_waiver_days: int | None = None
    least_stage: Annotated[LeastStage, Meta(description="What a release must have reached.")] | None = None
    max_trial_days: Annotated[int, Meta(description="Of a small or mirrored share of traffic.")] | None = None
    max_unseen_hours: Annotated[int, Meta(description="How long a target may stay unreadable.")] | None = None
    successor_days: Annotated[int, Meta(description="Before an upgrade, to approve its successor.")] | None = None


def read_policy(entry: PolicyEntry, content: Content, path: str) -> ScopedPolicy:
    """Return a policy; raise `BadInput` with file, line, what was expected and what came."""
    for name in ("gates_before_staging", "gates_before_production"):
        _check_words(getattr(entry, name) or [], GATES, content, f"{path}.{name}")
    _check_words([rule.upper() for rule in entry.severities or {}], tuple(RULES), content, f"{path}.severities")
    for name in _NUMBERS:
        _check_number(getattr(entry, name), content, f"{path}.{name}")
    for number, step in enumerate(entry.ladder or []):
        _check_number(step, content, f"{path}.ladder[{number}]", least=0)
    severities = entry.severities
    return ScopedPolicy(
        scope=_scope(entry.scope, content, f"{path}.scope"),
        gates_before_staging=_words(entry.gates_before_staging),
        gates_before_production=_words(entry.gates_before_production),
        required_tags=_words(entry.required_tags),
        required_properties=_words(entry.required_properties),
        max_active_versions=entry.max_active_versions,
        retention_days=entry.retention_days,
        ladder=None if entry.ladder is None else tuple(sorted(set(entry.ladder), reverse=True)),
        severities=None if severities is None else {rule.upper(): each for rule, each in severities.items()},
        pipelines=None if entry.pipelines is None else tuple(each.lower() for each in entry.pipelines),
        working_hours=_hours(entry.working_hours, content, f"{path}.working_hours"),
        max_waiver_days=entry.max_waiver_days,
        least_stage=None if entry.least_stage is None else Stage(entry.least_stage),
        max_trial_days=entry.max_trial_days,
        max_unseen_hours=entry.max_unseen_hours,
        successor_days=entry.successor_days,
    )


def _words(words: list[str] | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(words)


def _check_words(words: list[str], known: tuple[str, ...], content: Content, path: str) -> None:
    for number, word in enumerate(words):
        if word not in known:
            name = path.rpartition(".")[2]
            hint = did_you_mean(word, known) or f": expected one of {', '.join(known)}"
            raise BadInput(f"{content.where(f'{path}[{number}]')}: unknown name {word[:80]!r} in {name}{hint}")


def _check_number(value: int | None, content: Content, path: str, least: int = 1) -> None:
    if value is not None and not least <= value <= MAX_NUMBER:
        name = path.rpartition(".")[2]
        raise BadInput(f"{content.where(path)}: expected {least} to {MAX_NUMBER} in {name}, got {value}")


def _scope(text: str, content: Content, path: str) -> str:
    scope = text.strip()
    if scope == EVERYTHING:
        return scope
    if scope.startswith(TAG):
        name, _, value = scope.removeprefix(TAG).partition("=")
        if name.strip() and value.strip():
            return f"{TAG}{name.strip()}={value.strip()}"
    id_ = normalise_id(scope)
    if _SUBSCRIPTION.fullmatch(id_) or find_parent(id_) == id_:
        return id_
    raise BadInput(
        f"{content.where(path)}: expected `*`, the ARM id of a subscription, resource group, workspace "
        f"or account, mlflow://REGISTRY, or tag:name=value in scope, got {text[:200]!r}"
    )


def _hours(entry: HoursEntry | None, content: Content, path: str) -> WorkingHours | None:
    if entry is None:
        return None
    _check_words(entry.days, DAYS, content, f"{path}.days")
    for name in ("start", "end"):
        if not _CLOCK.fullmatch(getattr(entry, name)):
            got = getattr(entry, name)[:80]
            raise BadInput(f"{content.where(f'{path}.{name}')}: expected a time HH:MM in {name}, got {got!r}")
    start, end = (time.fromisoformat(text) for text in (entry.start, entry.end))
    if end <= start:
        raise BadInput(f"{content.where(f'{path}.end')}: expected an end after {entry.start}, got {entry.end}")
    try:
        ZoneInfo(entry.zone)
    except (KeyError, ValueError, OSError) as error:  # not found, no name at all, the name of a folder
        raise BadInput(
            f"{content.where(f'{path}.zone')}: expected a zone such as Europe/Berlin in zone, "
            f"got {entry.zone[:80]!r}"
        ) from error
    return WorkingHours(tuple(day for day in DAYS if day in entry.days), start, end, entry.zone)
