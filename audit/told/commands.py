"""The exact commands by which on-call looks at a target and rolls it back to what was approved."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from audit.judge.names import split
from audit.mlflow import is_mlflow
from audit.model import Facts, Finding, Kind, Release, Scalar, Target
from audit.privacy import MARK
from audit.told import mlflow_commands

OPENAI_API_VERSION = "2025-09-01"  # what azure-mgmt-cognitiveservices 14.1 sends
MAX_COMMAND = 8_000  # cmd.exe takes 8,191 characters, and a row of the outbox holds all commands of a notice

# What one write to a deployment of Azure OpenAI mends; time, Azure's decisions and papers it does not.
_BY_PUT = frozenset({"MA103", "MA401", "MA501", "MA907"})
_PUT_FAMILIES = ("MA102", "MA105", "MA2", "MA40", "MA417", "MA422")
_MODEL_RULES = frozenset({"MA102", "MA105", "MA106", "MA202", "MA204"})
_BY_WHOM = ("MA203", "MA7")

# Where a fact stands in the YAML that `az ml` takes; what is not here cannot be set in place, or not safely.
_DEPLOYMENT_FIELDS = {
    "app_insights": "app_insights_enabled",
    "compute": "compute",
    "egress": "egress_public_network_access",
    "environment": "environment",
    "instance_count": "instance_count",
    "instance_type": "instance_type",
    "mini_batch_size": "mini_batch_size",
    "scale.maxInstances": "scale_settings.max_instances",
    "scale.minInstances": "scale_settings.min_instances",
    "scoring_script": "code_configuration.scoring_script",
}
_ENDPOINT_FIELDS = {
    "default_deployment": "defaults.deployment_name",
    "public_network_access": "public_network_access",
}
_ACCOUNT_FIELDS = {
    "account.local_auth_disabled": "properties.disableLocalAuth",
    "account.network_default": "properties.networkAcls.defaultAction",
    "account.public_network_access": "properties.publicNetworkAccess",
}
_VERSION_FIELDS = {"stage": "stage"}
_PLAIN = re.compile(r"[\w-]+")  # a name that `--set` takes for one step of a path


def commands_for(finding: Finding, release: Release | None, live: Facts) -> tuple[str, ...]:
    """Return shell commands: the first one looks, the others go back to the release, where that can be said.

    What the release leaves open stays as it is `live`.
    """
    approved = release.exact_facts if release else {}
    commands = (look(finding.target), *_trace(finding), *(_roll_back(finding, approved, live) if approved else ()))
    return tuple(command for command in commands if len(command) <= MAX_COMMAND)


def look(target: Target) -> str:
    """Return the command that shows what serves now."""
    if is_mlflow(target.id):
        return mlflow_commands.look(target)
    match target.kind:
        case Kind.ONLINE_ENDPOINT:
            return _az("ml online-deployment list", target, "--endpoint-name", target.name)
        case Kind.BATCH_ENDPOINT:
            return _az("ml batch-deployment list", target, "--endpoint-name", target.name)
        case Kind.SERVERLESS_ENDPOINT:
            return _az("ml serverless-endpoint show", target, "--name", target.name)
        case Kind.OPENAI_DEPLOYMENT:
            return _az("cognitiveservices account deployment show", target, "--deployment-name", target.name)
        case Kind.MODEL:
            return _az("ml model list", target, "--name", target.name)
        case Kind.PARENT:
            return shlex.join(["az", "resource", "show", "--ids", target.id])


def _trace(finding: Finding) -> Iterator[str]:
    """Return the command that shows who did it, or what the service says of a failure."""
    target = finding.target
    if is_mlflow(target.id):
        return  # its registry keeps no record of who did what
    if finding.rule.startswith(_BY_WHOM):
        yield shlex.join(["az", "monitor", "activity-log", "list", "--resource-id", target.id, "--offset", "7d"])
    if finding.rule == "MA907" and target.kind is Kind.ONLINE_ENDPOINT and _deployment(finding):
        yield _az("ml online-deployment get-logs", target, *_names(target, _deployment(finding)))


def _roll_back(finding: Finding, approved: Facts, live: Facts) -> Iterator[str]:
    if is_mlflow(finding.target.id):
        return mlflow_commands.roll_back(finding, approved)
    match finding.target.kind:
        case Kind.OPENAI_DEPLOYMENT:
            return _openai(finding, approved, live)
        case Kind.ONLINE_ENDPOINT | Kind.BATCH_ENDPOINT:
            return _endpoint(finding, approved, live)
        case Kind.MODEL:
            return _model(finding, approved)
    return iter(())


def _openai(finding: Finding, approved: Facts, live: Facts) -> Iterator[str]:
    target, rule = finding.target, finding.rule
    if field := _ACCOUNT_FIELDS.get(finding.subject):
        setting = f"{field}={approved.get(finding.subject, '')}"
        yield shlex.join(["az", "resource", "update", "--ids", target.parent, "--set", setting])
    elif rule in _BY_PUT or rule.startswith(_PUT_FAMILIES):
        pinned = {finding.subject: finding.expected} if rule == "MA201" else {}
        yield from _put_openai(target, {**live, **approved, **pinned})


def _endpoint(finding: Finding, approved: Facts, live: Facts) -> Iterator[str]:
    target, rule, deployment = finding.target, finding.rule, _deployment(finding)
    sort = "batch" if target.kind is Kind.BATCH_ENDPOINT else "online"
    if rule in ("MA301", "MA306"):
        yield from _set_traffic(target, finding.subject, approved, live if rule == "MA306" else {})
    elif rule == "MA303":
        yield _az(f"ml {sort}-deployment delete", target, *_names(target, finding.subject))
    elif rule in _MODEL_RULES and deployment:
        yield from _update_deployment(target, sort, deployment, approved)
    elif deployment and (setting := _setting(finding, approved, _DEPLOYMENT_FIELDS)):
        yield _az(f"ml {sort}-deployment update", target, *_names(target, deployment), "--set", setting)
    elif not deployment and (setting := _setting(finding, approved, _ENDPOINT_FIELDS)):
        yield _az(f"ml {sort}-endpoint update", target, "--name", target.name, "--set", setting)


def _model(finding: Finding, approved: Facts) -> Iterator[str]:
    target, (part, _) = finding.target, split(finding.subject)
    version = ("--name", target.name, "--version", part.removeprefix("versions."))
    if finding.rule == "MA602":
        yield _az("ml model restore", target, *version)
    elif part and (setting := _setting(finding, approved, _VERSION_FIELDS if finding.rule == "MA604" else {})):
        yield _az("ml model update", target, *version, "--set", setting)


def _setting(finding: Finding, approved: Facts, fields: Mapping[str, str]) -> str:
    """Return what `--set` takes to bring one fact back, or nothing where that cannot be said."""
    rest, value = split(finding.subject)[1], str(approved.get(finding.subject, ""))
    family, _, name = rest.partition(".")
    if not value or MARK in value:
        return ""
    if family == "tags" and _PLAIN.fullmatch(name):
        return f"tags.{name}={value}"
    if rest not in fields:
        return ""
    return f"{fields[rest]}={_asset(value) if rest == 'environment' else value}"


def _asset(reference: str) -> str:
    """Return what `az ml` takes for `churn-env:12`, or for `shared/churn-env:12` of a registry."""
    registry, _, asset = reference.rpartition("/")
    name, _, version = asset.partition(":")
    return (
        f"azureml://registries/{registry}/environments/{name}/versions/{version}"
        if registry
        else f"azureml:{asset}"
    )


def _deployment(finding: Finding) -> str:
    return split(finding.subject)[0].partition(".")[2] if finding.subject.startswith("deployments.") else ""


def _names(target: Target, deployment: str) -> tuple[str, ...]:
    return ("--endpoint-name", target.name, "--name", deployment)


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


def _set_traffic(target: Target, name: str, approved: Facts, live: Facts) -> Iterator[str]:
    """Return the command that sets a split; a share that is only live becomes none."""
    prefix = f"{name}."
    split_ = {each: 0 for each in live if each.startswith(prefix)} | {
        each: value for each, value in approved.items() if each.startswith(prefix)
    }
    if split_:
        option = "--" + name.replace("_", "-")
        shares = " ".join(f"{each.removeprefix(prefix)}={value}" for each, value in split_.items())
        yield _az("ml online-endpoint update", target, "--name", target.name, option, shares)


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _update_deployment(target: Target, sort: str, deployment: str, approved: Facts) -> Iterator[str]:
    model = {
        name: approved.get(f"deployments.{deployment}.model.{name}") for name in ("name", "version", "registry")
    }
    if not model["name"] or not model["version"]:
        return
    reference = f"azureml:{model['name']}:{model['version']}"
    if model["registry"]:
        reference = f"azureml://registries/{model['registry']}/models/{model['name']}/versions/{model['version']}"
    yield _az(f"ml {sort}-deployment update", target, *_names(target, deployment), "--set", f"model={reference}")


def _az(command: str, target: Target, *words: str) -> str:
    """Return an `az` command; every name is quoted for a shell, because names come from outside."""
    place = "--workspace-name" if command.startswith("ml ") else "--name"
    where = ["--resource-group", target.resource_group, place, target.parent_name]
    if "/registries/" in target.parent:  # which is found by its name alone
        where = ["--registry-name", target.parent_name]
    return f"az {command} " + shlex.join([*where, *words])
