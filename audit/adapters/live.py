"""The live state of everything that is watched, each kind of parent through the SDK that knows it."""

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from azure.core.credentials import TokenCredential

from audit.adapters.cloud import Cloud
from audit.catalogue import Catalogue
from audit.model import Look, Target
from audit.ports import Listing

if TYPE_CHECKING:
    from audit.adapters.azure_ml import AzureMl
    from audit.adapters.azure_openai import AzureOpenAi

_WORKSPACES = "/microsoft.machinelearningservices/"


class AzureLive:
    """See `audit.ports.Live`. The SDKs are imported when the first look needs them, never before."""

    def __init__(self, credential: TokenCredential, cloud: Cloud, subscriptions: Sequence[str]):
        self._credential, self._cloud, self._subscriptions = credential, cloud, subscriptions
        self._catalogues: dict[str, tuple[float, Catalogue]] = {}
        self._importing = threading.Lock()

    def parents(self) -> list[str]:
        """Return the workspaces and accounts of the watched subscriptions."""
        return [
            parent
            for subscription in self._subscriptions
            for parent in (*self._ml.workspaces(subscription), *self._openai.accounts(subscription))
        ]

    def look(self, target: Target) -> Look:
        """Return what the service says of a target now."""
        return self._service(target.parent).look(target)

    def list_targets(self, parent: str) -> Listing:
        """Return what a workspace or an account holds."""
        return self._service(parent).list_targets(parent)

    def catalogue(self, parent: str, max_age: timedelta) -> Catalogue:
        """Return the retirement dates for an account's region, kept in memory for `max_age`."""
        read_at, catalogue = self._catalogues.get(parent, (float("-inf"), {}))
        if time.monotonic() - read_at > max_age.total_seconds():
            catalogue = self._openai.catalogue(parent)
            self._catalogues[parent] = (time.monotonic(), catalogue)
        return catalogue

    def _service(self, parent: str) -> "AzureMl | AzureOpenAi":
        return self._ml if _WORKSPACES in parent else self._openai

    @cached_property
    def _ml(self) -> "AzureMl":
        with self._importing:
            from audit.adapters.azure_ml import AzureMl

            return AzureMl(self._credential, self._cloud)

    @cached_property
    def _openai(self) -> "AzureOpenAi":
        with self._importing:
            from audit.adapters.azure_openai import AzureOpenAi

            return AzureOpenAi(self._credential, self._cloud)
