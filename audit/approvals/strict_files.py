"""Read YAML and JSON files strictly, and remember the line of every value, so that each mistake can be shown.

Every scalar is read as text: YAML would make a date of the version `2024-11-20` and the number 395 of `0613`.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import inspect

from audit.approvals.approved import as_number
from audit.errors import BadInput
from audit.record import decode

T = TypeVar("T")

SUFFIXES = (".yaml", ".yml", ".json")
MAX_BYTES = 10_000_000  # far above any real file; a larger one is a mistake or an attack
MAX_VALUES = 1_000_000  # of a file: 10,000 releases of a hundred values each
MAX_DEPTH = 30  # libyaml builds nodes by recursion in C, and a deep file would end the process
MAX_NAME = 200  # characters of a name that are compared with the known ones
LIKELY = 0.75  # (0 to 1) how alike two names are for one to be a misspelling of the other

Value = str | list[Any] | dict[str, Any]
Lines = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Content:
    """What stands in a file, and the line of each part by its path: `$.releases[0].facts`."""

    file: PurePath
    value: Value
    lines: Lines

    def where(self, path: str) -> str:
        """Return `file:line` of a part, or of the nearest part around it."""
        while path not in self.lines and len(path) > 1:
            path = path[: max(path.rfind("."), path.rfind("["))]
        return f"{self.file}:{self.lines.get(path, 1)}"


def find_files(path: Path) -> list[Path]:
    """Return the file itself, or all `*.yaml`, `*.yml` and `*.json` files below a folder, by name."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES)
    if not files:
        raise BadInput(f"expected release files (*.yaml, *.yml, *.json) at {path}, found none")
    return files


def read_content(file: Path) -> Content:
    """Return what stands in a file; raise `BadInput` with file, line, what was expected and what came."""
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise BadInput(f"{file}:1: expected at most {MAX_BYTES} bytes, got {size}: split the file")
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{file}: expected a readable YAML or JSON file: {type(error).__name__}: {error}"
        ) from error
    return parse_content(file, text)


def parse_content(file: PurePath, text: str) -> Content:
    """Return what a text says that stands in `file`; raise `BadInput` as `read_content` does."""
    try:
        _refuse_bombs(file, text)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{file}:{line}: expected YAML or JSON: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise BadInput(
            f"{file}: expected a readable YAML or JSON file: {type(error).__name__}: {error}"
        ) from error
    if node is None:
        raise BadInput(f"{file}:1: expected `releases:` with a list, got an empty file")
    lines: dict[str, int] = {}
    return Content(file, _value(node, "$", lines, file), lines)


def convert(content: Content, type_: type[T]) -> T:
    """Return the content as a value of a type; raise `BadInput` with the line of the first mistake."""
    mistake = next(_mistakes(content.value, inspect.type_info(type_), "$"), None)
    if mistake is not None:
        path, words = mistake
        raise BadInput(f"{content.where(path)}: {words}")
    try:
        return decode.convert(content.value, type_, strict=False)
    except msgspec.ValidationError as error:
        words, _, path = str(error).partition(" - at `")
        raise BadInput(f"{content.where(path.rstrip('`'))}: {words}") from error


def did_you_mean(name: str, known: Iterable[str], likely: float = LIKELY) -> str:
    """Return `: did you mean ...?`, or nothing where no known name is alike."""
    alike = difflib.get_close_matches(name[:MAX_NAME], sorted(known), 1, likely)
    return f": did you mean `{alike[0]}`?" if alike else ""


