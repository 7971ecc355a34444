"""`serving` and `history`: what served when, and the life of a target."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from audit import wiring
from audit.cli.output import EXIT_FINDINGS, output_option, show
from audit.cli.targets import resolve
from audit.errors import BadInput
from audit.judge import serving as serving_phrases
from audit.model import Kind
from audit.service.history import Serving


@click.command()
@click.argument("targets", nargs=-1)
@click.option("--at", "moment", help="A past moment, such as 2026-11-01 or 2026-11-01T09:30:00Z; by default now.")
@output_option
def serving(targets: tuple[str, ...], moment: str | None, output: str) -> None:
    """Show what served at a moment: version, share of traffic, since when, and who had approved it.

    TARGETS are ARM ids or patterns such as 'mlw-prod/churn'; without one, everything is shown. A state that
    nobody looked at around that moment is marked as not certain. Exit: 0, or 1 where nothing was known then.
    """
    at = _moment(moment) if moment else wiring.now()
    rows = [_serving_row(each) for each in _served(targets, at) if each.target.kind is not Kind.PARENT]
    columns = ("target", "serving", "since", "certain", "release", "approved_by", "ticket")
    show(rows, columns, output, f"Nothing had been looked at by {at:%Y-%m-%d %H:%M} UTC.")
    sys.exit(0 if rows else EXIT_FINDINGS)


@click.command()
@click.argument("target")
@output_option
def history(target: str, output: str) -> None:
    """Tell the life of TARGET in order: events and who, looks, findings, alerts and approvals."""
    moments = [moment for each in resolve((target,)) for moment in wiring.historian().history(each)]
    rows = [msgspec.to_builtins(moment) | {"at": f"{moment.at:%Y-%m-%d %H:%M:%S}"} for moment in moments]
    show(rows, ("at", "what", "who", "text"), output, "Nothing is recorded of it.")


def _served(targets: tuple[str, ...], at: datetime) -> Iterator[Serving]:
    historian = wiring.historian()
    if targets:
        yield from filter(None, (historian.serving(target, at) for target in resolve(targets)))
        return
    for parent in wiring.reporter().parents():
        yield from historian.serving_all(parent, at)


def _serving_row(answer: Serving) -> dict[str, Any]:
    release = answer.release
    facts = msgspec.to_builtins(answer.facts)
    return {
        "target": f"{answer.target.parent_name}/{answer.target.name}",
        "id": answer.target.id,
        "serving": "; ".join(serving_phrases(answer.facts)) if answer.facts else str(answer.outcome),
        "since": f"{answer.since:%Y-%m-%d %H:%M}",
        "until": answer.until.isoformat(),
        "changed_at": answer.changed_at.isoformat() if answer.changed_at else None,
        "certain": "yes" if answer.is_certain else _uncertainty(answer),
        "release": release.id if release else "none",
        "approved_by": release.approved_by if release else "nobody",
        "ticket": release.ticket if release else "",
        "evidence": msgspec.to_builtins(release.evidence) if release else {},
        "outcome": str(answer.outcome),
        "snapshot": answer.snapshot,
        "facts": facts,
    }


def _uncertainty(answer: Serving) -> str:
    """Return between which moments nobody looked."""
    if answer.changed_at is None:
        return f"last seen {answer.until:%Y-%m-%d %H:%M}"
    return f"no: changed between {answer.until:%Y-%m-%d %H:%M} and {answer.changed_at:%Y-%m-%d %H:%M}"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"expected a moment such as 2026-11-01T09:30:00Z in --at, got {text!r}") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
