"""`python -m local demo` plays the story; `python -m local run` keeps the stack up."""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
import warnings
from pathlib import Path

from local.show import Screen
from local.stack import PIPELINES, ROOT, SETTINGS_FILE, Stack, Watch, start

REPORT = ROOT / "out" / "report.html"
PORT = 7071  # the port that `func start` takes
PARENT_CHECK_SECONDS = 0.5


def main() -> None:
    """Read the command and do it."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="play the story and write out/report.html")
    run = commands.add_parser("run", help="keep the stack up")
    run.add_argument("--port", type=int, default=PORT, help=f"port of the function app (default {PORT})")
    run.add_argument("--with-parent", action="store_true", help="stop when the process that started this ends")
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    warnings.simplefilter("ignore")  # the SDKs warn of experimental calls; a demo's screen is no place for it
    sys.exit(demo() if options.command == "demo" else keep_up(options.port, options.with_parent))


def demo() -> int:
    """Play the story and write the report; return the exit code."""
    from local.story import StoryError, play

    screen, began = Screen(PIPELINES), time.monotonic()
    screen.say("Starting Azurite, the control plane, Event Grid and the function app …")
    with start(Watch(screen.event, screen.run, screen.alert)) as stack:
        screen.say(f"Up after {time.monotonic() - began:.1f} s, all on 127.0.0.1.")
        try:
            play(stack, screen)
        except (StoryError, TimeoutError) as error:
            screen.console.print(f"\nThe story went wrong: {error}", style="bold red", markup=False)
            return 1
        _save_report(stack)
    screen.console.print(f"\nThe report: {REPORT.relative_to(ROOT)}. Everything that was started is stopped.")
    return 0


def _save_report(stack: Stack) -> None:
    REPORT.parent.mkdir(exist_ok=True)
    with urllib.request.urlopen(_page(stack, "report")) as answer:  # noqa: S310 - loopback
        REPORT.write_bytes(answer.read())


def keep_up(port: int, is_bound_to_parent: bool) -> int:
    """Keep the stack up until it is told to stop."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.set())
    if is_bound_to_parent:
        threading.Thread(target=_stop_with_parent, args=(os.getppid(), stopped), daemon=True).start()
    if not _is_free(port):
        print(f"Port {port} is taken; another one is used.")
        port = 0
    screen = Screen(PIPELINES)
    with start(Watch(screen.event, screen.run, screen.alert), port=port, timers=True) as stack:
        print(_banner(stack), flush=True)
        stopped.wait()
        print("Stopping.", flush=True)
    return 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _stop_with_parent(parent: int, stopped: threading.Event) -> None:
    """Stop when our parent is gone: a killed `make` cannot tell us."""
    while os.getppid() == parent and not stopped.is_set():
        time.sleep(PARENT_CHECK_SECONDS)
    stopped.set()


def _page(stack: Stack, route: str) -> str:
    return f"{stack.host.url}/api/{route}?code={stack.host.keys.function}"


def _banner(stack: Stack) -> str:
    settings = SETTINGS_FILE.relative_to(ROOT)
    return f"""
Model Audit is up. Nothing is approved yet, so there is much to find.

  report    {_page(stack, "report")}
  findings  {_page(stack, "findings")}
  health    {stack.host.url}/api/health

Try next, in another terminal (settings: {settings}):

  {_command("check")}                            look at everything now
  {_command("releases apply local/releases")}    approve what is meant to serve
  {_command("check")}                            look again: quiet
  {_command("rules MA102")}                      what a finding means

Ctrl-C stops everything.
"""


def _command(words: str) -> str:
    return f"{Path('.venv') / 'bin' / 'model-audit'} {words}"


if __name__ == "__main__":
    main()
