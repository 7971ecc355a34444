"""Turn values into pages and texts, with Jinja2. Templates show; they neither decide nor count."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from audit.moments import show_day, show_moment
from audit.told.report import Report

TEMPLATES = Path(__file__).parents[2] / "templates"


def render_report(report: Report) -> str:
    """Return the report as one self-contained HTML page."""
    return _environment().get_template("report.html").render(report=report)


def render_alert(data: Mapping[str, Any]) -> str:
    """Return an alert, as `audit.told.alerts.alert_data` gives it, as plain text for a terminal."""
    return _environment().get_template("alert.txt").render(alert=data)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(),  # by file ending: `report.html` is escaped, `alert.txt` is not
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": show_moment, "day": show_day}
    return environment


def _printable(value: Any) -> Any:
    """Return a text without control characters, which could move a terminal's cursor or turn a line around."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(char if char.isprintable() else " " for char in value)
