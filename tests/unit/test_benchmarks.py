import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import judging
from benchmarks.corpus import write_corpus
from benchmarks.engines import Engine, model_audit, streaming
from benchmarks.fields import FIELDS, Key
from benchmarks.peers import PEER_PYTHON, ROOT

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
COUNT = 200


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, COUNT, NOW)
    return folder


def found_by(engine: Engine) -> list[Key]:
    return sorted(engine.keys(engine.run()))


@pytest.mark.parametrize("engine", [streaming.with_msgspec, model_audit.judging, model_audit.sweeping])
def test_an_engine_finds_what_a_plain_comparison_by_hand_finds(corpus: Path, engine) -> None:
    assert found_by(engine(corpus, NOW)) == found_by(streaming.with_json(corpus, NOW))


def test_the_corpus_breaks_every_rule_that_is_compared(corpus: Path) -> None:
    fields = {(field.rule, field.subject) for fields in FIELDS.values() for field in fields}
    others = {("MA101", "target"), ("MA104", "approval"), *((r, "retirement") for r in ("MA601", "MA802"))}

    found = {(rule, subject) for rule, subject, _ in found_by(streaming.with_json(corpus, NOW))}

    assert fields | others <= found


@pytest.mark.skipif(not PEER_PYTHON.exists(), reason="`make bench-peers` installs the heavy peers")
def test_the_heavy_peers_find_the_same_as_far_as_they_can() -> None:
    now = datetime.now(UTC)  # Cloud Custodian asks the clock itself

    figures = judging.measure_judging(COUNT, 1, now, with_peers=True)

    assert {each["id"] for each in figures} >= {"custodian", "deepdiff"}


def test_engines_that_disagree_are_not_compared() -> None:
    sample = {"all": "0a", "structural": "0b", "findings": 3}
    samples = {each.id: [sample] for each in judging.OWN} | {"sweep": [sample | {"all": "ff"}]}

    with pytest.raises(judging.Disagreement, match="as in a sweep"):
        judging.check_agreement(judging.OWN, samples)


@pytest.mark.azurite
def test_a_quick_run_prints_one_table_and_writes_the_same_figures(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"

    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    figures = json.loads(out.read_text())
    engines, loads, starts = figures["judging"][0], figures["committing"]["loads"], figures["starting"]
    assert figures["machine"].keys() >= {"cores", "python"}
    assert all({"documents_per_second", "peak_mb", "to_limit", "samples"} <= each.keys() for each in engines[:6])
    assert [each["advice"] for each in engines[6:]]
    assert all(each["does"] in ended.stdout for each in engines)
    assert figures["answering"]["answers"] == figures["answering"]["targets"]
    assert figures["answering"]["journal_reads"] == 0
    assert figures["committing"]["round_trips"]["at rest"].keys() == {"table", "queue", "blob"}
    assert {(load["targets"], load["writers"]) for load in loads} == {(1, 1), (1, 8), (200, 1), (200, 8)}
    assert all(load["median"].keys() >= {"events_per_second", "share_of_raw", "conflicts"} for load in loads)
    assert all(start["median"].keys() == {"ms", "peak_mb"} for start in starts)
    assert all(each["title"] in ended.stdout for each in (*engines, *starts))
