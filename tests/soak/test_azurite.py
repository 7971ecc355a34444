"""What fakes take easily and storage may not: hostile names, large documents, many tags, through the real SDKs."""

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.approvals import releases
from audit.model import Target
from audit.record import keys
from audit.service import parents
from audit.service.verify import Verifier
from local.azurite import azurite
from tests.checker import Problem, Truth, violations
from tests.house import CHAT, CHURN, chat_document, churn_document, release, write_event
from tests.soak.parts import Parts, compose
from tests.soak.storage import Storage
from tests.soak.test_order import HOSTILE_NAMES
from tests.soak.test_steps import PROBLEM
from tests.soak.worker import settle
from tests.soak.world import SoakChannel, SoakLive, World, make_world

pytestmark = pytest.mark.azurite

NOW = datetime.now(UTC)
SECONDS = 60.0


class Host:
    """One Model Audit on an Azurite of its own; its queues, tables and blobs are the real SDKs'."""

    def __init__(self, storage: Storage, world: World) -> None:
        self.storage, self.world = storage, world
        dice = random.Random(1)
        ports = storage.ports(SoakLive(world, dice), SoakChannel(world, dice))
        self.parts: Parts = compose(ports, lambda: datetime.now(UTC))

    def deliver(self, *events: dict) -> None:
        """Put events into the queue that stands for Event Grid, and do all that follows."""
        for event in events:
            self.storage.queue("events").send(json.dumps(event, ensure_ascii=not _is_for_xml(event)))
        assert settle(self.parts, self.storage, time.monotonic() + SECONDS, self.world)

    def approve(self, target: Target, facts: dict) -> None:
        table, approved = self.storage.table("releases"), release(target, facts=facts)
        table.commit(keys.partition(target.parent), releases.approve(releases.NONE, approved, "ada", NOW))
        parents.remember(table, target.parent)

    def wrong(self, events: list[str] | None = None, problems: set[Problem] | None = None) -> list[str]:
        """Return what the checker, the verification and the host's log have against it."""
        ledger, evidence = self.storage.table("ledger"), self.storage.blobs("evidence")
        truth = Truth(self.parts.sweeper.parents(), self.world.deliveries(), events, problems)
        stores = (ledger, self.storage.table("releases"), evidence, self.storage.blobs("checkpoints"))
        broken = [name for name, _ in Verifier(*stores).verify([], ()).broken]
        failed = [what for what in self.world.tally() if what.startswith(("error", "poison"))]
        return [*violations(ledger, evidence, truth), *broken, *failed]


def _is_for_xml(event: dict) -> bool:
    """Say whether a storage queue, whose messages are XML, takes the characters as they are."""
    return not any(
        0xD800 <= ord(char) < 0xE000 or ord(char) > 0xFFFD for char in json.dumps(event, ensure_ascii=False)
    )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with azurite() as running:
        storage = Storage(running.connection_string)
        storage.create()
        yield Host(storage, make_world(tmp_path))


def test_hostile_names_and_ids_are_taken_in_without_harm(host: Host) -> None:
    events = []
    for number, name in enumerate(HOSTILE_NAMES):
        events.append(write_event(CHURN, f"e-{number}-{name}", datetime.now(UTC).isoformat()))
        events[-1]["subject"] = f"{CHURN.parent}/onlineEndpoints/{name}"
        events[-1]["data"] |= {"resourceUri": events[-1]["subject"], "claims": {"name": name}}

    host.deliver(*events, *events)

    host.parts.sweeper.sweep()
    host.deliver()
    assert host.wrong() == []


def test_a_document_of_two_megabytes_with_three_hundred_tags_is_recorded_whole(host: Host) -> None:
    document = chat_document("2024-11-20", description="x" * 2_000_000)
    document["deployment"]["tags"] = {f"tag-{n}": "\u00e9" * 200 for n in range(300)}
    facts = {"model.version": "2024-08-06", **{f"tags.tag-{n}": "approved" for n in range(40)}}
    host.approve(CHAT, facts)
    host.world.write(CHAT, document)
    host.approve(CHURN, {"traffic.blue": 100})
    host.world.write(CHURN, churn_document())

    now = datetime.now(UTC).isoformat()
    host.deliver(write_event(CHAT, "e-chat", now), write_event(CHURN, "e-churn", now))

    problems = {(CHAT.id, "MA501", f"tags.tag-{n}") for n in range(40)} | {PROBLEM}
    assert host.wrong(["e-chat", "e-churn"], problems) == []
