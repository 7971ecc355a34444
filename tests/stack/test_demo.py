"""The story of `make demo`, from end to end, as a newcomer starts it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from local.stack import ROOT

pytestmark = pytest.mark.stack

REPORT = ROOT / "out" / "report.html"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def demo() -> "subprocess.CompletedProcess[str]":
    REPORT.unlink(missing_ok=True)
    command = [sys.executable, "-m", "local", "demo"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)


def test_the_story_comes_out_as_told(demo: "subprocess.CompletedProcess[str]") -> None:
    assert demo.returncode == 0, demo.stdout[-2000:] + demo.stderr[-2000:]
    assert re.findall(r"^(\d)\. ", demo.stdout, re.MULTILINE) == list("12345678")


@pytest.mark.parametrize(
    "line",
    [
        "9 releases are approved",
        "approved pipeline 55555555-5555-4555-8555-555555555555",
        "jo.bloggs@contoso.example through the Azure portal wrote the deployment",
        "expected  blue=90 green=10",
        "no event announced this, and nobody wrote to it: an upgrade by the platform is suspected",
        "gpt-4.1 2025-04-14 stops answering: every request then fails with 410 Gone",
        "RESOLVED  CRITICAL  Another model version serves than was approved",
        "The record is what it was: fingerprint",
    ],
)
def test_each_step_can_be_read_in_the_output(demo: "subprocess.CompletedProcess[str]", line: str) -> None:
    assert line in demo.stdout


@pytest.mark.parametrize(
    "text",
    [
        "All 22 chains",
        "approved pipeline 55555555-5555-4555-8555-555555555555 wrote the deployment",
        "approved 2024-11-20, found 2024-08-06",
        "approved blue=90 green=10, found blue=50 green=50",
        "Changed, and no event announced it",
        "every request then fails with 410 Gone",
        "sam.okafor@contoso.example through the Azure CLI wrote the deployment",
        "each exactly once: an event that is delivered again is recognised and changes nothing",
    ],
)
@pytest.mark.usefixtures("demo")
def test_each_step_can_be_found_in_the_report(text: str) -> None:
    assert text in REPORT.read_text("utf-8")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH to open the page as a reader would")
@pytest.mark.usefixtures("demo")
def test_a_browser_shows_the_report_without_fetching_anything(tmp_path: Path) -> None:
    assert CHROMIUM is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    shown = subprocess.run(
        [CHROMIUM, *options, f"--user-data-dir={tmp_path}", "--dump-dom", REPORT.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout

    assert "2 of 9" in shown
    assert not re.search(r'(?:src|href)="', shown)


def test_killing_the_stack_leaves_no_process_behind(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "run", "--port", "0"], cwd=ROOT, stdout=output, start_new_session=True
        )
    _wait_until(lambda: "Ctrl-C stops everything" in said.read_text())
    url = re.search(r"http://\S+/api/health", said.read_text())
    assert url is not None
    assert urllib.request.urlopen(url[0]).status == 200
    children = _children(process.pid)

    process.send_signal(signal.SIGKILL)
    process.wait()

    assert children
    _wait_until(lambda: not any(_is_alive(child) for child in children))


def test_a_polite_stop_ends_the_stack_soon(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("w") as output:
        process = subprocess.Popen([sys.executable, "-m", "local", "run", "--port", "0"], cwd=ROOT, stdout=output)
    _wait_until(lambda: "Ctrl-C stops everything" in said.read_text())

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=20) == 0


def _wait_until(condition: object, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def _children(parent: int) -> list[int]:
    path = Path(f"/proc/{parent}/task")
    if not path.is_dir():
        pytest.skip("needs /proc to find child processes")
    tasks = path.iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
