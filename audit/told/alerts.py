"""What an alert says: a stable JSON form for machines, from which every channel makes its own message."""

from collections.abc import Sequence
from typing import Any

from audit.model import Alert, Notice, Severity, Status
from audit.rules import RULES

EVENT_TYPE = "ModelAudit.Alert"
MAX_NOTICES = 50  # shown in one alert; the rest is counted, because nobody reads further at night


def alert_data(alert: Alert) -> dict[str, Any]:
    """Return the alert as JSON values; the same alert gives the same values, so that a repeat is recognised."""
    shown = alert.notices[:MAX_NOTICES]
    return {
        "alert": alert.id,
        "parent": alert.parent,
        "at": alert.at.isoformat(timespec="seconds"),
        "summary": summary(alert.notices),
        "notices": [notice_data(notice) for notice in shown],
        "more": len(alert.notices) - len(shown),
    }


def summary(notices: Sequence[Notice]) -> str:
    """Return one line: `1 critical, 2 high open; 1 resolved`."""
    open_ = [n.episode.finding.severity for n in notices if n.episode.status is Status.OPEN]
    counted = [f"{open_.count(severity)} {severity}" for severity in Severity if severity in open_]
    resolved = len(notices) - len(open_)
    parts = [", ".join(counted) + " open"] if counted else []
    return "; ".join(parts + ([f"{resolved} resolved"] if resolved else []))


def notice_data(notice: Notice) -> dict[str, Any]:
    """Return one notice as JSON values: the stable form that alerts, the API and the command line share."""
    episode, finding = notice.episode, notice.episode.finding
    rule = RULES[finding.rule]
    return {
        "id": notice.id,
        "kind": notice.kind,
        "rule": finding.rule,
        "title": rule.title,
        "severity": str(finding.severity),
        "status": str(episode.status),
        "target": finding.target.id,
        "target_kind": str(finding.target.kind),
        "parent": finding.target.parent_name,
        "name": finding.target.name,
        "subject": finding.subject,
        "expected": finding.expected,
        "got": finding.got,
        "detail": finding.detail,
        "cause": episode.cause,
        "announced": episode.announced,
        "resolution": episode.resolution,
        "release": episode.release,
        "waiver": episode.waiver,
        "opened_at": episode.opened_at.isoformat(timespec="seconds"),
        "resolved_at": episode.resolved_at.isoformat(timespec="seconds") if episode.resolved_at else None,
        "due_at": finding.due_at.isoformat(timespec="seconds") if finding.due_at else None,
        "meaning": rule.meaning,
        "remedy": rule.remedy,
        "commands": list(notice.commands),
    }
