"""The access keys of a function app, and which of them opens what."""

import hmac
import secrets
from dataclasses import dataclass, field
from enum import Enum

from starlette.requests import Request


class Level(Enum):
    """How much a caller must show; the master key opens every level, any other key only its own."""

    ANONYMOUS = "anonymous"
    FUNCTION = "function"
    SYSTEM = "system"
    ADMIN = "admin"


def _random_key() -> str:
    return secrets.token_urlsafe(40)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one app, random unless given; `event_grid` is Azure's system key `eventgrid_extension`."""

    master: str = field(default_factory=_random_key, repr=False)
    function: str = field(default_factory=_random_key, repr=False)
    event_grid: str = field(default_factory=_random_key, repr=False)

    def admit(self, request: Request, level: Level) -> bool:
        """Say whether the key in `x-functions-key` or in the query's `code` opens `level`."""
        if level is Level.ANONYMOUS:
            return True
        shown = request.headers.get("x-functions-key") or request.query_params.get("code") or ""
        return any(hmac.compare_digest(shown.encode(), key.encode()) for key in self._that_open(level))

    def _that_open(self, level: Level) -> list[str]:
        own = {Level.FUNCTION: [self.function], Level.SYSTEM: [self.event_grid]}
        return [self.master, *own.get(level, [])]
