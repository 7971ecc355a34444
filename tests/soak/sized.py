"""Tests on fakes whose size is a number: `make test` runs them small, `make soak` as large as the design demands.

Each returns its numbers and every violation; nothing here asserts, so that both can show what they found.
"""

import json
import math
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from audit.model import Release, Target
from audit.ports import Row, Table, Write
from audit.record import evidence, keys
from audit.service.history import Historian
from audit.targets import parse_target
from tests.house import APPROVED_AT, CHAT, GROUP, House, chat_document, release, write_event
from tests.soak import estate
from tests.soak.run import Result
from tests.soak.stage import Crash, Stage

PAGE = 1000  # rows that Azure gives in one answer


@dataclass
class Paged:
    """A table that counts the pages which Azure would give, and notes every range that is asked for."""

    table: Table
    pages: int = 0
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        found = self.table.rows(partition, start, end, limit)
        self.pages += max(1, math.ceil(len(found) / PAGE))
        self.asked.append((partition, start, end))
        return found

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        self.pages += 1
        return self.table.commit(partition, writes)


@dataclass
class Locked:
    """A table that many threads may use: one call after the other, as storage does it."""

    table: Table
    conflicts: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def rows(self, partition: str, start: str, end: str, limit: int | None = None) -> list[Row]:
        with self.lock:
            return self.table.rows(partition, start, end, limit)

    def commit(self, partition: str, writes: Sequence[Write]) -> list[str]:
        with self.lock:
            try:
                return self.table.commit(partition, writes)
            except Exception:
                self.conflicts += 1
                raise


