"""The exact commands by which on-call looks at a target and rolls it back to what was approved."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from audit.model import Facts, Finding, Kind, Release, Scalar, Target
from audit.privacy import MARK

OPENAI_API_VERSION = "2025-09-01"  # what azure-mgmt-cognitiveservices 14.1 sends

# No earlier state mends these: time has passed, Azure has decided, or nobody knows what is there.
_NO_WAY_BACK = frozenset({"MA104", "MA601", "MA801", "MA802", "MA901"})
_MODEL_RULES = frozenset({"MA102", "MA105", "MA202"})


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
    if not approved or finding.rule in _NO_WAY_BACK:
        return
    if target.kind is Kind.OPENAI_DEPLOYMENT:
        pinned = {finding.subject: finding.expected} if finding.rule == "MA201" else {}
        yield from _put_openai(target, {**live, **approved, **pinned})
    elif finding.rule == "MA301":
        yield from _set_traffic(target, finding.subject, approved)
    elif finding.rule == "MA303":
        yield _az("ml online-deployment delete", target, "--endpoint-name", target.name, "--name", finding.subject)
    elif finding.rule in _MODEL_RULES and finding.subject.startswith("deployments."):
        yield from _update_deployment(target, finding.subject.split(".", 2)[1], approved)


def _put_openai(target: Target, facts: Facts) -> Iterator[str]:
    """Return the one request that sets all of these facts, where they are enough for it.

    `az cognitiveservices account deployment create` is a PUT too, but leaves out the upgrade option and the
    content filter, so that the service would fall back to its defaults.
    """
    tags = {name.removeprefix("tags."): str(value) for name, value in facts.items() if name.startswith("tags.")}
    is_whole = all(facts.get(name) for name in ("model.name", "model.version", "sku.name"))
    if not is_whole or any(MARK in value for value in tags.values()):
        return  # the service would refuse it, or take the mark of a secret for its value
    properties = {
        "model": _named({name: facts.get(f"model.{name}") for name in ("format", "name", "version")}),
        "versionUpgradeOption": facts.get("upgrade_option"),
        "raiPolicyName": facts.get("content_filter"),
        "spilloverDeploymentName": facts.get("spillover"),
        "dynamicThrottlingEnabled": str(facts.get("dynamic_throttling")).casefold() == "true" or None,
    }
    sku = {"name": facts.get("sku.name"), "capacity": _number(facts.get("sku.capacity"))}
    body = {"sku": _named(sku), "properties": _named(properties)} | ({"tags": tags} if tags else {})
    url = f"{target.id}?api-version={OPENAI_API_VERSION}"
    yield shlex.join(["az", "rest", "--method", "put", "--url", url, "--body", json.dumps(body)])


def _number(value: Scalar | None) -> Scalar | None:
    """Return a number that a release file holds as a text; the service takes no other."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _set_traffic(target: Target, name: str, approved: Facts) -> Iterator[str]:
    prefix = f"{name}."
    shares = [
        f"{each.removeprefix(prefix)}={value}" for each, value in approved.items() if each.startswith(prefix)
    ]
    if shares:
        option = "--" + name.replace("_", "-")
        yield _az("ml online-endpoint update", target, "--name", target.name, option, " ".join(shares))


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
