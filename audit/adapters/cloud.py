"""Which Azure we talk to: the public cloud, another one, or the stand-in of the local stack."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PUBLIC = "https://management.azure.com"
RETRIES = 2  # quick ones for a hiccup; whatever lasts longer is left to the queue

# What the SDKs are told of each request. Azure answers reads within seconds; a check has 5 minutes in all.
HTTP_OPTIONS: dict[str, Any] = {
    "retry_total": RETRIES,
    "retry_backoff_factor": 0.3,
    "connection_timeout": 10,
    "read_timeout": 30,
}


@dataclass(frozen=True, slots=True)
class Cloud:
    """The control plane's base URL, and a CA file where its certificate is not a public one."""

    endpoint: str = PUBLIC
    ca_file: str = ""

    @property
    def host(self) -> str:
        """Return host and port of the control plane."""
        return urlsplit(self.endpoint).netloc

    @property
    def scope(self) -> str:
        """Return the scope that tokens for it are asked for."""
        return f"{self.endpoint}/.default"

    @property
    def http_options(self) -> dict[str, Any]:
        """Return the keyword arguments that every SDK client takes."""
        return HTTP_OPTIONS | ({"connection_verify": self.ca_file} if self.ca_file else {})

    @property
    def ml_options(self) -> dict[str, Any]:
        """Return what makes `MLClient` talk to this cloud.

        Its clouds are process-global and the first of a name wins, so the name carries host and port.
        """
        if self.endpoint == PUBLIC:
            return {}
        metadata = {
            "azure_portal": self.endpoint,
            "resource_manager": f"{self.endpoint}/",
            "active_directory": self.endpoint,
            "aml_resource_id": self.endpoint,
            "storage_endpoint": self.host,
            "registry_discovery_endpoint": f"{self.endpoint}/",
        }
        return {"cloud": f"Custom-{self.host}", "cloud_metadata": metadata}
