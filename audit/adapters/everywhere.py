"""The live state of Azure and of MLflow registries as one: an id says where it lives."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from audit.adapters.live import AzureLive
from audit.adapters.mlflow import MlflowLive
from audit.mlflow import is_mlflow
from audit.model import Look, Target
from audit.ports import Listing
from audit.sight.catalogue import Catalogue, Unread


@dataclass(frozen=True, slots=True)
class Everywhere:
    """See `audit.ports.Live`."""

    azure: AzureLive
    mlflow: MlflowLive

    def parents(self) -> list[str]:
        """Return all that is watched, of either."""
        return [*self.mlflow.parents(), *self.azure.parents()]

    def look(self, target: Target) -> Look:
        """Return what the service says of a target now."""
        return self._of(target.parent).look(target)

    def list_targets(self, parent: str, known: Mapping[Target, str] | None = None) -> Listing:
        """Return what a workspace, an account or a registry holds."""
        return self._of(parent).list_targets(parent, known)

    def catalogue(self, parent: str, max_age: timedelta) -> Catalogue | Unread:
        """Return the retirement dates for an account's region."""
        return self._of(parent).catalogue(parent, max_age)

    def _of(self, parent: str) -> AzureLive | MlflowLive:
        return self.mlflow if is_mlflow(parent) else self.azure
