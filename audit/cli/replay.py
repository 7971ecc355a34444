"""`replay`: take in again what was dead-lettered or recorded."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from audit import wiring
from audit.cli.output import EXIT_FAILED, output_option, progress_bar, show
from audit.errors import SettingsError
from audit.events.actors import Identities, describe
from audit.events.message import deed
from audit.events.recordings import Fault, Recorded, read_recordings
from audit.privacy import PersonalData, Privacy
from audit.service.intake import Taken, plan, read_releases

_COLUMNS = ("result", "target", "what", "reason")

Row = dict[str, Any]


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, readable=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would be done with each event.")
@output_option
def replay(paths: tuple[Path, ...], dry_run: bool, output: str) -> None:
    """Take in the Event Grid messages of PATHS: dead letters, recordings, or folders of them.

    Replaying twice changes nothing: an event that was taken in before is a duplicate. A dry run needs no
    settings; with them it knows the pipelines and the releases.
    Exit: 0 done, 3 something could not be read (it is named, and the rest is done all the same).
    """
    take = _planner() if dry_run else wiring.intake().take
    rows = list(_work_off(list(read_recordings(paths)), take))
    show(rows if output == "json" else [_flat(row) for row in rows], _COLUMNS, output, "No events.")
    _sum_up(rows)
    if any(row["result"] == "unreadable" for row in rows):
        sys.exit(EXIT_FAILED)


def _planner() -> Callable[[str], Taken]:
    """Return what says what would be done with a message; it reads the releases where it can, and never writes."""
    try:
        identities = wiring.identities()
    except SettingsError as error:
        click.echo(f"model-audit: {error}", err=True)
        click.echo("without settings no pipeline is known, no release is read, and no person is named", err=True)
        offline = Identities((), Privacy(b"", PersonalData.REDACT))
        return lambda text: plan(text, offline, lambda _: (), wiring.now())
    table, container = wiring.table(wiring.RELEASES), wiring.intake().container
    return lambda text: plan(
        text, identities, lambda parent: read_releases(table, parent), wiring.now(), container
    )


def _work_off(found: list[Recorded | Fault], take: Callable[[str], Taken]) -> Iterator[Row]:
    """Return a row for each message, and for each place where there should be one."""
    with progress_bar() as progress:
        for each in progress.track(found, description="replaying"):
            taken = Taken("unreadable", reason=each.reason) if isinstance(each, Fault) else take(each.text)
            yield {"file": str(each.file), "line": each.line} | _row(taken)


def _row(taken: Taken) -> Row:
    """Return what became of a message, in the stable form of `--output json`."""
    message = taken.message
    event = message.event if message else None
    targets = [{"id": target.id, "kind": str(target.kind)} for target in taken.targets]
    return {
        "result": taken.result,
        "reason": taken.reason,
        "schema": str(message.schema) if message else None,
        "id": event.id if event else None,
        "type": event.type if event else None,
        "time": event.time.isoformat() if event else None,
        "target": targets[0] if targets else None,
        "targets": targets,
        "resource": event.resource if event else None,
        "operation": event.operation if event else None,
        "status": event.status if event else None,
        "correlation_id": event.correlation_id if event else None,
        "actor": msgspec.to_builtins(event.actor) | {"text": describe(event.actor)} if event else None,
        "dead_letter": message.dead_letter if message else None,
    }


def _flat(row: Row) -> Row:
    """Return a row for people; JSON has all of it."""
    named = [f"{target['kind']} {target['id'].rsplit('/', 1)[1]}" for target in row["targets"]]
    return {
        "result": row["result"],
        "target": ", ".join(named) or f"none ({Path(row['file']).name}:{row['line']})",
        "what": f"{row['actor']['text']} {deed(row['operation'], row['status'])}" if row["actor"] else None,
        "reason": row["reason"],
    }


def _sum_up(rows: list[Row]) -> None:
    for row in rows:
        if row["result"] == "unreadable":
            click.echo(f"could not read {row['file']}:{row['line']}: {row['reason']}", err=True)
    counts = Counter(row["result"] for row in rows)
    words = ", ".join(f"{counts[result]} {result}" for result in sorted(counts))
    click.echo(f"{len(rows)} events: {words or 'nothing to do'}", err=True)
