"""The outside world of a soak run, as files that many processes share and that a killed one cannot tear."""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from audit.errors import NotDelivered, Throttled, Unavailable
from audit.model import Alert, Look, Outcome, Target
from audit.ports import Listing
from audit.record import keys
from audit.sight.catalogue import Catalogue
from audit.targets import parse_target
from tests.checker import Delivery, delivery
from tests.soak.estate import Document

LOOK_SECONDS = 0.02  # ARM answers in 10 to 30 ms at best


@dataclass(frozen=True, slots=True)
class World:
    """A folder that holds the live documents, the alerts as delivered, and a count of what happened."""

    folder: Path

    def write(self, target: Target, document: Document) -> None:
        """Change a target; readers see the old document or the new one."""
        place = self._live / keys.target_hash(target)
        place.with_suffix(".new").write_text(json.dumps({"target": target.id, "document": document}))
        place.with_suffix(".new").rename(place.with_suffix(".json"))

    def read(self, target: Target) -> Document | None:
        """Return what is there now."""
        try:
            found = (self._live / f"{keys.target_hash(target)}.json").read_text()
        except FileNotFoundError:
            return None
        return json.loads(found)["document"]

    def documents(self) -> dict[Target, Document]:
        """Return all that is there now."""
        found = [json.loads(place.read_text()) for place in sorted(self._live.glob("*.json"))]
        return {parse_target(each["target"]): each["document"] for each in found}

    def deliver(self, alert: Alert) -> None:
        """Take an alert, as a receiver does."""
        each = delivery(alert)
        self._append("alerts", json.dumps([each.alert, each.notices, each.content]))

    def deliveries(self) -> list[Delivery]:
        """Return every delivery, repeats too."""
        return [
            Delivery(a, tuple(notices), content) for a, notices, content in map(json.loads, self._lines("alerts"))
        ]

    def note(self, what: str) -> None:
        """Count something, in a way that outlives a kill in the next instant."""
        self._append("tally", what)

    def tally(self) -> Counter[str]:
        """Return what was counted."""
        return Counter(self._lines("tally"))

    @property
    def stop(self) -> Path:
        """Return the file whose existence ends the workers; a killed one cannot leave it locked."""
        return self.folder / "stop"

    @property
    def _live(self) -> Path:
        return self.folder / "live"

    def _append(self, name: str, line: str) -> None:
        # One write in append mode: the kernel keeps lines of several processes apart.
        place = os.open(self.folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(place, f"{line}\n".encode())
        os.close(place)

    def _lines(self, name: str) -> Iterator[str]:
        place = self.folder / name
        return iter(place.read_text().splitlines() if place.exists() else ())


def make_world(folder: Path) -> World:
    """Return an empty world."""
    (folder / "live").mkdir(parents=True)
    return World(folder)


@dataclass(frozen=True, slots=True)
class SoakLive:
    """Azure, reading the world's files; `faults` is the share of looks that fail."""

    world: World
    dice: random.Random
    faults: float = 0.0

    def parents(self) -> list[str]:
        return sorted({target.parent for target in self.world.documents()})

    def look(self, target: Target) -> Look:
        time.sleep(LOOK_SECONDS * (0.5 + self.dice.random()))
        if self.dice.random() < self.faults:
            return self._fail()
        document = self.world.read(target)
        return Look(Outcome.ABSENT) if document is None else Look(Outcome.PRESENT, document)

    def list_targets(self, parent: str, known: Mapping[Target, str] | None = None) -> Listing:
        documents = self.world.documents().items()
        return Listing({t: Look(Outcome.PRESENT, found) for t, found in documents if t.parent == parent})

    def catalogue(self, parent: str, max_age: timedelta) -> Catalogue:
        return {}

    def _fail(self) -> Look:
        fault = self.dice.choice(("throttled", "unavailable", "unreadable"))
        self.world.note(f"fault azure {fault}")
        if fault == "throttled":
            raise Throttled("429", timedelta(seconds=1))
        if fault == "unavailable":
            raise Unavailable("500")
        return Look(Outcome.UNREADABLE, reason="HTTP 401")


@dataclass(frozen=True, slots=True)
class SoakChannel:
    """A receiver; `faults` is the share of alerts that it refuses, half of them after it has accepted them."""

    world: World
    dice: random.Random
    faults: float = 0.0

    def send(self, alert: Alert) -> None:
        fails = self.dice.random() < self.faults
        if not fails or self.dice.random() < 0.5:
            self.world.deliver(alert)
        if fails:
            self.world.note("fault channel")
            raise NotDelivered("503")


def dumps(value: Any) -> str:
    """Return one line of JSON, for people and for programs."""
    return json.dumps(value, sort_keys=True)
