"""The live state of Azure OpenAI and Foundry accounts, read through `azure-mgmt-cognitiveservices`."""

from functools import partial
from typing import Any

from azure.core.credentials import TokenCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

from audit.adapters.cloud import Cloud
from audit.adapters.pace import Pace
from audit.adapters.reader import Reader, list_looks
from audit.adapters.recorder import Refused
from audit.model import Document, Kind, Look, Outcome, Target
from audit.ports import Listing
from audit.sight.catalogue import Catalogue, read_catalogue
from audit.targets import can_have_deployments, parent_target


class AzureOpenAi:
    """Accounts, their deployments with the content filters these name, and the model catalogue of their regions.

    What cannot be looked at raises `Refused`, `Throttled` or `Unavailable`, as `audit.adapters.reader` says.
    """

    def __init__(self, credential: TokenCredential, cloud: Cloud, pace: Pace):
        self._credential, self._cloud = credential, cloud
        self._reader = Reader(credential, cloud, pace)
        self._clients: dict[str, CognitiveServicesManagementClient] = {}
        self._locations: dict[str, str] = {}

    def parents(self, subscription: str) -> list[Any]:
        """Return the documents of a subscription's accounts that can have deployments."""
        client = self._client(subscription)
        accounts = self._reader.read_list(f"list the accounts of {subscription}", client.accounts.list)
        return [each for each in accounts if can_have_deployments(each)]

    def look(self, target: Target) -> Look:
        """Return what the service says of a deployment now, with its account and its content filter."""
        client, names = self._client(target.subscription), (target.resource_group, target.parent_name)
        get = partial(client.deployments.get, *names, target.name)
        deployment = self._reader.read(f"look at {target.id}", get)[0].body
        return _look(deployment, self._account(target.parent), self._filters_of(target, deployment))

    def list_targets(self, account: str) -> Listing:
        """Return the deployments of an account."""
        itself = parent_target(account)
        client, names = self._client(itself.subscription), (itself.resource_group, itself.name)
        try:
            document = self._account(account)
            self._remember_location(account, document)
            filters = self._read_list(f"list the content filters of {account}", client.rai_policies.list, *names)
        except Refused as refused:
            return Listing({}, refused.look)
        deployments = partial(
            self._read_list, f"list the deployments of {account}", client.deployments.list, *names
        )
        return list_looks(
            account,
            Kind.OPENAI_DEPLOYMENT,
            deployments,
            lambda _, deployment: _look(deployment, document, filters),
        )

    def region(self, account: str) -> tuple[str, str]:
        """Return the subscription and the region of an account; accounts that share both have one catalogue."""
        return parent_target(account).subscription, self._location(account)

    def catalogue(self, account: str) -> Catalogue:
        """Return the retirement dates of the account's region."""
        location = self._location(account)
        client = self._client(parent_target(account).subscription)
        rows = self._read_list(f"list the models of {location}", client.models.list, location)
        return read_catalogue(row for row in rows if isinstance(row, dict))

    def _account(self, account: str) -> Document:
        itself = parent_target(account)
        get = partial(self._client(itself.subscription).accounts.get, itself.resource_group, itself.name)
        return self._reader.read(f"look at {account}", get)[0].body

    def _filters_of(self, target: Target, deployment: Document) -> list[Any]:
        """Return the content filter that a deployment names, where there is one."""
        name = _filter_name(deployment)
        if not name:
            return []
        client, names = self._client(target.subscription), (target.resource_group, target.parent_name)
        get = partial(client.rai_policies.get, *names, name)
        try:
            return [self._reader.read(f"look at the content filter {name} of {target.parent}", get)[0].body]
        except Refused as refused:
            if refused.look.outcome is Outcome.ABSENT:
                return []
            raise

    def _location(self, account: str) -> str:
        if account not in self._locations:
            self._remember_location(account, self._account(account))
        if account not in self._locations:
            raise Refused(Outcome.UNREADABLE, "an account without a location")
        return self._locations[account]

    def _remember_location(self, account: str, document: Document) -> None:
        if isinstance(location := document.get("location"), str):
            self._locations[account] = location

    def _read_list(self, what: str, call: Any, *names: str) -> list[Any]:
        return self._reader.read_list(what, partial(call, *names))

    def _client(self, subscription: str) -> CognitiveServicesManagementClient:
        if subscription not in self._clients:
            client = CognitiveServicesManagementClient(
                self._credential,
                subscription,
                base_url=self._cloud.endpoint,
                credential_scopes=[self._cloud.scope],
                **self._reader.options,
            )
            self._clients.setdefault(subscription, client)  # another thread may have been first
        return self._clients[subscription]


def _look(deployment: Document, account: Document, filters: list[Any]) -> Look:
    """Return a deployment with what it names, and what holds for all of its account."""
    name = _filter_name(deployment)
    named = [each for each in filters if isinstance(each, dict) and str(each.get("name")).lower() == name]
    document = {"deployment": deployment, "account": account, "content_filter": named[0] if named else {}}
    return Look(Outcome.PRESENT, document)


def _filter_name(deployment: Document) -> str:
    properties = deployment.get("properties")
    return str(properties.get("raiPolicyName") or "").lower() if isinstance(properties, dict) else ""
