"""The live state of Azure Machine Learning workspaces, read through `azure-ai-ml`.

This module imports a heavy library (1.4 s, 100 MB); `audit.adapters.live` imports it when a check needs it.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from azure.ai.ml import MLClient
from azure.ai.ml.constants import ListViewType, Scope
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.core.rest import HttpRequest
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from audit.adapters.cloud import Cloud
from audit.adapters.recorder import Page, Recorder, items_of, look_of, reason_of
from audit.errors import Unavailable
from audit.model import Document, Kind, Look, Outcome, Target
from audit.ports import Listing
from audit.targets import find_target

logger = logging.getLogger(__name__)

_TRANSPORT = (HttpResponseError, ServiceRequestError, ServiceResponseError)
# What building an entity from an odd document raises; MlException is an AzureError without an answer.
_ODD_DOCUMENT = (AttributeError, KeyError, TypeError, ValueError, AzureError)


class AzureMl:
    """Workspaces: their online endpoints with deployments, and their models with all versions."""

    def __init__(self, credential: TokenCredential, cloud: Cloud):
        self._credential, self._cloud = credential, cloud
        self._recorder = Recorder(cloud.host)
        self._clients: dict[str, MLClient] = {}

    def workspaces(self, subscription: str) -> list[str]:
        """Return the ids of a subscription's workspaces; raise `Throttled` or `Unavailable`."""
        client = self._client(subscription, None, None)
        try:
            pages = self._read(lambda: client.workspaces.list(scope=Scope.SUBSCRIPTION))
        except AzureError as error:
            raise Unavailable(f"tried to list the workspaces of {subscription}: {reason_of(error)}") from error
        return [str(item["id"]).lower() for item in items_of(pages) if item.get("id")]

    def look(self, target: Target) -> Look:
        """Return what the service says of an online endpoint or a model now."""
        client = self._client(target.subscription, target.resource_group, target.parent_name)
        try:
            if target.kind is Kind.MODEL:
                return self._model(client, target.name)
            pages = self._read(lambda: client.online_endpoints.get(target.name))
            return Look(Outcome.PRESENT, self._with_deployments(client, pages[0].body))
        except AzureError as error:
            return look_of(error)

    def list_targets(self, workspace: str) -> Listing:
        """Return what a workspace holds; how listing ended is part of it."""
        _, _, subscription, _, group, *_, name = workspace.split("/")
        client = self._client(subscription, group, name)
        looks: dict[Target, Look] = {}
        try:
            for endpoint in items_of(self._read(client.online_endpoints.list)):
                _add(looks, endpoint, lambda item: Look(Outcome.PRESENT, self._with_deployments(client, item)))
            for model in items_of(self._read(lambda: client.models.list(list_view_type=ListViewType.ALL))):
                _add(looks, model, lambda item: self._model(client, item["name"]))
        except AzureError as error:
            return Listing(looks, look_of(error))
        return Listing(looks)

    def _with_deployments(self, client: MLClient, endpoint: Document) -> Document:
        pages = self._read(lambda: client.online_deployments.list(endpoint["name"]))
        return {"endpoint": endpoint, "deployments": list(items_of(pages))}

    def _model(self, client: MLClient, name: str) -> Look:
        # ALL, because the default hides archived and anonymous versions, and just those matter here.
        pages = self._read(lambda: client.models.list(name=name, list_view_type=ListViewType.ALL))
        versions = list(items_of(pages))
        return Look(Outcome.PRESENT, {"versions": versions}) if versions else Look(Outcome.ABSENT)

    def _read(self, call: Callable[[], Any]) -> list[Page]:
        """Run an SDK call to its end and return every page it read, as the service sent it."""
        with self._recorder.recording() as pages:
            try:
                answer = call()
                for _ in answer if isinstance(answer, Iterable) else ():
                    pass
            except _TRANSPORT:
                raise
            except _ODD_DOCUMENT as error:
                logger.info("the SDK cannot build an entity, its JSON is read on: %s", type(error).__name__)
                self._read_on(pages)
        return pages

    def _read_on(self, pages: list[Page]) -> None:
        """Follow the links that the SDK did not reach, because an entity before them could not be built."""
        client: ARMPipelineClient[Any, Any] = ARMPipelineClient(
            base_url=self._cloud.endpoint,
            authentication_policy=ARMChallengeAuthenticationPolicy(self._credential, self._cloud.scope),
            per_retry_policies=[self._recorder],
            **self._cloud.http_options,
        )
        with client:
            while pages and (link := pages[-1].body.get("nextLink")):
                client.send_request(HttpRequest("GET", link)).raise_for_status()

    def _client(self, subscription: str, group: str | None, workspace: str | None) -> MLClient:
        key = f"{subscription}/{group}/{workspace}"
        if key not in self._clients:
            self._clients[key] = MLClient(
                self._credential,
                subscription,
                group,
                workspace,
                enable_telemetry=False,
                per_retry_policies=[self._recorder],
                **self._cloud.ml_options,
                **self._cloud.http_options,
            )
        return self._clients[key]


def _add(looks: dict[Target, Look], item: Document, look: Callable[[Document], Look]) -> None:
    """Add a look for a listed item; what fails for this one item hides none of the others."""
    target = find_target(str(item.get("id", "")))
    if target is None:
        return
    try:
        looks[target] = look(item)
    except AzureError as error:
        looks[target] = look_of(error)
