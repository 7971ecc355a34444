"""`scan` and `check --export` as a person runs them, and a large fleet behind a control plane that stumbles."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from audit import wiring
from audit.adapters import live as live_
from audit.adapters.pace import BURST, Pace
from audit.cli import cli
from local.azure import ControlPlane, Fault, Fleet, Options, read_fleet
from local.azure.fleet import Account, OnlineDeployment, OnlineEndpoint, OpenAIDeployment, Workspace
from local.clock import Clock
from tests.local.azure.asking import TODAY, WHOLE
from tests.local.azure.az import print_everything

Run = Callable[..., Result]

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("own_cloud")]


@pytest.fixture
def run(whole: ControlPlane, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    return runner(whole, monkeypatch, tmp_path)


def runner(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return the command line of somebody with the role Reader, and no setting but where Azure is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wiring, "credential", lambda: plane.credential("auditor"))
    environment = {"MODEL_AUDIT_ARM_ENDPOINT": plane.base_url, "MODEL_AUDIT_ARM_CA_FILE": str(plane.ca_path)}

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, words, env=environment, catch_exceptions=False)

    return invoke


def test_a_scan_shows_every_deployment_and_its_fate(run: Run, whole: ControlPlane) -> None:
    result = run("scan", "--subscription", whole.fleet().subscription, "-o", "json")

    rows = {f"{row['where']}/{row['deployment']}": row for row in json.loads(result.stdout)}
    assert result.exit_code == 0
    assert len(rows) == 13
    assert rows["aoai-one/old/"]["changes"] == "yes: at a new default version"
    assert rows["aoai-one/throughput/"]["then"] == "it stops answering (410)"
    assert rows["foundry-two/mistral/"]["then"] == "it is retired: requests fail"
    assert rows["mlw-one/churn/blue"]["share"] == "90 %"
    assert rows["mlw-one/churn/green"]["model"] == "reg-shared/churn"
    assert rows["mlw-one/nightly/v2"]["share"] == "default"
    assert rows["mlw-one/llama/"]["changes"] == "yes: it follows @latest"
    assert "listed in 4 places, 0 unreadable" in result.stderr


def test_what_retires_first_stands_first(run: Run, whole: ControlPlane) -> None:
    result = run("scan", "--subscription", whole.fleet().subscription, "-o", "tsv")

    assert [line.split("\t")[0] for line in result.stdout.splitlines()][:2] == [
        "foundry-two/mistral",
        "aoai-one/old",
    ]


def test_a_scan_without_a_subscription_says_how_to_name_one(run: Run) -> None:
    with pytest.raises(Exception, match="say --subscription ID"):
        run("scan")


def test_a_scan_that_cannot_look_everywhere_says_where_and_exits_3(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fleet = read_fleet(WHOLE, today=TODAY)
    with ControlPlane(fleet, Clock(), lambda _: None, tmp_path) as plane:
        plane.faults.add(Fault(path="*/foundry-two*", status=403))
        result = runner(plane, monkeypatch, tmp_path)("scan", "--subscription", fleet.subscription, "-o", "json")

    assert result.exit_code == 3
    assert len(json.loads(result.stdout)) == 12
    assert "foundry-two: HTTP 403" in result.stderr


def test_an_export_is_judged_by_release_files_without_any_rights(
    run: Run, whole: ControlPlane, tmp_path: Path
) -> None:
    folder, releases = tmp_path / "export", tmp_path / "releases.json"
    folder.mkdir()
    print_everything(whole, "auditor", folder)
    releases.write_text(json.dumps({"releases": [_release(whole, "2024-08-06")]}), "utf-8")
    asked = len(whole.requests)

    result = run("check", "*/chat", "--export", str(folder), "--releases", str(releases), "-o", "json")

    rows = [(row["rule"], row["expected"], row["got"]) for row in json.loads(result.stdout)]
    assert result.exit_code == 1
    assert ("MA102", "2024-08-06", "2024-11-20") in rows
    assert len(whole.requests) == asked


def _release(whole: ControlPlane, version: str) -> dict[str, Any]:
    return {
        "id": "chat-r1",
        "target": f"{whole.account_id('aoai-one')}/deployments/chat",
        "approved_by": "ada@contoso.example",
        "approved_at": "2026-05-11T13:05:00Z",
        "ticket": "CHG-1",
        "facts": {"model": {"name": "gpt-4o", "version": version}},
    }


# A tenth of 2,000 deployments over 20 accounts and 10 workspaces, at ten times the pace: the same, only sooner.
ACCOUNTS, WORKSPACES, EACH, FASTER = 20, 10, 5, 10


def large_fleet(each: int) -> Fleet:
    """Return a fleet of 20 accounts with `each` deployments and 10 workspaces with `each` endpoints of two."""
    fleet = read_fleet(WHOLE, today=TODAY)
    two = {name: OnlineDeployment(model="churn:2") for name in ("blue", "green")}
    endpoint = OnlineEndpoint(traffic={"blue": 100}, deployments=two)
    models = fleet.workspaces["mlw-one"].models
    chat = OpenAIDeployment(model="gpt-4o", version="2024-11-20", sku="GlobalStandard")
    return replace(
        fleet,
        registries={},
        workspaces={
            f"mlw-{number}": Workspace(
                f"rg-{number}",
                "westeurope",
                models=models,
                online_endpoints={f"e{n}": endpoint for n in range(each)},
            )
            for number in range(WORKSPACES)
        },
        openai_accounts={
            f"aoai-{number}": Account(
                f"rg-{number}", "westeurope", deployments={f"d{n}": chat for n in range(each)}
            )
            for number in range(ACCOUNTS)
        },
    )


@pytest.fixture
def large(tmp_path: Path) -> Iterator[ControlPlane]:
    with ControlPlane(large_fleet(EACH), Clock(), lambda _: None, tmp_path, Options(page_size=3)) as plane:
        plane.faults.add(Fault(path="/subscriptions/*", status=429, retry_after=1, share=0.025, seed=1))
        plane.faults.add(Fault(path="/subscriptions/*", status=503, share=0.025, seed=2))
        yield plane


def test_a_large_fleet_is_scanned_whole_and_within_the_pace_though_azure_stumbles(
    large: ControlPlane, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(live_, "Pace", lambda: Pace(20.0 * FASTER, BURST))

    result = runner(large, monkeypatch, tmp_path)(
        "scan", "--subscription", large.fleet().subscription, "-o", "json"
    )

    assert result.exit_code == 0, result.stderr
    assert len(json.loads(result.stdout)) == ACCOUNTS * EACH + WORKSPACES * EACH * 2
    assert sum(call.status in (429, 503) for call in large.requests) >= 0.03 * len(large.requests)
    assert most_in_a_second(large) <= 25 * FASTER


def most_in_a_second(plane: ControlPlane) -> int:
    at = sorted(call.at.timestamp() for call in plane.requests)
    return max(sum(1 for other in at if 0 <= other - each < 1) for each in at)
