"""One running stack for all tests of this folder: the real worker loads one app a process."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.functions.invoker import Invocation
from local.stack import ROOT, Stack, Watch, start


@dataclass
class Heard:
    """What the stack told while the tests ran."""

    events: list[Any] = field(default_factory=list)
    runs: list[Invocation] = field(default_factory=list)
    alerts: list[Any] = field(default_factory=list)


@pytest.fixture(scope="session")
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def stack(heard: Heard, state: Path) -> Iterator[Stack]:
    watch = Watch(heard.events.append, heard.runs.append, heard.alerts.append)
    with start(watch, state=state) as running:
        yield running


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    headers: dict[str, str]


Ask = Callable[..., Answer]


@pytest.fixture(scope="session")
def ask(stack: Stack) -> Ask:
    """Return a function that calls the functions host over HTTP."""

    def call(path: str, body: bytes | None = None, method: str = "GET", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(stack.host.url + path, data=body, headers=named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, answer.read().decode(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode(), dict(error.headers))

    return call


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def model_audit(stack: Stack, state: Path) -> Run:  # noqa: ARG001 - it must be up
    """Return a function that runs the command line, as a person would, against the running stack."""

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        settings = ["--settings", str(state / "local.settings.json")]
        command = [sys.executable, "-m", "audit", *settings, *words]
        # azure-ai-ml leaves the name of its cloud in this process's environment; a person's shell has none.
        own = {name: value for name, value in os.environ.items() if name != "AZUREML_CURRENT_CLOUD"}
        return subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=120, check=False)

    return run


def rows(output: str) -> list[dict[str, Any]]:
    """Return what `--output json` printed."""
    printed: list[dict[str, Any]] = json.loads(output)
    return printed
