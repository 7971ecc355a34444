"""Host a function app in a process of its own, driven by lines of JSON.

    python -m local.functions.serve_host --app DIR --settings local.settings.json [--port N] [--no-timers]

It prints one JSON object a line: its `url` and `keys` when it is ready, each finished `invocation` (those at
startup may come first), and an answer to each command that it reads from its standard input:

    {"do": "advance", "seconds": 3600}   move the clock forward
    {"do": "quiet", "seconds": 10}       wait until nothing is left to run; answers `left` where something is

It stops when its standard input closes, and thus also when whoever started it dies.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.clock import Clock
from local.functions.host import FunctionsHost
from local.functions.invoker import Invocation


def main(arguments: Sequence[str] | None = None) -> None:
    """Host the app until standard input closes."""
    options = _parse(arguments)
    clock = Clock()
    settings = _read_settings(options.settings)
    with FunctionsHost(
        options.app, settings, clock, _report, timers=not options.no_timers, port=options.port
    ) as host:
        _say(url=host.url, keys=asdict(host.keys))
        for line in sys.stdin:
            _say(**_obey(json.loads(line), host, clock))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    summary = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m local.functions.serve_host", description=summary)
    parser.add_argument("--app", type=Path, required=True, help="the folder that holds function_app.py")
    parser.add_argument("--settings", type=Path, required=True, help="a file like local.settings.json")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; a free one unless given")
    parser.add_argument("--no-timers", action="store_true", help="run no schedule")
    return parser.parse_args(arguments)


def _read_settings(path: Path) -> Mapping[str, str]:
    document = json.loads(path.read_text(encoding="utf-8"))
    values: dict[str, str] = document["Values"]
    return values


def _obey(command: Mapping[str, Any], host: FunctionsHost, clock: Clock) -> dict[str, Any]:
    span = timedelta(seconds=command["seconds"])
    if command["do"] == "advance":
        clock.advance(span)
        return {"done": "advance"}
    try:
        host.wait_until_quiet(span)
    except TimeoutError as error:
        return {"left": str(error)}
    return {"done": "quiet"}


def _report(invocation: Invocation) -> None:
    _say(invocation=asdict(invocation))


def _say(**fields: Any) -> None:
    # One write, so that lines of several threads do not mix.
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
