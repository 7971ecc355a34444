"""The live state of Azure Machine Learning registries, read through `azure-ai-ml`.

A registry answers at an endpoint of its own, which its discovery service names. The bearer token goes there only
where the place is one of Azure's own (`Cloud.is_place`).
"""

from functools import partial
from typing import Any

from azure.ai.ml import MLClient
from azure.ai.ml.constants import ListViewType, Scope
from azure.core.credentials import TokenCredential

from audit.adapters.cloud import Cloud
from audit.adapters.pace import Pace
from audit.adapters.reader import Reader, list_looks
from audit.adapters.recorder import Refused
from audit.model import Kind, Look, Outcome, Target
from audit.ports import Listing
from audit.targets import parent_target

# A registry shows archived versions whatever the view; it is named all the same, in case that ends. By its word,
# because the SDK puts an enumeration of Python's into a registry's URL as it stands (azure-sdk-for-python#48675).
_ALL = str(ListViewType.ALL.value)


class AzureRegistries:
    """Registries: their models with all versions.

    What cannot be looked at raises `Refused`, `Throttled` or `Unavailable`, as `audit.adapters.reader` says.
    """

    def __init__(self, credential: TokenCredential, cloud: Cloud, pace: Pace):
        self._credential, self._cloud = credential, cloud
        self._reader = Reader(credential, cloud, pace)
        self._clients: dict[str, MLClient] = {}

    def parents(self, subscription: str) -> list[Any]:
        """Return the documents of a subscription's registries."""
        registries = self._client(subscription).registries
        return self._reader.read_list(
            f"list the registries of {subscription}", partial(registries.list, scope=Scope.SUBSCRIPTION)
        )

    def look(self, target: Target) -> Look:
        """Return what the service says of a model now."""
        models = self._registry(target.parent_name).models
        versions = self._reader.read_list(
            f"list the versions of {target.id}", partial(models.list, name=target.name, list_view_type=_ALL)
        )
        return Look(Outcome.PRESENT, {"versions": versions}) if versions else Look(Outcome.ABSENT)

    def list_targets(self, registry: str) -> Listing:
        """Return what a registry holds."""
        return list_looks(
            registry, Kind.MODEL, partial(self._models, registry), lambda target, _: self.look(target)
        )

    def _models(self, registry: str) -> list[Any]:
        models = self._registry(parent_target(registry).name).models
        found = self._reader.read_list(f"list the models of {registry}", partial(models.list, list_view_type=_ALL))
        return [_with_arm_id(model, registry) for model in found]

    def _registry(self, name: str) -> MLClient:
        """Return the client of a registry; making it asks the discovery service where the registry answers."""
        if name not in self._clients:
            self._reader.read(f"find the registry {name}", partial(self._make, name, registry_name=name))
        if name not in self._clients:
            raise Refused(Outcome.UNREADABLE, f"where the registry {name} answers cannot be understood")
        return self._clients[name]

    def _client(self, subscription: str) -> MLClient:
        if subscription not in self._clients:
            self._make(subscription, subscription_id=subscription)
        return self._clients[subscription]

    def _make(self, key: str, **of: str) -> None:
        options = {**self._cloud.ml_options, **self._reader.options}
        client = MLClient(self._credential, enable_telemetry=False, **of, **options)
        self._clients.setdefault(key, client)  # another thread may have been first


def _with_arm_id(model: Any, registry: str) -> Any:
    """Return a model with ARM's id: a registry names its own assets `azureml://registries/...`."""
    is_named = isinstance(model, dict) and isinstance(model.get("name"), str)
    return {**model, "id": f"{registry}/models/{model['name']}"} if is_named else model
