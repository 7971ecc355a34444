"""Start Azurite, Microsoft's storage emulator, and be sure that it ends with us."""

import contextlib
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ACCOUNT = "devstoreaccount1"
# The emulator's published key: the same in every Azurite, so no secret.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

START_SECONDS = 30  # half a second on an idle machine, two under load; more than this is a hang
STOP_SECONDS = 10  # exit_with_parent.cjs forces the end after five
POLL_SECONDS = 0.02  # between two looks at what Azurite has printed

HERE = Path(__file__).parent
PROGRAM = HERE / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
GUARD = HERE / "exit_with_parent.cjs"
SERVICES = ("Blob", "Queue", "Table")
# skipApiVersionCheck: azure-storage-queue and -blob speak a newer version than any Azurite knows.
OPTIONS = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at (\S+)")


class AzuriteError(RuntimeError):
    """Azurite could not be started; the message says why and what to run."""


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running Azurite: the base URLs of its three services, without a trailing slash."""

    blob_url: str
    queue_url: str
    table_url: str

    @property
    def connection_string(self) -> str:
        """Return what an Azure storage client or the setting `AzureWebJobsStorage` takes."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={self.blob_url}/{ACCOUNT};"
            f"QueueEndpoint={self.queue_url}/{ACCOUNT};"
            f"TableEndpoint={self.table_url}/{ACCOUNT};"
        )


@contextlib.contextmanager
def azurite(location: Path | None = None) -> Iterator[Azurite]:
    """Run Azurite on free ports of 127.0.0.1 while the block runs.

    Without `location` everything is held in memory. With it, what was written is found again by the next
    start; but a killed Azurite loses the last seconds, so it is no judge of crash safety.
    Raises `AzuriteError` where node or the package is missing, or where it does not come up.
    """
    command = _command(location)
    # Append mode: the child shares this file's offset, and reading must not move where it writes.
    with tempfile.TemporaryFile("a+", encoding="utf-8") as output:
        # A session of its own: Ctrl-C is for us, and storage must outlive the host that still drains its queues.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield _wait_until_listening(process, output)
        finally:
            _stop(process)


def _command(location: Path | None) -> list[str]:
    node = shutil.which("node")
    if node is None:
        raise AzuriteError("Azurite needs node, which is not on the PATH; install Node.js 20, then `make install`")
    if not PROGRAM.exists():
        raise AzuriteError(f"Azurite is not installed ({PROGRAM} is missing); run `make install`")
    persistence = ["--inMemoryPersistence"] if location is None else ["--location", str(location)]
    return [node, "-r", str(GUARD), str(PROGRAM), *OPTIONS, *_endpoints(), *persistence]


def _endpoints() -> list[str]:
    names = [service.lower() for service in SERVICES]
    return [flag for name in names for flag in (f"--{name}Host", "127.0.0.1", f"--{name}Port", "0")]


def _wait_until_listening(process: "subprocess.Popen[bytes]", output: IO[str]) -> Azurite:
    deadline = time.monotonic() + START_SECONDS
    while True:
        ended = process.poll() is not None
        printed = _read(output)
        urls = dict(LISTENING.findall(printed))
        if all(service in urls for service in SERVICES):
            return Azurite(*(urls[service] for service in SERVICES))
        if ended or time.monotonic() > deadline:
            raise AzuriteError(f"Azurite did not listen within {START_SECONDS} s; it printed:\n{printed}")
        time.sleep(POLL_SECONDS)


def _read(output: IO[str]) -> str:
    output.seek(0)
    return output.read()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
