"""`report` and `journal`: what an auditor asks for."""

import sys
from datetime import timedelta
from pathlib import Path

import click

from audit import wiring
from audit.cli.output import EXIT_FINDINGS, output_option, show
from audit.render import render_report


@click.command()
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 3660), help="Length of the period.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; by default stdout.")
def report(days: int, out: Path | None) -> None:
    """Write the report of a period that ends now, as one self-contained HTML page."""
    end = wiring.now()
    page = render_report(wiring.reporter().report(end - timedelta(days=days), end))
    if out is None:
        click.echo(page)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, "utf-8")
    click.echo(f"wrote {out}", err=True)


@click.group()
def journal() -> None:
    """Recompute the record."""


@journal.command()
@output_option
def verify(output: str) -> None:
    """Recompute every chain and compare it with its head. Exit: 0 whole, 1 broken."""
    end = wiring.now()
    proof = wiring.reporter().report(end, end).proof
    rows = [
        {"chain": name, "entry": broken.seq, "expected": broken.expected, "got": broken.got}
        for name, broken in proof.broken
    ]
    whole = f"{proof.chains} chains with {proof.entries} entries hold together. Fingerprint: {proof.fingerprint}"
    show(rows, ("chain", "entry", "expected", "got"), output, whole)
    sys.exit(EXIT_FINDINGS if rows else 0)
