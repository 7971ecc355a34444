"""`serving` and `history`: what served when, and the life of a target."""

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click
import msgspec

from audit import wiring
from audit.cli.output import EXIT_FINDINGS, output_option, show
from audit.cli.targets import resolve
from audit.model import Kind
from audit.moments import parse_moment, show_moment
from audit.service.history import Serving, serving_data


@click.command()
@click.argument("targets", nargs=-1)
@click.option("--at", "moment", help="A past moment, such as 2026-11-01 or 2026-11-01T09:30:00Z; by default now.")
@output_option
def serving(targets: tuple[str, ...], moment: str | None, output: str) -> None:
    """Show what served at a moment: version, share of traffic, since when, and who had approved it by then.

    TARGETS are ids or patterns such as 'mlw-prod/churn'; without one, every endpoint and deployment is shown.
    A state that nobody looked at around that moment is marked as not certain. Exit: 0, or 1 where nothing was
    known then.
    """
    at = parse_moment(moment) if moment else wiring.now()
    found = [_row(each) for each in _served(targets, at) if each.target.kind is not Kind.PARENT]
    rows = sorted(found, key=lambda row: (row["target"], row["kind"]))
    columns = ("target", "serving", "stands", "approved", "approved_by", "seen_since", "sure")
    show(rows, columns, output, f"Nothing had been looked at by {show_moment(at)}.")
    sys.exit(0 if rows else EXIT_FINDINGS)


@click.command()
@click.argument("target")
@output_option
def history(target: str, output: str) -> None:
    """Tell the life of TARGET in order: events and who, looks, findings, alerts and approvals."""
    found = resolve((target,))
    rows = [
        msgspec.to_builtins(moment) | {"at": f"{moment.at:%Y-%m-%d %H:%M:%S}", "of": f"{each.kind} {each.name}"}
        for each in found
        for moment in wiring.historian().history(each)
    ]
    which = ("of",) if len(found) > 1 else ()
    show(rows, (*which, "at", "what", "who", "text"), output, "Nothing is recorded of it.")


def _served(targets: tuple[str, ...], at: datetime) -> Iterator[Serving]:
    historian = wiring.historian()
    if targets:
        yield from filter(None, (historian.serving(target, at) for target in resolve(targets)))
        return
    yield from historian.serving_everywhere(at)


def _row(answer: Serving) -> dict[str, Any]:
    release = answer.release
    return serving_data(answer) | {
        "seen_since": show_moment(answer.since),
        "sure": "yes" if answer.is_certain else _uncertainty(answer),
        "approved": release.id if release else "no",
        "approved_by": release.approved_by if release else "nobody",
    }


def _uncertainty(answer: Serving) -> str:
    """Return between which moments nobody looked."""
    if answer.changed_at is None:
        return f"last seen {show_moment(answer.until)}"
    return f"no: changed between {show_moment(answer.until)} and {show_moment(answer.changed_at)}"
