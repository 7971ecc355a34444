"""What must never be stored or told as it came: secrets and personal data."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SHORTEST_SECRET = 16  # shorter texts are not searched: no pattern below can match in them
MARK = "hidden:"

_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JWT
    r"|(?<=AccountKey=)[^;\s]+|(?<=SharedAccessKey=)[^;\s]+|(?<=[?&;]sig=)[^&\s]+|(?<=^sig=)[^&\s]+"
    r"|(?i:(?<=password=)[^;&\s]+|(?<=pwd=)[^;&\s]+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@))"
    r"|\bsk-[A-Za-z0-9_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAKIA[A-Z0-9]{16}\b",
    re.DOTALL,
)
_SECRET_NAMES = re.compile(r"(?i)(secret|passw|token|credential|connection_?string|api_?key|account_?key)")
_VALUES_HIDDEN_BELOW = frozenset({"environmentvariables", "environment_variables"})
_PEOPLE = frozenset({"createdby", "lastmodifiedby", "created_by", "last_modified_by"})


class PersonalData(StrEnum):
    """What becomes of names and addresses of people."""

    HASH = "hash"
    REDACT = "redact"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Privacy:
    """How secrets and people are hidden. `key` makes the marks unguessable, and comparable with each other.

    A plain hash of a short secret could be found by trying; a keyed one cannot, and still shows a change.
    """

    key: bytes
    personal: PersonalData = PersonalData.HASH

    def mark(self, value: str) -> str:
        """Return what stands for a secret: equal for equal values, and telling nothing else."""
        return MARK + self._digest(value)

    def person(self, name: str) -> str:
        """Return a person's name as the owner's settings allow it."""
        if not name or self.personal is PersonalData.KEEP:
            return name
        return "person-" + self._digest(name)[:8] if self.personal is PersonalData.HASH else "(redacted)"

    def redact(self, document: Any) -> Any:
        """Return a copy of a JSON document without secrets and with people's names as the settings allow."""
        match document:
            case dict():
                return {name: self._redact_named(str(name), value) for name, value in document.items()}
            case list():
                return [self.redact(item) for item in document]
            case str():
                return self.redact_text(document)
        return document

    def redact_text(self, text: str) -> str:
        """Return the text with everything that looks like a secret replaced by its mark."""
        if len(text) < SHORTEST_SECRET:
            return text
        return _SECRETS.sub(lambda found: self.mark(found[0]), text)

    def _redact_named(self, name: str, value: Any) -> Any:
        low = name.lower()
        if low in _VALUES_HIDDEN_BELOW and isinstance(value, dict):
            return {key: self.mark(str(each)) for key, each in value.items()}
        if isinstance(value, str):
            if low in _PEOPLE:
                return self.person(value)
            if _SECRET_NAMES.search(name) and value:
                return self.mark(value)
        return self.redact(value)

    def _digest(self, value: str) -> str:
        return hmac.new(self.key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:16]
