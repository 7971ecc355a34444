"""(6) Azure fails under the real SDKs: no error opens or resolves a finding, and no event is lost."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from audit.errors import Throttled, Unavailable
from local.azure import ControlPlane, Fault
from local.azure.faults import Spoil
from tests.contracts import worlds
from tests.contracts.worlds import CHAT, CHURN, TARGETS
from tests.house import release
from tests.soak.estate import write_event
from tests.soak.stage import Stage
from tests.soak.test_order import changes, is_open

SIGHT = {"MA901", "MA902", "MA903"}  # the findings that tell of not seeing; those may come and go
KINDS = {
    "429": Fault(status=429, retry_after=0),
    "500": Fault(status=500),
    "503": Fault(status=503),
    "401": Fault(status=401),
    "403": Fault(status=403),
    "truncated": Fault(spoil=Spoil.TRUNCATED),
    "malformed": Fault(spoil=Spoil.MALFORMED),
    "hang": Fault(spoil=Spoil.HANG),
}
TENTH = {name: replace(fault, share=0.1 / len(KINDS)) for name, fault in KINDS.items()}
PATIENCE = 0.3  # seconds until a look gives up on an answer; 30 on Azure


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with worlds.plane(tmp_path_factory.mktemp("azure")) as running:
        yield running


@pytest.fixture
def stage(plane: ControlPlane) -> Stage:
    """Return a stage on the stand-in of Azure, with one target that drifted and one that is as approved."""
    made = Stage(live=worlds.live_of(plane, read_timeout=PATIENCE))  # type: ignore[arg-type]
    made.approve(release(CHAT, facts={"model.version": "2024-11-20"}))
    made.approve(release(CHURN, facts={"traffic.blue": 100}))
    made.sweep()
    return made


def told_of(stage: Stage) -> tuple[set, set]:
    """Return what opened and was resolved so far, and what is open, without the findings about sight."""
    return {each for each in changes(stage) if each[0] not in SIGHT}, {
        each for each in is_open(stage) if each[1] not in SIGHT
    }


def look_at_everything(stage: Stage, number: int) -> list[str]:
    """Deliver an event of every target, sweep every parent, and return the events' ids; what fails comes again."""
    parts, sent = stage.parts(), []
    for place, target in enumerate(TARGETS):
        sent.append(f"e-{number}-{place}")
        stage.take(parts, write_event(target, sent[-1], stage.clock.now()))
    for parent in parts.sweeper.parents():
        stage.checks.send(json.dumps({"parent": parent}))
    for message in stage.checks.take():
        with contextlib.suppress(Throttled, Unavailable):
            parts.sweeper.run(message)
    stage.checks.take()
    return sent


# Each of these ends at once; what makes the SDKs wait is in the tenth, and in the contract tests of the adapter.
QUICK = ("500", "401", "403", "truncated", "malformed")
SETS = {"a tenth of all calls, in every way": list(TENTH.values())}
SETS |= {f"half of all calls: {name}": [replace(KINDS[name], share=0.5)] for name in QUICK}
SETS |= {"every call: 503": [KINDS["503"]]}


@pytest.mark.parametrize("faults", SETS.values(), ids=SETS)
def test_no_finding_opens_or_is_resolved_because_azure_fails(
    stage: Stage, plane: ControlPlane, faults: list[Fault]
) -> None:
    before, events = told_of(stage), []
    for seed, fault in enumerate(faults):
        plane.faults.add(replace(fault, seed=seed))
    try:
        for number in range(6 if len(faults) > 1 else 2):
            stage.clock.advance(minutes=15)
            events += look_at_everything(stage, number)
    finally:
        plane.faults.clear()

    assert told_of(stage) == before
    stage.clock.advance(minutes=15)
    stage.sweep()
    assert told_of(stage) == before
    assert {each for each in is_open(stage) if each[1] in SIGHT} == set()
    assert stage.violations(events=events) == []
