"""The live state of everything that is watched, each kind of parent through the SDK that knows it."""

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from azure.core.credentials import TokenCredential

from audit.adapters.cloud import Cloud
from audit.adapters.pace import Pace
from audit.adapters.recorder import Refused
from audit.catalogue import Catalogue, Unread
from audit.errors import Unavailable
from audit.model import Look, Target
from audit.ports import Listing
from audit.targets import find_parent

if TYPE_CHECKING:
    from audit.adapters.azure_ml import AzureMl
    from audit.adapters.azure_openai import AzureOpenAi
    from audit.adapters.azure_registry import AzureRegistries

logger = logging.getLogger(__name__)

# A refusal is asked about again soon, so that a role just granted is seen, but not for each of 500 deployments.
UNREAD_AGE = timedelta(minutes=1)


class AzureLive:
    """See `audit.ports.Live`. The SDKs are imported when the first look needs them, never before."""

    def __init__(
        self, credential: TokenCredential, cloud: Cloud, subscriptions: Sequence[str], pace: Pace | None = None
    ):
        self._credential, self._cloud, self._subscriptions = credential, cloud, subscriptions
        self._pace = pace or Pace()
        self._catalogues: dict[tuple[str, str], tuple[float, Catalogue | Unread]] = {}
        self._importing = threading.Lock()

    def parents(self) -> list[str]:
        """Return the workspaces, registries and accounts of the watched subscriptions."""
        with _required("list what is in the watched subscriptions"):
            found = [
                document
                for subscription in self._subscriptions
                for service in (self._ml, self._registries, self._openai)
                for document in service.parents(subscription)
            ]
        return [parent for parent in map(_parent_of, found) if parent]

    def look(self, target: Target) -> Look:
        """Return what the service says of a target now."""
        try:
            return self._service(target.parent).look(target)
        except Refused as refused:
            return refused.look

    def list_targets(self, parent: str) -> Listing:
        """Return what a workspace, a registry or an account holds."""
        return self._service(parent).list_targets(parent)

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


def _parent_of(document: Any) -> str | None:
    """Return the id of a listed workspace or account; None, said aloud, where it has none that we know."""
    parent = find_parent(str(document.get("id"))) if isinstance(document, dict) else None
    if parent is None:
        logger.warning("a listed workspace or account has no id that we understand: it is not watched")
    return parent


@contextmanager
def _required(what: str) -> Iterator[None]:
    """Turn a final refusal into `Unavailable`, where there is no look to say it in."""
    try:
        yield
    except Refused as refused:
        raise Unavailable(f"tried to {what}; got {refused}. It is tried again by itself") from refused
