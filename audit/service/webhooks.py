"""Take MLflow's webhooks in: only those that the registry signed, each once, as hints where to look."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from audit import mlflow
from audit.errors import BadInput
from audit.events import webhooks
from audit.service.intake import Intake

logger = logging.getLogger(__name__)

ACCEPTED, BAD_REQUEST, UNAUTHORIZED, TOO_LARGE = 202, 400, 401, 413


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The intake, and by the name of each registry that has webhooks the secret that they are signed with."""

    intake: Intake
    secrets: Mapping[str, str]
    now: Callable[[], datetime]

    def take(self, registry: str, headers: Mapping[str, str], body: bytes) -> int:
        """Take one delivery in and return the HTTP status to answer.

        A registry that nobody set up is answered like a wrong signature, so that strangers learn no names. Raises
        `Unavailable` where storage does not answer: MLflow then delivers again, up to three times.
        """
        if len(body) > webhooks.MAX_BYTES:
            return TOO_LARGE
        said = {name.lower(): value for name, value in headers.items()}
        secret = self.secrets.get(registry.lower(), "")
        if not secret or not webhooks.is_authentic(secret, said, body, self.now()):
            logger.warning("webhook refused: registry=%s", registry.lower() if secret else "unknown")
            return UNAUTHORIZED
        try:
            event, reason = webhooks.read_webhook(mlflow.registry_id(registry), said, body)
        except BadInput as error:
            self.intake.keep_unreadable(body.decode("utf-8", "replace"), str(error))
            return BAD_REQUEST
        self.intake.take_event(event, (event.target,) if event.target else (), reason)
        return ACCEPTED
