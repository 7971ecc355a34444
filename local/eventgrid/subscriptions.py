"""Event subscriptions: where events go, in which schema, and which of them pass the filters.

The rules are those of event-filtering.md in azure-docs. Filters are joined by AND, the values of one by OR.
Text is compared without regard to case. A key that the event does not have, or that holds anything but text,
matches no operator except the negated ones, which a missing key does match.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

EVENT_GRID_SCHEMA = "EventGridSchema"
CLOUD_EVENTS_SCHEMA = "CloudEventSchemaV1_0"
SCHEMAS = (EVENT_GRID_SCHEMA, CLOUD_EVENTS_SCHEMA)

# Azure's limits for one subscription; the values are counted over all its filters.
MOST_FILTERS = 25
MOST_VALUES = 25
LONGEST_VALUE = 512
MOST_ATTEMPTS = 30
LONGEST_TTL = timedelta(minutes=1440)

OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringIn": str.__eq__,
    "StringContains": str.__contains__,
    "StringBeginsWith": str.startswith,
    "StringEndsWith": str.endswith,
}
NEGATIONS = {name.replace("String", "StringNot"): name for name in OPERATORS}

# A filter's key for a field of the envelope may be written in the words of either schema.
ENVELOPE_KEYS = {
    "id": "id",
    "topic": "topic",
    "source": "topic",
    "subject": "subject",
    "eventtype": "eventType",
    "type": "eventType",
    "dataversion": "dataVersion",
}


class SubscriptionRefused(ValueError):
    """A subscription breaks a limit of Event Grid, or its endpoint did not pass the handshake."""


@dataclass(frozen=True, slots=True)
class AdvancedFilter:
    """One condition: the value at `key` (`subject`, `data.operationName`) against `values`."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A wish for events of a system topic; no event types mean all of them."""

    name: str
    url: str = field(repr=False)  # holds the access key
    schema: str = EVENT_GRID_SCHEMA
    included_event_types: tuple[str, ...] = ()
    advanced_filters: tuple[AdvancedFilter, ...] = ()
    max_attempts: int = MOST_ATTEMPTS
    ttl: timedelta = LONGEST_TTL

    @property
    def endpoint(self) -> str:
        """Return the URL without its query, which holds the access key; for messages."""
        return urlsplit(self.url)._replace(query="").geturl()

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Say whether an event, in the Event Grid schema, is to be delivered."""
        if self.included_event_types and event["eventType"] not in self.included_event_types:
            return False
        return all(_holds(condition, event) for condition in self.advanced_filters)


def require_valid(subscription: Subscription) -> None:
    """Raise `SubscriptionRefused` where Azure would not create the subscription."""
    filters = subscription.advanced_filters
    values = [value for condition in filters for value in condition.values]
    operators = {*OPERATORS, *NEGATIONS}
    limits = {
        f"its schema is one of {', '.join(SCHEMAS)}": subscription.schema in SCHEMAS,
        f"{MOST_FILTERS} filters at most": len(filters) <= MOST_FILTERS,
        f"{MOST_VALUES} values at most, over all its filters": len(values) <= MOST_VALUES,
        f"{LONGEST_VALUE} characters a value": all(len(value) <= LONGEST_VALUE for value in values),
        f"operators imitated here are {', '.join(sorted(operators))}": operators.issuperset(
            condition.operator for condition in filters
        ),
        f"1 to {MOST_ATTEMPTS} attempts": 1 <= subscription.max_attempts <= MOST_ATTEMPTS,
        f"a time to live of up to {LONGEST_TTL}": timedelta() < subscription.ttl <= LONGEST_TTL,
    }
    broken = [limit for limit, holds in limits.items() if not holds]
    if broken:
        raise SubscriptionRefused(f"Event Grid refuses the subscription {subscription.name}: {'; '.join(broken)}")


def _holds(condition: AdvancedFilter, event: Mapping[str, Any]) -> bool:
    found = _look_up(condition.key, event)
    if condition.operator in NEGATIONS:
        is_hit = isinstance(found, str) and _any(NEGATIONS[condition.operator], found, condition)
        return found is None or (isinstance(found, str) and not is_hit)
    return isinstance(found, str) and _any(condition.operator, found, condition)


def _any(operator: str, found: str, condition: AdvancedFilter) -> bool:
    compare = OPERATORS[operator]
    return any(compare(found.casefold(), value.casefold()) for value in condition.values)


def _look_up(key: str, event: Mapping[str, Any]) -> Any:
    """Return what stands at a filter's key, or None.

    Names below `data` must be written as in the event: Azure may be more forgiving, but what passes here should
    pass there.
    """
    first, *rest = key.split(".")
    if first.lower() != "data":
        return event.get(ENVELOPE_KEYS.get(key.lower(), key))
    found: Any = event.get("data")
    for name in rest:
        found = found.get(name) if isinstance(found, dict) else None
    return found
