"""The engines that judge the same corpus; each runs in a process of its own.

An engine is a function of a corpus's folder and the present moment. It loads what is approved and returns what
is then timed: from the lines of JSON to complete records.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.fields import Key


@dataclass(frozen=True, slots=True)
class Engine:
    """What is timed, and which findings its records are, which is asked for after the time."""

    run: Callable[[], Sequence[Any]]
    keys: Callable[[Sequence[Any]], Iterable[Key]]