def race(handlers: int, rounds: int) -> Result:
    """(8) So many handlers check one target, each for an event of its own, from one barrier, round after round."""
    began, parts = time.monotonic(), [_race(handlers, min(100, rounds)) for _ in range(max(1, rounds // 100))]
    numbers = {name: sum(part.numbers[name] for part in parts) for name in ("rounds", "conflicts", "looks")}
    found = [violation for part in parts for violation in part.violations]
    return Result({"handlers": handlers, **numbers, **_seconds(began)}, found)


def _race(handlers: int, rounds: int) -> Result:
    stage = Stage()
    table = Locked(stage.ledger)
    stage.approve(release())
    with _switching_often():
        for number in range(rounds):
            _race_once(stage, table, handlers, number)
    stage.settle(stage.parts())
    problem = (CHAT.id, "MA102", "model.version")
    events = {f"e-{number}-{each}" for number in range(rounds) for each in range(handlers)}
    found = stage.violations(events=events, problems={problem}, generations={CHAT.id: rounds})
    numbers = {"rounds": rounds, "conflicts": table.conflicts, "looks": stage.live.looks}
    return Result(numbers, found if table.conflicts else [*found, "nobody ever conflicted"])


def _race_once(stage: Stage, table: Locked, handlers: int, number: int) -> None:
    stage.clock.advance(minutes=5)
    document = chat_document("2024-11-20" if number % 2 else "2024-12-01")
    document["deployment"]["tags"] = {"generation": str(number + 1)}
    stage.serve(CHAT, document)
    for each in range(handlers):
        stage.take(stage.parts(), write_event(id_=f"e-{number}-{each}", time=stage.clock.now().isoformat()))
    barrier = threading.Barrier(handlers)

    def check(message: str) -> None:
        checker = stage.parts(ledger=table).sweeper.checker
        barrier.wait()
        # Past the lock of the process, which would let them go one by one.
        checker.settle(CHAT, lambda: stage.live.look(CHAT), json.loads(message)["event"], "event")

    threads = [threading.Thread(target=check, args=(message,)) for message in stage.checks.take()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def _switching_often() -> Any:
    """Let threads take turns every few steps, and not every 5 ms."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def crash_at_random(events: int, seed: int, share: float = 0.03) -> Result:
    """(2) Each step ends the process with a chance of 3 %; a fifth of the events come twice, shuffled."""
    began, dice, stage, crashes = time.monotonic(), random.Random(seed), Stage(), 0
    targets = estate.fleet(50)
    for target in filter(estate.is_approved, targets):
        stage.approve(Release(f"r-{target.name}", target, estate.APPROVED, "ada@contoso.example", APPROVED_AT))

    def die(_: str) -> None:
        nonlocal crashes
        if dice.random() < share:
            crashes += 1
            raise Crash

    parts, window, problems, generations = stage.parts(die), [], {}, dict[str, int]()
    for number in range(events):
        target = dice.choice(targets)
        generations[target.id] = generations.get(target.id, 0) + 1
        document = estate.document(target, dice.choice("123"), dice.choice((50, 80)), generations[target.id])
        stage.serve(target, document)
        problems[target] = estate.problems(target, document)
        stage.clock.advance(seconds=1)
        copies = 1 + (dice.random() < 0.2)
        window += [estate.write_event(target, f"e-{number}", stage.clock.now())] * copies
        while len(window) > 50 or (window and number == events - 1):
            stage.take(parts, window.pop(dice.randrange(len(window))))
            if dice.random() < 0.3:
                stage.settle(parts)
    stage.settle(parts)
    found = stage.violations(
        events={f"e-{number}" for number in range(events)},
        problems={each for found in problems.values() for each in found},
        generations=generations,
    )
    return Result({"seed": seed, "events": events, "crashes": crashes, **_seconds(began)}, found)


def rest_at_scale(parents: int, each: int, cold: int) -> Result:
    """(13) Sweep a large estate in which nothing changed, beside very many rows that no sweep needs.

    Then ask what all of it serves (19): pages are read, and neither the journal nor a row a target.
    """
    stage, targets = Stage(), large_fleet(parents, each)
    for target in targets:
        stage.approve(Release("r1", target, estate.APPROVED, "ada@contoso.example", APPROVED_AT))
        stage.serve(target, estate.document(target, "1", 50, 1))
    stage.sweep()
    _add_cold_rows(stage, targets, cold)
    began, tables = time.monotonic(), (Paged(stage.ledger), Paged(stage.releases))
    parts = stage.parts(ledger=tables[0], releases=tables[1])
    for parent in sorted({target.parent for target in targets}):
        parts.sweeper.sweep_parent(parent)
    found = [f"cold rows were read: {each}" for table in tables for each in table.asked if not _is_hot(each)]
    if stage.checks.sent:
        found.append(f"{len(stage.checks.sent)} targets were checked again that had not changed")
    swept, seconds = sum(table.pages for table in tables), _seconds(began)
    rows = 4 * len(targets)  # head, memory and release of each, and the head of its approvals
    found += _too_many("sweep", swept, parents * 8 + rows // PAGE)
    asked, answers = _ask(stage, targets)
    found += answers + _too_many("answer", asked, parents * 5 + rows // PAGE)
    numbers = {"targets": len(targets), "cold_rows": cold, "sweep_pages": swept, **seconds, "answer_pages": asked}
    return Result(numbers, found)


def _ask(stage: Stage, targets: Sequence[Target]) -> tuple[int, list[str]]:
    """Ask what everything serves; return the pages that were read, and what is wrong with the answer."""
    tables = Paged(stage.ledger), Paged(stage.releases)
    historian, at = Historian(*tables, stage.evidence), stage.clock.now()
    parents = sorted({target.parent for target in targets})
    answers = [each for parent in parents for each in historian.serving_all(parent, at) if each.release]
    found = [f"the journal was read: {each}" for each in tables[0].asked if each[1].startswith("j-")]
    if len(answers) != len(targets):
        found.append(f"{len(answers)} of {len(targets)} targets were answered for")
    return sum(table.pages for table in tables), found


def _too_many(what: str, pages: int, most: int) -> list[str]:
    return [f"the {what} took {pages} pages, at most {most} are allowed"] if pages > most else []


def large_fleet(parents: int, each: int) -> Sequence[Target]:
    """Return deployments in so many accounts."""
    accounts = [f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/a{n}" for n in range(parents)]
    return [parse_target(f"{account}/deployments/d{n}") for account in accounts for n in range(each)]


def _add_cold_rows(stage: Stage, targets: Sequence[Target], count: int) -> None:
    values = {"v": 1, "raw": b"{}", "digest": ""}
    for number in range(count):
        target = targets[number % len(targets)]
        key = keys.journal(keys.target_hash(target), 10_000 + number)
        stage.ledger.partitions[keys.partition(target.parent)][key] = Row(key, values, "cold")


def _is_hot(asked: tuple[str, str, str]) -> bool:
    partition, start, end = asked
    return bool(partition) and start[:2] in {"0-", "1-", "p-"} and end[:1] == start[:1]


def travel(changes: int, asked: int, seed: int) -> Result:
    """(19) A random history of one target, asked about at random moments: brute force gives the same."""
    began, dice, house = time.monotonic(), random.Random(seed), House()
    start, looks = house.clock.now(), list[tuple[datetime, str]]()
    for number in range(changes):
        house.clock.advance(minutes=dice.randrange(1, 90))
        version = dice.choice(("2024-05-13", "2024-08-06", "2024-11-20"))
        house.serve(CHAT, chat_document(version))
        if dice.random() < 0.5:
            house.deliver(write_event(id_=f"e-{number}", time=house.clock.now().isoformat()))
        else:
            house.sweep()
        looks.append((house.clock.now(), version))
    historian, found = Historian(house.ledger, house.releases, house.blobs), list[str]()
    minutes = (house.clock.now() - start) // timedelta(minutes=1) + 60
    for _ in range(asked):
        found += wrong_answer(historian, looks, start + timedelta(minutes=dice.randrange(-10, minutes), seconds=1))
    return Result({"seed": seed, "changes": changes, "asked": asked, **_seconds(began)}, found)


def wrong_answer(historian: Historian, looks: Sequence[tuple[datetime, str]], at: datetime) -> list[str]:
    """Return what is wrong with the answer for a moment, given all looks, each with the version it saw."""
    before = [version for moment, version in looks if moment <= at]
    after = [version for moment, version in looks if moment > at]
    answer = historian.serving(CHAT, at)
    got, expected = (answer.facts["model.version"] if answer else None), (before[-1] if before else None)
    if got != expected:
        return [f"at {at} {expected} served, the answer is {got}"]
    if answer and after and answer.is_certain != (after[0] == before[-1]):
        return [f"at {at} the answer says that it is {'' if answer.is_certain else 'not '}certain"]
    return []


# By the definition of RFC 8785: what ECMAScript serialises, with the names in the order of their UTF-16 units.
CANONICAL_BY_NODE = """
const canonical = value =>
  Array.isArray(value) ? `[${value.map(canonical).join(",")}]`
  : value && typeof value === "object"
  ? `{${Object.keys(value).sort().map(name => JSON.stringify(name) + ":" + canonical(value[name])).join(",")}}`
  : JSON.stringify(value);
const lines = require("fs").readFileSync(0, "utf8").split("\\n").filter(line => line);
process.stdout.write(lines.map(line => canonical(JSON.parse(line)) + "\\n").join(""));
"""


def compare_canonical(values: Sequence[Any]) -> Result:
    """(18) Another implementation, in another language, writes the same bytes."""
    began = time.monotonic()
    asked = "".join(json.dumps(value) + "\n" for value in values)
    command = ["node", "-e", CANONICAL_BY_NODE]
    answered = subprocess.run(command, input=asked.encode(), capture_output=True, check=True).stdout.splitlines()
    ours = [evidence.canonical(value) for value in values]
    found = [
        f"{value!r}: we write {mine!r}, node writes {theirs!r}"
        for value, mine, theirs in zip(values, ours, answered, strict=True)
        if mine != theirs
    ]
    return Result({"values": len(values), **_seconds(began)}, found)


def random_values(count: int, seed: int) -> list[Any]:
    """Return JSON values of every kind that RFC 8785 knows: doubles of any size, texts of any character."""
    dice = random.Random(seed)
    return [_random_value(dice, 4) for _ in range(count)]


def _random_value(dice: random.Random, depth: int) -> Any:
    make: Sequence[Callable[[], Any]] = (
        lambda: dice.choice((None, True, False)),
        lambda: dice.randrange(-(2**53) + 1, 2**53),
        lambda: dice.choice((-1, 1)) * dice.random() * 10.0 ** dice.randrange(-320, 300),
        lambda: _random_text(dice),
        lambda: [_random_value(dice, depth - 1) for _ in range(dice.randrange(4))],
        lambda: {_random_text(dice): _random_value(dice, depth - 1) for _ in range(dice.randrange(4))},
    )
    return dice.choice(make if depth else make[:4])()


def _random_text(dice: random.Random) -> str:
    ranges = ((0, 0x20), (0x20, 0x7F), (0x7F, 0xA0), (0xA0, 0xD800), (0xE000, 0x10000), (0x10000, 0x110000))
    return "".join(chr(dice.randrange(*dice.choice(ranges))) for _ in range(dice.randrange(6)))


def _seconds(began: float) -> dict[str, float]:
    return {"seconds": round(time.monotonic() - began, 1)}
