"""What may be relied on of a container into which others put files: of the fake, and of Azurite."""

from collections.abc import Callable

import pytest
from azure.storage.blob import ContainerClient

from audit.adapters.blobs import AzureBlobs
from audit.errors import Unavailable
from audit.ports import DroppedFiles
from tests.fakes import FakeFiles

Drop = Callable[[str, bytes], None]


@pytest.fixture(params=["fake", pytest.param("azurite", marks=pytest.mark.azurite)])
def dropped(request: pytest.FixtureRequest) -> tuple[DroppedFiles, Drop]:
    """Return a container, and what drops a file into it."""
    if request.param == "fake":
        files: dict[str, bytes] = {}
        return FakeFiles(files), files.__setitem__
    client: ContainerClient = request.getfixturevalue("container")
    return AzureBlobs(client), lambda name, content: _upload(client, name, content)


def _upload(client: ContainerClient, name: str, content: bytes) -> None:
    client.upload_blob(name, content, overwrite=True)


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 5_000_000])
def test_no_more_is_read_than_was_asked_for(dropped: tuple[DroppedFiles, Drop], size: int) -> None:
    files, drop = dropped
    drop("a.yaml", b"x" * size)

    assert files.read("a.yaml", 100) == b"x" * min(size, 100)


def test_a_file_is_read_as_it_is_now(dropped: tuple[DroppedFiles, Drop]) -> None:
    files, drop = dropped
    drop("a.yaml", b"first")
    drop("a.yaml", b"second")

    assert files.read("a.yaml", 100) == b"second"


def test_a_file_that_is_not_there_is_none(dropped: tuple[DroppedFiles, Drop]) -> None:
    assert dropped[0].read("a.yaml", 100) is None


@pytest.mark.parametrize("name", ["team/a b.yaml", "\u00fc.yaml", "a%20b.yaml", "a?b#c.yaml", "x" * 1000])
def test_a_file_of_any_name_is_read(dropped: tuple[DroppedFiles, Drop], name: str) -> None:
    files, drop = dropped
    drop(name, b"content")

    assert files.read(name, 100) == b"content"


@pytest.mark.azurite
def test_a_missing_container_is_no_missing_file(container: ContainerClient) -> None:
    container.delete_container()

    with pytest.raises(Unavailable):
        AzureBlobs(container).read("a.yaml", 100)
