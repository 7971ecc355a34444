"""What a rule says of itself, apart from its judgement."""

from dataclasses import dataclass

from audit.model import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which what serves can differ from what was approved.

    `meaning` is for a reader who is no engineer.
    """

    id: str
    title: str
    severity: Severity
    meaning: str
    remedy: str
