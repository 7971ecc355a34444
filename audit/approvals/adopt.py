"""Release files made from what serves now, for a person to read, correct and sign."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from audit.approvals.release_facts import MAX_FACT
from audit.model import Facts, Target

# How a change is going, not how it should end; and whether we could look at a job.
_PASSING = (".provisioning_state", ".endpoint_state", ".job.outcome", ".origin.outcome")


@dataclass(frozen=True, slots=True)
class Adopted:
    """A target and what was last seen of it."""

    target: Target
    facts: Facts
    seen_at: datetime


def release_file(adopted: Iterable[Adopted], now: datetime) -> str:
    """Return a release file of what was seen, signed by nobody: `apply` refuses it until a person signs."""
    entries = [_entry(each, now) for each in sorted(adopted, key=lambda each: each.target.id)]
    text = yaml.safe_dump({"releases": entries}, sort_keys=False, allow_unicode=True, width=10_000)
    return (
        f"# Written by `model-audit releases adopt` on {now:%Y-%m-%d} from what served; nobody has approved it.\n"
        "# Read each release, correct it, and sign it in approved_by and approved_at; then apply it.\n" + text
    )


def _entry(adopted: Adopted, now: datetime) -> dict[str, Any]:
    return {
        "id": f"{adopted.target.name}-adopted-{now:%Y%m%d}",
        "target": adopted.target.id,
        "approved_by": "",
        "approved_at": "",
        "ticket": "",
        "owner": "",
        "facts": {
            name: str(value) for name, value in sorted(adopted.facts.items()) if _is_worth(name, str(value))
        },
    }


def _is_worth(name: str, value: str) -> bool:
    return not f".{name}".endswith(_PASSING) and max(len(name), len(value)) <= MAX_FACT
