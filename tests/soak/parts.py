"""Put Model Audit together over any ports, and name every step that it takes through them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit.events.actors import Identities
from audit.ports import Blobs, Channel, Live, Queue, Table
from audit.privacy import PersonalData, Privacy
from audit.service.check import Checker
from audit.service.checkpoint import Checkpointer
from audit.service.intake import Intake
from audit.service.sweep import Sweeper
from audit.service.tell import Notifier

Hook = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world: two tables, two queues, two containers, Azure, and one receiver of alerts."""

    ledger: Table
    releases: Table
    checks: Queue
    alerts: Queue
    evidence: Blobs
    checkpoints: Blobs
    live: Live
    channel: Channel


@dataclass(frozen=True, slots=True)
class Parts:
    """Model Audit over some ports."""

    intake: Intake
    sweeper: Sweeper
    notifier: Notifier


def compose(
    ports: Ports,
    now: Callable[[], datetime],
    *,
    hook: Hook = lambda _: None,
    group_wait: timedelta = timedelta(),
    group_interval: timedelta = timedelta(),
) -> Parts:
    """Return Model Audit over these ports; `hook` is told the name of each step before and after it."""
    identities = Identities((), Privacy(b"k" * 32, PersonalData.KEEP))

    def step(part: str, name: str) -> Any:
        return Stepped(getattr(ports, name), f"{part}:{name}", hook)

    checker = Checker(
        ledger=step("check", "ledger"),
        releases=step("check", "releases"),
        alerts=step("check", "alerts"),
        evidence=step("check", "evidence"),
        live=step("check", "live"),
        identities=identities,
        now=now,
        group_wait=group_wait,
        catalogue_age=timedelta(hours=6),
    )
    checkpointer = Checkpointer(
        step("sweep", "ledger"), step("sweep", "releases"), step("sweep", "checkpoints"), now
    )
    return Parts(
        intake=Intake(
            step("intake", "ledger"), step("intake", "checks"), identities, now, step("intake", "releases")
        ),
        sweeper=Sweeper(checker, step("sweep", "checks"), checkpointer),
        notifier=Notifier(
            step("tell", "ledger"), step("tell", "alerts"), {"page": step("tell", "channel")}, group_interval, now
        ),
    )


class Stepped:
    """A port whose calls are steps: a hook is told of each before and after, and may end the process there."""

    def __init__(self, port: Any, name: str, hook: Hook):
        self._port = port
        self._name = name
        self._hook = hook

    def __getattr__(self, method: str) -> Any:
        call = getattr(self._port, method)

        def stepped(*args: Any, **kwargs: Any) -> Any:
            self._hook(f"before {self._name}.{method}")
            answer = call(*args, **kwargs)
            self._hook(f"after {self._name}.{method}")
            return answer

        return stepped
