"""A write as it is judged: what was there, what was sent, and the rules for its type of resource."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from local.azure.answers import Refusal
from local.azure.documents import Document
from local.azure.estate import Estate
from local.azure.operations import Failure


@dataclass(frozen=True, slots=True)
class Draft:
    """One write, before it is accepted. `sent` is the body as the whole resource: a PATCH is merged already."""

    estate: Estate
    id: str
    parent: Document
    before: Document | None
    sent: Document
    today: date

    @property
    def name(self) -> str:
        """The name of the resource to write."""
        return self.id.rsplit("/", 1)[-1]

    @property
    def sent_properties(self) -> Document:
        """The properties that were sent; empty where there are none."""
        properties: Any = self.sent.get("properties")
        return properties if isinstance(properties, dict) else {}


def allow(_: Draft) -> None:
    """Let a delete happen."""


def no_flaw(_: Draft, __: Document) -> Failure | None:
    """Find nothing that would make an accepted write fail later."""
    return None


@dataclass(frozen=True, slots=True)
class Rules:
    """How one type of resource takes writes.

    `accept` makes the whole document out of a draft, or raises `Refusal`; `may_delete` raises it too.
    `later_flaw` finds what only the operation will stumble over, after the write was accepted.
    """

    accept: Callable[[Draft], Document]
    may_delete: Callable[[Draft], None] = allow
    later_flaw: Callable[[Draft, Document], Failure | None] = no_flaw
    patchable: frozenset[str] = frozenset({"tags", "properties"})
    is_slow: bool = True
    updating: str = "Updating"


def bad_request(code: str, message: str) -> Refusal:
    """Return the refusal of a write that can never be accepted as it is."""
    return Refusal(400, code, message)
