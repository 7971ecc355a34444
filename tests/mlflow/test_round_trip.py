"""From a change in a real MLflow server, over its own webhook and the function app, to a finding and an alert."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from audit import wiring
from audit.targets import parse_target
from local.azurite import azurite
from local.eventgrid.topics import CustomTopics
from local.serving import serve
from tests.local.host_process import ROOT, HostProcess, hosted
from tests.mlflow.server import Server
from tests.unit.test_webhooks import sign

pytestmark = [pytest.mark.mlflow, pytest.mark.azurite, pytest.mark.stack]

SECRET = secrets.token_hex(16)
ENTITIES = {
    "REGISTERED_MODEL": ["CREATED"],
    "MODEL_VERSION": ["CREATED"],
    "MODEL_VERSION_TAG": ["SET", "DELETED"],
    "MODEL_VERSION_ALIAS": ["CREATED", "DELETED"],
    "PROMPT": ["CREATED"],
}
SECONDS = 20
CHURN = parse_target("mlflow://prod/models/Churn Model")


@dataclass
class Audited:
    """The function app that a registry's webhooks reach, its settings, and the alerts that it sent."""

    host: HostProcess
    settings: Path
    topics: CustomTopics

    def run(self, *words: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.say(*words, "-o", "json"))
        return rows

    def say(self, *words: str) -> str:
        command = [sys.executable, "-m", "audit", "--settings", str(self.settings), *words]
        own = {name: value for name, value in os.environ.items() if not name.startswith("MODEL_AUDIT_")}
        done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    def events(self) -> list[dict[str, Any]]:
        return [moment for moment in self.run("history", CHURN.id) if moment["what"] == "event"]


def create_storage(connection: str) -> None:
    with contextlib.ExitStack() as opened:
        tables = opened.enter_context(TableServiceClient.from_connection_string(connection))
        queues = opened.enter_context(QueueServiceClient.from_connection_string(connection))
        blobs = opened.enter_context(BlobServiceClient.from_connection_string(connection))
        for name in (wiring.LEDGER, wiring.RELEASES):
            tables.create_table(name)
        for name in (wiring.CHECKS, wiring.ALERTS):
            queues.create_queue(name)
        for name in (wiring.EVIDENCE, wiring.CHECKPOINTS, wiring.REPORTS):
            blobs.create_container(name)


