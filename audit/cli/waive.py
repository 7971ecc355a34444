"""`waivers`: which findings somebody accepts, until when and why."""

import getpass
import sys
from datetime import UTC, datetime, timedelta

import click
import msgspec

from audit import wiring
from audit.approvals import waivers as core
from audit.approvals.strict_files import did_you_mean
from audit.cli.approve import waiver_row
from audit.cli.output import output_option, show
from audit.cli.targets import resolve
from audit.errors import BadInput
from audit.model import Waiver
from audit.record.decode import convert
from audit.rules import RULES
from audit.service.approve import Asked

_COLUMNS = ("id", "state", "where", "rule", "subject", "author", "until", "reason")


@click.group()
def waivers() -> None:
    """Show and change which findings are accepted. What a waiver covers is still counted and shown."""


@waivers.command()
@click.argument("target")
@click.option("--rule", required=True, help="The id of the rule, such as MA401.")
@click.option("--subject", default="", help="Only there, such as sku.capacity; by default everywhere.")
@click.option("--reason", required=True, help="Why this is acceptable.")
@click.option("--until", required=True, help="The last moment: 2026-12-31, or with time and zone; or 30d.")
@click.option("--ticket", default="", help="Where it was decided.")
@click.option("--author", help="Who accepts it; by default the one who runs this.")
@output_option
def add(
    target: str, rule: str, subject: str, reason: str, until: str, ticket: str, author: str | None, output: str
) -> None:
    """Accept a finding at TARGET until a day. Renewing is adding again. Exit: 0 done, 2 refused."""
    now, known = wiring.now(), rule.upper()
    if known not in RULES:
        hint = did_you_mean(known, RULES) or ":"
        raise BadInput(f"expected the id of a rule, got {rule!r}{hint} `model-audit rules` lists them")
    if not reason.strip():
        raise BadInput("expected a reason, got nothing")
    ends_at, named = _moment(until, now), author or getpass.getuser()
    if ends_at <= now:
        raise BadInput(f"expected an end in the future in --until, got {until!r}")
    found = [Waiver(t, known, named, reason, now, ends_at, ticket, subject) for t in resolve((target,))]
    wiring.approver().apply(Asked(waivers=found))
    show([waiver_row(each, core.state(each, now)) for each in found], _COLUMNS, output, "")


@waivers.command("list")
@click.option("--all", "is_all", is_flag=True, help="Expired ones too.")
@output_option
def list_(is_all: bool, output: str) -> None:
    """Show waivers with their state."""
    now = wiring.now()
    found = [(each, core.state(each, now)) for each in wiring.approver().waivers()]
    rows = [waiver_row(each, state) for each, state in found if is_all or state is not core.State.EXPIRED]
    show(rows, _COLUMNS, output, "No waivers.")


@waivers.command()
@click.argument("id_", metavar="ID")
@click.option("--reason", required=True, help="Why it ends now; it is kept in the chain for ever.")
@output_option
def revoke(id_: str, reason: str, output: str) -> None:
    """End the waiver ID before its time."""
    approver = wiring.approver()
    waiver = next((each for each in approver.waivers() if core.id_of(each) == id_), None)
    if waiver is None:
        raise BadInput(f"expected the id of a waiver, got {id_!r}: `model-audit waivers list --all` shows them")
    step = approver.withdraw(waiver.target, id_, reason)
    show([waiver_row(waiver, step.change)], _COLUMNS, output, "")
    sys.exit(0)


def _moment(text: str, now: datetime) -> datetime:
    """Return the moment that `30d`, a day (its end, in UTC) or a time with its zone means."""
    if text.endswith("d") and text[:-1].isdecimal() and len(text) < 6:
        return now + timedelta(days=int(text[:-1]))
    try:
        if len(text) == len("2026-12-31"):
            return convert(f"{text}T00:00:00Z", datetime) + timedelta(days=1)
        moment = convert(text, datetime)
    except (msgspec.ValidationError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadInput(f"expected a day (2026-12-31), a time with its zone or days (30d) in --until, got {text!r}")
    return moment.astimezone(UTC)
