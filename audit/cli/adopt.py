"""`releases adopt`: begin with an existing fleet, from what serves now."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click

from audit import wiring
from audit.approvals import releases as approvals
from audit.approvals.adopt import Adopted, release_file
from audit.cli.targets import resolve
from audit.errors import AuditError, BadInput
from audit.mlflow import is_mlflow
from audit.model import Facts, Kind, Outcome, Target
from audit.record import keys, ledger
from audit.record.decode import convert
from audit.record.ledger import Head


@click.command()
@click.argument("targets", nargs=-1)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files, one a parent; files that are there already stay as they are.",
)
def adopt(targets: tuple[str, ...], out: Path) -> None:
    """Write release files from what was last seen of TARGETS, or of everything that nothing approves.

    TARGETS are ids or patterns such as 'mlw-prod/*'. The approver is left blank: `apply` refuses the files
    until a person has read and signed them.
    """
    chosen = resolve(targets) if targets else None
    files: dict[Path, list[Adopted]] = defaultdict(list)
    for head in _heads(chosen):
        target = head.target
        group = "mlflow" if is_mlflow(target.id) else target.resource_group
        name = out / f"{group}.{target.parent_name}.yaml"
        files[name].append(Adopted(target, _facts(head), head.observed_at))
    taken = [str(file) for file in files if file.exists()]
    if taken:
        raise BadInput(f"expected a folder without {', '.join(taken)}: what people have written stays as it is")
    out.mkdir(parents=True, exist_ok=True)
    for file, adopted in sorted(files.items()):
        file.write_text(release_file(adopted, wiring.now()), "utf-8")
        click.echo(f"wrote {file} with {len(adopted)} to sign")
    if not files:
        click.echo("Nothing to adopt: everything that was seen is approved, or nothing was seen yet.")


def _heads(chosen: list[Target] | None) -> Iterator[Head]:
    """Return the heads of targets that were there when last seen."""
    for parent in wiring.reporter().parents():
        partition = keys.partition(parent)
        approved = ledger.by_stream(wiring.table(wiring.RELEASES).rows(partition, *keys.ALL_HOT))
        rows = ledger.by_stream(wiring.table(wiring.LEDGER).rows(partition, *keys.ALL_HOT))
        for stream, found in sorted(rows.items()):
            head = ledger.read_hot(found).head
            if head is None or head.outcome is not Outcome.PRESENT or head.target.kind is Kind.PARENT:
                continue
            is_approved = approvals.read_approvals(approved.get(stream, ())).release is not None
            if head.target in chosen if chosen is not None else not is_approved:
                yield head


def _facts(head: Head) -> Facts:
    """Return the facts of a head, from its snapshot where they were too large for a row."""
    if head.facts or not head.snapshot:
        return head.facts
    content = wiring.blobs(wiring.EVIDENCE).get(head.snapshot)
    if content is None:
        raise AuditError(f"expected the snapshot {head.snapshot} of {head.target.id}, got none: check the target")
    return convert(json.loads(gzip.decompress(content))["facts"], dict[str, str | int | float | bool])
