"""What happens in the stack, as lines a person can follow in a terminal."""

import sys
import threading
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from audit.events.actors import Identities, describe
from audit.events.message import deed
from audit.privacy import PersonalData, Privacy
from audit.told.render import render_alert
from local.functions.invoker import Invocation

_SEVERITY_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}


class Screen:
    """Prints events, journal entries and alerts as they come; `pipelines` are the approved ones' object ids."""

    def __init__(self, pipelines: Collection[str]) -> None:
        # The people of the local fleet are made up, so their names may be shown.
        self._identities = Identities(pipelines, Privacy(b"", PersonalData.KEEP))
        # The stream is taken now: a step may hide what the SDKs print.
        self.console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self.alerts: list[Mapping[str, Any]] = []
        self._runs: Counter[str] = Counter()
        self._lock = threading.Lock()

    def step(self, title: str) -> None:
        """Open the next step of a story."""
        self.console.print(f"\n[bold]{title}[/bold]")

    def say(self, text: str) -> None:
        """Print what the story does next."""
        self._line("", text)

    def event(self, event: Mapping[str, Any]) -> None:
        """Show an event as Azure emits it."""
        claims = event["data"].get("claims") or {}
        who = describe(self._identities.actor(claims)) if claims else "Azure"
        operation = event["data"].get("operationName", event["eventType"])
        self._line("event", f"{who} {deed(operation)}: {event['subject'].rsplit('/', 1)[1]}", "cyan")

    def run(self, run: Invocation) -> None:
        """Count a run of a function; one that failed is shown at once."""
        self._runs[run.function] += 1
        if not run.ok:
            self._line("failed", f"{run.function}: {run.error}", "red")

    def runs_so_far(self) -> None:
        """Show which functions ran since this was last asked."""
        runs = ", ".join(f"{name} x{count}" for name, count in self._runs.items())
        self._runs.clear()
        self._line("ran", runs or "nothing", "dim")

    def journal(self, text: str) -> None:
        """Show what the journal has noted."""
        self._line("journal", text, "green")

    def alert(self, alert: Mapping[str, Any]) -> None:
        """Show an alert as whoever is on call receives it."""
        self.alerts.append(alert)
        worst = next((n["severity"] for n in alert["notices"] if n["status"] == "open"), None)
        colour = _SEVERITY_COLOURS.get(worst or "", "green")
        with self._lock:
            for line in render_alert(alert).strip().split("\n"):
                self.console.print(Text.assemble(("         ┃ ", colour), line))

    def _line(self, label: str, text: str, style: str = "") -> None:
        with self._lock:
            now = datetime.now(UTC)
            self.console.print(Text.assemble((f"{now:%H:%M:%S} ", "dim"), (f"{label:8}", style), " ", text))
