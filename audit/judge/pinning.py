"""MA2xx: whether the model stays what it is until somebody changes it."""

from collections.abc import Iterator

from audit.judge.given import NOTHING, Case
from audit.judge.names import rule_of
from audit.model import Facts, Finding, Release

# Only these are upgraded in place; provisioned and batch deployments never are, whatever their option says
# (learn.microsoft.com, Azure OpenAI "model retirements", 2026-10).
UPGRADED_SKUS = frozenset({"standard", "globalstandard", "datazonestandard"})
NEVER_UPGRADE = "noautoupgrade"

_SECOND = len("2026-11-02T08:00:00")


def may_upgrade(facts: Facts) -> bool:
    """Say whether Azure may replace the model of an Azure OpenAI deployment by itself."""
    is_upgraded_sku = str(facts.get("sku.name", "")).casefold() in UPGRADED_SKUS
    return is_upgraded_sku and str(facts.get("upgrade_option", "")).casefold() != NEVER_UPGRADE


def upgrades(release: Release, case: Case) -> Iterator[Finding]:
    """MA201: an exact version is approved, and the option lets Azure replace it."""
    is_open = "model.version" in release.facts and "upgrade_option" not in release.facts
    if is_open and may_upgrade(case.live):
        got = str(case.live.get("upgrade_option", NOTHING))
        yield case.finding("MA201", "upgrade_option", "NoAutoUpgrade", got)


def references(release: Release, case: Case) -> Iterator[Finding]:
    """MA202, MA204, MA205: the model is named by a label, by files alone, or chosen by a router."""
    for name, part, rest in case.shape.telling:
        if name in release.facts:
            continue
        value = case.live[name]
        if rest == "model.label":
            yield case.finding("MA202", name, "an exact version", f"label {value}")
        elif rest == "model.path" or (rest == "model.anonymous" and value is True):
            yield case.finding("MA204", part or "model", "a registered version", _files(case, name))
        elif rest == "routing.mode":
            yield case.finding("MA205", name, "one exact model", f"a router, by {value}")


def _files(case: Case, name: str) -> str:
    return f"files at {case.live[name]}" if name.endswith(".path") else "a version without a name of its own"


def silent_change(release: Release, case: Case) -> Iterator[Finding]:
    """MA203: it is another model than before, not the approved one, and nobody has written meanwhile."""
    before, live, modified_at = case.history.before, case.live, case.observation.modified_at
    if not before or not modified_at or modified_at[:_SECOND] != case.history.before_modified_at[:_SECOND]:
        return
    for name, value in live.items():
        if name.endswith("model.version") and rule_of(name) == "MA102" and name in before:
            approved = release.facts.get(name)
            if before[name] != value and approved is not None and str(approved) != str(value):
                yield case.finding("MA203", name, f"{before[name]}, as before", f"{value}, and no write since")
