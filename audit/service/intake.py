"""Take Event Grid messages in: keep each one once, and ask for a check of what it names."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from audit import keys, ledger
from audit.actors import Identities
from audit.errors import BadInput, Conflict
from audit.events import parse_event
from audit.model import Event, Target
from audit.ports import Queue, Table, Write

logger = logging.getLogger(__name__)

UNTARGETED = "other"  # partition and stream of messages that name nothing we audit


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message: `taken`, `duplicate`, `ignored` (names nothing we audit) or `unreadable`."""

    result: str
    target: Target | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Intake:
    """The ports that taking events in needs; it looks at nothing and judges nothing."""

    ledger: Table
    checks: Queue
    identities: Identities
    now: Callable[[], datetime]

    def take(self, text: str) -> Taken:
        """Take one Event Grid message in and ask for a check; a message nobody can read is kept all the same.

        Raises `Unavailable` where storage does not answer: Event Grid then delivers the message again.
        """
        try:
            event = parse_event(text, self.identities)
        except BadInput as error:
            self._keep_unreadable(text, str(error))
            return Taken("unreadable", reason=str(error))
        if event.target is None:
            is_new = self._keep(ledger.keep(UNTARGETED, event))
            return Taken("ignored" if is_new else "duplicate", reason=f"{event.type} names nothing we audit")
        return self._take_for(event.target, event)

    def _take_for(self, target: Target, event: Event) -> Taken:
        stream, is_new = keys.target_hash(target), True
        try:
            self.ledger.commit(keys.partition(target.parent), ledger.take_in(stream, event))
        except Conflict:
            is_new = False  # seen before; its check may still be owed, so the message is sent all the same
        self.checks.send(json.dumps({"target": target.id, "event": event.key}))
        return Taken("taken" if is_new else "duplicate", target)

    def _keep_unreadable(self, text: str, reason: str) -> None:
        key = keys.digest(text)
        logger.warning("unreadable event kept: key=%s reason=%s", key, reason)
        self._keep(ledger.keep_unreadable(UNTARGETED, key, len(text), reason, self.now()))

    def _keep(self, writes: list[Write]) -> bool:
        try:
            self.ledger.commit(UNTARGETED, writes)
        except Conflict:
            return False
        return True
