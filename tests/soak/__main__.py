"""`python -m tests.soak`: one run with the numbers of your choice, or with `--long` all runs of `make soak`."""

import argparse
import dataclasses
import logging
import sys

from tests.soak.run import Plan, Result, run

# The long form; the numbers in front are those of the storage design's list.
LONG = {
    "3 killed at random moments": Plan(events=5000, targets=50, writers=8, seed=3, kills=220, crash=0.001),
    "2 crashes at 3 % of all steps, seed 21": Plan(events=1000, targets=50, writers=8, seed=21, crash=0.03),
    "2 crashes at 3 % of all steps, seed 22": Plan(events=1000, targets=50, writers=8, seed=22, crash=0.03),
    "2 crashes at 3 % of all steps, seed 23": Plan(events=1000, targets=50, writers=8, seed=23, crash=0.03),
    "4 storage faults on 10 % of calls, seed 41": Plan(events=600, targets=20, writers=8, seed=41, faults=0.1),
    "4 storage faults on 10 % of calls, seed 42": Plan(events=600, targets=20, writers=8, seed=42, faults=0.1),
    "4 storage faults on 15 % of calls": Plan(events=600, targets=200, writers=8, seed=43, faults=0.15),
    "5 outages of 5, 30 and 120 s": Plan(events=600, targets=20, writers=8, seed=51, outages=(5, 30, 120)),
    "6 Azure fails 10 % of looks": Plan(events=600, targets=20, writers=8, seed=61, live_faults=0.1),
    "8 storm on one target, 24 writers": Plan(
        events=1000, targets=1, writers=24, seed=81, sweeps=20, is_at_once=True
    ),
    "10 clocks up to 10 minutes off": Plan(events=1000, targets=50, writers=8, seed=101, skew_minutes=10),
    "everything at once": Plan(
        events=1000,
        targets=50,
        writers=8,
        seed=99,
        kills=40,
        crash=0.005,
        faults=0.05,
        live_faults=0.05,
        sweeps=10,
    ),
}


def main() -> int:
    """Do what the command line asks for; the exit code is 1 where an invariant was violated."""
    asked = vars(_parser().parse_args())
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # its words on the faults that we make ourselves
    if asked.pop("long"):
        return max(_show(title, run(plan)) for title, plan in LONG.items())
    asked["outages"] = tuple(asked["outages"])
    return _show("soak", run(Plan(**asked)))


def _show(title: str, result: Result) -> int:
    sys.stdout.write(f"{title}\n  {result}\n  violations={len(result.violations)}\n")
    sys.stdout.flush()
    return 1 if result.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--long", action="store_true", help="all runs of `make soak`, whatever else is said")
    for field in dataclasses.fields(Plan):
        name = "--" + field.name.removeprefix("is_").replace("_", "-")
        if isinstance(field.default, bool):
            parser.add_argument(name, dest=field.name, action="store_true")
        elif isinstance(field.default, tuple):
            parser.add_argument(name, dest=field.name, type=float, nargs="*", default=[])
        else:
            parser.add_argument(name, dest=field.name, type=type(field.default), default=field.default)
    return parser


if __name__ == "__main__":
    sys.exit(main())
