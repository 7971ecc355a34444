"""The commands about approvals, on a house of fakes: what they print, and how they exit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit import wiring
from audit.cli import cli
from audit.errors import BadInput
from tests.house import ACCOUNT, CHAT, CHURN, House, chat_document

Run = Callable[..., Result]
RELEASE = f"""releases:
  - id: r1
    target: {ACCOUNT}/deployments/chat
    approved_by: ada@contoso.example
    approved_at: 2026-11-01T12:00:00Z
    facts: {{model: {{name: gpt-4o, version: 2024-08-06}}}}
"""


@pytest.fixture
def house() -> House:
    house = House()
    house.serve(CHAT, chat_document())
    house.sweep()
    return house


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    tables = {wiring.RELEASES: house.releases, wiring.LEDGER: house.ledger}
    monkeypatch.setattr(wiring, "approver", lambda: house.approver)
    monkeypatch.setattr(wiring, "reporter", lambda: house.reporter)
    monkeypatch.setattr(wiring, "table", tables.__getitem__)
    monkeypatch.setattr(wiring, "now", house.clock.now)
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli, list(words))


def write(text: str) -> str:
    Path("r.yaml").write_text(text)
    return "r.yaml"


def test_a_plan_exits_1_while_something_would_change(run: Run) -> None:
    file = write(RELEASE)

    before, applied, after = (run("releases", word, file, "-o", "json") for word in ("plan", "apply", "plan"))

    assert (before.exit_code, applied.exit_code, after.exit_code) == (1, 0, 0)
    assert {"granted"} == {row["change"] for row in json.loads(before.output)}
    assert json.loads(after.output) == []


def test_a_file_with_a_mistake_is_neither_planned_nor_applied(run: Run, house: House) -> None:
    file, rows = write(RELEASE.replace("facts", "fact")), house.releases.all_rows()

    for word in ("plan", "apply"):
        assert isinstance(run("releases", word, file).exception, BadInput)
    assert house.releases.all_rows() == rows


def test_what_is_approved_is_shown_told_and_revoked(run: Run) -> None:
    run("releases", "apply", write(RELEASE))

    shown = run("releases", "show", "aoai-prod/chat", "-o", "json")
    revoked = run("releases", "revoke", "aoai-prod/chat", "--reason", "broken")
    gone = run("releases", "show", "aoai-prod/chat")
    told = json.loads(run("releases", "history", "aoai-prod/chat", "-o", "json").output)

    assert json.loads(shown.output)[0]["release"]["id"] == "r1"
    assert (shown.exit_code, revoked.exit_code, gone.exit_code) == (0, 0, 1)
    assert [(row["act"], row["what"], row["identity"]) for row in told] == [
        ("granted", "r1", "ada"),
        ("revoked", "r1", "ada"),
    ]


@pytest.mark.parametrize("output", ["table", "json", "tsv"])
def test_every_command_prints_in_every_form(run: Run, output: str) -> None:
    file = write(RELEASE)
    commands = (
        ("releases", "plan", file),
        ("releases", "apply", file),
        ("releases", "list"),
        ("releases", "show", CHAT.id),
        ("releases", "history", CHAT.id),
        ("waivers", "add", CHAT.id, "--rule", "ma102", "--reason", "known", "--until", "2026-12-01"),
        ("waivers", "list"),
        ("releases", "revoke", CHAT.id, "--reason", "x"),
    )

    for command in commands:
        result = run(*command, "-o", output)
        assert result.output.strip(), command
        assert result.exception is None or isinstance(result.exception, SystemExit), command


def test_a_waiver_is_added_listed_and_revoked(run: Run) -> None:
    added = run("waivers", "add", CHAT.id, "--rule", "MA102", "--reason", "known", "--until", "30d", "-o", "json")
    (row,) = json.loads(added.output)

    revoked = run("waivers", "revoke", row["id"], "--reason", "fixed")

    assert (row["state"], row["rule"]) == ("active", "MA102")
    assert revoked.exit_code == 0
    assert json.loads(run("waivers", "list", "-o", "json").output) == []


@pytest.mark.parametrize("until", ["91d", "2020-01-01", "soon", "2026-12-01T00:00:00", "99999d", "9999-12-31"])
def test_a_waiver_without_a_near_end_is_refused(run: Run, house: House, until: str) -> None:
    result = run("waivers", "add", CHAT.id, "--rule", "MA102", "--reason", "known", "--until", until)

    assert isinstance(result.exception, BadInput)
    assert not [key for key in house.releases.all_rows() if "-w-" in key[1]]


@pytest.mark.parametrize(
    ("model", "output", "code", "words"),
    [
        ("gpt-4o:2024-08-06", "table", 0, "is approved by release r1"),
        ("gpt-4o:2024-08-06", "github", 0, "::notice title=Approved::"),
        ("gpt-4o:2024-08-06", "junit", 0, 'failures="0"'),
        ("gpt-4o:2024-11-20", "github", 1, "::error title=gpt-4o%3A2024-11-20"),
        ("gpt-4o:2024-11-20", "junit", 1, 'failures="1"'),
        ("azureml:gpt-4o@latest", "json", 1, '"check": "pinned"'),
    ],
)
def test_the_gate_answers_in_its_exit_code(run: Run, model: str, output: str, code: int, words: str) -> None:
    run("releases", "apply", write(RELEASE))

    result = run("gate", "--target", "aoai-prod/chat", "--model", model, "-o", output)

    assert (result.exit_code, words in result.output) == (code, True), result.output


@pytest.mark.parametrize(("value", "code"), [("swordfish", 0), ("marlin", 1)])
def test_the_gate_compares_environment_variables_and_shows_none(run: Run, value: str, code: int) -> None:
    facts = "{deployments: {blue: {model: 'azureml:churn:3', env: {MODE: swordfish}}}}"
    text = RELEASE.replace("{model: {name: gpt-4o, version: 2024-08-06}}", facts)
    applied = run("releases", "apply", write(text.replace(f"{ACCOUNT}/deployments/chat", CHURN.id)))

    fact = f"deployments.blue.env.MODE={value}"
    result = run("gate", "--target", CHURN.id, "--model", "azureml:churn:3", "--fact", fact)

    assert (applied.exit_code, result.exit_code) == (0, code), result.output
    assert "swordfish" not in applied.output + result.output


def test_a_fleet_is_adopted_signed_and_applied(run: Run, house: House) -> None:
    adopted = run("releases", "adopt", "--out", "fleet")
    (file,) = Path("fleet").iterdir()
    unsigned = run("releases", "apply", "fleet")
    signed = file.read_text().replace("approved_by: ''", "approved_by: ada")
    file.write_text(signed.replace("approved_at: ''", "approved_at: 2026-11-21T08:00:00Z"))
    applied = run("releases", "apply", "fleet")
    house.sweep()

    assert "wrote" in adopted.output
    assert "a person has to sign" in str(unsigned.exception)
    assert applied.exit_code == 0, applied.exception
    assert house.reporter.open_findings() == []


def test_what_people_have_written_is_never_overwritten(run: Run) -> None:
    run("releases", "adopt", "--out", "fleet")

    again = run("releases", "adopt", "--out", "fleet")

    assert isinstance(again.exception, BadInput)
