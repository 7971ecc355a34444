"""`python -m tests.soak`: one run with the numbers of your choice, or with `--long` all runs of `make soak`."""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Callable
from functools import partial

from tests.soak import sized
from tests.soak.run import Plan, Result, run

# The long form; the numbers in front are those of the storage design's list. First on fakes, in one process.
ON_FAKES: dict[str, Callable[[], Result]] = {
    **{f"2 crashes on fakes, seed {s}": partial(sized.crash_at_random, 5_000, s) for s in range(21, 26)},
    "8 two handlers from one barrier": partial(sized.race, 2, 1_000),
    "8 24 handlers from one barrier": partial(sized.race, 24, 1_000),
    "13 and 19 ten thousand deployments at rest": partial(sized.rest_at_scale, 40, 250, 1_000_000),
    "18 canonical JSON by node": lambda: sized.compare_canonical(sized.random_values(100_000, 18)),
    **{f"19 what served, seed {s}": partial(sized.travel, 1_000, 1_000, s) for s in range(191, 196)},
}

# Then with real processes on Azurite, through the real SDKs.
ON_AZURITE = {
    "3 killed at random moments": Plan(events=5000, targets=50, writers=8, seed=3, kills=220, crash=0.001),
    "2 crashes at 3 % of all steps, seed 21": Plan(events=5000, targets=50, writers=8, seed=21, crash=0.03),
    **{
        f"2 crashes at 3 % of all steps, seed {seed}": Plan(
            events=1000, targets=50, writers=8, seed=seed, crash=0.03
        )
        for seed in range(22, 26)
    },
    **{
        f"4 storage faults on 10 % of calls, seed {seed}": Plan(
            events=600, targets=20, writers=8, seed=seed, faults=0.1
        )
        for seed in range(41, 44)
    },
    "4 storage faults on 15 % of calls": Plan(events=600, targets=200, writers=8, seed=44, faults=0.15),
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
        skew_minutes=10,
        sweeps=10,
    ),
}

LONG = ON_FAKES | {title: partial(run, plan) for title, plan in ON_AZURITE.items()}


def main() -> int:
    """Do what the command line asks for; the exit code is 1 where an invariant was violated."""
    asked = vars(_parser().parse_args())
    for name in ("azure", "audit.service.tell"):  # their words on the faults that we make ourselves
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if asked.pop("long"):
        return max([_show(title, one()) for title, one in LONG.items()])
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
