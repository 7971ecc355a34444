"""Take Event Grid messages in: keep each one once, and ask for a check of what it names.

Nearly every message names its target itself, and costs one transaction and one queue message a target. Only
three kinds need the releases: a push to a container registry and a notice of a key vault read all of them (one
read, and one more for each parent that has any), a content filter those of its account (one read).
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from audit.approvals.releases import read_approvals
from audit.errors import BadInput, Conflict
from audit.events.actors import Identities
from audit.events.message import Message, asks_for_a_look, parse_message
from audit.events.pointers import Pointer, targets_naming
from audit.model import Event, Kind, Release, Target
from audit.moments import parse_moment
from audit.ports import Create, Queue, Table, Write
from audit.record import keys, ledger
from audit.service import parents

logger = logging.getLogger(__name__)

RELEASES = "releases"  # the container where release files may be dropped, unless the settings name another
MAX_FILE = 1024  # characters of a blob's name, by Azure's own limit

UNTARGETED = "other"  # partition and stream of messages that name nothing we audit

DROPPED = (
    "a release file was dropped: it is planned and reported; an approver puts it in force with "
    "`model-audit releases apply`, the detector never does"
)

Approved = Callable[[str], Iterable[Release]]
"""The releases in force of a parent, or of all of them where its id is empty."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message: `taken`, `duplicate`, `ignored` (names nothing we audit) or `unreadable`.

    `reason` says why there are no targets; `message` is None where nobody can read it. `file` is the name of a
    release file that was dropped: it is planned and reported, and never applied.
    """

    result: str
    targets: tuple[Target, ...] = ()
    reason: str = ""
    message: Message | None = None
    file: str = ""


def plan(text: str, identities: Identities, approved: Approved, now: datetime, container: str = RELEASES) -> Taken:
    """Return what taking a message in would lead to, and change nothing."""
    try:
        message = parse_message(text, identities, now)
    except BadInput as error:
        return Taken("unreadable", reason=str(error))
    if file := _dropped(message.pointer, container):
        return Taken("taken", reason=DROPPED, message=message, file=file)
    targets = _targets(message.pointer, approved)
    if not targets:
        return Taken("ignored", reason=message.pointer.reason, message=message)
    return Taken("taken", targets, message=message)


def _dropped(pointer: Pointer, container: str) -> str:
    """Return the name of the release file that was dropped, replaced or taken away; else nothing."""
    blob = pointer.blob
    return blob.name if blob and blob.container == container and len(blob.name) <= MAX_FILE else ""


def _targets(pointer: Pointer, approved: Approved) -> tuple[Target, ...]:
    """Return the targets that an event names, and those whose release names what it speaks of."""
    asset = pointer.asset
    hinted = targets_naming(asset, approved(asset.parent)) if asset and asset.names else ()
    return tuple(dict.fromkeys((*pointer.targets, *hinted)))


def read_releases(table: Table, parent: str = "") -> Iterator[Release]:
    """Return the releases in force of a parent, or of all of them."""
    for each in [parent] if parent else parents.known(table):
        for rows in ledger.by_stream(table.rows(keys.partition(each), *keys.ALL_HOT)).values():
            if release := read_approvals(rows).release:
                yield release


def count_ignored(table: Table, start: datetime, end: datetime) -> Counter[tuple[str, str]]:
    """Return how many messages of a period named nothing we audit or could not be read, by type and reason."""
    rows = table.rows(UNTARGETED, *keys.intake_range(start, end))
    bodies = ((row, ledger.read(row, dict[str, Any])) for row in rows)
    return Counter(
        (str(row.values.get("type", "")), str(row.values.get("reason", "")))
        for row, body in bodies
        if "file" not in row.values and start <= parse_moment(body.get("time") or body["at"]) <= end
    )


@dataclass(frozen=True, slots=True)
class Intake:
    """The ports that taking events in needs; it looks at nothing and judges nothing."""

    ledger: Table
    checks: Queue
    identities: Identities
    now: Callable[[], datetime]
    releases: Table
    container: str = RELEASES

    def take(self, text: str) -> Taken:
        """Take one Event Grid message in and ask for a check; a message nobody can read is kept all the same.

        Raises `Unavailable` where storage does not answer: Event Grid then delivers the message again.
        """
        approved: Approved = lambda parent: read_releases(self.releases, parent)  # noqa: E731
        taken = plan(text, self.identities, approved, self.now(), self.container)
        if taken.message is None:
            self.keep_unreadable(text, taken.reason)
            return taken
        event = taken.message.event
        is_new = (
            self._take_file(event, taken) if taken.file else self.take_event(event, taken.targets, taken.reason)
        )
        return taken if is_new else replace(taken, result="duplicate")

    def _take_file(self, event: Event, taken: Taken) -> bool:
        """Keep the event once; planning may still be owed, so it is asked for all the same, as a check is."""
        is_new = self._keep(_ignored(event, taken.reason, file=taken.file))
        self.checks.send(json.dumps({"file": taken.file, "time": event.time.isoformat()}))
        return is_new

    def take_event(self, event: Event, targets: Sequence[Target], reason: str) -> bool:
        """Keep an event once and ask for a check of its targets; `reason` says why it has none.

        Says whether it is new. Raises `Unavailable` where storage does not answer.
        """
        if not targets:
            return self._keep(_ignored(event, reason))
        is_new = [self._take_for(target, replace(event, target=target)) for target in targets]
        return any(is_new)

    def keep_unreadable(self, text: str, reason: str) -> None:
        """Note a message that nobody can read; raise `Unavailable` where storage does not answer."""
        key = keys.digest(text)
        logger.warning("unreadable event kept: key=%s reason=%s", key, reason)
        self._keep(ledger.keep_unreadable(UNTARGETED, key, len(text), reason, self.now()))

    def _take_for(self, target: Target, event: Event) -> bool:
        stream, is_new = keys.target_hash(target), True
        try:
            self.ledger.commit(keys.partition(target.parent), ledger.take_in(stream, event))
        except Conflict:
            is_new = False  # seen before; its check may still be owed, so the message is sent all the same
        asked: dict[str, Any] = {"target": target.id, "event": event.key}
        if target.kind is Kind.PARENT and not asks_for_a_look(event.type):
            asked["note"] = True  # runs complete all day long, and listing a workspace is dear
        self.checks.send(json.dumps(asked))
        return is_new

    def _keep(self, writes: list[Write]) -> bool:
        try:
            self.ledger.commit(UNTARGETED, writes)
        except Conflict:
            return False
        return True


def _ignored(event: Event, reason: str, **columns: str) -> list[Write]:
    """Return the insert of an event that names nothing we audit: it is kept, and counted unless it has a file."""
    key = keys.intake(UNTARGETED, event.key, event.time)
    return [Create(ledger.row(key, event, type=event.type, reason=reason, **columns))]
