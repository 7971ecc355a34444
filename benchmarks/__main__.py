"""Measure everything, print one table, and write the same figures to `out/bench.json`."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit import wiring
from benchmarks.answering import measure_answers
from benchmarks.committing import measure_commits
from benchmarks.judging import Disagreement, measure_judging
from benchmarks.peers import ROOT
from benchmarks.starting import measure_starts
from benchmarks.table import table

OUT = ROOT / "out" / "bench.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure: how often each size of fleet is judged, targets asked for, events a load, repeats."""

    fleets: Mapping[int, int]
    asked: int = 10_000
    events: int = 140
    times: int = 3
    starts: int = 5


QUICK = Plan(fleets={1_000: 1}, asked=200, events=30, times=1, starts=1)
FULL = Plan(fleets={10_000: 3, 100_000: 1})


def main() -> int:
    """Measure as the command line asks; fail where two engines disagree about the findings."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers, once: does it run at all?")
    parser.add_argument("--peers", action="store_true", help="the heavy peers as well (see `make bench-peers`)")
    parser.add_argument("--out", type=Path, default=OUT, help="where the figures go (default: out/bench.json)")
    asked = parser.parse_args()
    try:
        figures = measure(QUICK if asked.quick else FULL, wiring.now(), with_peers=asked.peers)
    except Disagreement as error:
        print(error, file=sys.stderr)
        return 1
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(figures, indent=2) + "\n")
    print(table(figures))
    print(f"\nmedians; every sample stands in {asked.out}")
    return 0


def measure(plan: Plan, now: datetime, *, with_peers: bool) -> dict[str, Any]:
    """Return the figures of all parts, and of the machine they were measured on."""
    return {
        "at": now.isoformat(),
        "machine": _machine(),
        "judging": [measure_judging(n, times, now, with_peers=with_peers) for n, times in plan.fleets.items()],
        "committing": measure_commits(plan.events, plan.times),
        "answering": measure_answers(plan.asked),
        "starting": measure_starts(plan.starts, with_peers=with_peers),
    }


def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg(),
    }


if __name__ == "__main__":
    sys.exit(main())
