"""Azurite starts on free ports, keeps what it should, and never outlives us."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from azure.storage.queue import QueueClient

from local.azurite import Azurite, AzuriteError, azurite

pytestmark = pytest.mark.azurite

PARENT = """
from local.azurite import azurite
with azurite() as running:
    print(running.queue_url, flush=True)
    input()
"""


def is_listening(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((str(parts.hostname), parts.port or 0)) == 0


def stops_listening(url: str, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while is_listening(url) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_listening(url)


def send(running: Azurite, text: str) -> None:
    with QueueClient.from_connection_string(running.connection_string, "kept") as client:
        client.create_queue()
        client.send_message(text)


def receive(running: Azurite) -> str:
    with QueueClient.from_connection_string(running.connection_string, "kept") as client:
        return next(str(message.content) for message in client.receive_messages())


def test_all_three_services_listen_on_ports_of_their_own(storage: Azurite) -> None:
    urls = {storage.blob_url, storage.queue_url, storage.table_url}

    assert len(urls) == 3
    assert all(is_listening(url) for url in urls)


def test_with_a_location_the_next_start_finds_what_was_written(tmp_path: Path) -> None:
    with azurite(tmp_path) as first:
        send(first, "still here")

    with azurite(tmp_path) as second:
        assert receive(second) == "still here"


def test_leaving_the_block_stops_it() -> None:
    with azurite() as running:
        url = running.queue_url

    assert not is_listening(url)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "kill"])
def test_it_dies_with_a_killed_parent(how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert is_listening(url)
        parent.send_signal(how)

    assert stops_listening(url)


def test_without_node_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(AzuriteError, match=r"needs node.*`make install`"), azurite():
        pass
