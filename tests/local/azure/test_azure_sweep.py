"""A sweep of 2,000 deployments through the stand-in, while Azure refuses one answer in twenty."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit import wiring
from audit.adapters.cloud import Cloud
from audit.adapters.live import AzureLive
from audit.adapters.pace import BURST, READS_A_SECOND, Pace
from audit.cli import cli
from audit.cli.output import EXIT_FINDINGS
from audit.model import Outcome
from local.azure import ControlPlane, Fault, Options
from local.azure.resource_graph import PATH
from local.clock import Clock
from tests.house import House
from tests.local.azure.test_azure_scan import ACCOUNTS, WORKSPACES, large_fleet, most_in_a_second

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("own_cloud")]

EACH = 50  # deployments of an account, and endpoints of a workspace with two deployments each: 2,000 together
FASTER = 25  # the same at 25 times the pace: only sooner


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with ControlPlane(large_fleet(EACH), Clock(), lambda _: None, tmp_path, Options(page_size=30)) as running:
        running.faults.add(Fault(path="/subscriptions/*", status=429, retry_after=1, share=0.0015, seed=1))
        running.faults.add(Fault(path="/subscriptions/*", status=503, share=0.0485, seed=2))
        yield running


@pytest.fixture
def house(plane: ControlPlane) -> House:
    cloud = Cloud(plane.base_url, str(plane.ca_path), backoff=0.01)
    pace = Pace(READS_A_SECOND * FASTER, BURST)
    live = AzureLive(plane.credential("auditor"), cloud, [plane.fleet().subscription], pace)
    return House(live=live)  # type: ignore[arg-type]


def test_two_thousand_deployments_are_swept_whole_and_within_the_pace_though_azure_stumbles(
    plane: ControlPlane, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "checker", lambda: house.checker)
    monkeypatch.setattr(wiring, "checkpointer", lambda: house.checkpointer)
    monkeypatch.setattr(wiring, "reporter", lambda: house.reporter)

    result = CliRunner().invoke(cli, ["check"], env={"FORCE_COLOR": "1"})  # as on a terminal: progress is shown

    runs = [run for _, run in house.reporter.sweeps()]
    looked_at = [target for target in house.reporter.targets() if target.name.startswith(("d", "e"))]
    reads = [call for call in plane.requests if call.path != PATH]
    listed = sum(run.listed for run in runs)
    told = re.sub(r"\x1b\[[\d;?]*\w", "", result.stderr)
    assert result.exit_code == EXIT_FINDINGS  # nobody has approved any of it
    assert {run.outcome for run in runs} == {Outcome.PRESENT}
    assert f"{listed} listed in {ACCOUNTS + WORKSPACES} places: {listed} seen, 0 not readable, 0 left out" in told
    assert len(looked_at) == (ACCOUNTS + WORKSPACES) * EACH
    assert sum(call.status in (429, 503) for call in reads) >= 0.04 * len(reads)
    assert most_in_a_second(plane) <= 25 * FASTER
    assert re.search(r"looking .*\d+/\d+", told)
