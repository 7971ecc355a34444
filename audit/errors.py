"""Every error that Model Audit raises on purpose.

AuditError
├── SettingsError      a setting is missing or unusable: fix the configuration
├── BadInput           something handed to us cannot be understood: an id, a release file, a document
├── Conflict           somebody else committed first, or our own lost answer did: read again and decide again
├── StillConflicting   a conflict that did not end after many tries: the queue redelivers
├── Throttled          Azure asks us to come back later, and says when
├── Unavailable        the service did not answer usefully this time: try again
└── NotDelivered       a channel did not take an alert: it is sent again later, with the same key

Only `Throttled`, `Unavailable` and `StillConflicting` may rise out of a trigger: the platform then redelivers.
"""

from datetime import timedelta


class AuditError(Exception):
    """The root of the tree above; its text says what was tried, what came, and what to do next."""


class SettingsError(AuditError):
    """A setting is missing or cannot be used."""


class BadInput(AuditError):
    """Input that cannot be understood; the text says what was expected and what came."""


class Conflict(AuditError):
    """The rows changed under us. It may be our own success whose answer was lost: always read again."""


class StillConflicting(AuditError):
    """A commit met a conflict again and again; let the queue redeliver."""


class Throttled(AuditError):
    """Azure refused for now (429). `retry_after` is how long it asks us to wait."""

    def __init__(self, message: str, retry_after: timedelta):
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(AuditError):
    """A service failed or did not answer; nothing can be concluded from it."""


class NotDelivered(AuditError):
    """A channel did not accept an alert."""
