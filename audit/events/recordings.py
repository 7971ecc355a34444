"""Event Grid messages in files: dead letters, recordings, bodies of webhooks.

A file holds JSON objects one after the other, with blanks, line ends, commas or brackets between them: that is an
object, an array of them, JSON lines and lines of arrays alike. What cannot be read is a fault of its own; reading
goes on at the next line that begins with an object.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
MAX_BYTES = 500_000_000  # of one file, which is read as a whole; recordings of millions of events are smaller

_BETWEEN = re.compile(r"[\s,\[\]\ufeff]*")
_NEXT_OBJECT = re.compile(r"\n[\s,\[\]]*(?=\{)")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message of a file as it stands there, and the line that it begins in."""

    file: Path
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What cannot be read in a file, the line that it begins in, and why."""

    file: Path
    line: int
    reason: str


def read_recordings(paths: Iterable[Path]) -> Iterator[Recorded | Fault]:
    """Return the messages of files and folders in order, and between them what cannot be read.

    A folder stands for all `*.json`, `*.jsonl` and `*.ndjson` files below it; a file is read once.
    """
    for file in dict.fromkeys(file for path in paths for file in _files(path)):
        yield from _read(file)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())


def _read(file: Path) -> Iterator[Recorded | Fault]:
    try:
        if (size := file.stat().st_size) > MAX_BYTES:
            yield Fault(file, 1, f"expected at most {MAX_BYTES} bytes, got {size}: split the file")
            return
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        yield Fault(file, line, f"expected UTF-8, got another encoding at byte {error.start}")
    except OSError as error:
        yield Fault(file, 1, f"expected a file that can be read: {type(error).__name__}: {error.strerror}")
    else:
        yield from split(text, file)


def split(text: str, file: Path) -> Iterator[Recorded | Fault]:
    """Return the messages that a file's text holds, and the places of it that are none."""
    line, counted, position, found = 1, 0, _after_blanks(text, 0), False
    while position < len(text):
        line, counted = line + text.count("\n", counted, position), position
        found = True
        end = _end_of_object(text, position)
        if isinstance(end, int):
            yield Recorded(file, line, text[position:end])
            position = _after_blanks(text, end)
        else:
            yield Fault(file, line, f"expected a JSON object: {end}")
            following = _NEXT_OBJECT.search(text, position)
            position = following.end() if following else len(text)
    if not found and "[" not in text:
        yield Fault(file, 1, "expected at least one event, got an empty file")


def _after_blanks(text: str, position: int) -> int:
    blanks = _BETWEEN.match(text, position)
    return blanks.end() if blanks else position


def _end_of_object(text: str, position: int) -> int | json.JSONDecodeError:
    """Return where the object that begins here ends, or why none does."""
    if text[position] != "{":
        return json.JSONDecodeError("got something else", text, position)
    try:
        return _DECODER.raw_decode(text, position)[1]
    except json.JSONDecodeError as error:
        return error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or nesting without an end
        return json.JSONDecodeError(f"{type(error).__name__}: {error}", text, position)
