"""`releases`: what is approved, written by those who may approve."""

import getpass
import sys
from pathlib import Path
from typing import Any

import click

from audit import keys, wiring
from audit import releases as approvals
from audit.cli.output import output_option, show
from audit.errors import Conflict
from audit.model import Release
from audit.release_files import read_release_files
from audit.service import parents


@click.group()
def releases() -> None:
    """Show and change what is approved. Writing needs write access to the table `releases`."""


@releases.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@output_option
def apply(path: Path, output: str) -> None:
    """Put the releases of a file or folder in force.

    All files are read and checked before anything is written; applying twice changes nothing.
    """
    rows = [{"change": apply_release(release), **_row(release)} for release in read_release_files(path)]
    show(rows, ("change", "parent", "name", "release", "approved_by"), output, "No releases.")


@releases.command("list")
@output_option
def list_(output: str) -> None:
    """Show the releases in force."""
    rows = [_row(release) for release in wiring.reporter().approved()]
    show(rows, ("parent", "name", "release", "approved_by", "approved_at", "ticket"), output, "No releases.")


def apply_release(release: Release) -> str:
    """Put one release in force and return what that was: `granted`, `replaced` or `unchanged`."""
    table, partition = wiring.table(wiring.RELEASES), keys.partition(release.target.parent)
    parents.remember(table, release.target.parent)
    known = approvals.read_approvals(table.rows(partition, *keys.hot(keys.target_hash(release.target))))
    writes = approvals.approve(known, release, getpass.getuser(), wiring.now())
    if not writes:
        return "unchanged"
    try:
        table.commit(partition, writes)
    except Conflict:
        click.echo(f"model-audit: somebody else changed the approval of {release.target.id} just now", err=True)
        click.echo("apply again: what was written so far stays and is not written twice", err=True)
        sys.exit(3)
    return "replaced" if known.release else "granted"


def _row(release: Release) -> dict[str, Any]:
    return {
        "parent": release.target.parent_name,
        "name": release.target.name,
        "target": release.target.id,
        "release": release.id,
        "approved_by": release.approved_by,
        "approved_at": release.approved_at.isoformat(),
        "ticket": release.ticket,
        "expires_at": release.expires_at.isoformat() if release.expires_at else None,
        "facts": dict(release.facts),
    }
