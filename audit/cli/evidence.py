"""`report` and `journal`: what an auditor asks for."""

import getpass
import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import click

from audit import wiring
from audit.cli.output import EXIT_FINDINGS, output_option, show
from audit.cli.verified import conclusions, show_chains, show_checkpoints
from audit.record import checkpoints, keys
from audit.record.seals import SUFFIXES, Kept, read_trust
from audit.record.verify import Chain
from audit.told.render import render_report
from audit.told.report import Report

SEVEN_YEARS = 2557  # days, two of them leap days
PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 3660), help="Length of the period.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; by default stdout.")
def report(days: int, out: Path | None) -> None:
    """Write the report of a period that ends now, as one self-contained HTML page."""
    end = wiring.now()
    found = wiring.reporter().report(end - timedelta(days=days), end)
    if out is None:
        click.echo(render_report(found))
    else:
        write_report(found, out)


def write_report(found: Report, out: Path) -> None:
    """Write a report into a file, and say so."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(render_report(found), "utf-8")
    click.echo(f"wrote {out}", err=True)


@click.group()
def journal() -> None:
    """Recompute the record, or take it elsewhere."""


@journal.command()
@click.option(
    "--anchors",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with copies of checkpoints, and of reports or other texts that name their digests.",
)
@click.option("--key", "signers", multiple=True, type=PEM, help="A public key that signs checkpoints, as PEM.")
@click.option("--tsa", "authorities", multiple=True, type=PEM, help="Certificates of a time-stamping authority.")
@click.option("--checkpoints", "is_by_checkpoint", is_flag=True, help="Show the checkpoints, not the chains.")
@output_option
def verify(
    anchors: Path | None,
    signers: tuple[Path, ...],
    authorities: tuple[Path, ...],
    is_by_checkpoint: bool,
    output: str,
) -> None:
    """Recompute every chain, re-read every row and snapshot, and hold all against the checkpoints.

    It says of each chain from when on it is there, and up to which entry and moment a checkpoint vouches for it.
    What only the chain itself vouches for can be cut off or written anew by whoever can write to the table. Seals
    of checkpoints are checked by what --key and --tsa name. Exit: 0 all holds, 1 something is broken, 3 could not
    look.
    """
    trust = read_trust((file.read_bytes() for file in signers), (file.read_bytes() for file in authorities))
    copies = list(_copies(anchors)) if anchors else []
    verified = wiring.verifier().verify(copies, _digests(anchors) if anchors else (), trust)
    show_checkpoints(verified, output) if is_by_checkpoint else show_chains(verified, output)
    for sentence in conclusions(verified, wiring.now()):
        click.echo(sentence, err=True)
    sys.exit(EXIT_FINDINGS if verified.broken else 0)


@journal.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export(folder: Path) -> None:
    """Write every chain to FOLDER, one JSON Lines file each, for verification by anyone (docs/verify.md)."""
    chains = list(wiring.verifier().chains())
    write_chains(chains, folder)
    click.echo(f"wrote {len(chains)} chains to {folder}", err=True)


def write_chains(chains: Iterable[Chain], folder: Path) -> None:
    """Write each chain as JSON Lines, the very bytes that were hashed, and where each must end.

    A file is named after the folder of the parent's checkpoints and what these call the chain.
    """
    folder.mkdir(parents=True, exist_ok=True)
    heads = []
    for chain in chains:
        place = f"{keys.partition(chain.parent)}." if chain.parent else ""
        file = folder / f"{place}{chain.mark}.jsonl"
        file.write_bytes(b"".join(raw + b"\n" for raw in chain.entries))
        heads.append(f"{file.name} {chain.head.seq} {chain.head.digest} {chain.title}\n")
    (folder / "heads.txt").write_text("".join(heads), "utf-8")


@journal.command()
@click.option(
    "--older-than-days",
    default=SEVEN_YEARS,
    show_default=True,
    type=click.IntRange(min=1),
    help="What is older may go.",
)
@click.option("--yes", is_flag=True, help="Do it without asking.")
@output_option
def prune(older_than_days: int, yes: bool, output: str) -> None:
    """Cut old entries off the front of every chain of checks, as far as a full checkpoint covers them.

    That a chain was cut, up to where and by whom, is an entry of the same chain. A chain that does not hold
    together is left as it is. Approvals, policies and alerts are kept. Exit: 0 done, 1 some chain was left.
    """
    before = wiring.now() - timedelta(days=older_than_days)
    if not yes:
        click.confirm(f"Delete all evidence from before {before:%Y-%m-%d} for good?", abort=True, err=True)
    pruned = [
        each
        for parent in wiring.reporter().parents()
        for each in wiring.pruner().prune(parent, before, getpass.getuser())
    ]
    rows = [
        {
            "target": p.target.id,
            "entries": p.entries,
            "observations": p.observations,
            "up_to": p.up_to,
            "left": p.kept,
        }
        for p in pruned
    ]
    columns = ("target", "entries", "observations", "up_to", "left")
    show(rows, columns, output, "Nothing that old is covered by a checkpoint.")
    sys.exit(EXIT_FINDINGS if any(p.kept for p in pruned) else 0)


def _copies(folder: Path) -> Iterator[Kept]:
    for file in sorted(folder.rglob("*.json")):
        beside = {suffix: file.with_name(file.name + suffix) for suffix in SUFFIXES}
        seals = {suffix: place.read_bytes() for suffix, place in beside.items() if place.is_file()}
        yield Kept(f"{file.parent.name}/{file.name}", file.read_bytes(), seals)


def _digests(folder: Path) -> set[str]:
    """Return the digests that reports and other texts name as those of checkpoints."""
    texts = (file.read_text("utf-8", "replace") for file in folder.rglob("*") if file.suffix in (".html", ".txt"))
    return {digest for text in texts for digest in checkpoints.find_digests(text)}
