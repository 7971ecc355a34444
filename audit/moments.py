"""Moments as people write and read them; every moment inside is an aware UTC datetime."""

from datetime import UTC, datetime

from audit.errors import BadInput


def parse_moment(text: str) -> datetime:
    """Return the moment that an ISO 8601 text names, in UTC where it names no zone; raise `BadInput`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"expected a moment such as 2026-11-01T09:30:00Z, got {text[:100]!r}") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def show_moment(moment: datetime) -> str:
    """Return `2026-11-01 09:30 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def show_day(moment: datetime) -> str:
    """Return `2026-11-01`."""
    return f"{moment:%Y-%m-%d}"
