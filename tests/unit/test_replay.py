import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from audit import wiring
from audit.cli import cli
from audit.errors import SettingsError
from audit.model import ActorKind
from tests.house import CHAT, PIPELINE, House, release, write_event
from tests.unit.test_events import cloud_event
from tests.unit.test_intake import approve
from tests.unit.test_pointers import deployed, event, pushed

APP = {"appid": PIPELINE, "idtyp": "app"}
DEAD = {
    "deadLetterReason": "MaxDeliveryAttemptsExceeded",
    "deliveryAttempts": 30,
    "publishTime": "2026-11-21T09:00Z",
}


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    house = House()
    monkeypatch.setattr(wiring, "intake", lambda: house.intake)
    monkeypatch.setattr(wiring, "identities", lambda: house.intake.identities)
    monkeypatch.setattr(wiring, "table", {wiring.RELEASES: house.releases}.__getitem__)
    monkeypatch.setattr(wiring, "now", house.clock.now)
    return house


def replay(*words: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["replay", *map(str, words)])


def rows(*words: str | Path) -> list[dict[str, Any]]:
    return json.loads(replay(*words, "-o", "json").stdout)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of dead letters in both spellings, and of events that name a target, two, and none."""
    failed = write_event(id_="e-2") | {"eventType": "Microsoft.Resources.ResourceWriteFailure"}
    failed["data"]["claims"] = APP
    letters = [
        write_event() | DEAD,
        cloud_event(failed) | {name.lower(): value for name, value in DEAD.items()},
        deployed("churn:1"),
        event("Contoso.X", "contoso"),
        pushed(),
    ]
    path = tmp_path / "AUDIT" / "2026" / "11" / "21" / "9" / "letters.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(letters, indent=1))
    return path


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(house: House, file: Path) -> None:
    found = rows(file, "--dry-run")

    assert [row["result"] for row in found] == ["taken", "taken", "taken", "ignored", "ignored"]
    assert [row["schema"] for row in found[:2]] == ["event-grid", "cloud-events"]
    assert found[0]["target"] == {"id": CHAT.id, "kind": "openai-deployment"}
    assert [target["kind"] for target in found[2]["targets"]] == ["parent", "model"]
    assert found[3]["target"] is None
    assert found[3]["reason"] == "Contoso.X names nothing we audit"
    assert found[1]["actor"]["kind"] == ActorKind.PIPELINE
    assert found[1]["actor"]["why"] == "app-only token of an approved pipeline"
    assert found[1]["status"] == "failed"
    assert {row["dead_letter"] for row in found[:2]} == {"MaxDeliveryAttemptsExceeded"}
    assert (house.ledger.all_rows(), house.checks.sent) == ({}, [])


def test_a_dry_run_knows_the_releases_and_does_not_write_them(house: House, file: Path) -> None:
    approve(house, facts={"image": "acrprod.azurecr.io/scoring:7"})
    before = house.releases.all_rows()

    (*_, hint) = rows(file, "--dry-run")

    assert hint["target"]["id"] == CHAT.id
    assert house.releases.all_rows() == before


@pytest.mark.usefixtures("house")
def test_a_dry_run_needs_no_settings(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unset() -> None:
        raise SettingsError("expected MODEL_AUDIT_STORAGE")

    monkeypatch.setattr(wiring, "identities", unset)

    result = replay(file, "--dry-run", "-o", "json")
    first = json.loads(result.stdout)[0]

    assert result.exit_code == 0
    assert "without settings" in result.stderr
    assert (first["result"], first["actor"]["name"]) == ("taken", "(redacted)")


def test_replaying_takes_each_event_in_once(house: House, file: Path) -> None:
    first, again = rows(file), rows(file)

    assert [row["result"] for row in first] == ["taken", "taken", "taken", "ignored", "ignored"]
    assert {row["result"] for row in again} == {"duplicate"}
    assert len([key for _, key in house.ledger.all_rows() if key.startswith("e-")]) == 6


def test_what_was_delivered_before_it_was_replayed_is_a_duplicate(house: House, file: Path) -> None:
    house.deliver(write_event())

    assert rows(file)[0]["result"] == "duplicate"


def test_a_replayed_event_is_judged_like_any_other(house: House, file: Path) -> None:
    house.approve(release())
    house.serve(CHAT, {"deployment": {"properties": {"model": {"name": "gpt-4o", "version": "x"}}}})

    replay(file)
    house.settle()

    assert house.told


@pytest.mark.usefixtures("house")
def test_a_file_that_cannot_be_read_is_named_with_its_line_and_hides_no_other(file: Path) -> None:
    (file.parent / "a.json").write_text('{"id": "a"\n')
    (file.parent / "b.jsonl").write_text(f"{json.dumps(write_event())}\n\noops\n{{}}\n")

    result = replay(file.parents[5], "--dry-run", "-o", "json")

    found = json.loads(result.stdout)
    assert result.exit_code == 3
    assert f"could not read {file.parent / 'a.json'}:1: expected a JSON object" in result.stderr
    assert f"could not read {file.parent / 'b.jsonl'}:3: expected a JSON object" in result.stderr
    assert f"could not read {file.parent / 'b.jsonl'}:4: expected a text in the event's field" in result.stderr
    assert [row["result"] for row in found].count("taken") == 4


@pytest.mark.usefixtures("house")
def test_the_sum_is_said_on_stderr(file: Path) -> None:
    result = replay(file)

    assert result.exit_code == 0
    assert "5 events: 2 ignored, 3 taken" in result.stderr


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("output", ["table", "tsv"])
def test_people_and_programs_can_read_it(file: Path, output: str) -> None:
    result = replay(file, "--dry-run", "-o", output)

    assert result.exit_code == 0
    assert "openai-deployment chat" in result.stdout.replace("\n", " ")


@pytest.mark.parametrize("words", [[], ["gone.json"], ["-o", "xml", "."]])
def test_a_wrong_call_is_told_apart(words: list[str]) -> None:
    assert replay(*words).exit_code == 2


@pytest.mark.usefixtures("house")
def test_an_empty_folder_holds_nothing_to_do(tmp_path: Path) -> None:
    result = replay(tmp_path)

    assert (result.exit_code, result.stdout.strip()) == (0, "No events.")
