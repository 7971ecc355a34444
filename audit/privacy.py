"""What must never be stored or told as it came: secrets and personal data."""

import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from audit.texts import TOO_DEEP

MARK = "hidden:"
MAX_DEPTH = 60  # Azure's documents are a few levels deep; Python gives up at a few hundred
SHORTEST_TOKEN = 15  # of the forms below
LONGEST_KEPT = 100  # characters of a name of which it is kept what it tells: names are untrusted, and may be long

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
# Without a sign nothing but a webhook is named, and without one of the others neither: most texts have none.
_SIGNS = re.compile(r"[=:\s]")
_OTHER_SIGNS = re.compile(r"""[=\s@]|:["']""")
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
# Each of these forms, and each webhook, holds one of these pieces, which are found four times as fast.
_PIECES = re.compile(
    r"=|-----B|eyJ|Q~|sk-|k_live_|k_test_|gh[pousr]_|github_pat_|glpat-|hf_|npm_|pypi-|xox|A[KS]IA|AIza|dapi"
    r"|\.(?i:com/[sw]e)"
)
_SECRET_NAMES = re.compile(
    r"(?i)secret(?!ar)|passw|credential|connection_?string|(?<!context)(?<!output)token(?!s|i[sz])"
    r"|(?:api|account|access|primary|secondary|private|shared)[_-]?key"
)
_HIDDEN_BELOW = frozenset({"environmentvariables", "environment_variables"})
_PEOPLE = frozenset({"createdby", "lastmodifiedby", "created_by", "last_modified_by", "user_id"})


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
        is_suspect = len(text) >= SHORTEST_TOKEN and _PIECES.search(text)
        if is_suspect:
            text = _TOKENS.sub(lambda found: self.mark(found[0]), text)
        if is_suspect or (_SIGNS.search(text) and _OTHER_SIGNS.search(text)):
            text = _NAMED.sub(self._mark_named, text)
        return text

    def _mark_named(self, found: re.Match[str]) -> str:
        name = found["name"] or found["user"]
        return f"{name}{self.mark(found[0].removeprefix(name))}"

    def _clean(self, value: Any, depth: int, *, is_hidden: bool) -> Any:
        if not depth:
            return TOO_DEEP
        match value:
            case str():
                return self.mark(value) if is_hidden and value else self.redact_text(value)
            case dict():
                return self._clean_fields(value, depth - 1, is_hidden=is_hidden)
            case list():
                return [self._clean(item, depth - 1, is_hidden=is_hidden) for item in value]
            case int() | float() if is_hidden and not isinstance(value, bool):
                return self.mark(str(value))
        return value

    def _clean_fields(self, fields: dict[str, Any], depth: int, *, is_hidden: bool) -> dict[str, Any]:
        clean: dict[str, Any] = {}
        for name, value in fields.items():
            told = _kept(name) if len(name) <= LONGEST_KEPT else _told(name)
            shown = name if told.is_plain else self.redact_text(name)
            if told.is_person and isinstance(value, str):
                clean[shown] = self.person(value)
            else:
                is_telling = told.hides_below or (told.is_secret and not isinstance(value, int | float))
                clean[shown] = self._clean(value, depth, is_hidden=is_hidden or is_telling)
        return clean

    def _digest(self, value: str) -> str:
        return hmac.digest(self.key, value.encode("utf-8", "surrogatepass"), "sha256").hex()[:16]


@dataclass(frozen=True, slots=True)
class _Told:
    """What a name tells of itself, and of the value below it."""

    is_plain: bool
    is_person: bool
    is_secret: bool
    hides_below: bool


def _told(name: str) -> _Told:
    low = name.lower()
    return _Told(
        is_plain=not (_PIECES.search(name) or _SIGNS.search(name)),
        is_person=low in _PEOPLE,
        is_secret=_SECRET_NAMES.search(name) is not None,
        hides_below=low in _HIDDEN_BELOW,
    )


# A fleet repeats a few hundred names; 4,096 kept ones are 2 MB at most.
_kept = lru_cache(maxsize=4096)(_told)
