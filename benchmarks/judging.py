"""Judging a whole fleet from its JSON, by Model Audit and by others, each run in a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.corpus import write_corpus
from benchmarks.peers import ADVICE, PEER_PYTHON, ROOT

MAX_SECONDS = 600  # of one run; the slowest peer takes one minute for 100,000 documents

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contender:
    """An engine, and which of its findings must equal the limit's: `all`, those that are `structural`, or none.

    `does` says in words what it does for its time, and what it leaves undone.
    """

    id: str
    title: str
    does: str
    module: str
    name: str
    comparable: str = "all"
    python: Path = Path(sys.executable)


LIMIT = Contender(
    "limit",
    "limit: picked by hand, plain dicts, json",
    "streams, compares this corpus's settings as written; normalises nothing, survives no odd document",
    "streaming",
    "with_json",
)
OWN = (
    Contender(
        "parse",
        "parse only, json",
        "streams and forgets; finds nothing",
        "parsing",
        "with_json",
        comparable="",
    ),
    Contender(
        "parse-msgspec",
        "parse only, msgspec",
        "the same by the fastest parser here; Azure's SDKs, and so Model Audit, parse by json",
        "parsing",
        "with_msgspec",
        comparable="",
    ),
    LIMIT,
    Contender(
        "limit-msgspec",
        "the same with msgspec",
        "the limit, by the fastest parser here",
        "streaming",
        "with_msgspec",
    ),
    Contender(
        "model-audit",
        "Model Audit: parse, facts, judge",
        "streams, normalises every fact, asks every rule; findings have severity, expected, got and detail",
        "model_audit",
        "judging",
    ),
    Contender(
        "sweep",
        "the same as in a sweep: redact, digest",
        "hides secrets and people in the whole document first, digests the state after; no storage, no network",
        "model_audit",
        "sweeping",
    ),
)
PEERS = (
    Contender(
        "deepdiff",
        "DeepDiff, on the same fields",
        "streams, compares settings picked by hand; knows no dates, no catalogue, no meaning",
        "deepdiff_fields",
        "comparing",
        "structural",
        PEER_PYTHON,
    ),
    Contender(
        "custodian",
        "Cloud Custodian, one policy a rule",
        "loads all, joins what is approved, runs a policy a rule and kind; says what matched, not what differed",
        "custodian",
        "policies",
        "all",
        PEER_PYTHON,
    ),
)


class Disagreement(Exception):
    """Two engines found different things in the same corpus, so that their times say nothing."""


def measure_judging(count: int, times: int, now: datetime, *, with_peers: bool) -> list[Figures]:
    """Let every engine judge the same `count` documents `times` times, in turns; raise `Disagreement`."""
    contenders = [*OWN, *(PEERS if with_peers and PEER_PYTHON.exists() else ())]
    samples: dict[str, list[Figures]] = {each.id: [] for each in contenders}
    with tempfile.TemporaryDirectory() as folder:
        write_corpus(Path(folder), count, now)
        for _ in range(times):
            for each in contenders:
                samples[each.id].append(_run(each, Path(folder), now))
    check_agreement(contenders, samples)
    absent = [
        {"id": each.id, "title": each.title, "does": each.does, "advice": ADVICE}
        for each in PEERS
        if each not in contenders
    ]
    return [*_compared([_figures(each, samples[each.id], count) for each in contenders]), *absent]


def _run(each: Contender, folder: Path, now: datetime) -> Figures:
    command = [str(each.python), "-m", "benchmarks.engines", each.module, each.name, str(folder), now.isoformat()]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=MAX_SECONDS)
    sample: Figures = json.loads(ended.stdout)
    return sample


def check_agreement(contenders: Sequence[Contender], samples: dict[str, list[Figures]]) -> None:
    """Raise `Disagreement` where an engine found anything else than the limit, as far as they can be compared."""
    expected = samples[LIMIT.id][0]
    for each in contenders:
        for sample in samples[each.id] if each.comparable else ():
            if sample[each.comparable] != expected[each.comparable]:
                raise Disagreement(
                    f"expected {each.title} to find what {LIMIT.title} finds ({expected['findings']} findings), "
                    f"got {sample['findings']} that are not the same: compare `keys` of the two on a small corpus"
                )


def _figures(each: Contender, samples: list[Figures], count: int) -> Figures:
    seconds = median(sample["seconds"] for sample in samples)
    return {
        "id": each.id,
        "title": each.title,
        "does": each.does,
        "documents": count,
        "documents_per_second": count / seconds,
        "peak_mb": median(sample["peak_mb"] for sample in samples),
        "findings": samples[0]["findings"],
        "samples": samples,
    }


def _compared(figures: list[Figures]) -> list[Figures]:
    """Add how many times as fast each is as plain parsing, as the limit and as Model Audit."""
    rates = {each["id"]: each["documents_per_second"] for each in figures}
    peers = {"to_parse": "parse", "to_limit": "limit", "to_model_audit": "model-audit"}
    return [each | {name: rates[each["id"]] / rates[peer] for name, peer in peers.items()} for each in figures]
