"""Run one engine once in this process and print what came of it, as JSON."""

import argparse
import hashlib
import importlib
import json
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from benchmarks.fields import STRUCTURAL, Key
from benchmarks.memory import peak_mb


def main() -> None:
    """Prepare, run with the clocks on, and print times, memory and digests of the findings as JSON.

    `seconds` are those of the processor, because others may use the machine meanwhile; no engine waits or has
    threads.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("now", type=datetime.fromisoformat)
    asked = parser.parse_args()
    module = importlib.import_module(f"benchmarks.engines.{asked.module}")
    engine = getattr(module, asked.name)(asked.folder, asked.now)
    began, began_on_wall = time.process_time(), time.monotonic()
    records = engine.run()
    times = {"seconds": time.process_time() - began, "wall_seconds": time.monotonic() - began_on_wall}
    memory = {"peak_mb": peak_mb()}  # before the findings are digested, which is no part of the engine
    print(json.dumps(times | memory | {"findings": len(records)} | _digests(engine.keys(records))))


def _digests(found: Iterable[Key]) -> dict[str, str]:
    """Return digests that are equal for equal findings: of all of them, and of those that need no date."""
    keys = sorted(found)
    structural = [key for key in keys if key[0] in STRUCTURAL]
    return {"all": _digest(keys), "structural": _digest(structural)}


def _digest(keys: list[Key]) -> str:
    return hashlib.sha256(json.dumps(keys).encode()).hexdigest()


if __name__ == "__main__":
    main()
