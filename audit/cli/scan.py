"""`scan`: every deployment of a subscription, before anything is deployed or approved."""

import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from datetime import timedelta

import click

from audit import wiring
from audit.cli.output import EXIT_FAILED, output_option, progress_bar, show
from audit.errors import AuditError
from audit.model import Kind, Outcome
from audit.ports import Live
from audit.sight.catalogue import Catalogue, Unread
from audit.sight.facts import observe
from audit.sight.scan import Row, rows_of

_COLUMNS = ("where", "deployment", "model", "version", "share", "changes", "retires", "then")
_AT_ONCE = 8  # parents; most of a read is waiting for its answer, and the pace is kept for all of them together
_CATALOGUE_AGE = timedelta(hours=1)


@click.command()
@click.option("--subscription", "subscriptions", multiple=True, metavar="ID", help="May be given several times.")
@output_option
def scan(subscriptions: tuple[str, ...], output: str) -> None:
    """List every deployment with its exact version, whether it can change by itself, and what becomes of it.

    Needs the role Reader and nothing else: no storage, no releases, no functions. What retires first stands first.
    Exit: 0 done, 3 something could not be looked at.
    """
    live = wiring.live(tuple(each.lower() for each in subscriptions))
    found = _Found()
    with progress_bar() as progress:
        parents = live.parents()
        task = progress.add_task("looking", total=len(parents))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for done in as_completed([pool.submit(_scan, live, parent) for parent in parents]):
                found.add(done.result())
                progress.advance(task)
                progress.update(task, description=f"{len(found.rows)} deployments")
    show([asdict(row) for row in sorted(found.rows, key=_urgency)], _COLUMNS, output, "Nothing serves here.")
    for failure in sorted(found.failures):
        click.echo(f"could not look: {failure}", err=True)
    click.echo(f"{found.listed} listed in {len(parents)} places, {found.unreadable} unreadable", err=True)
    if found.failures:
        sys.exit(EXIT_FAILED)


@dataclass(slots=True)
class _Found:
    rows: list[Row] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    listed: int = 0
    unreadable: int = 0

    def add(self, other: "_Found") -> None:
        self.rows += other.rows
        self.failures += other.failures
        self.listed += other.listed
        self.unreadable += other.unreadable


def _scan(live: Live, parent: str) -> _Found:
    """Return what one workspace, registry or account holds; what fails there hides none of the others."""
    try:
        listing = live.list_targets(parent)
    except AuditError as error:
        return _Found(failures=[f"{parent}: {error}"])
    failures = [f"{parent}: {name}: {why}" for name, why in listing.skipped.items() if name.startswith("/")]
    if listing.itself.outcome is Outcome.UNREADABLE:
        failures.append(f"{parent}: {listing.itself.reason}")
    found = _Found(failures=failures, listed=listing.listed)
    catalogue = _catalogue(live, parent, found) if any(_has_dates(each.kind) for each in listing.looks) else {}
    now = wiring.now()
    for target, look in listing.looks.items():
        seen = observe(target, look, now)
        found.rows += rows_of(seen, catalogue, now)
        if seen.outcome is Outcome.UNREADABLE:
            found.unreadable += 1
            found.failures.append(f"{target.id}: {seen.reason}")
    return found


def _catalogue(live: Live, parent: str, found: _Found) -> Catalogue | Unread:
    try:
        catalogue = live.catalogue(parent, _CATALOGUE_AGE)
    except AuditError as error:
        catalogue = Unread(str(error))
    if isinstance(catalogue, Unread):
        found.failures.append(f"the retirement dates for {parent}: {catalogue.reason}")
    return catalogue


def _has_dates(kind: Kind) -> bool:
    return kind is Kind.OPENAI_DEPLOYMENT


def _urgency(row: Row) -> tuple[bool, int, str, str]:
    return row.days_left is None, row.days_left or 0, row.where, row.deployment
