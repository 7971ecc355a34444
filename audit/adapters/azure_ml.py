"""The live state of Azure Machine Learning workspaces, read through `azure-ai-ml`.

This module imports a heavy library (1.4 s, 100 MB); `audit.adapters.live` imports it when a check needs it.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from azure.ai.ml import MLClient
from azure.ai.ml.constants import ListViewType, Scope
from azure.core.credentials import TokenCredential

from audit.adapters.azure_jobs import Jobs
from audit.adapters.cloud import Cloud
from audit.adapters.pace import Pace
from audit.adapters.reader import Reader, list_looks, merged
from audit.adapters.resource_graph import NO_ROWS, Rows
from audit.model import Document, Kind, Look, Outcome, Target
from audit.ports import Listing
from audit.targets import parent_target

# It tells of each of its calls and of methods that may change: news for notebooks, not for an operator.
logging.getLogger("azure.ai.ml").setLevel(logging.ERROR)

NOTHING_KNOWN: Mapping[Target, str] = {}


class AzureMl:
    """Workspaces: their endpoints with deployments, and their models with all versions and the jobs behind these.

    What cannot be looked at raises `Refused`, `Throttled` or `Unavailable`, as `audit.adapters.reader` says.
    """

    def __init__(self, credential: TokenCredential, cloud: Cloud, pace: Pace):
        self._credential, self._cloud = credential, cloud
        self._reader = Reader(credential, cloud, pace)
        self._jobs = Jobs(self._reader)
        self._clients: dict[str, MLClient] = {}

    def parents(self, subscription: str) -> list[Any]:
        """Return the documents of a subscription's workspaces."""
        client = self._client(subscription)
        return self._reader.read_list(
            f"list the workspaces of {subscription}", partial(client.workspaces.list, scope=Scope.SUBSCRIPTION)
        )

    def look(self, target: Target) -> Look:
        """Return what the service says of an endpoint or a model now."""
        client = self._client_of(target)
        if target.kind is Kind.MODEL:
            return self._model(client, target)
        get: Callable[[str], Any] = {
            Kind.ONLINE_ENDPOINT: client.online_endpoints.get,
            Kind.BATCH_ENDPOINT: client.batch_endpoints.get,
            Kind.SERVERLESS_ENDPOINT: client.serverless_endpoints.get,
        }[target.kind]
        # The first page is the endpoint; the SDK may go on to what it adds to its entity.
        pages = self._reader.read(f"look at {target.id}", partial(get, target.name))
        return self._endpoint(client, target, pages[0].body)

    def list_targets(
        self, workspace: str, known: Mapping[Target, str] = NOTHING_KNOWN, rows: Rows = NO_ROWS
    ) -> Listing:
        """Return what a workspace holds.

        Endpoints are always listed. The deployments behind one are not read where the endpoint and `rows`, what
        Resource Graph says of them, have the mark that is `known`.
        """
        client = self._client_of(parent_target(workspace))
        lists: dict[Kind, Callable[[], Any]] = {
            Kind.ONLINE_ENDPOINT: client.online_endpoints.list,
            Kind.BATCH_ENDPOINT: client.batch_endpoints.list,
            Kind.SERVERLESS_ENDPOINT: client.serverless_endpoints.list,
            Kind.MODEL: partial(client.models.list, list_view_type=ListViewType.ALL),
        }

        def is_known(target: Target, item: Document) -> bool:
            mark = rows.mark(target, item)
            return bool(mark) and known.get(target) == mark

        listing = merged([self._list(client, workspace, kind, call, is_known) for kind, call in lists.items()])
        return replace(listing, marks=dict(_marks(listing, rows)))

    def _list(
        self,
        client: MLClient,
        workspace: str,
        kind: Kind,
        call: Callable[[], Any],
        is_known: Callable[[Target, Document], bool],
    ) -> Listing:
        def look(target: Target, item: Document) -> Look:
            return self._model(client, target) if kind is Kind.MODEL else self._endpoint(client, target, item)

        items = partial(self._reader.read_list, f"list each {kind} of {workspace}", call)
        return list_looks(workspace, kind, items, look, is_known)

    def _endpoint(self, client: MLClient, target: Target, endpoint: Document) -> Look:
        if target.kind is Kind.SERVERLESS_ENDPOINT:  # it has no deployments: it serves one model by itself
            return Look(Outcome.PRESENT, {"endpoint": endpoint})
        is_online = target.kind is Kind.ONLINE_ENDPOINT
        operations = client.online_deployments if is_online else client.batch_deployments
        deployments = self._reader.read_list(
            f"list the deployments of {target.id}", partial(operations.list, target.name)
        )
        return Look(Outcome.PRESENT, {"endpoint": endpoint, "deployments": deployments})

    def _model(self, client: MLClient, target: Target) -> Look:
        # ALL, because the default hides archived and anonymous versions, and just those matter here.
        versions = self._reader.read_list(
            f"list the versions of {target.id}",
            partial(client.models.list, name=target.name, list_view_type=ListViewType.ALL),
        )
        if not versions:
            return Look(Outcome.ABSENT)
        jobs = self._jobs.behind(target.parent, versions)
        return Look(Outcome.PRESENT, {"versions": versions} | ({"jobs": jobs} if jobs else {}))

    def _client_of(self, target: Target) -> MLClient:
        return self._client(target.subscription, target.resource_group, target.parent_name)

    def _client(self, *scope: str) -> MLClient:
        """Return the client of a subscription, or of a workspace by subscription, group and name."""
        key = "/".join(scope)
        if key not in self._clients:
            options = {**self._cloud.ml_options, **self._reader.options}
            client = MLClient(self._credential, *scope, enable_telemetry=False, **options)
            self._clients.setdefault(key, client)  # another thread may have been first
        return self._clients[key]


def _marks(listing: Listing, rows: Rows) -> Iterator[tuple[Target, str]]:
    """Yield the mark of each endpoint whose deployments the index knows as they were read."""
    for target, look in listing.looks.items():
        deployments = look.document.get("deployments")
        if deployments and rows.are_of(target, deployments):
            yield target, rows.mark(target, look.document["endpoint"])
