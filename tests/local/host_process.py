"""The host of an app, by default the sample, in a process of its own, since one process holds one app."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

APP = Path(__file__).parent / "app"
ROOT = Path(__file__).parents[2]
ANSWER_SECONDS = 30


class HostProcess:
    """Talks to `python -m local.functions.serve_host`; keeps what it reports."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._runs: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        ready = self._answers.get(timeout=ANSWER_SECONDS)
        self.url: str = ready["url"]
        self.keys: dict[str, str] = ready["keys"]
        self.http = httpx.Client(base_url=self.url)

    @property
    def webhook(self) -> str:
        return f"/runtime/webhooks/EventGrid?functionName=on_event&code={self.keys['event_grid']}"

    def advance(self, seconds: float) -> None:
        assert self._ask(do="advance", seconds=seconds) == {"done": "advance"}

    def wait_until_quiet(self, seconds: float = 15) -> None:
        assert self._ask(do="quiet", seconds=seconds) == {"done": "quiet"}

    def what_is_left(self, seconds: float) -> str:
        return str(self._ask(do="quiet", seconds=seconds)["left"])

    def runs(self, function: str) -> list[dict[str, Any]]:
        return [run for run in self._runs if run["function"] == function]

    def stop(self) -> int:
        self.http.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        code = self._process.wait(ANSWER_SECONDS)
        self._reader.join()
        return code

    def _ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answers.get(timeout=ANSWER_SECONDS)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                said = json.loads(line)
                if "invocation" in said:
                    self._runs.append(said["invocation"])
                else:
                    self._answers.put(said)


def command(app: Path, settings: Path, *options: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "local.functions.serve_host",
        "--app",
        str(app),
        "--settings",
        str(settings),
        *options,
    ]


@contextlib.contextmanager
def hosted(folder: Path, settings: Mapping[str, str], *options: str, app: Path = APP) -> Iterator[HostProcess]:
    path = folder / "local.settings.json"
    path.write_text(json.dumps({"Values": settings}))
    # The environment wins over the file, and another test's stack may have left its own settings there.
    own = {name: value for name, value in os.environ.items() if name not in settings}
    process = subprocess.Popen(
        command(app, path, *options), cwd=ROOT, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    host = HostProcess(process)
    try:
        yield host
    finally:
        host.stop()
