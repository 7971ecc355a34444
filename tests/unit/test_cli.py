"""The command line as far as it needs no storage: words, exit codes, and what its output makes of odd texts."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from audit.cli import cli
from audit.cli.output import show
from audit.rules import RULES
from tests.strategies import HOSTILE_TEXTS

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ("severity", "where", "got")


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command and group below a group, with the words that lead to it."""
    for name, command in group.commands.items():
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands())


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_says_what_it_does_in_a_sentence(words: str) -> None:
    answer = CliRunner().invoke(COMMANDS[words], ["--help"], prog_name=words)

    assert answer.exit_code == 0
    assert answer.output.startswith(f"Usage: {words}")
    assert (COMMANDS[words].help or "").split("\n\n")[0].rstrip().endswith(".")


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_refuses_an_option_that_it_does_not_have(words: str) -> None:
    answer = CliRunner().invoke(COMMANDS[words], ["--no-such-option"])

    assert answer.exit_code == 2
    assert "--no-such-option" in answer.stderr


def test_the_rules_are_printed_for_people_and_for_programs() -> None:
    printed = {
        form: CliRunner().invoke(COMMANDS["rules"], ["-o", form]).output for form in ("table", "json", "tsv")
    }

    assert [row["id"] for row in json.loads(printed["json"])] == list(RULES)
    assert [line.split("\t")[0] for line in printed["tsv"].splitlines()] == list(RULES)
    assert all(rule in printed["table"] for rule in RULES)


def test_one_rule_is_explained_in_whole_whatever_its_case() -> None:
    explained = CliRunner().invoke(COMMANDS["rules"], ["ma102"]).output

    rule = RULES["MA102"]
    assert f"MA102  {rule.title} (critical)" in explained
    assert rule.meaning in " ".join(explained.split())
    assert f"What to do: {rule.remedy}" in explained


def run(*words: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "audit", *words]
    return subprocess.run(command, cwd=cwd, env=own, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rules", "MA000"), "expected the id of a rule such as MA102, got 'MA000'"),
        (("no-such-command",), "No such command"),
        (("--settings", "missing.json", "rules"), "missing.json"),
        (("findings",), "expected MODEL_AUDIT_STORAGE"),
        (("scan",), "expected a subscription to look at, got none"),
        (("report", "--days", "0"), "0 is not in the range"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_call_ends_with_2_and_says_why_in_one_breath(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    answer = run(*words, cwd=tmp_path)

    assert answer.returncode == 2
    assert answer.stdout == ""
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_settings_file_that_is_none_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text("[]")

    answer = run("rules", cwd=tmp_path)

    assert (answer.returncode, answer.stdout) == (2, "")
    assert "local.settings.json" in answer.stderr


def rows(*texts: str) -> list[dict[str, str]]:
    return [{"severity": "high", "where": "aoai-prod/chat", "got": text, "more": "kept"} for text in texts]


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_hostile_text_stays_in_its_cell(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show(rows(text), COLUMNS, "tsv", "")

    (line,) = capsys.readouterr().out.splitlines()
    assert len(line.split("\t")) == len(COLUMNS)
    assert line.replace("\t", "").isprintable()


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_hostile_text_cannot_drive_the_terminal(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show(rows(text), COLUMNS, "table", "")

    assert capsys.readouterr().out.replace("\n", "").isprintable()


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_json_keeps_every_text_and_every_value(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show(rows(text), COLUMNS, "json", "")

    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == rows(text)


@pytest.mark.parametrize("text", ["[red]alert[/red]", "[link=https://x]y", "[/]", "[[", "\\[red]"])
def test_what_looks_like_markup_is_shown_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show(rows(text), COLUMNS, "table", "")

    assert text in capsys.readouterr().out


def test_wide_characters_do_not_shift_the_columns(capsys: pytest.CaptureFixture[str]) -> None:
    shown = [{"where": where, "got": "HERE"} for where in ("aoai-prod/chat", "部署/聊天", "é/ç", "🚀/x")]

    show(shown, ("where", "got"), "table", "")

    _, *lines = capsys.readouterr().out.splitlines()
    assert {cell_len(line[: line.index("HERE")]) for line in lines} == {len("aoai-prod/chat  ")}


@pytest.mark.parametrize("output", ["table", "tsv", "json"])
def test_nothing_to_show_is_said_to_people_and_left_out_for_programs(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show([], COLUMNS, output, "No finding is open.")

    said = {"table": "No finding is open.\n", "tsv": "", "json": "[]\n"}
    assert capsys.readouterr().out == said[output]
