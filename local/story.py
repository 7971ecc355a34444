"""The story that `make demo` plays: eight things that happen to a fleet, and what Model Audit makes of each.

The changes are made with Azure's own SDKs, as a person or a pipeline would make them. Each step says what
on-call must be told; the demo fails where it is told anything else.
"""

import contextlib
import io
import shlex
import ssl
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from audit import wiring
from audit.approvals.release_files import read_release_files
from audit.cli.approve import apply_release
from local.show import Screen
from local.stack import RELEASES, Stack

NEXT_RELEASE = Path(__file__).parent / "releases-next" / "fraud-r12.yaml"

Told = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its title, what is done, and the notices (kind and rule) that must follow."""

    title: str
    act: Callable[[Stack, Screen], None]
    told: Told = ()


class StoryError(Exception):
    """A step led to something else than it should have."""


def play(stack: Stack, screen: Screen) -> None:
    """Play all steps in order; raise `StoryError` where on-call is told anything but what a step expects."""
    for number, step in enumerate(STEPS, 1):
        screen.step(f"{number}. {step.title}")
        began_at, heard = wiring.now(), len(screen.alerts)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            # azure-ai-ml prints dots while it waits
            step.act(stack, screen)
        stack.settle()
        screen.runs_so_far()
        _show_journal(screen, began_at)
        told = sorted((n["kind"], n["rule"]) for alert in screen.alerts[heard:] for n in alert["notices"])
        if told != sorted(step.told):
            raise StoryError(f"step {number}: expected on-call to be told {sorted(step.told)}, got {told}")
        if not told:
            screen.say("Nobody was alerted.")


def _show_journal(screen: Screen, since: datetime) -> None:
    for each in wiring.reporter().report(since, wiring.now()).happenings:
        found = "; ".join(each.findings) or "no finding"
        screen.journal(f"{each.target}: {each.text} ({found})")


def _approved_fleet(stack: Stack, screen: Screen) -> None:
    releases = read_release_files(RELEASES)
    for release in releases:
        apply_release(release)
    screen.say(f"{len(releases)} releases are approved; the sweep looks at two workspaces and two accounts.")
    stack.run_now("sweep")


def _pipeline_rollout(stack: Stack, screen: Screen) -> None:
    for release in read_release_files(NEXT_RELEASE):
        apply_release(release)
    screen.say("Release fraud-r12 is approved; the release pipeline deploys fraud:12 to the endpoint fraud.")
    client = stack.azure.ml_client("release-pipeline", "mlw-prod")
    deployment = client.online_deployments.get("blue", "fraud")
    deployment.model = "azureml:fraud:12"
    client.online_deployments.begin_create_or_update(deployment).result()


def _portal_change(stack: Stack, screen: Screen) -> None:
    screen.say("Jo Bloggs opens the portal and sets the deployment chat to gpt-4o 2024-08-06.")
    client = stack.azure.openai_client("jo")
    names = ("rg-ml-prod", "aoai-prod", "chat")
    deployment: Any = client.deployments.get(*names)
    deployment.properties.model.version = "2024-08-06"
    client.deployments.begin_create_or_update(*names, deployment).result()


def _shifted_traffic(stack: Stack, screen: Screen) -> None:
    screen.say("Priya Nair sends half of the fraud traffic to the deployment green, in Azure ML studio.")
    client = stack.azure.ml_client("priya", "mlw-prod")
    endpoint = client.online_endpoints.get("fraud")
    endpoint.traffic = {"blue": 50, "green": 50}
    client.online_endpoints.begin_create_or_update(endpoint).result()


def _platform_upgrade(stack: Stack, screen: Screen) -> None:
    screen.say("Azure moves the deployment assistant to a newer gpt-5-mini by itself. No event says so.")
    deployment = f"{stack.azure.account_id('aoai-support')}/deployments/assistant"
    stack.azure.platform_upgrade(deployment, "2026-06-10")
    stack.run_now("sweep")


def _retirement(stack: Stack, screen: Screen) -> None:
    day = _in_days(28)
    screen.say(f"Azure's catalogue now says that gpt-4.1 2025-04-14 retires on {day}.")
    stack.azure.announce_retirement("gpt-4.1", "2025-04-14", day)
    stack.run_now("sweep")


def _rollback(stack: Stack, screen: Screen) -> None:
    notice = next(n for alert in screen.alerts for n in alert["notices"] if n["name"] == "chat")
    screen.say("Sam Okafor runs the rollback command that stands in the alert about chat.")
    _az_rest(stack, "sam", notice["commands"][-1])


def _az_rest(stack: Stack, person: str, command: str) -> None:
    """Do what `az rest --method M --url U --body B` does, as somebody of the fleet."""
    _, _, _, method, _, url, _, body = shlex.split(command)
    token = stack.azure.credential(person).get_token(f"{stack.azure.base_url}/.default").token
    request = urllib.request.Request(  # noqa: S310 - the stand-in's own address
        stack.azure.base_url + url,
        data=body.encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method=method.upper(),
    )
    trust = ssl.create_default_context(cafile=stack.azure.ca_path)
    urllib.request.urlopen(request, context=trust).close()  # noqa: S310 - the stand-in's own address


def _again(stack: Stack, screen: Screen) -> None:
    ids = [delivery.event["id"] for delivery in stack.events.delivered]
    before = wiring.reporter().report(wiring.now(), wiring.now()).proof.fingerprint
    screen.say(f"Event Grid delivers all {len(ids)} events again, twice, the newest first.")
    stack.events.redeliver([*reversed(ids), *reversed(ids)])
    stack.settle()
    after = wiring.reporter().report(wiring.now(), wiring.now()).proof.fingerprint
    if before != after:
        raise StoryError(
            f"expected the record to stay as it was, but its fingerprint went from {before} to {after}"
        )
    screen.say(f"The record is what it was: fingerprint {after[:16]}… before and after.")


def _in_days(days: int) -> date:
    return (wiring.now() + timedelta(days=days + 1)).date()


STEPS = (
    Step("A fleet as approved is quiet", _approved_fleet),
    Step("A pipeline rolls out an approved version", _pipeline_rollout),
    Step(
        "A person changes a deployment in the portal", _portal_change, [("opened", "MA102"), ("opened", "MA702")]
    ),
    Step("A person shifts traffic", _shifted_traffic, [("opened", "MA301"), ("opened", "MA702")]),
    Step("The platform upgrades a model by itself", _platform_upgrade, [("opened", "MA102"), ("opened", "MA203")]),
    Step("A retirement comes near", _retirement, [("opened", "MA802"), ("opened", "MA803")]),
    Step("A rollback", _rollback, [("resolved", "MA102"), ("resolved", "MA702")]),
    Step("The same events again, twice and out of order", _again),
)
