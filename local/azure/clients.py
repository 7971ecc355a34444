"""The real Azure SDK clients, pointed at the stand-in by their public options only.

The SDKs are imported where they are used: azure-ai-ml alone takes a second and 100 MB.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.azure.identity import Credential
from local.azure.ids import guid

if TYPE_CHECKING:
    from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient


def ml_client(
    credential: Credential, base_url: str, ca_path: Path, subscription: str, group: str, workspace: str
) -> Any:
    """Return a real `MLClient` for one workspace.

    It sets `AZUREML_CURRENT_CLOUD` in this process, as azure-ai-ml always does for a cloud of one's own.
    """
    from azure.ai.ml import MLClient

    return MLClient(
        credential,
        subscription,
        group,
        workspace,
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
        connection_verify=str(ca_path),
        enable_telemetry=False,
    )


def openai_client(
    credential: Credential, base_url: str, ca_path: Path, subscription: str
) -> "CognitiveServicesManagementClient":
    """Return a real management client for the subscription's Azure OpenAI accounts."""
    from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

    return CognitiveServicesManagementClient(
        credential,
        subscription,
        base_url=base_url,
        credential_scopes=[f"{base_url}/.default"],
        connection_verify=str(ca_path),
    )
