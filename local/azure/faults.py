"""Faults to inject at run time: which calls they hit, and what those get instead of a good answer."""

import random
import threading
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from local.azure.answers import Answer, error_body

_CODES = {
    401: "AuthenticationFailed",
    403: "AuthorizationFailed",
    404: "ResourceNotFound",
    409: "Conflict",
    429: "SubscriptionRequestsThrottled",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}


class Spoil(Enum):
    """How an answer that was good is spoilt on its way."""

    TRUNCATED = "truncated"  # the body breaks off in the middle
    MALFORMED = "malformed"  # one document, the first of a list, has no properties any more
    HANG = "hang"  # no answer comes until the fault is cleared or the caller gives up


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule. `path` and `method` are patterns with `*`, the path without regard to case.

    It hits the share of the calls it matches that `share` and `seed` draw, the first `first` of those where
    given. `delay` and `retry_after` are in seconds; a delayed call without `status` is answered as usual.
    """

    path: str = "*"
    method: str = "*"
    status: int | None = None
    retry_after: int | None = None
    share: float = 1.0
    seed: int = 0
    first: int | None = None
    delay: float = 0.0
    spoil: Spoil | None = None

    def answer(self) -> Answer | None:
        """Return the error to answer with; None where the fault does not end the call."""
        if self.status is None:
            return None
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        code = _CODES.get(self.status, "InjectedFault")
        return Answer(self.status, error_body(code, "A fault that was injected on purpose."), headers)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    draw: random.Random
    hits: int = 0


@dataclass(slots=True)
class Faults:
    """The faults in force, which can be added and cleared while calls come in."""

    _armed: list[_Armed] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force."""
        with self._lock:
            # A seeded generator, so that a story hits the same calls every time; nothing secret about it.
            self._armed.append(_Armed(fault, random.Random(fault.seed)))  # noqa: S311
        return fault

    def clear(self, fault: Fault | None = None) -> None:
        """End one fault, or all of them; hanging calls are then let go."""
        with self._lock:
            self._armed = [each for each in self._armed if fault is not None and each.fault is not fault]

    def are_in_force(self, fault: Fault) -> bool:
        """Whether this fault has not been cleared."""
        return any(each.fault is fault for each in self._armed)

    def hitting(self, method: str, path: str) -> list[Fault]:
        """Return the faults that hit this call, in the order they were added."""
        with self._lock:
            return [each.fault for each in self._armed if _hits(each, method, path)]


def spoilt(answer: Answer, spoil: Spoil | None) -> Answer:
    """Return an answer with one of its documents malformed, where that is the spoil."""
    if spoil is not Spoil.MALFORMED or not isinstance(answer.body, dict):
        return answer
    items = answer.body.get("value")
    if isinstance(items, list) and items:
        return Answer(answer.status, answer.body | {"value": [_malformed(items[0]), *items[1:]]}, answer.headers)
    return Answer(answer.status, _malformed(answer.body), answer.headers)


def _malformed(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"properties": None}


def _hits(armed: _Armed, method: str, path: str) -> bool:
    fault = armed.fault
    if not fnmatchcase(method, fault.method) or not fnmatchcase(path.lower(), fault.path.lower()):
        return False
    if fault.first is not None and armed.hits >= fault.first:
        return False
    is_hit = armed.draw.random() < fault.share
    armed.hits += is_hit
    return is_hit
