"""Model Audit itself, through the same functions that a check calls."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from audit.judge import judge
from audit.model import Finding, Look, Observation, Outcome, Release, Target
from audit.privacy import Privacy
from audit.record import ledger
from audit.sight.catalogue import read_catalogue
from audit.sight.facts import observe
from audit.targets import parse_target
from benchmarks.engines import Engine
from benchmarks.fields import Key, id_of
from benchmarks.files import CATALOGUE, LIVE, RELEASES

See = Callable[[Target, Any], Observation]


def judging(folder: Path, now: datetime) -> Engine:
    """Parse, take the facts and judge."""
    return _engine(folder, now, lambda target, document: observe(target, Look(Outcome.PRESENT, document), now))


def sweeping(folder: Path, now: datetime) -> Engine:
    """Do what a sweep does to each document: hide secrets and people first, and digest the state after."""
    privacy = Privacy(b"a key for benchmarks")

    def see(target: Target, document: Any) -> Observation:
        seen = observe(target, Look(Outcome.PRESENT, privacy.redact(document)), now)
        ledger.state_of(seen)
        return seen

    return _engine(folder, now, see)


def _engine(folder: Path, now: datetime, see: See) -> Engine:
    with (folder / RELEASES).open("rb") as lines:
        releases = {each.target: each for each in (msgspec.json.decode(line, type=Release) for line in lines)}
    catalogue = read_catalogue(json.loads((folder / CATALOGUE).read_text()))

    def run() -> Sequence[Finding]:
        findings: list[Finding] = []
        with (folder / LIVE).open("rb") as lines:
            for document in map(json.loads, lines):
                target = parse_target(id_of(document))
                findings += judge(releases.get(target), see(target, document), catalogue, now)
        return findings

    return Engine(run, _keys)


def _keys(findings: Sequence[Finding]) -> Iterable[Key]:
    return ((finding.rule, finding.subject, finding.target.id) for finding in findings)
