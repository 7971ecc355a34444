"""What the parts of a fleet file promise each other: names they refer to exist, shares of traffic add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from local.azure.roles import ROLES
from local.azure.traffic import traffic_flaw

if TYPE_CHECKING:
    from local.azure.fleet import Account, BatchEndpoint, Fleet, OnlineEndpoint, Workspace
    from local.azure.yamlfile import FleetError, Sheet

SYSTEM_FILTERS = ("Microsoft.Default", "Microsoft.DefaultV2")


def check_fleet(fleet: Fleet, sheet: Sheet) -> None:
    """Raise `FleetError` at the first entry that refers to something the fleet does not hold."""
    for error in _errors(fleet, sheet):
        raise error


def _errors(fleet: Fleet, sheet: Sheet) -> Iterator[FleetError]:
    yield from _people_errors(fleet, sheet)
    for name, workspace in fleet.workspaces.items():
        yield from _workspace_errors(workspace, f"workspaces.{name}", sheet)
    for name, account in fleet.openai_accounts.items():
        yield from _account_errors(fleet, account, f"openai_accounts.{name}", sheet)


def _people_errors(fleet: Fleet, sheet: Sheet) -> Iterator[FleetError]:
    if fleet.since.by not in fleet.people:
        yield sheet.error("since", "somebody among `people`", repr(fleet.since.by))
    for name, person in fleet.people.items():
        for role in person.roles:
            if role not in ROLES:
                yield sheet.error(f"people.{name}.roles", f"roles among {', '.join(ROLES)}", repr(role))


def _workspace_errors(workspace: Workspace, path: str, sheet: Sheet) -> Iterator[FleetError]:
    known = {f"{name}:{version}" for name, model in workspace.models.items() for version in model.versions}
    for name, endpoint in workspace.online_endpoints.items():
        at = f"{path}.online_endpoints.{name}"
        yield from _traffic_errors(endpoint, at, sheet)
        for key, deployment in endpoint.deployments.items():
            yield from _model_errors(deployment.model, known, f"{at}.deployments.{key}.model", sheet)
    for name, batch in workspace.batch_endpoints.items():
        yield from _batch_errors(batch, known, f"{path}.batch_endpoints.{name}", sheet)


def _batch_errors(endpoint: BatchEndpoint, known: set[str], path: str, sheet: Sheet) -> Iterator[FleetError]:
    if endpoint.default is not None and endpoint.default not in endpoint.deployments:
        expected = f"a deployment of the endpoint ({', '.join(endpoint.deployments) or 'none yet'})"
        yield sheet.error(f"{path}.default", expected, repr(endpoint.default))
    for key, deployment in endpoint.deployments.items():
        yield from _model_errors(deployment.model, known, f"{path}.deployments.{key}.model", sheet)


def _model_errors(model: str | None, known: set[str], path: str, sheet: Sheet) -> Iterator[FleetError]:
    if model is not None and "/" not in model and model not in known:
        expected = f"a model of the workspace as name:version ({', '.join(sorted(known)) or 'none yet'})"
        yield sheet.error(path, expected, repr(model))


def _traffic_errors(endpoint: OnlineEndpoint, path: str, sheet: Sheet) -> Iterator[FleetError]:
    if flaw := traffic_flaw(endpoint.traffic, endpoint.mirror, endpoint.deployments):
        yield sheet.error(f"{path}.traffic", flaw.expected, flaw.got)


def _account_errors(fleet: Fleet, account: Account, path: str, sheet: Sheet) -> Iterator[FleetError]:
    offered = {(row.model, row.version): row.skus for row in fleet.catalogue}
    filters = (*SYSTEM_FILTERS, *account.content_filters)
    for name, deployment in account.deployments.items():
        at, key = f"{path}.deployments.{name}", (deployment.model, deployment.version)
        if key not in offered:
            yield sheet.error(f"{at}.model", "a model and version in `catalogue`", " ".join(key))
        elif deployment.sku not in offered[key]:
            yield sheet.error(f"{at}.sku", f"one of {', '.join(offered[key])}", repr(deployment.sku))
        if deployment.content_filter not in filters:
            yield sheet.error(
                f"{at}.content_filter", f"one of {', '.join(filters)}", repr(deployment.content_filter)
            )
