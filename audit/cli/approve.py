"""`releases`: what is approved, written by those who may approve."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from audit import wiring
from audit.approvals import policy, waivers
from audit.approvals.plan import UNCHANGED, Difference, Step, differences
from audit.approvals.release_files import read_files
from audit.cli.output import EXIT_FINDINGS, output_option, show
from audit.cli.targets import resolve
from audit.errors import BadInput
from audit.model import Release, Target, Waiver
from audit.record import evidence
from audit.service.approve import Asked
from audit.targets import find_target

POLICY = "policy:"


@click.group()
def releases() -> None:
    """Show and change what is approved. Writing needs write access to the table `releases`."""


@releases.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@output_option
def plan(path: Path, output: str) -> None:
    """Show what applying a file or folder would change: releases, waivers and policies, value by value.

    What is in force and not in the files stays in force; only `revoke` ends it. Exit: 0 nothing would change,
    1 something would, 2 the files are wrong.
    """
    steps = [step for step in wiring.approver().plan(read_files(path)) if step.change != UNCHANGED]
    rows = [row for step in steps for row in _plan_rows(step)]
    columns = ("change", "where", "name", "field", "was", "becomes")
    show(rows, columns, output, "Everything is in force as these files say.")
    sys.exit(EXIT_FINDINGS if steps else 0)


@releases.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@output_option
def apply(path: Path, output: str) -> None:
    """Put the releases, waivers and policies of a file or folder in force.

    All files are read and checked before anything is written; applying twice changes nothing. Exit: 0 all is in
    force, 2 the files are wrong and nothing is written, 3 it stopped and says what is written.
    """
    files = read_files(path)
    known = {release.target.id: release for release in files.releases}
    rows = [
        (_row(known[step.subject]) if step.subject in known else _bare_row(step)) | _step_row(step)
        for step in wiring.approver().apply(files)
    ]
    show(rows, ("change", "where", "release", "approved_by"), output, "No releases.")


@releases.command("list")
@output_option
def list_(output: str) -> None:
    """Show the releases in force."""
    rows = [_row(release) for release in wiring.reporter().approved()]
    columns = ("parent", "name", "release", "stage", "approved_by", "approved_at", "ticket")
    show(rows, columns, output, "No releases.")


@releases.command("show")
@click.argument("target")
@output_option
def show_(target: str, output: str) -> None:
    """Show all that is approved, waived and demanded for TARGET. Exit: 0, or 1 where nothing is approved."""
    approver, now = wiring.approver(), wiring.now()
    demands = approver.policies()
    shown, is_approved = [], True
    for each in resolve((target,)):
        known = approver.approvals(each)
        is_approved = is_approved and known.release is not None
        demanded = policy.policy_of(each, known.release.facts if known.release else {}, demands)
        shown.append(
            {
                "target": each.id,
                "release": msgspec.to_builtins(known.release),
                "waivers": [waiver_row(w, waivers.state(w, now)) for w in known.waivers],
                "policy": msgspec.to_builtins(demanded),
                "chain": {"entries": known.link.seq, "digest": known.link.digest},
            }
        )
    if output == "json":
        show(shown, (), output, "")
    else:
        rows = [row for each in shown for row in _value_rows(each)]
        show(rows, ("field", "value"), output, "Nothing is approved.")
    sys.exit(0 if is_approved else EXIT_FINDINGS)


@releases.command()
@click.argument("target")
@output_option
def history(target: str, output: str) -> None:
    """Tell who approved, revoked and waived what for TARGET. Exit: 0, or 1 where the chain is broken."""
    rows, is_broken = [], False
    for each in resolve((target,)):
        entries, broken = wiring.approver().history(each)
        rows += [_history_row(raw) for raw in entries]
        if broken:
            is_broken = True
            click.echo(f"the chain of {each.id} is broken at entry {broken.seq}", err=True)
            click.echo(f"expected {broken.expected}, got {broken.got}", err=True)
    show(rows, ("seq", "at", "act", "what", "approved_by", "identity", "reason"), output, "Nothing was approved.")
    sys.exit(EXIT_FINDINGS if is_broken else 0)


@releases.command()
@click.argument("target")
@click.option("--reason", required=True, help="Why; it is kept in the chain for ever.")
@output_option
def revoke(target: str, reason: str, output: str) -> None:
    """Take the release of TARGET, or the policy of `policy:SCOPE`, out of force."""
    approver = wiring.approver()
    if target.startswith(POLICY):
        steps = [approver.lift(target.removeprefix(POLICY), reason)]
    else:
        steps = [approver.revoke(_only(target), reason)]
    show([_bare_row(step) | _step_row(step) for step in steps], ("change", "where", "name"), output, "")


def apply_release(release: Release) -> str:
    """Put one release in force and return what that was: `granted`, `replaced` or `unchanged`."""
    steps: list[Step] = wiring.approver().apply(Asked(releases=[release]))
    return steps[0].change


def waiver_row(waiver: Waiver, state: str) -> dict[str, Any]:
    """Return a waiver as commands show it."""
    return {
        "id": waivers.id_of(waiver),
        "state": str(state),
        "where": _where(waiver.target),
        "target": waiver.target.id,
        "rule": waiver.rule,
        "subject": waiver.subject or "(any)",
        "author": waiver.author,
        "until": f"{waiver.ends_at:%Y-%m-%d %H:%M}",
        "starts_at": waiver.starts_at.isoformat(),
        "ends_at": waiver.ends_at.isoformat(),
        "ticket": waiver.ticket,
        "reason": waiver.reason,
    }


def _only(pattern: str) -> Target:
    found = resolve((pattern,))
    if len(found) != 1:
        names = ", ".join(f"{each.kind}:{_where(each)}" for each in found)
        raise BadInput(f"expected exactly one target for {pattern!r}, got {len(found)}: {names}")
    return found[0]


def _where(target: Target) -> str:
    return f"{target.parent_name}/{target.name}"


def _step_row(step: Step) -> dict[str, Any]:
    target = find_target(step.subject)
    return {
        "change": step.change,
        "where": _where(target) if target else step.subject,
        "name": step.name,
        "target": step.subject,
    }


def _bare_row(step: Step) -> dict[str, Any]:
    return {"release": step.name, "approved_by": ""}


def _plan_rows(step: Step) -> list[dict[str, Any]]:
    found = step.differences or (Difference("", "", ""),)
    return [_step_row(step) | msgspec.to_builtins(each) for each in found]


def _value_rows(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"field": each.field, "value": each.becomes} for each in differences(None, shown)]


def _history_row(raw: bytes) -> dict[str, Any]:
    entry = evidence.read(raw)
    body = entry.get("body") or {}
    release, waiver = body.get("release") or {}, body.get("waiver") or {}
    return {
        "seq": entry.get("seq"),
        "at": str(entry.get("at"))[:19],
        "act": entry.get("kind"),
        "what": release.get("id") or body.get("revokes") or body.get("id") or "",
        "approved_by": release.get("approved_by") or waiver.get("author") or "",
        "identity": body.get("identity", ""),
        "reason": body.get("reason") or waiver.get("reason") or release.get("ticket") or "",
        "release": release,
        "waiver": waiver,
    }


def _row(release: Release) -> dict[str, Any]:
    return {
        "parent": release.target.parent_name,
        "name": release.target.name,
        "target": release.target.id,
        "release": release.id,
        "stage": str(release.stage),
        "approved_by": release.approved_by,
        "approved_at": release.approved_at.isoformat(),
        "ticket": release.ticket,
        "expires_at": release.expires_at.isoformat() if release.expires_at else None,
        "facts": msgspec.to_builtins(release.facts),
    }
