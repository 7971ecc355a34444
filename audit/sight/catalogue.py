"""Azure's model catalogue of a region: when each model version retires, by SKU."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from audit.model import Document, Facts, Retirement

MAX_LEAD_DAYS = 365  # Azure's are two to four weeks; what is beyond a year is a mistake

Key = tuple[str, str, str, str]
Catalogue = Mapping[Key, Retirement]
"""Retirements by model format, name, version and SKU, in lower case.

The SKU is empty in the row that holds for every SKU without a date of its own.
"""


_OF_A_KEY = ("model.format", "model.name", "model.version", "sku.name")


@dataclass(frozen=True, slots=True)
class Unread:
    """A catalogue that could not be read, and why: nothing follows from it about any date."""

    reason: str


def read_catalogue(rows: Iterable[Document]) -> Catalogue:
    """Return what the rows of `locations/LOCATION/models` say; a row that makes no sense is left out.

    The same model appears under several `kind`s with the same dates, so the kind is no part of the key; a row
    without a date leaves that of another kind as it is.
    """
    catalogue: dict[Key, Retirement] = {}
    for row in rows:
        for key, retirement in _read_row(row):
            if retirement.at is not None or key not in catalogue:
                catalogue[key] = retirement
    return catalogue


def retirement_of(facts: Facts, catalogue: Catalogue) -> Retirement | None:
    """Return what the catalogue says of the model an Azure OpenAI deployment serves, by its SKU if it can."""
    format_, name, version, sku = [str(facts.get(each, "")).casefold() for each in _OF_A_KEY]
    return catalogue.get((format_, name, version, sku)) or catalogue.get((format_, name, version, ""))


def _read_row(row: Document) -> list[tuple[Key, Retirement]]:
    try:
        return list(_retirements(row["model"]))
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return []


def _retirements(model: Document) -> Iterator[tuple[Key, Retirement]]:
    if not model.get("name") or not model.get("version"):
        return
    names = tuple(str(model.get(name, "")).casefold() for name in ("format", "name", "version"))
    general = _time((model.get("deprecation") or {}).get("inference"))
    yield (*names, ""), _retirement(model, general)  # type: ignore[misc]
    for sku in model.get("skus") or []:
        if own := _time(sku.get("deprecationDate")):
            yield (*names, str(sku.get("name", "")).casefold()), _retirement(model, own)  # type: ignore[misc]


def _retirement(model: Document, at: datetime | None) -> Retirement:
    replacement = model.get("replacementConfig") or {}
    target = f"{replacement.get('targetModelName') or ''} {replacement.get('targetModelVersion') or ''}"
    return Retirement(
        lifecycle=str(model.get("lifecycleStatus") or ""),
        at=at,
        replacement=target.strip(),
        upgrade_lead_days=max(0, min(int(replacement.get("upgradeOnExpiryLeadTimeDays") or 0), MAX_LEAD_DAYS)),
        upgrade_from=_time(replacement.get("autoUpgradeStartDate")),
    )


def _time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
