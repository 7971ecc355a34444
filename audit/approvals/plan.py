"""What applying files would change, value by value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

NOT_SET = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value before and after; empty where there is none."""

    field: str
    was: str
    becomes: str


@dataclass(frozen=True, slots=True)
class Step:
    """One change to what is approved: `granted`, `replaced`, `waived`, `policy set`; or `unchanged`.

    `subject` is the target or the scope, `name` the id of the release or waiver.
    """

    change: str
    subject: str
    name: str
    differences: tuple[Difference, ...] = ()


UNCHANGED = "unchanged"


def differences(was: Any, becomes: Any) -> tuple[Difference, ...]:
    """Return where two releases, waivers or policies differ; None stands for none at all."""
    old, new = dict(_flat(msgspec.to_builtins(was))), dict(_flat(msgspec.to_builtins(becomes)))
    return tuple(
        Difference(name, old.get(name, NOT_SET), new.get(name, NOT_SET))
        for name in sorted(old.keys() | new.keys())
        if old.get(name, NOT_SET) != new.get(name, NOT_SET) and not name.startswith("target.")
    )


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    match value:
        case None | "" | [] | ():
            return
        case Mapping():
            for name, each in value.items():
                yield from _flat(each, f"{path}.{name}" if path else str(name))
        case list() | tuple():
            for number, each in enumerate(value):
                yield from _flat(each, f"{path}[{number}]")
        case _:
            yield path, str(value)
