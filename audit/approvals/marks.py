"""Plain values of environment variables in what is approved: kept as the marks that live values are shown by.

What an environment variable holds may be a secret, so a look keeps only a keyed mark of it. A release may name the
plain value all the same: it is marked with the same key before it is compared with anything, stored or shown.
"""

import re
from dataclasses import replace

from audit.model import Approved, Release, Scalar
from audit.privacy import MARK, Privacy

_VARIABLE = re.compile(r"deployments\.[^.]+\.env\..+", re.DOTALL)
_MARKED = re.compile(rf"{MARK}[0-9a-f]{{16}}")
_FIXED = "which key made these marks"


def is_variable(name: str) -> bool:
    """Say whether a fact is the value of an environment variable."""
    return _VARIABLE.fullmatch(name) is not None


def key_of(privacy: Privacy) -> str:
    """Return what tells keys apart, and tells nothing of the key: the mark of a text that everybody knows."""
    return privacy.mark(_FIXED)


def marked(release: Release, privacy: Privacy) -> Release:
    """Return a release without plain values of environment variables, and with the key that marked them."""
    facts = {name: mark_value(name, value, privacy) for name, value in release.facts.items()}
    return release if facts == release.facts else replace(release, facts=facts, marked_with=key_of(privacy))


def mark_value(name: str, value: Scalar | Approved, privacy: Privacy) -> Scalar | Approved:
    """Return what stands for the value of a fact; only a variable's is hidden, and only once."""
    if not is_variable(name):
        return value
    if isinstance(value, Approved):
        return replace(value, one_of=tuple(_mark(each, privacy) for each in value.one_of))
    return _mark(value, privacy)


def _mark(value: Scalar, privacy: Privacy) -> str:
    text = str(value)
    return text if not text or _MARKED.fullmatch(text) else privacy.mark(text)
