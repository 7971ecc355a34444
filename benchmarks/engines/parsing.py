"""Nothing but parsing, each document forgotten at once: what every engine pays at least."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.engines import Engine
from benchmarks.files import LIVE


def with_json(folder: Path, now: datetime) -> Engine:  # noqa: ARG001 - as all engines
    """Parse by the standard library."""
    return _engine(folder / LIVE, json.loads)


def with_msgspec(folder: Path, now: datetime) -> Engine:  # noqa: ARG001 - as all engines
    """Parse by msgspec, untyped."""
    import msgspec

    return _engine(folder / LIVE, msgspec.json.decode)


def _engine(live: Path, parse: Callable[[bytes], Any]) -> Engine:
    return Engine(lambda: _parse(live, parse), lambda _: ())


def _parse(live: Path, parse: Callable[[bytes], Any]) -> Sequence[Any]:
    with live.open("rb") as lines:
        for line in lines:
            parse(line)
    return ()