def _mistakes(value: Any, type_: inspect.Type, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the words of every place where a value is not of its type."""
    name = path.rpartition(".")[2]
    while isinstance(type_, inspect.Metadata):  # what a description of a field is wrapped in
        type_ = type_.type
    match type_:
        case inspect.StructType():
            yield from _struct_mistakes(value, type_, path)
        case inspect.ListType() if not isinstance(value, list):
            yield path, f"expected a list in {name}, got {_phrase(value)}"
        case inspect.DictType() if not isinstance(value, dict):
            yield path, f"expected names with values in {name}, got {_phrase(value)}"
        case inspect.ListType(item_type=inner) | inspect.DictType(value_type=inner):
            for place, each in _parts(value, path):
                yield from _mistakes(each, inner, place)
        case inspect.UnionType(types=types):
            yield from _mistakes(value, _meant(value, types), path)
        case _:
            yield from _scalar_mistakes(value, type_, path)


def _parts(value: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(value, list):
        return [(f"{path}[{number}]", each) for number, each in enumerate(value)]
    return [(f"{path}.{key}", each) for key, each in value.items()]


def _struct_mistakes(value: Any, type_: inspect.StructType, path: str) -> Iterator[tuple[str, str]]:
    fields = {field.encode_name: field for field in type_.fields}
    if not isinstance(value, dict):
        yield path, f"expected the fields {_list(fields)}, got {_phrase(value)}"
        return
    for name, each in value.items():
        if name not in fields:
            hint = did_you_mean(name, fields) or f": expected one of {_list(fields)}"
            yield f"{path}.{name}", f"unknown field `{name}`{hint}"
        else:
            yield from _mistakes(each, fields[name].type, f"{path}.{name}")
    for name, field in fields.items():
        if field.required and name not in value:
            yield path, f"missing required field `{name}`, got only {_list(value)}"


def _scalar_mistakes(value: Any, type_: inspect.Type, path: str) -> Iterator[tuple[str, str]]:
    name = path.rpartition(".")[2]
    match type_:
        case inspect.StrType() | inspect.EnumType() | inspect.LiteralType() if not isinstance(value, str):
            yield path, f"expected one text in {name}, got {_phrase(value)}"
        case inspect.EnumType() | inspect.LiteralType():
            words = [str(each) for each in _words(type_)]
            if value not in words:
                hint = did_you_mean(value, words)
                yield path, f"expected one of {_list(words)} in {name}, got {value[:80]!r}{hint}"
        case inspect.IntType() if not (isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value)):
            yield path, f"expected a whole number in {name}, got {_phrase(value)}"
        case inspect.FloatType() if not isinstance(value, str) or as_number(value) is None:
            yield path, f"expected a number in {name}, got {_phrase(value)}"


def _words(type_: inspect.EnumType | inspect.LiteralType) -> Iterable[object]:
    return type_.values if isinstance(type_, inspect.LiteralType) else (each.value for each in type_.cls)


def _meant(value: Any, types: tuple[inspect.Type, ...]) -> inspect.Type:
    """Return the type of a union that a value was meant to be, by its shape."""
    fitting = [
        each
        for each in types
        if (isinstance(value, dict) and isinstance(each, inspect.StructType | inspect.DictType))
        or (isinstance(value, list) and isinstance(each, inspect.ListType))
    ]
    plain = [each for each in types if not isinstance(each, inspect.NoneType)]
    return (fitting or plain)[0]


def _phrase(value: Any) -> str:
    match value:
        case dict():
            return f"a mapping with {_list(value)}" if value else "an empty mapping"
        case list():
            return "a list"
    return repr(str(value)[:80])


def _list(names: Iterable[str]) -> str:
    shown = [str(name)[:40] for name in names]
    return ", ".join(shown[:30]) + (", ..." if len(shown) > 30 else "") if shown else "nothing"


def _refuse_bombs(file: PurePath, text: str) -> None:
    """Refuse aliases, which make gigabytes of a few lines, and more nesting or values than releases need."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise BadInput(f"{_at(file, event)}: expected plain values, got the alias *{event.anchor}")
        if depth > MAX_DEPTH:
            raise BadInput(f"{_at(file, event)}: expected at most {MAX_DEPTH} levels, got more")
        if number > MAX_VALUES:
            raise BadInput(f"{_at(file, event)}: expected at most {MAX_VALUES} values, got more: split the file")


def _at(file: PurePath, part: yaml.Event) -> str:
    return f"{file}:{part.start_mark.line + 1 if part.start_mark else 1}"


def _value(node: yaml.Node, path: str, lines: dict[str, int], file: PurePath) -> Value:
    lines.setdefault(path, node.start_mark.line + 1)
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
        lines[f"{path}.{name}"] = key.start_mark.line + 1
        mapping[name] = _value(value, f"{path}.{name}", lines, file)
    return mapping
