"""Journal entries as sentences, for the report and for the history of a target."""

from datetime import datetime
from typing import Any

import msgspec

from audit import evidence
from audit.actors import describe
from audit.events import deed
from audit.model import Actor, Outcome
from audit.rules import RULES

Body = dict[str, Any]


def at_of(raw: bytes) -> datetime:
    """Return when an entry was written; the beginning of time where its bytes are no entry."""
    try:
        return datetime.fromisoformat(evidence.read(raw)["at"])
    except (KeyError, TypeError, ValueError):
        return evidence.EMPTY.at


def body_of(raw: bytes) -> Body:
    """Return the body of an entry; it is empty where its bytes are no entry."""
    body = evidence.read(raw).get("body")
    return body if isinstance(body, dict) else {}


def state_text(body: Body) -> str:
    """Return what a check saw, as a sentence."""
    if body["outcome"] == Outcome.UNREADABLE:
        return f"Could not be looked at: {body['reason']}"
    if body["outcome"] == Outcome.ABSENT:
        return "Is not there any more" if body["changed"] else "Is still not there"
    if body["events"]:
        return "Changed" if body["changed"] else "Was written to, and is as it was"
    return "Changed, and no event announced it" if body["changed"] else "Did not change by itself"


def actor_text(event: Body) -> str:
    """Return who an event says did it."""
    return describe(msgspec.convert(event["actor"], Actor))


def event_text(event: Body) -> str:
    """Return who did what, as far as an event tells."""
    return f"{actor_text(event)} {deed(event['operation'])}"


def finding_text(found: Body) -> str:
    """Return how a finding changed, as a sentence."""
    title = RULES[found["rule"]].title if found["rule"] in RULES else "a rule of another version"
    values = "" if found["change"] == "resolved" else f": approved {found['expected']}, found {found['got']}"
    return f"{found['change']}: {title} ({found['rule']}, {found['severity']}){values}"
