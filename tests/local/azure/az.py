"""What `az ... -o json` prints for a fleet, made by the same SDKs that az is made of."""

import json
from pathlib import Path
from typing import Any

from azure.ai.ml import MLClient

from audit.adapters.cloud import Cloud
from local.azure import ControlPlane

VERSIONS = {"list_view_type": "All"}  # `az ml model list --include-archived`


def print_everything(plane: ControlPlane, who: str, folder: Path) -> None:
    """Write one file for each command that an auditor would have run on the whole fleet."""
    for name, content in _everything(plane, who):
        (folder / f"{name}.json").write_text(json.dumps(content, default=str), "utf-8")


def _everything(plane: ControlPlane, who: str) -> Any:
    fleet = plane.fleet()
    for name, workspace in fleet.workspaces.items():
        client = plane.ml_client(who, name)
        yield f"{name}-online-endpoints", _printed(client.online_endpoints.list())
        yield f"{name}-batch-endpoints", _printed(client.batch_endpoints.list())
        # `ml_serverless_endpoint_show` and `list` of the extension call `as_dict`.
        yield f"{name}-serverless", [each.as_dict() for each in client.serverless_endpoints.list()]
        yield f"{name}-model-names", _printed(client.models.list(**VERSIONS))
        for model in workspace.models:
            yield f"{name}-model-{model}", _printed(client.models.list(name=model, **VERSIONS))
        for job in workspace.jobs:  # `az ml job show` prints a job as it was submitted, and no node of a pipeline
            yield f"{name}-job-{job}", _as_submitted(client.jobs.get(job))._to_dict()
        for endpoint in workspace.online_endpoints:
            yield f"{name}-online-{endpoint}", _printed(client.online_deployments.list(endpoint))
        for endpoint in workspace.batch_endpoints:
            yield f"{name}-batch-{endpoint}", _printed(client.batch_deployments.list(endpoint))
    yield from _registries(plane, who)
    yield from _accounts(plane, who)


def _registries(plane: ControlPlane, who: str) -> Any:
    cloud = Cloud(plane.base_url, str(plane.ca_path))
    for name, registry in plane.fleet().registries.items():
        client = MLClient(plane.credential(who), registry_name=name, **cloud.ml_options, **cloud.http_options)
        yield f"{name}-registry", {"id": plane.registry_id(name), "name": name, "location": registry.location}
        for model in registry.models:
            yield f"{name}-model-{model}", _printed(client.models.list(name=model))


def _accounts(plane: ControlPlane, who: str) -> Any:
    # az turns these SDK objects back into ARM's own names, and adds the resource group.
    client, fleet = plane.openai_client(who), plane.fleet()
    for name, account in fleet.openai_accounts.items():
        group = account.resource_group
        yield f"{name}-account", _as_az(client.accounts.get(group, name))
        yield f"{name}-deployments", [_as_az(each) for each in client.deployments.list(group, name)]
        yield f"{name}-filters", [_as_az(each) for each in client.rai_policies.list(group, name)]
        yield f"models-{account.location}", [_as_az(each) for each in client.models.list(account.location)]


def _printed(found: Any) -> list[Any]:
    return [each._to_dict() for each in found]


def _as_submitted(job: Any) -> Any:
    return job._to_job() if hasattr(job, "_to_job") else job


def _as_az(found: Any) -> Any:
    document = found.serialize(keep_readonly=True) if hasattr(found, "serialize") else found.as_dict()
    return document | {"resourceGroup": "rg"} if "id" in document else document
