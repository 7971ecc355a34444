"""The exact commands by which on-call looks at a target and rolls it back to what was approved."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from audit.model import Facts, Finding, Kind, Release, Target

OPENAI_API_VERSION = "2025-09-01"  # what azure-mgmt-cognitiveservices 14.1 sends


def commands_for(finding: Finding, release: Release | None, live: Facts) -> tuple[str, ...]:
    """Return shell commands: the first one looks, the others go back to the release, where that can be said.

    What the release leaves open stays as it is `live`.
    """
    return (look(finding.target), *_roll_back(finding, release.facts if release else {}, live))


def look(target: Target) -> str:
    """Return the command that shows what serves now."""
    match target.kind:
        case Kind.ONLINE_ENDPOINT:
            return _az("ml online-deployment list", target, "--endpoint-name", target.name)
        case Kind.OPENAI_DEPLOYMENT:
            return _az("cognitiveservices account deployment show", target, "--deployment-name", target.name)
        case Kind.MODEL:
            return _az("ml model list", target, "--name", target.name)
        case Kind.PARENT:
            return shlex.join(["az", "resource", "show", "--ids", target.id])


def _roll_back(finding: Finding, approved: Facts, live: Facts) -> Iterator[str]:
    target = finding.target
    if not approved or finding.rule in ("MA601", "MA801", "MA802", "MA901"):
        return
    if target.kind is Kind.OPENAI_DEPLOYMENT:
        yield _put_openai(target, {**live, **approved})
    elif target.kind is Kind.ONLINE_ENDPOINT and finding.rule == "MA301":
        split = " ".join(
            f"{n.removeprefix('traffic.')}={v}" for n, v in approved.items() if n.startswith("traffic.")
        )
        yield _az("ml online-endpoint update", target, "--name", target.name, "--traffic", split)
    elif finding.rule == "MA303":
        yield _az("ml online-deployment delete", target, "--endpoint-name", target.name, "--name", finding.subject)
    elif finding.subject.startswith("deployments."):
        yield from _update_deployment(target, finding.subject.split(".", 2)[1], approved)


def _put_openai(target: Target, approved: Facts) -> str:
    """Return the one request that sets all that was approved.

    `az cognitiveservices account deployment create` is a PUT too, but leaves out the upgrade option and the
    content filter, so that the service would fall back to its defaults.
    """
    model = {name: approved.get(f"model.{name}") for name in ("format", "name", "version")}
    properties = {
        "model": _named(model),
        "versionUpgradeOption": approved.get("upgrade_option"),
        "raiPolicyName": approved.get("content_filter"),
    }
    capacity = approved.get("sku.capacity")
    sku = {"name": approved.get("sku.name"), "capacity": None if capacity is None else int(capacity)}
    body = json.dumps({"sku": _named(sku), "properties": _named(properties)})
    url = f"{target.id}?api-version={OPENAI_API_VERSION}"
    return shlex.join(["az", "rest", "--method", "put", "--url", url, "--body", body])


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _update_deployment(target: Target, deployment: str, approved: Facts) -> Iterator[str]:
    model = {
        name: approved.get(f"deployments.{deployment}.model.{name}") for name in ("name", "version", "registry")
    }
    if not model["name"] or not model["version"]:
        return
    reference = f"azureml:{model['name']}:{model['version']}"
    if model["registry"]:
        reference = f"azureml://registries/{model['registry']}/models/{model['name']}/versions/{model['version']}"
    names = ("--endpoint-name", target.name, "--name", deployment)
    yield _az("ml online-deployment update", target, *names, "--set", f"model={reference}")


def _az(command: str, target: Target, *words: str) -> str:
    """Return an `az` command; every name is quoted for a shell, because names come from outside."""
    place = "--workspace-name" if command.startswith("ml ") else "--name"
    where = ("--resource-group", target.resource_group, place, target.parent_name)
    return f"az {command} " + shlex.join([*where, *words])
