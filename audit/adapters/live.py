"""The live state of everything that is watched, each kind of parent through the SDK that knows it."""

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from azure.core.credentials import TokenCredential

from audit.adapters.cloud import Cloud
from audit.adapters.pace import Pace
from audit.adapters.recorder import Refused
from audit.adapters.resource_graph import NO_ROWS, NOTHING_FOUND, Found, ResourceGraph
from audit.errors import Throttled, Unavailable
from audit.model import Document, Look, Target
from audit.ports import Listing
from audit.sight.catalogue import Catalogue, Unread
from audit.targets import can_have_deployments, find_parent, parent_target

if TYPE_CHECKING:
    from audit.adapters.azure_ml import AzureMl
    from audit.adapters.azure_openai import AzureOpenAi
    from audit.adapters.azure_registry import AzureRegistries

logger = logging.getLogger(__name__)

# A refusal is asked about again soon, so that a role just granted is seen, but not for each of 500 deployments.
UNREAD_AGE = timedelta(minutes=1)
# How long an index alone says which workspaces and accounts there are: it may hide one, for whatever reason.
LISTED_AGE = timedelta(hours=6)


class AzureLive:
    """See `audit.ports.Live`. The SDKs are imported when the first look needs them, never before."""

    def __init__(
        self,
        credential: TokenCredential,
        cloud: Cloud,
        subscriptions: Sequence[str],
        pace: Pace | None = None,
        graph_pace: Pace | None = None,
    ):
        self._credential, self._cloud, self._subscriptions = credential, cloud, subscriptions
        self._pace = pace or Pace()
        self._graph = ResourceGraph(credential, cloud, graph_pace)
        self._listed_at = float("-inf")
        self._catalogues: dict[tuple[str, str], tuple[float, Catalogue | Unread]] = {}
        self._importing = threading.Lock()

    def parents(self) -> list[str]:
        """Return the workspaces, registries and accounts of the watched subscriptions.

        Resource Graph answers that in one query. A subscription that it does not cover is listed; and from time to
        time all are, for what it hides.
        """
        began_at = time.monotonic()
        is_due = began_at - self._listed_at > LISTED_AGE.total_seconds()
        indexed = NOTHING_FOUND if is_due else self._indexed_parents()
        try:
            listed = [
                document
                for subscription in self._subscriptions
                if subscription not in indexed.covered
                for service in (self._ml, self._registries, self._openai)
                for document in service.parents(subscription)
            ]
        except Refused as refused:  # there is no look to say it in
            raise Unavailable(
                f"tried to list what is in the watched subscriptions; got {refused}. It is tried again by itself"
            ) from refused
        if is_due:
            self._listed_at = began_at
        documents = [*filter(_may_hold_targets, indexed.documents), *listed]
        return sorted({parent for parent in map(_parent_of, documents) if parent})

    def _indexed_parents(self) -> Found:
        try:
            found = self._graph.parents(self._subscriptions) if self._subscriptions else NOTHING_FOUND
        except (Refused, Throttled, Unavailable) as error:
            logger.info("Resource Graph tells nothing, the subscriptions are listed: %s", error)
            return NOTHING_FOUND
        if missing := sorted(set(self._subscriptions) - found.covered):
            logger.info("Resource Graph does not cover these subscriptions, they are listed: %s", missing)
        return found

    def look(self, target: Target) -> Look:
        """Return what the service says of a target now."""
        try:
            return self._service(target.parent).look(target)
        except Refused as refused:
            return refused.look

    def list_targets(self, parent: str, known: Mapping[Target, str] | None = None) -> Listing:
        """Return what a workspace, a registry or an account holds; see `audit.ports.Live`.

        Only workspaces have an index: Resource Graph knows neither models nor deployments of accounts.
        """
        if known is None or "/workspaces/" not in parent:
            return self._service(parent).list_targets(parent)
        try:
            rows, why = self._graph.deployments(parent, parent_target(parent).subscription), ""
        except (Refused, Throttled, Unavailable) as error:
            logger.info("Resource Graph tells nothing, everything is read: %s", error)
            rows, why = NO_ROWS, str(error)
        return replace(self._ml.list_targets(parent, known, rows), index=why)

    def catalogue(self, parent: str, max_age: timedelta) -> Catalogue | Unread:
        """Return the retirement dates for an account's region, kept in memory for `max_age`."""
        try:
            region = self._openai.region(parent)
        except Refused as refused:
            return Unread(f"the region of the account: {refused}")
        read_at, catalogue = self._catalogues.get(region, (float("-inf"), {}))
        age = min(max_age, UNREAD_AGE) if isinstance(catalogue, Unread) else max_age
        if time.monotonic() - read_at > age.total_seconds():
            catalogue = self._read_catalogue(parent)
            self._catalogues[region] = (time.monotonic(), catalogue)
        return catalogue

    def _read_catalogue(self, parent: str) -> Catalogue | Unread:
        try:
            return self._openai.catalogue(parent)
        except Refused as refused:
            return Unread(f"the models of the account's region: {refused}")

    def _service(self, parent: str) -> "AzureMl | AzureRegistries | AzureOpenAi":
        if "/microsoft.cognitiveservices/" in parent:
            return self._openai
        return self._registries if "/registries/" in parent else self._ml

    @cached_property
    def _ml(self) -> "AzureMl":
        with self._importing:
            _forget_cloud()
            from audit.adapters.azure_ml import AzureMl

            return AzureMl(self._credential, self._cloud, self._pace)

    @cached_property
    def _registries(self) -> "AzureRegistries":
        with self._importing:
            _forget_cloud()
            from audit.adapters.azure_registry import AzureRegistries

            return AzureRegistries(self._credential, self._cloud, self._pace)

    @cached_property
    def _openai(self) -> "AzureOpenAi":
        with self._importing:
            from audit.adapters.azure_openai import AzureOpenAi

            return AzureOpenAi(self._credential, self._cloud, self._pace)


def _forget_cloud() -> None:
    """Forget the cloud that a former MLClient leaves to every child process.

    Where it is not one of Azure's own, azure-ai-ml cannot even be imported. We name our cloud ourselves.
    """
    os.environ.pop("AZUREML_CURRENT_CLOUD", None)


def _may_hold_targets(row: Document) -> bool:
    """Say whether a row of the index is of an account that can have deployments, or of none."""
    is_account = "/microsoft.cognitiveservices/" in str(row.get("id")).lower()
    return not is_account or can_have_deployments(row)


def _parent_of(document: Any) -> str | None:
    """Return the id of a listed workspace or account; None, said aloud, where it has none that we know."""
    parent = find_parent(str(document.get("id"))) if isinstance(document, dict) else None
    if parent is None:
        logger.warning("a listed workspace or account has no id that we understand: it is not watched")
    return parent
