"""What must never be stored or told as it came: secrets and personal data."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from audit.texts import TOO_DEEP

MARK = "hidden:"
MAX_DEPTH = 60  # Azure's documents are a few levels deep; Python gives up at a few hundred
SHORTEST_TOKEN = 15  # of the forms below

# Quantifiers are bounded or possessive, so that a hostile text costs linear time. Names of models and files may
# hold such words too (`azureml:next-token:3`): a colon counts only before a blank or a quote.
_NAMED = re.compile(
    r"""
    (?P<name>(?i:
        (?:passw(?:or)?d|passphrase|pwd|secret|(?<![a-z])sig|(?<=[?&])code|token
            |(?:api|account|access|shared|primary|secondary|private)[_-]?(?:access[_-]?)?key)
        ["']?\s{0,3}(?:=|:(?=[\s"']))\s{0,3}["']?
        |authorization\W{1,4}[a-z]{1,20}\s{1,3}|\bbearer\s{1,3}(?=[\w.~+/-]{20})
        |hooks\.slack\.com/services/|webhook\.office\.com/webhookb2/
    ))(?!hidden:[0-9a-f]{16}\b)[^\s;&,"'<>]+       # but not what is marked already
    |(?P<user>://[^/\s:@]{0,200}+:)(?!hidden:)[^/\s@]{1,200}+(?=@)
    """,
    re.VERBOSE,
)
_SIGNS = re.compile(r"[=:\s]")  # without one of these nothing is named
_TOKENS = re.compile(
    r"""
    -----BEGIN\ [A-Z ]{0,40}PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]{0,40}PRIVATE\ KEY-----|\Z)
    |(?<![\w+/])(?:[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)(?![\w+/=])      # keys of storage, topics and buses
    |\b(?:
        eyJ[\w-]{8,256}+\.[\w-]{8,8192}+\.[\w-]*+                          # JWT
        |[\w~.-]{3}\dQ~[\w~.-]{31,40}+                                     # client secret of Entra
        |(?:sk-|[rs]k_(?:live|test)_)[\w-]{16,}+                           # OpenAI, Anthropic, Stripe
        |(?:gh[pousr]_|github_pat_|glpat-|hf_|npm_|pypi-)[\w-]{20,}+
        |xox[abprs]-[\w-]{10,}+|A[KS]IA[A-Z0-9]{16}\b|AIza[\w-]{35}|dapi[0-9a-f]{32}
    )
    """,
    re.DOTALL | re.VERBOSE,
)
_SECRET_NAMES = re.compile(
    r"(?i)secret(?!ar)|passw|credential|connection_?string|(?<!context)(?<!output)token(?!s|i[sz])"
    r"|(?:api|account|access|primary|secondary|private|shared)[_-]?key"
)
_HIDDEN_BELOW = frozenset({"environmentvariables", "environment_variables"})
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
        return self._clean(document, MAX_DEPTH, is_hidden=False)

    def redact_text(self, text: str) -> str:
        """Return the text with everything that looks like a secret replaced by its mark."""
        if len(text) >= SHORTEST_TOKEN:
            text = _TOKENS.sub(lambda found: self.mark(found[0]), text)
        return _NAMED.sub(self._mark_named, text) if _SIGNS.search(text) else text

    def _mark_named(self, found: re.Match[str]) -> str:
        name = found["name"] or found["user"]
        return f"{name}{self.mark(found[0].removeprefix(name))}"

    def _clean(self, value: Any, depth: int, *, is_hidden: bool) -> Any:
        if not depth:
            return TOO_DEEP
        match value:
            case dict():
                return {
                    self.redact_text(str(name)): self._clean_named(str(name), each, depth - 1, is_hidden=is_hidden)
                    for name, each in value.items()
                }
            case list():
                return [self._clean(item, depth - 1, is_hidden=is_hidden) for item in value]
            case str():
                return self.mark(value) if is_hidden and value else self.redact_text(value)
            case int() | float() if is_hidden and not isinstance(value, bool):
                return self.mark(str(value))
        return value

    def _clean_named(self, name: str, value: Any, depth: int, *, is_hidden: bool) -> Any:
        low = name.lower()
        if low in _PEOPLE and isinstance(value, str):
            return self.person(value)
        is_telling = not isinstance(value, int | float) and _SECRET_NAMES.search(name) is not None
        return self._clean(value, depth, is_hidden=is_hidden or is_telling or low in _HIDDEN_BELOW)

    def _digest(self, value: str) -> str:
        return hmac.new(self.key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:16]
