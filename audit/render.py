"""Turn values into pages and texts, with Jinja2. Templates show; they neither decide nor count."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from audit.report import Report

TEMPLATES = Path(__file__).parent.parent / "templates"


def render_report(report: Report) -> str:
    """Return the report as one self-contained HTML page."""
    return _environment().get_template("report.html").render(report=report)


def render_alert(data: Mapping[str, Any]) -> str:
    """Return an alert, as `audit.alerts.alert_data` gives it, as plain text for a terminal."""
    return _environment().get_template("alert.txt").render(alert=data)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(),  # by file ending: `report.html` is escaped, `alert.txt` is not
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": _moment, "day": _day}
    return environment


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d}"
