"""Blobs of an Azure storage account, or of Azurite; apart from the rest, because taking an event in needs none."""

import contextlib

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import ContainerClient, ContentSettings

from audit.adapters.storage import translated


class AzureBlobs:
    """A blob container whose blobs are written once; see `audit.ports.Blobs`."""

    def __init__(self, client: ContainerClient):
        self._client = client

    def put(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Upload a blob unless there is one of that name."""
        settings = ContentSettings(content_type=content_type)
        with translated(f"write blob {name}"), contextlib.suppress(ResourceExistsError):
            self._client.upload_blob(name, content, overwrite=False, content_settings=settings)

    def get(self, name: str) -> bytes | None:
        """Download a blob."""
        return self._download(name)

    def read(self, name: str, most: int) -> bytes | None:
        """Download no more than the first `most` bytes of a blob; see `audit.ports.DroppedFiles`."""
        return self._download(name, most)

    def _download(self, name: str, most: int | None = None) -> bytes | None:
        with translated(f"read blob {name}"):
            try:
                return self._client.download_blob(name, None if most is None else 0, most).readall()
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", None) != "BlobNotFound":
                    raise  # the container is missing: that says nothing of the blob
                return None
            except HttpResponseError as error:
                if error.status_code != 416:
                    raise
                return b""  # an empty blob has no first bytes to give

    def names(self, prefix: str = "") -> list[str]:
        """List blobs, page by page."""
        with translated(f"list blobs {prefix}*"):
            return sorted(self._client.list_blob_names(name_starts_with=prefix))
