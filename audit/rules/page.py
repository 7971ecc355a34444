"""The page of the documentation that describes every rule: `docs/rules.md`."""

from collections.abc import Iterator

from audit.rules import FAMILIES
from audit.rules.rule import Rule

_INTRODUCTION = """# Rules

Generated from `audit/rules/` by `python -m tests.rule_cases`; do not edit. `model-audit rules ID` prints the same.
Each rule has a story in `tests/cases/` in which it finds something, and one in which it stays quiet.
A policy may set another severity; that of a deadline grows as the day comes near.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    return "\n".join([_INTRODUCTION, *_table(), *_families()])


def _table() -> Iterator[str]:
    yield "| Rule | Severity | What was found |"
    yield "| --- | --- | --- |"
    for rule in _rules():
        yield f"| [{rule.id}](#{rule.id.lower()}) | {rule.severity} | {rule.title} |"
    yield ""


def _rules() -> Iterator[Rule]:
    for rows in FAMILIES.values():
        yield from rows


def _families() -> Iterator[str]:
    for name, rows in FAMILIES.items():
        yield f"## {name}\n"
        for rule in rows:
            yield f"### {rule.id}\n\n**{rule.title}** ({rule.severity})\n"
            yield f"{rule.meaning}\n"
            yield f"What to do: {rule.remedy}\n"
