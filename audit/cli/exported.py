"""`check --export`: the findings and the report of what `az` printed, without rights in Azure and without a trace.

The very procedure of a sweep runs, on storage that lasts as long as the process.
"""

import fnmatch
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click

from audit import wiring
from audit.approvals.release_files import Files, read_files
from audit.approvals.releases import read_approvals, read_policies
from audit.cli.evidence import write_report
from audit.cli.findings_output import exit_code, finding_rows, show_findings
from audit.model import Release, Target
from audit.record import keys
from audit.sight.exports import Export, judgeable, read_exports
from audit.sight.facts import observe

PERIOD = timedelta(days=1)  # of the report; everything in it is of this moment


def check_export(
    folder: Path, release_files: Path | None, patterns: tuple[str, ...], output: str, page: Path | None
) -> int:
    """Judge what a folder holds, show the findings, write the report, and return the exit code."""
    export = _only_asked(read_exports(folder), patterns)
    files, earlier = (_of_files(release_files, patterns), {}) if release_files else _of_ledger(export)
    wanted = replace(files, releases=[_judgeable(each, export) for each in files.releases])
    live = wiring.exported(export, [release.target for release in wanted.releases])
    reporter = wiring.rehearsal().judge(live, wanted, earlier)
    rows = finding_rows(reporter.open_findings())
    show_findings(rows, output, f"{len(export.looks)} targets are as approved.")
    for name, why in export.skipped.items():
        click.echo(f"not read: {name}: {why}", err=True)
    for before, after in zip(files.releases, wanted.releases, strict=True):
        if lost := sorted(before.facts.keys() - after.facts.keys()):
            click.echo(f"not judged, for `az` does not print it: {before.target.id}: {', '.join(lost)}", err=True)
    if page is not None:
        now = wiring.now()
        found = reporter.report(now - PERIOD, now)
        write_report(replace(found, source=f"files that `az` printed into {folder.name}"), page)
    return exit_code(rows)


def _judgeable(release: Release, export: Export) -> Release:
    look = export.looks.get(release.target)
    return judgeable(release, observe(release.target, look, wiring.now()).facts) if look else release


def _of_files(path: Path, patterns: tuple[str, ...]) -> Files:
    files = read_files(path)
    return replace(
        files,
        releases=[each for each in files.releases if _is_asked(each.target, patterns)],
        waivers=[each for each in files.waivers if _is_asked(each.target, patterns)],
    )


def _of_ledger(export: Export) -> tuple[Files, dict[Target, Release]]:
    """Return what is in force for the targets of a folder, and to which releases they may go back."""
    table, found, earlier = wiring.table(wiring.RELEASES), Files(), dict[Target, Release]()
    for target in export.looks:
        rows = table.rows(keys.partition(target.parent), *keys.hot(keys.target_hash(target)))
        known = read_approvals(rows)
        found.releases.extend([known.release] if known.release else [])
        found.waivers.extend(known.waivers)
        earlier |= {target: known.rollback} if known.rollback else {}
    found.policies.extend(read_policies(table.rows(keys.POLICY, *keys.ALL_HOT)).policies)
    return found, earlier


def _only_asked(export: Export, patterns: tuple[str, ...]) -> Export:
    return replace(export, looks={t: look for t, look in export.looks.items() if _is_asked(t, patterns)})


def _is_asked(target: Target, patterns: tuple[str, ...]) -> bool:
    names = (target.id, f"{target.parent_name}/{target.name}")
    return not patterns or any(fnmatch.fnmatchcase(name, each.lower()) for name in names for each in patterns)
