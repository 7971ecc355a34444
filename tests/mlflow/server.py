"""A real MLflow server on SQLite, as `mlflow server` starts it, and what a test tells it over REST."""

import base64
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / ".mlflow"
START_SECONDS = 60  # four on an idle machine

# Webhooks go to loopback here, and need a key to keep their secrets by; nothing runs in the background.
OPTIONS = {
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


@dataclass(frozen=True)
class Server:
    """A running server; its calls return the JSON that it answers."""

    url: str

    def post(self, path: str, method: str = "POST", **body: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.url}/api/2.0/mlflow/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                said: dict[str, Any] = json.loads(answer.read())
                return said
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{path}: HTTP {error.code} {error.read()[:500]!r}") from error

    def create_model(self, name: str, **more: Any) -> None:
        self.post("registered-models/create", name=name, **more)

    def create_version(self, name: str, source: str = "s3://models/churn", **more: Any) -> str:
        made = self.post("model-versions/create", name=name, source=source, **more)
        return str(made["model_version"]["version"])

    def create_run(self, commit: str = "0a1b2c3", **params: str) -> str:
        tags = [{"key": "mlflow.source.git.commit", "value": commit}]
        made = self.post("runs/create", experiment_id="0", start_time=1_795_000_000_000, tags=tags)
        run: str = made["run"]["info"]["run_id"]
        for key, value in params.items():
            self.post("runs/log-parameter", run_id=run, key=key, value=value)
        return run

    def use_data(self, run: str, name: str, digest: str, context: str) -> None:
        data_set = {"name": name, "digest": digest, "source_type": "local", "source": "{}"}
        tags = [{"key": "mlflow.data.context", "value": context}]
        self.post("runs/log-inputs", run_id=run, datasets=[{"tags": tags, "dataset": data_set}])

    def point(self, name: str, alias: str, version: str) -> None:
        self.post("registered-models/alias", name=name, alias=alias, version=version)


@contextlib.contextmanager
def mlflow_server(folder: Path) -> Iterator[Server]:
    """Run a server with an empty database below `folder`; skip the test where none is installed."""
    if not (FOLDER / "installed").is_file():
        pytest.skip("needs an MLflow server: `make test` installs one into .mlflow, where it can reach PyPI")
    port = _free_port()
    words = ["server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.sqlite", "--host", "127.0.0.1"]
    words += ["--port", str(port), "--workers", "1", "--gunicorn-opts", "--log-level warning"]
    with (folder / "mlflow.log").open("w") as log:
        process = subprocess.Popen(
            [str(FOLDER / "bin" / "python"), "-m", "mlflow", *words],
            cwd=folder,
            env={**os.environ, **OPTIONS},
            stdout=log,
            stderr=log,
            start_new_session=True,  # it starts workers of its own, which end with it
        )
    server = Server(f"http://127.0.0.1:{port}")
    try:
        _wait_until_up(server, process, folder / "mlflow.log")
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(START_SECONDS)


def _wait_until_up(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{server.url}/health", timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError(f"the MLflow server did not start: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
