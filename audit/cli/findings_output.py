"""How findings are printed, and which exit code they lead to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from audit.cli.annotations import Note, github, junit
from audit.cli.output import EXIT_FAILED, EXIT_FINDINGS, show
from audit.rules import RULES

_COLUMNS = ("severity", "rule", "where", "subject", "expected", "got")
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "notice"}

Rows = Sequence[Mapping[str, Any]]


def show_findings(rows: Rows, output: str, empty: str) -> None:
    """Print findings; what a waiver covers is shown with the rest, and named as waived."""
    if output == "github":
        click.echo(github(_note(row) for row in rows))
    elif output == "junit":
        click.echo(junit("model-audit", _cases(rows)))
    else:
        show(rows, _columns(rows), output, empty)


def finding_rows(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return open findings, as alerts have them, with what a table shows of them."""
    return [{**row, "where": f"{row['parent']}/{row['name']}", "since": row["opened_at"][:16]} for row in found]


def exit_code(rows: Rows) -> int:
    """Return 3 where something could not be looked at, 1 where something is open that nobody waived, else 0."""
    if any(str(row["rule"]).startswith("MA90") and row["subject"] == "sight" for row in rows):
        return EXIT_FAILED
    return EXIT_FINDINGS if any(not row.get("waiver") for row in rows) else 0


def _columns(rows: Rows) -> Sequence[str]:
    since = ("since",) if any("since" in row for row in rows) else ()
    return (*_COLUMNS, *since, *(("waiver",) if any(row.get("waiver") for row in rows) else ()))


def _note(row: Mapping[str, Any]) -> Note:
    level = "notice" if row.get("waiver") else _LEVELS[str(row["severity"])]
    words = f"{row['where']}, {row['subject']}: approved {row['expected']}, found {row['got']}"
    return Note(level, f"{row['rule']} {RULES[row['rule']].title}", words)


def _cases(rows: Rows) -> list[tuple[str, list[Note]]]:
    """Return one test case a target; a waived finding fails none."""
    targets = dict.fromkeys(str(row["where"]) for row in rows)
    open_ = [row for row in rows if not row.get("waiver")]
    return [(where, [_note(row) for row in open_ if row["where"] == where]) for where in targets]
