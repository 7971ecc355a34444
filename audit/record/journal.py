"""Journal entries as sentences, for the report and for the history of a target."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NotRequired, TypedDict

import msgspec

from audit.events.actors import describe
from audit.events.message import deed, is_change
from audit.model import Actor, Outcome
from audit.record import evidence
from audit.record.decode import convert
from audit.rules import RULES

Body = Mapping[str, Any]


class EventBody(TypedDict):
    """What an entry keeps of an event that it folded in."""

    key: str
    id: str
    type: str
    time: datetime
    operation: str
    status: NotRequired[str]
    actor: Actor


class FindingBody(TypedDict):
    """What an entry keeps of a finding that opened, changed or was resolved."""

    key: str
    notice: str
    change: str
    number: int
    rule: str
    subject: str
    severity: str
    expected: str
    got: str
    cause: str


class CheckBody(TypedDict):
    """What the entry of a check says, as far as it is told again."""

    origin: str
    outcome: str
    reason: str
    snapshot: str
    changed: bool
    events: list[EventBody]
    findings: list[FindingBody]


class ToldBody(TypedDict):
    """What the entry of an alert says."""

    alert: str
    channels: list[str]
    notices: list[str]


_SHAPES = {"check": CheckBody, "told": ToldBody}


def at_of(raw: bytes) -> datetime:
    """Return when an entry was written; the beginning of time where its bytes are no entry."""
    try:
        at = datetime.fromisoformat(evidence.read(raw)["at"])
    except (KeyError, TypeError, ValueError):
        return evidence.EMPTY.at
    return at if at.tzinfo else evidence.EMPTY.at


def body_of(raw: bytes) -> Body:
    """Return the body of an entry; it is empty where somebody has made something else of its bytes."""
    entry = evidence.read(raw)
    try:
        body: Body = convert(entry.get("body"), _SHAPES.get(str(entry.get("kind")), dict[str, Any]))
    except msgspec.ValidationError:
        return {}
    return body


def state_text(body: Body, *, is_first: bool = False) -> str:
    """Return what a check saw, as a sentence; the first entry of a chain tells of the first look."""
    if body["outcome"] == Outcome.UNREADABLE:
        return f"Could not be looked at: {body['reason']}"
    if is_first and body["outcome"] == Outcome.PRESENT:
        return "Was looked at for the first time"
    if body["outcome"] == Outcome.ABSENT:
        return "Is not there any more" if body["changed"] else "Is still not there"
    if any(is_change(event.get("status", "")) for event in body["events"]):
        return "Changed" if body["changed"] else "Was written to, and is as it was"
    return "Changed, and no event announced it" if body["changed"] else "Is as it was"


def actor_text(event: Body) -> str:
    """Return who an event says did it."""
    return describe(event["actor"])


def event_text(event: Body) -> str:
    """Return who did what, as far as an event tells."""
    return f"{actor_text(event)} {deed(event['operation'], event.get('status', ''))}"


def finding_text(found: Body) -> str:
    """Return how a finding changed, as a sentence."""
    title = RULES[found["rule"]].title if found["rule"] in RULES else "a rule of another version"
    values = "" if found["change"] == "resolved" else f": approved {found['expected']}, found {found['got']}"
    return f"{found['change']}: {title} ({found['rule']}, {found['severity']}){values}"
