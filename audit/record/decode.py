"""Make our values of JSON, in as many threads as the functions host has.

msgspec 0.22 learns a dataclass when it is first asked for one, and two threads that ask at once can end the
process by a segmentation fault: of thirty runs with 24 threads, twenty-three did. So one thread learns each type.
"""

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_LEARNING = threading.Lock()
_DECODERS: "dict[Any, msgspec.json.Decoder[Any]]" = {}


def _decoder(type_: Any) -> "msgspec.json.Decoder[Any]":
    if type_ not in _DECODERS:
        with _LEARNING:
            _DECODERS[type_] = msgspec.json.Decoder(type_)
    return _DECODERS[type_]


def decode(raw: Any, type_: type[T]) -> T:
    """Return the value that JSON bytes hold; raise `msgspec.MsgspecError`."""
    found: T = _decoder(type_).decode(raw)
    return found


def convert(value: Any, type_: type[T], *, strict: bool = True) -> T:
    """Return the value that plain JSON values make; raise `msgspec.ValidationError`."""
    _decoder(type_)
    return msgspec.convert(value, type_, strict=strict)
