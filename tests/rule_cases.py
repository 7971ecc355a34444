"""The story folders of `tests/cases/`: each tells one case for one rule, in the JSON of the services.

`python -m tests.rule_cases` writes every `findings.json` and `docs/rules.md` anew; a person reads the
difference before it is committed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from audit.approvals.policy import Policy
from audit.judge import History, judge
from audit.model import Finding, Look, Observation, Outcome, Release, Target
from audit.rules.page import page
from audit.sight.catalogue import Catalogue, Unread, read_catalogue
from audit.sight.facts import observe
from audit.targets import parse_target

CASES = Path(__file__).parent / "cases"
PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Story:
    """One folder: what was approved, what is live, and what else is known."""

    release: Release | None
    seen: Observation
    catalogue: Catalogue | Unread
    policy: Policy
    history: History

    def findings(self) -> tuple[Finding, ...]:
        return judge(self.release, self.seen, self.catalogue, NOW, self.policy, self.history)


def folders() -> list[Path]:
    return sorted(path for path in CASES.iterdir() if path.is_dir())


def read_story(folder: Path) -> Story:
    live = _read(folder / "live.json")
    target = parse_target(live["target"])
    look = Look(Outcome(live["outcome"]), live.get("document", {}), live.get("reason", ""))
    release = _read(folder / "release.json")
    history = _read(folder / "history.json", {})
    for waiver in history.get("waivers", []):
        waiver["target"] = msgspec.to_builtins(target)
    if release_ := history.get("rollback", {}).get("release"):
        history["rollback"]["release"] = _with_target(release_, target)
    return Story(
        None if release is None else msgspec.convert(_with_target(release, target), Release),
        observe(target, look, NOW),
        _catalogue(_read(folder / "catalogue.json", [])),
        msgspec.convert(_read(folder / "policy.json", {}), Policy),
        msgspec.convert(history, History),
    )


def _catalogue(said: Any) -> Catalogue | Unread:
    return Unread(said["unread"]) if isinstance(said, dict) else read_catalogue(said)


def _with_target(release: dict[str, Any], target: Target) -> dict[str, Any]:
    return release | {"target": msgspec.to_builtins(target)}


def _read(file: Path, missing: Any = None) -> Any:
    return json.loads(file.read_text("utf-8")) if file.exists() else missing


def shown(findings: tuple[Finding, ...]) -> str:
    """Return findings as `findings.json` holds them; the target stands in `live.json`."""
    rows = [msgspec.to_builtins(finding) for finding in findings]
    kept = [{name: value for name, value in row.items() if name != "target"} for row in rows]
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"


def _refreshed() -> Iterator[tuple[Path, str]]:
    for folder in folders():
        yield folder / "findings.json", shown(read_story(folder).findings())
    yield PAGE, page()


if __name__ == "__main__":
    for file, text in _refreshed():
        file.write_text(text, "utf-8")
