"""Every trigger of function_app.py, run by Microsoft's own worker library."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from azure.data.tables import TableClient, UpdateMode

from audit import wiring
from local.stack import RELEASES, Stack
from tests.house import CHAT, write_event
from tests.stack.conftest import Ask, Heard, Run, rows
from tests.unit.test_proposals import blob_event

pytestmark = pytest.mark.stack

WEBHOOK = "/runtime/webhooks/EventGrid"
SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000001"
ACCOUNT = f"{SUBSCRIPTION}/resourceGroups/rg-ml-prod/providers/Microsoft.CognitiveServices/accounts/aoai-prod"
OUR_CHAT = f"{ACCOUNT}/deployments/chat"
CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "ce-1",
    "source": SUBSCRIPTION,
    "subject": OUR_CHAT,
    "type": "Microsoft.Resources.ResourceWriteSuccess",
    "time": "2026-11-21T08:59:58.1234567Z",
    "data": {"resourceUri": OUR_CHAT, "operationName": "Microsoft.CognitiveServices/accounts/deployments/write"},
}


def test_the_worker_indexes_every_trigger(stack: Stack) -> None:
    kinds = {name: function.trigger.type for name, function in stack.host.functions.items()}

    assert kinds == {
        "on_event": "eventGridTrigger",
        "on_check": "queueTrigger",
        "on_alert": "queueTrigger",
        "sweep": "timerTrigger",
        "remind": "timerTrigger",
        "report": "timerTrigger",
        "report_page": "httpTrigger",
        "open_findings": "httpTrigger",
        "serving_at": "httpTrigger",
        "history_of": "httpTrigger",
        "health": "httpTrigger",
        "mlflow_webhook": "httpTrigger",
    }


@pytest.mark.parametrize(
    "event", [{**write_event(CHAT), "subject": OUR_CHAT}, CLOUD_EVENT], ids=["event-grid", "cloud"]
)
def test_an_event_of_either_schema_leads_to_a_check(stack: Stack, heard: Heard, ask: Ask, event: dict) -> None:
    ran = len(heard.runs)

    answer = ask(
        f"{WEBHOOK}?functionName=on_event&code={stack.host.keys.event_grid}",
        json.dumps([event]).encode(),
        "POST",
        aeg_event_type="Notification",
    )
    stack.settle()

    assert answer.status == 202
    functions = [(run.function, run.ok) for run in heard.runs[ran:]]
    assert ("on_event", True) in functions
    assert ("on_check", True) in functions


def test_a_dropped_release_file_is_planned_and_shown_and_applied_by_nobody(stack: Stack) -> None:
    entry = {
        "id": "chat-r99",
        "target": OUR_CHAT,
        "approved_by": "eve@contoso.example",
        "approved_at": "2026-11-20T12:00:00Z",
        "facts": {"model.name": "gpt-4o", "model.version": "2024-11-20"},
    }
    before = {release.id for release in wiring.reporter().approved()}
    wiring.blobs("releases").put("team/chat.json", json.dumps({"releases": [entry]}).encode())

    stack.events.publish(blob_event("team/chat.json"))
    stack.settle()

    (proposal,) = wiring.reporter().proposals()
    assert (proposal.file, proposal.changes[0].name) == ("team/chat.json", "chat-r99")
    assert {release.id for release in wiring.reporter().approved()} == before
    assert "Proposed, not in force" in wiring.reporter().render_weekly()


def test_a_message_nobody_can_read_is_acknowledged(stack: Stack, ask: Ask) -> None:
    url = f"{WEBHOOK}?functionName=on_event&code={stack.host.keys.event_grid}"

    answer = ask(url, b'[{"hello": "world"}]', "POST", aeg_event_type="Notification")

    assert answer.status == 202


@pytest.mark.parametrize("timer", ["sweep", "remind", "report"])
def test_every_timer_runs(stack: Stack, heard: Heard, timer: str) -> None:
    ran = len(heard.runs)

    stack.run_now(timer)
    stack.settle()

    assert [run.error for run in heard.runs[ran:]] == [None] * (len(heard.runs) - ran)
    assert timer in [run.function for run in heard.runs[ran:]]


def test_pages_need_a_key_and_health_does_not(stack: Stack, ask: Ask) -> None:
    assert ask("/api/report").status == 401
    assert ask("/api/findings").status == 401
    assert ask("/api/health").body == '{"status": "up"}'
    assert ask(f"/api/report?code={stack.host.keys.function}").status == 200


def test_the_api_answers_what_serves_and_refuses_what_it_cannot_read(stack: Stack, ask: Ask) -> None:
    stack.run_now("sweep")
    stack.settle()
    key = stack.host.keys.function

    served = ask(f"/api/serving?code={key}&target={OUR_CHAT}")
    before = ask(f"/api/serving?code={key}&target={OUR_CHAT}&at=2020-01-01")
    told = ask(f"/api/history?code={key}&target={OUR_CHAT}")

    assert json.loads(served.body)["serving"] == "gpt-4o 2024-11-20"
    assert (before.status, before.body) == (404, "nothing had been looked at by then")
    assert {row["kind"] for row in json.loads(ask(f"/api/serving?code={key}").body)} >= {"openai-deployment"}
    assert json.loads(told.body)[0]["what"] in ("event", "look")
    assert ask(f"/api/serving?code={key}&target=nonsense").status == 400
    assert ask(f"/api/serving?code={key}&target={OUR_CHAT}&at=yesterday").status == 400


def test_pages_forbid_scripts_and_requests_to_elsewhere(stack: Stack, ask: Ask) -> None:
    headers = ask(f"/api/report?code={stack.host.keys.function}").headers

    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_the_command_line_works_against_the_running_stack(model_audit: Run) -> None:
    unapproved = model_audit("check", "--output", "json")
    applied = model_audit("releases", "apply", str(RELEASES), "-o", "json")
    again = model_audit("releases", "apply", str(RELEASES), "-o", "json")
    clean = model_audit("check", "--output", "json")

    assert unapproved.returncode == 1, unapproved.stderr
    assert {row["rule"] for row in rows(unapproved.stdout)} == {"MA101"}
    assert {row["change"] for row in rows(applied.stdout)} == {"granted"}
    assert {row["change"] for row in rows(again.stdout)} == {"unchanged"}
    assert (clean.returncode, rows(clean.stdout)) == (0, []), clean.stderr


def test_one_target_can_be_checked_by_a_pattern(stack: Stack, model_audit: Run) -> None:
    model_audit("releases", "apply", str(RELEASES))
    stack.run_now("sweep")
    stack.settle()
    found = model_audit("check", "aoai-prod/chat")
    missing = model_audit("check", "nowhere/*")

    assert found.returncode == 0, found.stdout + found.stderr
    assert missing.returncode == 2
    assert "nowhere/*" in missing.stderr


def test_the_journal_of_the_stack_verifies_until_somebody_writes_into_the_table(
    stack: Stack, model_audit: Run
) -> None:
    stack.run_now("sweep")
    stack.settle()
    whole = model_audit("journal", "verify")
    with TableClient.from_connection_string(stack.settings["MODEL_AUDIT_STORAGE"], "ledger") as table:
        entry = next(each for each in table.list_entities() if each["RowKey"].startswith("j-"))
        table.update_entity({**entry, "raw": entry["raw"].replace(b'"kind"', b'"knid"')}, mode=UpdateMode.REPLACE)

        broken = model_audit("journal", "verify")

        table.update_entity(entry, mode=UpdateMode.REPLACE)

    assert whole.returncode == 0, whole.stderr
    assert re.search(r"All \d+ chains hold together", whole.stderr)
    assert broken.returncode == 1
    assert re.search(r"BROKEN \w+ of /subscriptions/.*expected .*, got ", broken.stderr)


def test_a_journal_that_cannot_be_read_is_neither_whole_nor_broken(tmp_path: Path) -> None:
    nowhere = "AccountName=a;AccountKey=a2V5;" + "".join(
        f"{service}Endpoint=http://127.0.0.1:9/a;" for service in ("Table", "Blob", "Queue")
    )
    environment = {"PATH": os.environ["PATH"], "MODEL_AUDIT_STORAGE": nowhere, "MODEL_AUDIT_PRIVACY_KEY": "k" * 32}

    command = [sys.executable, "-m", "audit", "journal", "verify"]
    answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert answer.returncode == 3
    assert "look at the storage account's health" in answer.stderr


def test_a_wrong_setting_is_a_usage_error_that_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "audit", "findings"]
    clean = {"PATH": os.environ["PATH"], "MODEL_AUDIT_STORAGE": "UseDevelopmentStorage=true"}

    answer = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)

    assert answer.returncode == 2
    assert "MODEL_AUDIT_PRIVACY_KEY" in answer.stderr


def test_the_app_runs_as_the_managed_identity_of_the_stack(stack: Stack) -> None:
    wiring.sweeper().sweep()
    stack.settle()

    assert "model-audit" in {call.who for call in stack.azure.requests}