@pytest.fixture(scope="module")
def audited(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    folder = tmp_path_factory.mktemp("audited")
    topics = CustomTopics({"alerts": "k" * 24})
    with azurite() as storage, serve(topics.app()) as topics_url:
        create_storage(storage.connection_string)
        settings = {
            "AzureWebJobsStorage": storage.connection_string,
            "MODEL_AUDIT_STORAGE": storage.connection_string,
            "MODEL_AUDIT_PRIVACY_KEY": secrets.token_hex(16),
            "MODEL_AUDIT_TOPIC_ENDPOINT": f"{topics_url}/topics/alerts/api/events",
            "MODEL_AUDIT_TOPIC_KEY": "k" * 24,
            "MODEL_AUDIT_GROUP_WAIT_SECONDS": "1",
            "MODEL_AUDIT_GROUP_INTERVAL_SECONDS": "0",
            "MODEL_AUDIT_MLFLOW": f"prod={server.url}",
            "MODEL_AUDIT_MLFLOW_WEBHOOK_SECRET__PROD": SECRET,
        }
        with hosted(folder, settings, "--no-timers", app=ROOT) as host:
            yield Audited(host, folder / "local.settings.json", topics)


@pytest.fixture(scope="module")
def webhook(server: Server, audited: Audited) -> str:
    """Set the webhook up as docs/mlflow.md says, and return its id."""
    events = [{"entity": entity, "action": action} for entity, actions in ENTITIES.items() for action in actions]
    made = server.post(
        "webhooks", name="model-audit", url=f"{audited.host.url}/api/mlflow/prod", secret=SECRET, events=events
    )
    return str(made["webhook"]["webhook_id"])


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"it did not happen within {SECONDS} s"
        time.sleep(0.1)


def ran(audited: Audited, function: str, count: int) -> Callable[[], bool]:
    """Return what says whether a function has run so often, and never failed."""

    def is_so() -> bool:
        runs = audited.host.runs(function)
        assert all(run["ok"] for run in runs), runs
        return len(runs) >= count

    return is_so


@pytest.mark.usefixtures("webhook")
def test_a_moved_alias_is_announced_read_judged_and_told(server: Server, audited: Audited, tmp_path: Path) -> None:
    server.create_model("Churn Model")
    for _ in range(2):
        server.create_version("Churn Model")
    server.point("Churn Model", "champion", "1")
    release = {
        "id": "r1",
        "target": CHURN.id,
        "approved_by": "ada@contoso.example",
        "approved_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "facts": {"aliases": {"champion": 1}},
    }
    (tmp_path / "churn.json").write_text(json.dumps({"releases": [release]}))
    (applied,) = audited.run("releases", "apply", str(tmp_path))
    wait_until(ran(audited, "mlflow_webhook", 4))
    audited.host.wait_until_quiet(SECONDS)
    before = audited.run("findings")

    server.point("Churn Model", "champion", "2")
    wait_until(ran(audited, "mlflow_webhook", 5))
    audited.host.wait_until_quiet(SECONDS)

    (finding,) = audited.run("findings")
    assert (applied["change"], before) == ("granted", [])
    assert (finding["rule"], finding["subject"]) == ("MA102", "aliases.champion")
    assert (finding["expected"], finding["got"], finding["target"]) == ("1", "2", CHURN.id)
    assert finding["cause"].startswith("an unknown actor created an alias")
    assert len(audited.events()) == 5
    wait_until(lambda: bool(audited.topics.received))
    (notice,) = audited.topics.received[0].event["data"]["notices"]
    assert notice["subject"] == "aliases.champion"
    assert notice["commands"][-1].endswith("/api/2.0/mlflow/registered-models/alias")


def test_mlflows_test_of_a_webhook_opens_nothing(server: Server, audited: Audited, webhook: str) -> None:
    before, sent = audited.run("findings"), len(audited.host.runs("mlflow_webhook"))

    tested = server.post(f"webhooks/{webhook}/test", event={"entity": "MODEL_VERSION", "action": "CREATED"})

    wait_until(ran(audited, "mlflow_webhook", sent + 1))
    audited.host.wait_until_quiet(SECONDS)
    assert tested["result"]["response_status"] == 202
    assert audited.run("findings") == before


@pytest.mark.usefixtures("webhook")
def test_a_prompt_is_acknowledged_and_asks_for_nothing(server: Server, audited: Audited) -> None:
    sent, checked = (len(audited.host.runs(name)) for name in ("mlflow_webhook", "on_check"))

    server.create_model("greeting", tags=[{"key": "mlflow.prompt.is_prompt", "value": "true"}])
    wait_until(ran(audited, "mlflow_webhook", sent + 1))
    audited.host.wait_until_quiet(SECONDS)

    assert len(audited.host.runs("on_check")) == checked


def test_the_door_answers_as_the_documentation_says(audited: Audited) -> None:
    content = b'{"entity": "model_version", "action": "created", "data": {"name": "Churn Model"}}'
    now = datetime.now(UTC)

    def post(body: bytes, headers: dict[str, str], registry: str = "prod") -> int:
        return httpx.post(f"{audited.host.url}/api/mlflow/{registry}", content=body, headers=headers).status_code

    good = sign(content, now, "d-1", SECRET)
    assert [post(content, good), post(content, good)] == [202, 202]
    assert post(b"[]", sign(b"[]", now, "d-2", SECRET)) == 400
    assert post(content, sign(content, now, "d-3", "another secret of that length")) == 401
    assert post(content, sign(content, datetime.fromtimestamp(now.timestamp() - 400, UTC), "d-4", SECRET)) == 401
    assert post(content, good, "lab") == 401
    assert post(b"x" * 1_048_577, good) == 413


def test_a_sweep_finds_what_no_webhook_announces(server: Server, audited: Audited) -> None:
    server.create_model("swept")
    for _ in range(2):
        server.create_version("swept")
    audited.run("check")
    server.post("model-versions/delete", "DELETE", name="swept", version="2")

    audited.run("check")

    (served,) = audited.run("serving", "mlflow://prod/models/swept")
    assert {name for name in served["facts"] if name.endswith(".path")} == {"versions.1.path"}


def test_what_is_there_can_be_adopted_and_signed(server: Server, audited: Audited, tmp_path: Path) -> None:
    server.create_model("Adopted")
    server.create_version("Adopted")
    server.point("Adopted", "champion", "1")
    audited.run("check")

    audited.say("releases", "adopt", "prod/Adopted", "--out", str(tmp_path))
    (file,) = tmp_path.iterdir()
    signed = file.read_text().replace("approved_by: ''", "approved_by: ada@contoso.example")
    file.write_text(signed.replace("approved_at: ''", f"approved_at: '{datetime.now(UTC).isoformat()}'"))
    (applied,) = audited.run("releases", "apply", str(file))
    gate = ("gate", "--target", "prod/Adopted", "--deployment", "champion", "--model")
    (passed,), (refused,) = (audited.run(*gate, f"models:/Adopted/{version}") for version in (1, 2))

    assert file.name == "mlflow.prod.yaml"
    assert applied["change"] == "granted"
    assert (passed["approved"], refused["approved"]) == (True, False)


def test_a_scan_of_the_registries_needs_no_subscription(server: Server, audited: Audited) -> None:
    server.create_model("Scanned")
    server.create_version("Scanned")
    server.point("Scanned", "champion", "1")

    rows = {row["where"]: row for row in audited.run("scan")}

    assert (rows["prod/Scanned"]["deployment"], rows["prod/Scanned"]["version"]) == ("@champion", "1")
