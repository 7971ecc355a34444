"""`check --export`: the findings of what `az` printed, without rights in Azure and without a ledger."""

import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from audit import keys, settings, wiring
from audit.approvals.release_files import read_release_files
from audit.approvals.releases import read_approvals
from audit.cli.findings_output import exit_code, show_findings
from audit.cli.output import EXIT_FAILED
from audit.exports import Export, read_exports
from audit.facts import observe
from audit.judge import judge
from audit.model import Finding, Observation, Release, Target


def check_export(folder: Path, release_files: Path | None, patterns: tuple[str, ...], output: str) -> int:
    """Judge what a folder holds, show the findings, and return the exit code.

    What is approved and not in the folder is not judged: a folder cannot show that something is gone.
    """
    export = read_exports(folder)
    targets = [target for target in export.looks if _is_asked(target, patterns)]
    approved = _from_files(release_files) if release_files else _from_ledger(targets)
    findings = [found for target in targets for found in _judge(export, target, approved.get(target))]
    unseen = [] if patterns else sorted(target.id for target in approved.keys() - export.looks.keys())
    rows = [_row(found) for found in findings]
    show_findings(rows, output, f"{len(targets)} targets are as approved.")
    for name, why in export.skipped.items():
        click.echo(f"not read: {name}: {why}", err=True)
    for id_ in unseen:
        click.echo(f"approved, but not in {folder}: {id_}", err=True)
    return EXIT_FAILED if unseen else exit_code(rows)


def observe_export(export: Export, target: Target) -> Observation:
    """Return the observation that an export amounts to, without secrets."""
    look, privacy = export.looks[target], settings.read_privacy()
    return observe(target, replace(look, document=privacy.redact(look.document)), wiring.now())


def _judge(export: Export, target: Target, release: Release | None) -> tuple[Finding, ...]:
    return judge(release, observe_export(export, target), export.catalogue_for(target), wiring.now())


def _from_files(path: Path) -> dict[Target, Release]:
    return {release.target: release for release in read_release_files(path)}


def _from_ledger(targets: list[Target]) -> Mapping[Target, Release]:
    table = wiring.table(wiring.RELEASES)
    found = {
        target: read_approvals(table.rows(keys.partition(target.parent), *keys.hot(keys.target_hash(target))))
        for target in targets
    }
    return {target: approvals.release for target, approvals in found.items() if approvals.release}


def _is_asked(target: Target, patterns: tuple[str, ...]) -> bool:
    names = (target.id, f"{target.parent_name}/{target.name}")
    return not patterns or any(fnmatch.fnmatchcase(name, each.lower()) for name in names for each in patterns)


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "rule": finding.rule,
        "target": finding.target.id,
        "where": f"{finding.target.parent_name}/{finding.target.name}",
        "subject": finding.subject,
        "expected": finding.expected,
        "got": finding.got,
        "detail": finding.detail,
    }
