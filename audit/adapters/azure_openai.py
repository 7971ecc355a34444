"""The live state of Azure OpenAI and Foundry accounts, read through `azure-mgmt-cognitiveservices`."""

import logging
from collections.abc import Iterable
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

from audit.adapters.cloud import Cloud
from audit.adapters.recorder import Page, Recorder, items_of, look_of, reason_of
from audit.catalogue import Catalogue, read_catalogue
from audit.errors import Unavailable
from audit.model import Look, Outcome, Target
from audit.ports import Listing
from audit.targets import find_target

logger = logging.getLogger(__name__)

_KINDS_WITH_DEPLOYMENTS = frozenset({"openai", "aiservices"})


class AzureOpenAi:
    """Accounts, their deployments, and the model catalogue of their regions."""

    def __init__(self, credential: TokenCredential, cloud: Cloud):
        self._credential, self._cloud = credential, cloud
        self._recorder = Recorder(cloud.host)
        self._clients: dict[str, CognitiveServicesManagementClient] = {}
        self._locations: dict[str, str] = {}

    def accounts(self, subscription: str) -> list[str]:
        """Return the ids of a subscription's accounts that can have deployments."""
        try:
            accounts = items_of(self._read(self._client(subscription).accounts.list()))
        except AzureError as error:
            raise Unavailable(f"tried to list the accounts of {subscription}: {reason_of(error)}") from error
        found = [a for a in accounts if str(a.get("kind", "")).lower() in _KINDS_WITH_DEPLOYMENTS and a.get("id")]
        return [str(account["id"]).lower() for account in found]

    def look(self, target: Target) -> Look:
        """Return what the service says of a deployment now."""
        client = self._client(target.subscription)
        with self._recorder.recording() as pages:
            try:
                client.deployments.get(target.resource_group, target.parent_name, target.name)
            except AzureError as error:
                return look_of(error)
        return Look(Outcome.PRESENT, {"deployment": pages[0].body})

    def list_targets(self, account: str) -> Listing:
        """Return the deployments of an account; how listing ended is part of it."""
        _, _, subscription, _, group, *_, name = account.split("/")
        try:
            items = items_of(self._read(self._client(subscription).deployments.list(group, name)))
        except AzureError as error:
            return Listing({}, look_of(error))
        looks = ((find_target(str(item.get("id", ""))), item) for item in items)
        return Listing({target: Look(Outcome.PRESENT, {"deployment": item}) for target, item in looks if target})

    def catalogue(self, account: str) -> Catalogue:
        """Return the retirement dates of the account's region; raise `Unavailable` where they cannot be read."""
        subscription = account.split("/")[2]
        try:
            rows = self._read(self._client(subscription).models.list(self._location(account)))
        except AzureError as error:
            raise Unavailable(f"tried to read the model catalogue for {account}: {reason_of(error)}") from error
        return read_catalogue(items_of(rows))

    def _location(self, account: str) -> str:
        if account not in self._locations:
            _, _, subscription, _, group, *_, name = account.split("/")
            with self._recorder.recording() as pages:
                self._client(subscription).accounts.get(group, name)
            self._locations[account] = str(pages[0].body["location"])
        return self._locations[account]

    def _read(self, found: Iterable[Any]) -> list[Page]:
        """Run a list to its end and return every page it read, as the service sent it."""
        with self._recorder.recording() as pages:
            for _ in found:
                pass
        return pages

    def _client(self, subscription: str) -> CognitiveServicesManagementClient:
        if subscription not in self._clients:
            self._clients[subscription] = CognitiveServicesManagementClient(
                self._credential,
                subscription,
                base_url=self._cloud.endpoint,
                credential_scopes=[self._cloud.scope],
                per_retry_policies=[self._recorder],
                **self._cloud.http_options,
            )
        return self._clients[subscription]
