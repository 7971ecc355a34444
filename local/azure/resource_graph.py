"""Azure Resource Graph: an index over the subscription that answers queries, and that lags behind what is there.

It understands as much of the query language as Model Audit speaks, and says so of all the rest.
"""

import base64
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.azure.answers import Answer, Refusal, not_imitated
from local.azure.documents import Document
from local.azure.estate import Estate
from local.azure.ids import AI, ML

PATH = "/providers/Microsoft.ResourceGraph/resources"
MOST_ROWS = 1000  # of a page, whatever is asked for
QUERIES, WINDOW = 15, 5.0  # of a principal in so many seconds (learn.microsoft.com, "throttled requests")

# What the index knows of, as Microsoft documents it: no deployments of accounts, no models and no jobs.
_WORKSPACE = f"{ML}/workspaces"
_ENDPOINTS = (f"{_WORKSPACE}/onlineEndpoints", f"{_WORKSPACE}/batchEndpoints")
INDEXED = frozenset(
    each.lower()
    for each in (
        *(_WORKSPACE, f"{ML}/registries", f"{AI}/accounts", f"{_WORKSPACE}/serverlessEndpoints"),
        *_ENDPOINTS,
        *(f"{kind}/deployments" for kind in _ENDPOINTS),
    )
)
_SUBSCRIPTION = "microsoft.resources/subscriptions"
_SHOWN = ("id", "name", "type", "kind", "location", "tags", "sku", "identity", "properties")

_UNION = re.compile(r"union \((?P<query>.+)\)", re.DOTALL)
_WHERE = re.compile(
    r"where (?P<field>\w+) (?P<test>==|=~|in~|startswith) (?P<value>'[^']*'|\((?:\s*'[^']*'\s*,?)+\))", re.DOTALL
)
_PROJECT = re.compile(r"project (?P<fields>\w+(?:\s*,\s*\w+)*)")
_TESTS: Mapping[str, Callable[[str, Sequence[str]], bool]] = {
    "==": lambda said, values: said == values[0],
    "=~": lambda said, values: said.lower() == values[0].lower(),
    "in~": lambda said, values: said.lower() in {value.lower() for value in values},
    "startswith": lambda said, values: said.lower().startswith(values[0].lower()),  # without case, as Kusto has it
}


