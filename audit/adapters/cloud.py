"""Which Azure we talk to: the public cloud, another one, or the stand-in of the local stack."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PUBLIC = "https://management.azure.com"

# What the SDKs are told of each request: a few quick tries for a hiccup; whatever lasts longer is the queue's.
# Three times a hang of READ_TIMEOUT is 90 seconds, and a check has 5 minutes in all. Five tries of what is refused
# at once let a sweep of thousands of reads end although one in twenty is refused.
RETRIES = {"retry_total": 4, "retry_connect": 2, "retry_read": 2, "retry_status": 4}
BACKOFF = 0.3  # seconds: the first retry comes at once, the next after twice this, and so on doubling
# Where registries of the public cloud answer, each in its own region (azure-ai-ml, `_utils/_registry_utils.py`).
_REGISTRIES = re.compile(
    r"https://(?:[\w-]+\.)+(?:api\.azureml\.ms|experiments\.azureml\.net)(?::443)?/", re.IGNORECASE
)

CONNECTION_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 30.0  # seconds; Azure answers reads within a few


@dataclass(frozen=True, slots=True)
class Cloud:
    """The control plane's base URL, a CA file where its certificate is not a public one, and our patience."""

    endpoint: str = PUBLIC
    ca_file: str = ""
    read_timeout: float = READ_TIMEOUT
    backoff: float = BACKOFF

    def is_place(self, url: str) -> bool:
        """Say whether an URL leads to this cloud's control plane or registries, and nowhere else.

        By the text itself, because parsers disagree on what the host of `https://a\\@b/` is. Some services name
        the port of https in their links.
        """
        is_arm = url.lower().startswith((f"{self.endpoint}/".lower(), f"{self.endpoint}:443/".lower()))
        return is_arm or (self.endpoint == PUBLIC and _REGISTRIES.match(url) is not None)

    @property
    def scope(self) -> str:
        """Return the scope that tokens for it are asked for."""
        return f"{self.endpoint}/.default"

    @property
    def http_options(self) -> dict[str, Any]:
        """Return the keyword arguments that every SDK client takes."""
        patience = {"connection_timeout": CONNECTION_TIMEOUT, "read_timeout": self.read_timeout}
        patience |= RETRIES | {"retry_backoff_factor": self.backoff}
        return {**patience, **({"connection_verify": self.ca_file} if self.ca_file else {})}

    @property
    def ml_options(self) -> dict[str, Any]:
        """Return what makes `MLClient` talk to this cloud.

        Always by name: without one it takes the cloud of the client that was made last in this process. A name
        stays bound to the first address it was given, so the name of another cloud carries its address.
        """
        if self.endpoint == PUBLIC:
            return {"cloud": "AzureCloud"}
        host = urlsplit(self.endpoint).netloc
        metadata = {
            "azure_portal": self.endpoint,
            "resource_manager": f"{self.endpoint}/",
            "active_directory": self.endpoint,
            "aml_resource_id": self.endpoint,
            "storage_endpoint": host,
            "registry_discovery_endpoint": f"{self.endpoint}/",
        }
        return {"cloud": f"Custom-{host}", "cloud_metadata": metadata}
