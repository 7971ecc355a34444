"""What the stand-in answers with: bodies, ARM's errors, and the headers that every answer of ARM carries."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.azure.identity import BadToken


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; without a body it has none at all, as a 204 must."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """A request is answered with an error of ARM's form; `code` and `message` are the service's words."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}

    def answer(self) -> Answer:
        """Return the refusal as the answer to send."""
        return Answer(self.status, error_body(self.code, str(self)), self.headers)


def error_body(code: str, message: str) -> dict[str, Any]:
    """Return an error in the form that every ARM provider uses."""
    return {"error": {"code": code, "message": message}}


def not_found(path: str) -> Refusal:
    """Return the refusal for a resource that is not there."""
    return Refusal(404, "ResourceNotFound", f"The Resource '{path}' was not found.")


def parent_not_found(path: str) -> Refusal:
    """Return the refusal for a request below a resource that is not there."""
    message = f"Failed to perform the operation: the parent resource '{path}' could not be found."
    return Refusal(404, "ParentResourceNotFound", message)


def unauthorized(error: BadToken) -> Refusal:
    """Return the refusal for a call without a good token."""
    challenge = 'Bearer authorization_uri="https://login.windows.net/common", error="invalid_token"'
    return Refusal(401, error.code, str(error), {"WWW-Authenticate": challenge})


def not_imitated(what: str) -> Refusal:
    """Return the refusal for what Azure does and this stand-in does not: said aloud, never guessed.

    501 because azure-core does not retry it.
    """
    return Refusal(501, "NotImitatedLocally", f"The local stand-in of Azure does not imitate {what}.")


def usual_headers(request_headers: Mapping[str, str], remaining: Mapping[str, int]) -> dict[str, str]:
    """Return the headers of every answer; `remaining` tells how many calls are left in which bucket."""
    request_id = str(uuid.uuid4())
    headers = {
        "Cache-Control": "no-cache",
        "x-ms-request-id": request_id,
        "x-ms-correlation-request-id": request_headers.get("x-ms-correlation-request-id") or request_id,
    }
    if request_headers.get("x-ms-return-client-request-id") == "true":
        headers["x-ms-client-request-id"] = request_headers.get("x-ms-client-request-id", "")
    return headers | {
        f"x-ms-ratelimit-remaining-subscription-{bucket}": str(left) for bucket, left in remaining.items()
    }
