"""Release files, as teams keep them in git: YAML or JSON, read strictly and with the line of every error.

Every scalar is read as text: YAML would make a date of the version `2024-11-20` and the number 395 of `0613`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from audit.errors import BadInput
from audit.model import Release
from audit.targets import parse_target

MAX_BYTES = 10_000_000  # far above any real file; a larger one is a mistake or an attack
MAX_RELEASES = 10_000
MAX_DEPTH = (
    30  # of a file's nesting; libyaml builds nodes by recursion in C, and a deep file would end the process
)
MAX_FACT = 1000  # characters of a fact's name or value, so that a release fits into its row

# Names of deployments and versions are compared in lower case, as `audit.facts` writes them.
_NAMED = re.compile(r"\A(?:deployments|mirror_traffic|traffic|versions)\.[^.]+")
_WHOLE = re.compile(r"(?:mirror_)?traffic\..+|sku\.capacity|deployments\.[^.]+\.instance_count")

Value = str | list[Any] | dict[str, Any]
Lines = dict[str, int]


class _Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    id: str
    target: str
    approved_by: str
    approved_at: datetime
    facts: dict[str, Any]
    ticket: str = ""
    owner: str = ""
    rollback: str = ""
    expires_at: datetime | None = None
    evidence: dict[str, str] = {}


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    releases: list[_Entry]


def read_release_files(path: Path) -> list[Release]:
    """Return the releases of a file, or of all `*.yaml`, `*.yml` and `*.json` files below a folder.

    Raises `BadInput` with file, line, what was expected and what came; then nothing of it may be applied.
    """
    files = (
        [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml", ".json"))
    )
    if not files:
        raise BadInput(f"expected release files (*.yaml, *.yml, *.json) at {path}, found none")
    seen: dict[str, str] = {}
    releases = [release for file in files for release in _read_file(file, seen)]
    if len(releases) > MAX_RELEASES:
        raise BadInput(f"expected at most {MAX_RELEASES} releases at {path}, got {len(releases)}")
    return releases


def _read_file(file: Path, seen: dict[str, str]) -> Iterator[Release]:
    value, lines = _parse(file)
    try:
        entries = msgspec.convert(value, _File, strict=False).releases
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        raise BadInput(f"{file}:{_line(lines, place.rstrip('`'))}: {message}") from error
    for number, entry in enumerate(entries):
        where = f"{file}:{lines.get(f'$.releases[{number}]', 1)}"
        yield _release(entry, where, seen)


def _release(entry: _Entry, where: str, seen: dict[str, str]) -> Release:
    try:
        target = parse_target(entry.target)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from error
    if target.id in seen:
        raise BadInput(
            f"{where}: expected one release a target, got a second one; the first stands at {seen[target.id]}"
        )
    seen[target.id] = where
    if not entry.approved_by.strip():
        raise BadInput(
            f"{where}: expected the name of who approves in approved_by, got nothing: a person has to sign"
        )
    return Release(
        id=entry.id,
        target=target,
        facts=_facts(entry.facts, where),
        approved_by=entry.approved_by,
        approved_at=_utc(entry.approved_at, "approved_at", where),
        ticket=entry.ticket,
        owner=entry.owner,
        rollback=entry.rollback,
        expires_at=_utc(entry.expires_at, "expires_at", where) if entry.expires_at else None,
        evidence=entry.evidence,
    )


def _utc(time: datetime, name: str, where: str) -> datetime:
    if time.tzinfo is None:
        raise BadInput(f"{where}: expected a time with its zone in {name}, such as {time.isoformat()}Z")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise BadInput(f"{where}: expected a time of this age in {name}, got {time.isoformat()}") from error


def _facts(written: Mapping[str, Any], where: str) -> dict[str, str]:
    """Return the facts by their names; a release that names none would approve whatever serves."""
    facts: dict[str, str] = {}
    for written_name, value in _flat(written, where):
        name = _NAMED.sub(lambda found: found[0].lower(), written_name)
        if name in facts:
            raise BadInput(f"{where}: expected each fact once, got {name} twice")
        facts[name] = _fact(name, value, where)
    if not facts:
        raise BadInput(f"{where}: expected at least one fact to compare, got none")
    return dict(sorted(facts.items()))


def _fact(name: str, value: str, where: str) -> str:
    if max(len(name), len(value)) > MAX_FACT:
        raise BadInput(f"{where}: expected at most {MAX_FACT} characters in the fact {name[:80]}")
    if _WHOLE.fullmatch(name) and not value.isdecimal():
        raise BadInput(f"{where}: expected a whole number in the fact {name}, got {value!r}")
    return value


def _flat(facts: Mapping[str, Any], where: str, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return `deployments: {blue: {model: ...}}` as `deployments.blue.model...`, however deep it is written."""
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _flat(value, where, f"{prefix}{name}.")
        elif isinstance(value, str):
            yield f"{prefix}{name}", value
        else:
            raise BadInput(f"{where}: expected one value for the fact {prefix}{name}, got a list")


def _parse(file: Path) -> tuple[Value, Lines]:
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise BadInput(f"{file}: expected at most {MAX_BYTES} bytes, got {size}")
        text = file.read_text("utf-8")
        _refuse_bombs(file, text)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{file}:{line}: expected YAML or JSON: {error.problem}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise BadInput(
            f"{file}: expected a readable YAML or JSON file: {type(error).__name__}: {error}"
        ) from error
    if node is None:
        raise BadInput(f"{file}:1: expected `releases:` with a list, got an empty file")
    lines: Lines = {}
    return _value(node, "$", lines, file), lines


def _refuse_bombs(file: Path, text: str) -> None:
    """Refuse aliases, which make gigabytes of a few lines, and nesting that no release needs."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        where = f"{file}:{event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.AliasEvent):
            raise BadInput(f"{where}: expected plain values, got the alias *{event.anchor}")
        if depth > MAX_DEPTH:
            raise BadInput(f"{where}: expected at most {MAX_DEPTH} levels, got more")


def _value(node: yaml.Node, path: str, lines: Lines, file: Path) -> Value:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, f"{path}[{number}]", lines, file) for number, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return str(node.value)
    mapping: dict[str, Any] = {}
    for key, value in node.value:
        name, where = key.value, f"{file}:{key.start_mark.line + 1}"
        if not isinstance(name, str):
            raise BadInput(f"{where}: expected a name, got a list or a mapping")
        if name in mapping:
            raise BadInput(f"{where}: expected each name once, got {name!r} twice")
        mapping[name] = _value(value, f"{path}.{name}", lines, file)
    return mapping


def _line(lines: Lines, path: str) -> int:
    """Return the line of a place; msgspec names map values as `[...]`, so the nearest known part is taken."""
    while path not in lines and path.rpartition(".")[0]:
        path = path.rpartition(".")[0]
    return lines.get(path, 1)
