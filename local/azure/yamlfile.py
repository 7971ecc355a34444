"""YAML read into frozen dataclasses and written back, where the dataclasses' types are the grammar.

A file that does not fit raises `FleetError`, which names the file, the line, what was expected and what came.
"""

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

Entry = TypeVar("Entry")

_IN_DAYS = re.compile(r"in (\d+) days?")
_DAYS_AGO = re.compile(r"(\d+) days? ago")
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_JSON_SCALARS: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:bool": lambda text: _TRUTH[text.lower()],
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:null": lambda _: None,
}


class FleetError(ValueError):
    """A fleet file does not say what it must; the message tells where, what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment and who acted then, written `2026-03-02T08:15:00Z by jo` or `30 days ago by jo`."""

    at: datetime
    by: str

    def __str__(self) -> str:
        return f"{_moment_text(self.at)} by {self.by}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file being read: its name for messages, the day that relative dates count from, lines by path."""

    name: str
    today: date
    lines: dict[str, int] = field(default_factory=dict)

    def error(self, path: str, expected: str, got: str) -> FleetError:
        """Return the error to raise for the entry at `path`."""
        line = self.lines.get(path, 1)
        return FleetError(f"{self.name}:{line}: {path or 'the file'}: expected {expected}; got {got}")

    def note(self, path: str, node: yaml.Node) -> None:
        """Remember the line of an entry, so that later checks can point at it."""
        self.lines[path] = node.start_mark.line + 1


def read_entry(sheet: Sheet, text: str, form: type[Entry]) -> Entry:
    """Return the dataclass `form` that the YAML `text` holds; raise `FleetError` where it does not fit."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        line = mark.line + 1 if mark else 1
        raise FleetError(f"{sheet.name}:{line}: expected YAML; got {problem or error}") from error
    if node is None:
        raise sheet.error("", "a mapping", "an empty file")
    entry: Entry = _read(sheet, node, form, "")
    return entry


def write_entry(entry: Any) -> Any:
    """Return a dataclass as plain values for YAML, without what stands at its default."""
    if isinstance(entry, Stamp):
        return str(entry)
    if isinstance(entry, date):
        return entry.isoformat()
    if dataclasses.is_dataclass(entry):
        said = {each.name: getattr(entry, each.name) for each in dataclasses.fields(entry)}
        return {key: write_entry(value) for key, value in said.items() if value != _default(entry, key)}
    if isinstance(entry, Mapping):
        return {key: write_entry(value) for key, value in entry.items()}
    return [write_entry(each) for each in entry] if isinstance(entry, list | tuple) else entry


def _default(entry: Any, key: str) -> Any:
    of = next(each for each in dataclasses.fields(entry) if each.name == key)
    return of.default_factory() if of.default_factory is not dataclasses.MISSING else of.default


def _read(sheet: Sheet, node: yaml.Node, form: Any, path: str) -> Any:
    sheet.note(path, node)
    origin = get_origin(form)
    if origin in (Union, types.UnionType):
        inner = next(each for each in get_args(form) if each is not types.NoneType)
        return None if node.tag == "tag:yaml.org,2002:null" else _read(sheet, node, inner, path)
    if origin is dict:
        return _read_names(sheet, node, get_args(form)[1], path)
    if origin is tuple:
        return _read_list(sheet, node, get_args(form)[0], path)
    if form in _SCALARS or origin is Literal:
        return _read_scalar(sheet, node, form, path)
    return _read_json(node) if form is Any else _read_fields(sheet, node, form, path)


def _read_scalar(sheet: Sheet, node: yaml.Node, form: Any, path: str) -> Any:
    choices = get_args(form)
    expected = f"one of {', '.join(choices)}" if choices else _SCALARS[form][0]
    if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
        raise sheet.error(path, expected, _said(node))
    if choices and node.value in choices:
        return node.value
    try:
        return _SCALARS[form][1](node.value, sheet.today)
    except (KeyError, ValueError):
        raise sheet.error(path, expected, _said(node)) from None


def _read_names(sheet: Sheet, node: yaml.Node, form: Any, path: str) -> dict[str, Any]:
    pairs = _pairs(sheet, node, path)
    return {key: _read(sheet, value, form, _join(path, key)) for key, value in pairs.items()}


def _read_list(sheet: Sheet, node: yaml.Node, form: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise sheet.error(path, "a list", _said(node))
    return tuple(_read(sheet, each, form, f"{path}[{at}]") for at, each in enumerate(node.value))


def _read_fields(sheet: Sheet, node: yaml.Node, form: Any, path: str) -> Any:
    pairs = _pairs(sheet, node, path)
    hints = get_type_hints(form)
    for key in pairs.keys() - hints.keys():
        sheet.note(_join(path, key), pairs[key])
        raise sheet.error(_join(path, key), f"one of the keys {', '.join(hints)}", repr(key))
    for each in dataclasses.fields(form):
        needed = each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
        if needed and each.name not in pairs:
            raise sheet.error(path, f"the key {each.name!r}", "only " + (", ".join(pairs) or "an empty mapping"))
    return form(**{key: _read(sheet, value, hints[key], _join(path, key)) for key, value in pairs.items()})


def _pairs(sheet: Sheet, node: yaml.Node, path: str) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise sheet.error(path, "a mapping", _said(node))
    pairs: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise sheet.error(path, "keys that are texts", _said(key))
        if key.value in pairs:
            sheet.note(_join(path, key.value), key)
            raise sheet.error(_join(path, key.value), "each key once", "the key again")
        pairs[key.value] = value
    return pairs


def _read_json(node: yaml.Node) -> Any:
    # Read by hand because YAML would turn `2024-11-20` into a date, which JSON does not have.
    if isinstance(node, yaml.MappingNode):
        return {key.value: _read_json(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_read_json(each) for each in node.value]
    return _JSON_SCALARS.get(node.tag, str)(node.value)


def _said(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value) if node.value else "nothing"
    return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _day(text: str, today: date) -> date:
    if ahead := _IN_DAYS.fullmatch(text):
        return today + timedelta(days=int(ahead[1]))
    if back := _DAYS_AGO.fullmatch(text):
        return today - timedelta(days=int(back[1]))
    return date.fromisoformat(text)


def _moment(text: str, today: date) -> datetime:
    try:
        return datetime.combine(_day(text, today), time(), UTC)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _stamp(text: str, today: date) -> Stamp:
    at, by, who = text.partition(" by ")
    if not by or not who.strip():
        raise ValueError(text)
    return Stamp(_moment(at.strip(), today), who.strip())


def _moment_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


_DATES = "a date like 2027-03-01 or `in 100 days`"
_SCALARS: dict[Any, tuple[str, Callable[[str, date], Any]]] = {
    str: ("a text", lambda text, _: text),
    int: ("a whole number", lambda text, _: int(text)),
    bool: ("true or false", lambda text, _: _TRUTH[text.lower()]),
    date: (_DATES, _day),
    Stamp: ("a moment and a name like `30 days ago by jo`", _stamp),
}