@dataclass(slots=True)
class Quota:
    """How many queries a principal has left; it refuses only where it `is_enforced`."""

    is_enforced: bool
    _asked: dict[str, deque[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, who: str) -> dict[str, str]:
        """Take one query, and return what is left as the service's headers say it."""
        now = time.monotonic()
        with self._lock:
            asked = self._asked.setdefault(who, deque())
            while asked and now - asked[0] >= WINDOW:
                asked.popleft()
            is_over = self.is_enforced and len(asked) >= QUERIES
            if not is_over:
                asked.append(now)
            left, resets = max(0, QUERIES - len(asked)), WINDOW - (now - asked[0])
        headers = {
            "x-ms-user-quota-remaining": str(left),
            "x-ms-user-quota-resets-after": f"00:00:{int(resets + 1):02}",
        }
        if is_over:
            raise Refusal(429, "RateLimiting", "Please provide below info when asking for support.", headers)
        return headers


@dataclass(slots=True)
class ResourceGraph:
    """The index of an estate. Tests let it lag and lie; `page_size` can only be smaller than the service's."""

    estate: Estate
    quota: Quota
    page_size: int = MOST_ROWS
    _frozen: list[Document] | None = None
    _lies: dict[str, Document | None] = field(default_factory=dict)

    def freeze(self) -> None:
        """Lag behind from now on: show what is there at this moment, whatever happens."""
        self._frozen = list(self._documents())

    def lie(self, id_: str, document: Document | None) -> None:
        """Show this instead of what is there; None hides it."""
        self._lies[id_.lower()] = document

    def catch_up(self) -> None:
        """Show again what is there."""
        self._frozen = None
        self._lies.clear()

    def answer(self, body: Any, who: str, *, may_read: bool) -> Answer:
        """Return one page of the rows that a query asks for."""
        headers = self.quota.spend(who)
        asked = body if isinstance(body, dict) else {}
        known = {self.estate.fleet.subscription.lower()} if may_read else set()
        if not known & {str(each).lower() for each in asked.get("subscriptions") or known}:
            # Where one of several may be read, the others are left out without a word.
            code = "NoValidSubscriptionsInQueryRequest"
            message = "There must be at least one subscription that is eligible to contain resources."
            raise Refusal(400, "BadRequest", f"{code}: {message}", headers)
        query, options = str(asked.get("query", "")), asked.get("options") or {}
        rows = list(self._rows(query))
        if options.get("resultFormat", "objectArray") != "objectArray":
            raise not_imitated("another format than objectArray")
        start = _place(options.get("$skipToken"))
        end = start + min(int(options.get("$top", 100)), self.page_size, MOST_ROWS)
        page: Document = {
            "totalRecords": len(rows),
            "count": len(rows[start:end]),
            "data": rows[start:end],
            "facets": [],
            "resultTruncated": "false",
        }
        return Answer(200, page | ({"$skipToken": _token(end)} if end < len(rows) else {}), headers)

    def _rows(self, query: str) -> Iterator[Document]:
        table, *steps = (step.strip() for step in _steps(query))
        rows: Iterable[Document] = self._table(table.lower())
        for step in steps:
            rows = self._step(step, rows)
        yield from rows

    def _table(self, name: str) -> list[Document]:
        if name == "resourcecontainers":
            subscription = self.estate.fleet.subscription
            return [{"id": f"/subscriptions/{subscription}", "type": _SUBSCRIPTION, "name": subscription}]
        if name != "resources":
            raise not_imitated(f"the table '{name}' of Resource Graph")
        found = self._documents() if self._frozen is None else self._frozen
        told = [self._lies.get(str(each["id"]).lower(), each) for each in found]
        return [_row(each) for each in told if each is not None]

    def _documents(self) -> Iterator[Document]:
        return (each for each in self.estate.every() if str(each.get("type")).lower() in INDEXED)

    def _step(self, step: str, rows: Iterable[Document]) -> Iterable[Document]:
        if match := _WHERE.fullmatch(step):
            values, is_met = re.findall(r"'([^']*)'", match["value"]), _TESTS[match["test"]]
            return [row for row in rows if is_met(str(row.get(match["field"]) or ""), values)]
        if match := _PROJECT.fullmatch(step):
            fields = re.split(r"\s*,\s*", match["fields"])
            return [{name: row.get(name) for name in fields} for row in rows]
        if match := _UNION.fullmatch(step):
            return [*rows, *self._rows(match["query"])]
        if step == "order by id asc":
            return sorted(rows, key=lambda row: str(row["id"]).lower())
        raise not_imitated(f"the step '{step}' of a query of Resource Graph")


def _row(document: Document) -> Document:
    row = {name: document.get(name) for name in _SHOWN}
    _, _, subscription, _, group, *_ = str(document["id"]).split("/")
    return row | {"type": str(row["type"]).lower(), "subscriptionId": subscription, "resourceGroup": group.lower()}


def _steps(query: str) -> Iterator[str]:
    """Yield what stands between the pipes of a query, but for those inside brackets."""
    depth, step = 0, ""
    for char in query:
        depth += (char == "(") - (char == ")")
        if char == "|" and not depth:
            yield step
            step = ""
        else:
            step += char
    yield step


def _token(place: int) -> str:
    return base64.b64encode(f"rows:{place}".encode()).decode()


def _place(token: Any) -> int:
    try:
        return int(base64.b64decode(str(token)).decode().removeprefix("rows:")) if token else 0
    except ValueError as error:
        raise Refusal(400, "BadRequest", "The skip token is none that this service gave.") from error
