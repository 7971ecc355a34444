"""How commands print: a table for people, JSON and TSV for programs."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

EXIT_FINDINGS, EXIT_USAGE, EXIT_FAILED = 1, 2, 3

_COLOURS = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "as approved": "green",
    "differs": "red",
    "not approved": "red",
}

# Characters of a line that goes to a file or a pipe: `grep` must find the whole of a row.
UNWRAPPED = 10_000

_NEVER_WRAPPED = frozenset({"severity", "rule", "id", "where", "since"})

Rows = Sequence[Mapping[str, Any]]


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option `--output` that users of `az` know."""
    return _output(command, ["table", "json", "tsv"])


def findings_output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option `--output` with the formats of pipelines as well."""
    return _output(command, ["table", "json", "tsv", "github", "junit"])


def _output(command: Callable[..., Any], formats: Sequence[str]) -> Callable[..., Any]:
    option = click.option("-o", "--output", type=click.Choice(formats), default="table", show_default=True)
    return option(command)


def progress_bar() -> Progress:
    """Return a bar on stderr for long work; where nobody watches a terminal it shows nothing."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def show(rows: Rows, columns: Sequence[str], output: str, empty: str) -> None:
    """Print rows; JSON holds every value of a row, table and TSV the named columns."""
    if output == "json":
        click.echo(json.dumps(list(rows), indent=2, default=str))
    elif output == "tsv":
        for row in rows:
            click.echo("\t".join(_one_line(row[column]) for column in columns))
    elif rows:
        _print_table(rows, columns)
    else:
        click.echo(empty)


def _print_table(rows: Rows, columns: Sequence[str]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " ").upper(), overflow="fold", no_wrap=column in _NEVER_WRAPPED)
    for row in rows:
        table.add_row(*(_cell(_one_line(row[column])) for column in columns))
    console = Console()
    if not console.is_terminal:
        console.width = UNWRAPPED
    console.print(table)


def _cell(text: str) -> Text:
    # Text, not markup: names and tags from outside may hold `[red]` or control characters.
    return Text(text, style=_COLOURS.get(text, ""))


def _one_line(value: Any) -> str:
    text = "" if value is None else str(value)
    return "".join(char if char.isprintable() else " " for char in text)
