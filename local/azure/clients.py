"""The real Azure SDK clients, pointed at the stand-in by their public options only.

The SDKs are imported where they are used: azure-ai-ml alone takes a second and 100 MB.
"""

import gc
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from azure.core.pipeline.transport import RequestsTransport

from local.azure.identity import Credential
from local.azure.ids import guid

if TYPE_CHECKING:
    from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient


class Closeable(Protocol):
    """Anything with connections to close."""

    def close(self) -> None:
        """Close them."""


def ml_client(
    credential: Credential, base_url: str, ca_path: Path, scope: tuple[str, str, str], closing: ExitStack
) -> Any:
    """Return a real `MLClient` for a scope of subscription, resource group and workspace.

    It sets `AZUREML_CURRENT_CLOUD` in this process, as azure-ai-ml always does for a cloud of one's own.
    """
    from azure.ai.ml import MLClient

    # Given from outside because MLClient cannot be closed, and the server waits for connections left open.
    transport = RequestsTransport(connection_verify=str(ca_path))
    closing.callback(_close, transport)
    return MLClient(
        credential,
        *scope,
        # Unique for each server: azure-ai-ml keeps clouds for good, and the first of a name keeps its port.
        cloud=f"StandIn-{guid(base_url, ca_path)}",
        cloud_metadata={
            "azure_portal": "https://portal.standin.invalid",
            "resource_manager": f"{base_url}/",
            "active_directory": "https://login.standin.invalid",
            "aml_resource_id": "https://ml.standin.invalid",
            "storage_endpoint": "core.standin.invalid",
            "registry_discovery_endpoint": f"{base_url}/",
        },
        transport=transport,
        enable_telemetry=False,
    )


def openai_client(
    credential: Credential, base_url: str, ca_path: Path, subscription: str, closing: ExitStack
) -> "CognitiveServicesManagementClient":
    """Return a real management client for the subscription's Azure OpenAI accounts."""
    from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

    client = CognitiveServicesManagementClient(
        credential,
        subscription,
        base_url=base_url,
        credential_scopes=[f"{base_url}/.default"],
        connection_verify=str(ca_path),
    )
    closing.callback(_close, client)
    return client


def _close(held: Closeable) -> None:
    """Close connections for good before the server is stopped, which would wait for them."""
    # urllib3 closes a pool when nothing refers to it any more; an error that was caught still does, in a cycle.
    gc.collect()
    held.close()
