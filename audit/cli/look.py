"""`check` and `findings`: look now, and show what is open."""

import sys
from pathlib import Path
from typing import Any

import click

from audit import wiring
from audit.cli.exported import check_export
from audit.cli.findings_output import exit_code, finding_rows, show_findings
from audit.cli.output import EXIT_FAILED, findings_output_option
from audit.cli.targets import resolve
from audit.cli.work import look_at

_QUIET = "Everything that was looked at is as approved."


@click.command()
@click.argument("targets", nargs=-1)
@click.option(
    "--export",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of what `az ... -o json` printed: judge that instead, record nothing, need no rights in Azure.",
)
@click.option(
    "--releases",
    "release_files",
    type=click.Path(exists=True, path_type=Path),
    help="With --export: the release files to judge by, instead of what is approved in the ledger.",
)
@click.option(
    "--report",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --export: write the report as well, as one self-contained HTML page.",
)
@findings_output_option
def check(
    targets: tuple[str, ...], export: Path | None, release_files: Path | None, page: Path | None, output: str
) -> None:
    """Look at TARGETS now, judge and record what is seen, and show what is open there.

    A target is an id or a pattern such as 'mlw-prod/churn' or '*/chat'. Without one, everything is swept.
    Findings are told through the running functions. Exit: 0 clean or waived, 1 findings, 3 could not look.
    """
    if export is not None:
        sys.exit(check_export(export, release_files, targets, output, page))
    if release_files is not None:
        raise click.UsageError("--releases goes with --export: a look at Azure is judged by what is approved")
    if page is not None:
        raise click.UsageError("--report goes with --export: `model-audit report` writes that of the record")
    asked = resolve(targets)
    failures = look_at(asked)
    ids = {target.id for target in asked}
    rows = [row for row in _open_rows() if not ids or row["target"] in ids]
    quiet = "No finding is open, but not everything could be looked at." if failures else _QUIET
    show_findings(rows, output, quiet)
    for failure in failures:
        click.echo(f"could not look: {failure}", err=True)
    if not asked:
        click.echo(_completeness(), err=True)
    sys.exit(EXIT_FAILED if failures else exit_code(rows))


@click.command()
@findings_output_option
def findings(output: str) -> None:
    """Show the open findings, as they were last recorded. Exit: 0 none that is not waived, 1 some, 3 not seen."""
    rows = _open_rows()
    show_findings(rows, output, "No finding is open.")
    sys.exit(exit_code(rows))


def _completeness() -> str:
    """Return how complete the sweep was, as it was recorded of each place."""
    runs = [run for _, run in wiring.reporter().sweeps()]
    listed, seen = sum(run.listed for run in runs), sum(run.seen for run in runs)
    unreadable = sum(run.unreadable for run in runs)
    left_out = listed - seen - unreadable
    return f"{listed} listed in {len(runs)} places: {seen} seen, {unreadable} not readable, {left_out} left out"


def _open_rows() -> list[dict[str, Any]]:
    return finding_rows(wiring.reporter().open_findings())
