"""Release files, as teams keep them in git: releases, waivers and policies, read strictly.

`docs/releases.md` explains them, `docs/release.schema.json` tells editors. Every mistake is refused with its
file and line, what was expected and what came.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from audit.approvals import policy_files
from audit.approvals.policy import EVIDENCE_GATES, ScopedPolicy, evidence_name
from audit.approvals.policy_files import PolicyEntry
from audit.approvals.release_facts import read_facts
from audit.approvals.strict_files import (
    SUFFIXES,
    Content,
    convert,
    did_you_mean,
    find_files,
    parse_content,
    read_content,
)
from audit.errors import BadInput
from audit.model import Criterion, Release, Stage, Target, Waiver
from audit.record import decode, keys
from audit.rules import RULES
from audit.targets import parse_target

MAX_RELEASES = 10_000
MAX_WAIVERS = 40  # of one target; they and their journal entries fit into one transaction
MAX_BYTES_RELEASE = 50_000  # as JSON; a row and a journal entry hold it, and a property 64 KiB
# A link, a digest or a version as evidence; git's own names are hex.
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
_FACT = {"anyOf": [{"type": ["string", "number", "boolean"]}, {"type": "object"}]}

Time = Annotated[str, Meta(description="With a zone, as RFC 3339 has it: 2026-11-01T12:00:00Z")]
Facts = Annotated[
    dict[str, Any],
    Meta(
        description="What is compared, flat or nested. A value, or {one_of: [...]}, {at_least: 1, at_most: 5}, "
        "{not_audited: the reason}. A model is {name, version} or a reference such as azureml:churn:3.",
        extra_json_schema={"additionalProperties": _FACT, "minProperties": 1},
    ),
]


def _text(description: str) -> Any:
    return Meta(description=description)


class CriterionEntry(Struct, forbid_unknown_fields=True, frozen=True):
    """A number by which a comparison decided, and its bounds."""

    got: float
    at_least: float | None = None
    at_most: float | None = None


class EvidenceEntry(Struct, forbid_unknown_fields=True, frozen=True):
    """A piece of evidence: where it is, and the criteria that decided."""

    link: str
    criteria: dict[str, CriterionEntry] = {}


class ReleaseEntry(Struct, forbid_unknown_fields=True, frozen=True):
    """What somebody approved for a target."""

    id: Annotated[str, _text("Names this release; other releases name it in rollback.")]
    target: Annotated[str, _text("ARM id of what is approved, or mlflow://REGISTRY/models/NAME.")]
    approved_by: Annotated[str, _text("Who approves. Empty until a person signs; then it cannot be applied.")]
    approved_at: Time
    facts: Facts
    ticket: Annotated[str, _text("The change ticket.")] = ""
    owner: Annotated[str, _text("The team that answers for it.")] = ""
    on_call: Annotated[str, _text("How on-call is reached: a route, a schedule, a URL.")] = ""
    rollback: Annotated[str, _text("Id of the release to go back to.")] = ""
    monitoring: Annotated[str, _text("The signal that watches it: a monitor, a dashboard, an alert rule.")] = ""
    review_at: Time | None = None
    expires_at: Time | None = None
    stage: Stage = Stage.PRODUCTION
    deployers: Annotated[list[str], _text("Object or application ids that may deploy it.")] = []
    evidence: dict[str, str | EvidenceEntry] = {}


class WaiverEntry(Struct, forbid_unknown_fields=True, frozen=True):
    """Somebody accepts a finding until a date, for a reason."""

    target: str
    rule: str
    author: str
    reason: str
    starts_at: Time
    ends_at: Time
    ticket: str = ""
    subject: Annotated[str, _text("Only there, such as sku.capacity; empty: wherever the rule is broken.")] = ""


class ReleaseFile(Struct, forbid_unknown_fields=True, frozen=True):
    """A file of releases, waivers and policies of Model Audit."""

    releases: list[ReleaseEntry] = []
    waivers: list[WaiverEntry] = []
    policies: list[PolicyEntry] = []


@dataclass(frozen=True, slots=True)
class Files:
    """All that some files say, and by target, waiver or scope the `file:line` where it stands."""

    releases: list[Release] = field(default_factory=list)
    waivers: list[Waiver] = field(default_factory=list)
    policies: list[ScopedPolicy] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)


def read_release_files(path: Path) -> list[Release]:
    """Return the releases of a file, or of all `*.yaml`, `*.yml` and `*.json` files below a folder.

    Raises `BadInput` with file, line, what was expected and what came; then nothing of it may be applied.
    """
    return read_files(path).releases


def read_files(path: Path) -> Files:
    """Return everything of a file or folder; raise `BadInput` as `read_release_files` does."""
    found = Files()
    for file in find_files(path):
        _read_file(read_content(file), found)
    return found


def read_text(file: PurePath, text: str) -> Files:
    """Return everything that a text says that stands in `file`; raise `BadInput` as `read_release_files` does."""
    if file.suffix not in SUFFIXES:
        raise BadInput(f"{file}:1: expected a release file (*.yaml, *.yml, *.json), got another name")
    found = Files()
    _read_file(parse_content(file, text), found)
    return found


def schema() -> dict[str, Any]:
    """Return the JSON Schema of release files, made of the types that read them."""
    made = msgspec.json.schema(ReleaseFile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Model Audit release file", **made}


def _read_file(content: Content, found: Files) -> None:
    _refuse_too_many(content, len(found.releases))
    file = convert(content, ReleaseFile)
    if not isinstance(content.value, dict) or not content.value:
        raise BadInput(f"{content.file}:1: expected `releases`, `waivers` or `policies`, got an empty file")
    for number, entry in enumerate(file.releases):
        release = _release(entry, content, f"$.releases[{number}]")
        _add(found.places, release.target.id, content.where(f"$.releases[{number}]"), "release a target")
        found.releases.append(release)
    for number, waived in enumerate(file.waivers):
        waiver = _waiver(waived, content, f"$.waivers[{number}]")
        id_ = keys.waiver_id(waiver.target, waiver.rule, waiver.subject)
        _add(found.places, id_, content.where(f"$.waivers[{number}]"), "waiver a rule, target and subject")
        found.waivers.append(waiver)
    for number, demanded in enumerate(file.policies):
        policy = policy_files.read_policy(demanded, content, f"$.policies[{number}]")
        _add(found.places, policy.scope, content.where(f"$.policies[{number}]"), "policy a scope")
        found.policies.append(policy)


def _refuse_too_many(content: Content, known: int) -> None:
    entries = content.value.get("releases") if isinstance(content.value, dict) else None
    if isinstance(entries, list) and known + len(entries) > MAX_RELEASES:
        where = content.where(f"$.releases[{MAX_RELEASES - known}]")
        raise BadInput(f"{where}: expected at most {MAX_RELEASES} releases, got {known + len(entries)}")


def _add(places: dict[str, str], key: str, where: str, what: str) -> None:
    if key in places:
        raise BadInput(f"{where}: expected one {what}, got a second one; the first stands at {places[key]}")
    places[key] = where


def _release(entry: ReleaseEntry, content: Content, path: str) -> Release:
    if not entry.approved_by.strip():
        raise BadInput(
            f"{content.where(f'{path}.approved_by')}: expected the name of who approves in approved_by, "
            "got nothing: a person has to sign"
        )
    if not entry.id.strip():
        raise BadInput(f"{content.where(f'{path}.id')}: expected a name for the release in id, got nothing")
    release = Release(
        id=entry.id,
        target=_target(entry.target, content, path),
        facts=read_facts(entry.facts, content, f"{path}.facts"),
        approved_by=entry.approved_by,
        approved_at=read_time(entry.approved_at, content, f"{path}.approved_at"),
        ticket=entry.ticket,
        owner=entry.owner,
        rollback=entry.rollback,
        expires_at=_optional_time(entry.expires_at, content, f"{path}.expires_at"),
        evidence=_evidence(entry.evidence, content, f"{path}.evidence"),
        criteria=tuple(_criteria(entry.evidence, content, f"{path}.evidence")),
        on_call=entry.on_call,
        monitoring=entry.monitoring,
        review_at=_optional_time(entry.review_at, content, f"{path}.review_at"),
        stage=entry.stage,
        deployers=tuple(each.strip().lower() for each in entry.deployers),
    )
    _check(release, content, path)
    return release


def _check(release: Release, content: Content, path: str) -> None:
    size = len(msgspec.json.encode(release))
    if size > MAX_BYTES_RELEASE:
        raise BadInput(
            f"{content.where(path)}: expected a release of at most {MAX_BYTES_RELEASE} bytes, got {size}: "
            "link to evidence instead of copying it"
        )
    for name in ("expires_at", "review_at"):
        day = getattr(release, name)
        if day is not None and day <= release.approved_at:
            raise BadInput(
                f"{content.where(f'{path}.{name}')}: expected {name} after approved_at "
                f"({release.approved_at.isoformat()}), got {day.isoformat()}"
            )
    if release.rollback == release.id:
        raise BadInput(
            f"{content.where(f'{path}.rollback')}: expected another release to go back to in rollback, "
            f"got the release itself, {release.id!r}"
        )


def _target(text: str, content: Content, path: str) -> Target:
    try:
        return parse_target(text)
    except BadInput as error:
        raise BadInput(f"{content.where(f'{path}.target')}: {error}") from error


def _optional_time(text: str | None, content: Content, path: str) -> datetime | None:
    return None if text is None else read_time(text, content, path)


def read_time(text: str, content: Content, path: str) -> datetime:
    """Return a time in UTC; raise `BadInput` where it is none or has no zone."""
    name = path.rpartition(".")[2]
    try:
        time = decode.convert(text, datetime)
        if time.tzinfo is None:
            raise BadInput(
                f"{content.where(path)}: expected a time with its zone in {name}, "
                f"such as {time.isoformat()}Z, got {text!r}"
            )
        return time.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError) as error:
        raise BadInput(
            f"{content.where(path)}: expected a datetime in {name}, such as 2026-11-01T12:00:00Z, "
            f"got {text[:80]!r}"
        ) from error


def _evidence(written: Mapping[str, str | EvidenceEntry], content: Content, path: str) -> dict[str, str]:
    evidence = {}
    for title, entry in written.items():
        name, where = evidence_name(title), content.where(f"{path}.{title}")
        if name not in EVIDENCE_GATES and (hint := did_you_mean(name, EVIDENCE_GATES, 0.85)):
            raise BadInput(f"{where}: expected a title of evidence, got {title[:80]!r}{hint}")
        text = entry if isinstance(entry, str) else entry.link
        if name == "git_commit" and not _COMMIT.fullmatch(text.rsplit("/", 1)[-1]):
            raise BadInput(f"{where}: expected a commit of 7 to 64 hex characters in {title}, got {text[:80]!r}")
        evidence[title] = text
    return evidence


def _criteria(written: Mapping[str, str | EvidenceEntry], content: Content, path: str) -> Iterator[Criterion]:
    for title, entry in written.items():
        if isinstance(entry, str):
            continue
        for name, criterion in entry.criteria.items():
            if criterion.at_least is None and criterion.at_most is None:
                where = content.where(f"{path}.{title}.criteria.{name}")
                raise BadInput(f"{where}: expected at_least or at_most of the criterion {name}, got neither")
            yield Criterion(title, name, criterion.got, criterion.at_least, criterion.at_most)


def _waiver(entry: WaiverEntry, content: Content, path: str) -> Waiver:
    for name in ("author", "reason"):
        if not getattr(entry, name).strip():
            raise BadInput(f"{content.where(f'{path}.{name}')}: expected a text in {name}, got nothing")
    rule = entry.rule.upper()
    if rule not in RULES:
        raise BadInput(
            f"{content.where(f'{path}.rule')}: expected the id of a rule, got {entry.rule[:80]!r}"
            f"{did_you_mean(rule, RULES) or ':'} `model-audit rules` lists them"
        )
    starts_at = read_time(entry.starts_at, content, f"{path}.starts_at")
    ends_at = read_time(entry.ends_at, content, f"{path}.ends_at")
    if ends_at <= starts_at:
        raise BadInput(f"{content.where(f'{path}.ends_at')}: expected an end after the start, got {entry.ends_at}")
    target = _target(entry.target, content, path)
    return Waiver(target, rule, entry.author, entry.reason, starts_at, ends_at, entry.ticket, entry.subject)
