import pytest
from azure.storage.blob import ContainerClient

from audit.adapters.blobs import AzureBlobs
from audit.errors import Unavailable
from audit.ports import Blobs


def test_a_blob_is_read_as_it_was_written(blobs: Blobs) -> None:
    blobs.put("a.bin", bytes(range(256)))

    assert blobs.get("a.bin") == bytes(range(256))


def test_a_blob_is_written_once(blobs: Blobs) -> None:
    blobs.put("a", b"first")

    blobs.put("a", b"second")

    assert blobs.get("a") == b"first"


def test_a_blob_that_is_not_there_is_none(blobs: Blobs) -> None:
    assert blobs.get("a") is None


@pytest.mark.parametrize("content", [b"", b"x" * 5_000_000], ids=["empty", "5 MB"])
def test_blobs_of_any_size_are_kept(blobs: Blobs, content: bytes) -> None:
    blobs.put("a", content)

    assert blobs.get("a") == content


def test_names_are_listed_in_order_below_their_prefix(blobs: Blobs) -> None:
    for name in ("p-1/b", "p-2/a", "p-1/a", "p-10/a"):
        blobs.put(name, b"x")

    assert blobs.names("p-1/") == ["p-1/a", "p-1/b"]
    assert blobs.names() == ["p-1/a", "p-1/b", "p-10/a", "p-2/a"]


def test_an_empty_container_has_no_names(blobs: Blobs) -> None:
    assert blobs.names() == []


@pytest.mark.azurite
def test_a_blob_has_the_type_it_was_written_with(container: ContainerClient) -> None:
    AzureBlobs(container).put("report.html", b"x", "text/html; charset=utf-8")

    properties = container.get_blob_client("report.html").get_blob_properties()

    assert properties.content_settings.content_type == "text/html; charset=utf-8"


@pytest.mark.azurite
def test_a_container_that_is_not_there_is_unavailable(storage_connection: str) -> None:
    with ContainerClient.from_connection_string(storage_connection, "missing") as client:
        missing = AzureBlobs(client)

        with pytest.raises(Unavailable, match="tried to write blob a"):
            missing.put("a", b"x")
        with pytest.raises(Unavailable, match=r"tried to list blobs \*"):
            missing.names()


@pytest.mark.azurite
def test_reading_from_a_container_that_is_not_there_is_unavailable_and_not_nothing(
    storage_connection: str,
) -> None:
    with ContainerClient.from_connection_string(storage_connection, "missing") as client:
        missing = AzureBlobs(client)

        with pytest.raises(Unavailable, match="tried to read blob a"):
            missing.get("a")
