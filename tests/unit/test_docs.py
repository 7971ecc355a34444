"""What the documentation says is there: rules, settings, commands, paths and links."""

import re
import shlex
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from audit.cli import cli
from audit.rules import RULES
from audit.settings import PREFIX, SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Made by commands, on the reader's machine.
MADE = (".venv/", ".local/", ".bench/", ".mlflow/", "out/", "local/node_modules")

_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)")
_TOP = "|".join(re.escape(path.name) for path in ROOT.iterdir() if path.is_dir() and path.name != "out")
_PATH = re.compile(rf"`((?:{_TOP}|out)/[\w./-]*)`")
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def console_lines(page: Path) -> Iterator[list[str]]:
    """Yield the words of each command in a page's console blocks, without comments."""
    for block in _CONSOLE.findall(page.read_text("utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ ") and (words := shlex.split(line[2:], comments=True)):
                yield words


COMMANDS = [(named(page), words) for page in PAGES for words in console_lines(page)]
MAKE = [(page, words) for page, words in COMMANDS if words[0] == "make"]
MENTIONED = [
    (named(page), shlex.split(words))
    for page in PAGES
    for words in re.findall(r"`(model-audit [^`]+)`", page.read_text("utf-8"))
]
OURS = [(page, words) for page, words in COMMANDS if words[0].rpartition("/")[2] == "model-audit"]


def as_id(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)


@pytest.mark.parametrize(("page", "words"), MAKE, ids=as_id)
def test_what_make_is_asked_for_is_a_target(page: str, words: list[str]) -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text("utf-8")))

    assert {word for word in words[1:] if "=" not in word} <= targets, page


def leaf_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that words lead to, and the words that are left for it."""
    command: click.Command = cli
    rest = words[1:]
    while isinstance(command, click.Group) and rest:
        assert rest[0] in command.commands, " ".join(words)
        command = command.commands[rest.pop(0)]
    return command, rest


@pytest.mark.parametrize(("page", "words"), OURS, ids=as_id)
def test_a_command_is_one_that_the_command_line_understands(page: str, words: list[str]) -> None:
    command, rest = leaf_of(words)

    assert not isinstance(command, click.Group), page
    with chdir(ROOT):
        command.make_context(" ".join(words), rest)


@pytest.mark.parametrize(("page", "words"), MENTIONED, ids=as_id)
def test_a_command_in_a_sentence_has_words_that_exist(page: str, words: list[str]) -> None:
    command, rest = leaf_of(words)

    assert CliRunner().invoke(command, [*rest, "--help"]).exit_code == 0, page


def test_there_are_commands_to_check() -> None:
    assert len(MAKE) >= 3
    assert len(OURS) >= 5


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    paths = [path for path in _PATH.findall(page.read_text("utf-8")) if not path.startswith(MADE)]

    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text("utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_page_of_rules_is_what_the_rules_say() -> None:
    page = CliRunner().invoke(cli.commands["rules"], ["--output", "markdown"]).output

    assert page == (ROOT / "docs" / "rules.md").read_text("utf-8"), "docs/rules.md is stale: make docs"


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_heading(rule: str) -> None:
    headings = (ROOT / "docs" / "rules.md").read_text("utf-8").splitlines()

    assert headings.count(f"### {rule}") == 1


def test_every_setting_has_one_row_and_every_row_a_setting() -> None:
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")

    rows = re.findall(rf"^\| `{PREFIX}(\w+)` \|", text, re.MULTILINE)
    addresses = [f"STORAGE__{service}ServiceUri" for service in ("table", "queue", "blob")]
    assert sorted(rows) == sorted([*SETTINGS, *addresses])


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    names = re.findall(rf"\b{PREFIX}([A-Z_]*[A-Z])(?:__\w+)?", page.read_text("utf-8"))

    assert set(names) <= set(SETTINGS)
