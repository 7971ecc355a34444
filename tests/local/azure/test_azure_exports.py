"""What az printed of a fleet gives the same facts as looking at it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit import wiring
from audit.adapters.cloud import Cloud
from audit.adapters.exported import ExportedLive
from audit.adapters.live import AzureLive
from audit.adapters.pace import Pace
from audit.approvals.policy import ScopedPolicy
from audit.approvals.release_files import Files
from audit.model import Facts, Kind, Look, Outcome, Release, Target, Waiver
from audit.sight.catalogue import retirement_of
from audit.sight.exports import UNSEEN, Export, gather, read_exports
from audit.sight.facts import observe
from local.azure import ControlPlane
from tests.local.azure.asking import TODAY, Ask, ask_of, client_of
from tests.local.azure.az import print_everything

NOW = datetime.combine(TODAY, datetime.min.time(), UTC)

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("own_cloud")]


@pytest.fixture(scope="module")
def live(whole: ControlPlane) -> AzureLive:
    cloud = Cloud(whole.base_url, str(whole.ca_path))
    return AzureLive(whole.credential("auditor"), cloud, [whole.fleet().subscription], Pace(1000, 1000))


@pytest.fixture(scope="module")
def seen(live: AzureLive) -> dict[Target, Look]:
    return {target: look for parent in live.parents() for target, look in live.list_targets(parent).looks.items()}


@pytest.fixture(scope="module")
def printed(whole: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Export:
    folder = tmp_path_factory.mktemp("export")
    print_everything(whole, "auditor", folder)
    return read_exports(folder)


def test_what_az_printed_gives_the_facts_of_a_live_look(seen: dict[Target, Look], printed: Export) -> None:
    assert printed.looks.keys() == seen.keys()
    for target, look in printed.looks.items():
        known, said = facts(target, seen[target]), facts(target, look)
        unseen = {name for name in known.keys() - said.keys() if _is_unseen(target.kind, name)}
        assert said == {name: value for name, value in known.items() if name not in unseen}, target.id


def test_what_az_does_not_print_is_little_and_known(seen: dict[Target, Look], printed: Export) -> None:
    lost = {
        (target.kind, name.split(".", 2)[-1])
        for target, look in printed.looks.items()
        for name in facts(target, seen[target]).keys() - facts(target, look).keys()
    }

    assert lost == {
        (Kind.MODEL, "archived"),
        (Kind.MODEL, "anonymous"),
        (Kind.ONLINE_ENDPOINT, "egress"),
        (Kind.ONLINE_ENDPOINT, "request.maxQueueWait"),
        (Kind.BATCH_ENDPOINT, "identity"),
        (Kind.SERVERLESS_ENDPOINT, "content_safety"),
        (Kind.SERVERLESS_ENDPOINT, "endpoint_state"),
    }


def test_what_az_rest_printed_gives_every_fact(whole: ControlPlane, seen: dict[Target, Look]) -> None:
    with client_of(whole) as client:
        export = gather(dict(_rest(ask_of(whole, client), seen)))

    assert {t: facts(t, look) for t, look in export.looks.items()} == {
        t: facts(t, each) for t, each in seen.items()
    }


def test_an_export_leads_to_the_findings_of_a_live_sweep(
    live: AzureLive, seen: dict[Target, Look], printed: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_AUDIT_PRIVACY_KEY", "k" * 32)
    releases = [_drifted(target, facts(target, look)) for target, look in printed.looks.items()]
    waiver = Waiver(releases[0].target, "MA501", "ada", "known", NOW, NOW + timedelta(days=60))
    wanted = Files(releases, [waiver], [ScopedPolicy("*", required_tags=("cost_center",))])

    exported = wiring.rehearsal().judge(ExportedLive(printed, seen.keys()), wanted).open_findings()
    looked_at = wiring.rehearsal().judge(live, wanted).open_findings()

    assert _told(exported) == _told(looked_at)
    assert len({row["rule"] for row in exported}) > 5


def test_a_sweep_through_azures_own_sdk_tells_endpoints_what_became_of_their_models(
    live: AzureLive, seen: dict[Target, Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_AUDIT_PRIVACY_KEY", "k" * 32)
    nightly = next(target for target in seen if target.name == "nightly")
    approved = {
        f"deployments.v{n}.model.{part}": word for n in "12" for part, word in (("name", "churn"), ("version", n))
    }
    release = Release("r-2", nightly, approved, "ada", NOW, rollback="r-1")
    earlier = Release("r-1", nightly, {**approved, "deployments.v2.model.version": "0"}, "ada", NOW)

    found = wiring.rehearsal().judge(live, Files([release]), {nightly: earlier}).open_findings()

    told = {(row["rule"], row["subject"]) for row in found if row["name"] in ("nightly", "churn")}
    assert told >= {
        ("MA602", "deployments.v1.model.archived"),
        ("MA602", "versions.1.archived"),
        ("MA604", "deployments.v1.model.stage"),
        ("MA905", "rollback"),
    }


def test_the_retirement_dates_of_an_export_are_those_of_the_region(
    live: AzureLive, seen: dict[Target, Look], printed: Export
) -> None:
    for target, look in seen.items():
        if target.kind is Kind.OPENAI_DEPLOYMENT:
            known = live.catalogue(target.parent, TODAY - TODAY)
            found = retirement_of(facts(target, look), printed.catalogue_for(target.parent) or {})
            assert found == retirement_of(facts(target, look), known)
            assert found is not None


def _drifted(target: Target, known: Facts) -> Release:
    """Return a release of some of the facts, each third of them another one."""
    some = sorted(known.items())[:40]
    approved = {name: value if number % 3 else f"{value}-other" for number, (name, value) in enumerate(some)}
    return Release(f"r-{target.name}", target, approved, "ada@contoso.example", NOW)


def _told(rows: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    """Return findings without their moments; whether a model is archived, `az` does not print."""
    names = ("rule", "target", "subject", "severity", "expected", "got", "waiver")
    return {tuple(str(row[name]) for name in names) for row in rows if row["rule"] != "MA602"}


def facts(target: Target, look: Look) -> Facts:
    observation = observe(target, look, NOW)
    assert observation.outcome is Outcome.PRESENT, (target.id, observation.reason)
    return observation.facts


def _is_unseen(kind: Kind, name: str) -> bool:
    return kind in UNSEEN and UNSEEN[kind].fullmatch(name) is not None


def _rest(ask: Ask, targets: dict[Target, Look]) -> Iterator[tuple[str, Any]]:
    """Yield what `az rest --url ...` prints of every target and of what belongs to it."""
    paths = {path for target in targets for path in _paths(target)}
    for path in sorted(paths):
        answer = ask("GET", path, "auditor", params={"api-version": "2024-04-01", **_view(path)})
        assert answer.status_code == 200, (path, answer.text)
        yield path, json.loads(answer.text)


def _paths(target: Target) -> list[str]:
    below: dict[Kind, Callable[[], list[str]]] = {
        Kind.MODEL: lambda: [f"{target.id}/versions"],
        Kind.ONLINE_ENDPOINT: lambda: [target.id, f"{target.id}/deployments"],
        Kind.BATCH_ENDPOINT: lambda: [target.id, f"{target.id}/deployments"],
        Kind.SERVERLESS_ENDPOINT: lambda: [target.id],
        Kind.OPENAI_DEPLOYMENT: lambda: [target.id, target.parent, f"{target.parent}/raiPolicies"],
    }
    beside = [target.parent] if "/registries/" in target.parent else [f"{target.parent}/jobs"]
    return below[target.kind]() + (beside if target.kind is Kind.MODEL else [])


def _view(path: str) -> dict[str, str]:
    return {"listViewType": "All"} if path.endswith("/versions") else {}
