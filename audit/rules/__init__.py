"""Every rule: its id, what it means for a reader who is no engineer, and what to do about it.

A family has a hundred numbers and a module here, and its judgement stands in `audit/judge/`.
"""

from audit.rules import (
    actor,
    approval,
    configuration,
    deadlines,
    lifecycle,
    metadata,
    pinning,
    readiness,
    traffic,
)
from audit.rules.rule import Rule

FAMILIES = {
    "Approval": approval.ROWS,
    "Pinning": pinning.ROWS,
    "Traffic": traffic.ROWS,
    "Configuration": configuration.ROWS,
    "Metadata and reproducibility": metadata.ROWS,
    "Lifecycle": lifecycle.ROWS,
    "Actor": actor.ROWS,
    "Deadlines": deadlines.ROWS,
    "Sight and readiness": readiness.ROWS,
}

RULES = {rule.id: rule for rows in FAMILIES.values() for rule in rows}

__all__ = ["FAMILIES", "RULES", "Rule"]
