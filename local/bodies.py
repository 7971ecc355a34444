"""Read request bodies within a limit, and JSON out of them."""

import json
from typing import Any

from starlette.requests import Request

# Event Grid's own limit, for an event and for an array of them.
EVENT_LIMIT_BYTES = 1_048_576

# What JSON that is not JSON, or not of the expected form, raises on the way. RecursionError: nested deeper than
# the parser goes, which the parsers of Azure refuse as well.
UNREADABLE = (ValueError, KeyError, IndexError, TypeError, RecursionError)


class BodyTooLarge(Exception):
    """A request's body is over the limit of the door it came to."""


async def read_body(request: Request, limit_bytes: int = EVENT_LIMIT_BYTES) -> bytes:
    """Return the request's body; raise `BodyTooLarge` where it has more than `limit_bytes`.

    The rest of a body that is too large is read and dropped: a client that is cut off while it still sends may
    never see the answer.
    """
    kept = bytearray()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        kept += chunk if size <= limit_bytes else b""
    if size > limit_bytes:
        raise BodyTooLarge(f"the body has {size} bytes, the limit is {limit_bytes}")
    return bytes(kept)


async def read_json(request: Request, limit_bytes: int = EVENT_LIMIT_BYTES) -> Any:
    """Return the JSON in the request's body; raise `BodyTooLarge`, or one of `UNREADABLE`."""
    return json.loads(await read_body(request, limit_bytes))
