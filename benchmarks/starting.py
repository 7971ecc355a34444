"""Cold starts: time and memory until the function app is imported, has taken an event, and has looked once."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from audit import wiring
from benchmarks.memory import peak_mb
from benchmarks.peers import PEER_PYTHON, ROOT
from benchmarks.storing import Log, Storage
from local.azure.controlplane import ControlPlane
from local.azure.fleet import read_fleet
from local.azurite import azurite
from local.clock import Clock
from local.stack import FLEET
from tests.house import write_event

MAX_SECONDS = 60  # of one start; five are usual on a busy machine

# Every start ends by telling when it was done and what the kernel knows of it; `time` is built in.
_END = "\nimport time; print(time.monotonic()); print(open('/proc/self/status').read())"
_EVENT = "import function_app, sys; from audit import wiring; wiring.intake().take(sys.argv[1])"
_LOOK = (
    "import function_app, sys; from audit import wiring; from audit.targets import parse_target\n"
    "look = wiring.checker().live.look(parse_target(sys.argv[2])); assert look.outcome == 'present', look.reason"
)

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Start:
    """Something to start: its title, the interpreter, and what it runs."""

    title: str
    python: Path
    code: str


_OWN = Path(sys.executable)
STARTS = (
    Start("bare Python", _OWN, ""),
    Start("azure.functions alone", _OWN, "import azure.functions"),
    Start("function_app imported", _OWN, "import function_app"),
    Start("first event taken in", _OWN, _EVENT),
    Start("first look, by azure-ai-ml", _OWN, _LOOK),
)
PEER_STARTS = (Start("Cloud Custodian's handler", PEER_PYTHON, "import c7n_azure.handler"),)


def measure_starts(times: int, *, with_peers: bool) -> list[Figures]:
    """Start everything `times` times in turn, each in a fresh process, and return the figures of each."""
    starts = (*STARTS, *(PEER_STARTS if with_peers and PEER_PYTHON.exists() else ()))
    samples: dict[str, list[Figures]] = {start.title: [] for start in starts}
    with _surroundings() as (settings, arguments):
        for _ in range(times):
            for start in starts:
                samples[start.title].append(_measure(start, settings, arguments))
    return [{"title": title, "median": _medians(each), "samples": each} for title, each in samples.items()]


@contextmanager
def _surroundings() -> Iterator[tuple[Mapping[str, str], list[str]]]:
    """Yield the settings of the app, and the event and the endpoint that it is given, while both are served."""
    fleet = read_fleet(FLEET, today=wiring.now().date())
    with (
        tempfile.TemporaryDirectory() as folder,
        azurite() as running,
        ControlPlane(fleet, Clock(), lambda _: None, Path(folder)) as azure,
    ):
        storage = Storage(running, Log())
        storage.table(wiring.LEDGER)
        storage.queue(wiring.CHECKS)
        settings = {
            "MODEL_AUDIT_STORAGE": running.connection_string,
            "MODEL_AUDIT_SUBSCRIPTIONS": fleet.subscription,
            "MODEL_AUDIT_PRIVACY_KEY": "a key for benchmarks",
            "MODEL_AUDIT_ARM_ENDPOINT": azure.base_url,
            "MODEL_AUDIT_ARM_CA_FILE": str(azure.ca_path),
            "IDENTITY_ENDPOINT": azure.identity_endpoint,
            "IDENTITY_HEADER": azure.identity_header,
        }
        yield settings, [json.dumps(write_event()), f"{azure.workspace_id('mlw-prod')}/onlineEndpoints/fraud"]


def _measure(start: Start, settings: Mapping[str, str], arguments: list[str]) -> Figures:
    command = [str(start.python), "-W", "ignore", "-c", start.code + _END, *arguments]
    began = time.monotonic()
    ended = subprocess.run(
        command, env=dict(settings), cwd=ROOT, capture_output=True, text=True, check=True, timeout=MAX_SECONDS
    )
    done, _, status = ended.stdout.partition("\n")
    return {"ms": 1000 * (float(done) - began), "peak_mb": peak_mb(status)}


def _medians(samples: list[Figures]) -> Figures:
    return {name: median(sample[name] for sample in samples) for name in samples[0]}
