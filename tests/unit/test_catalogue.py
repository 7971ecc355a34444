from copy import deepcopy
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from audit.model import Retirement
from audit.sight.catalogue import read_catalogue, retirement_of
from tests.strategies import json_values
from tests.unit.test_facts import paths, with_value

FACTS = {"model.format": "OpenAI", "model.name": "gpt-4o", "model.version": "2024-08-06", "sku.name": "Standard"}
IN_OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
IN_DECEMBER = datetime(2026, 12, 9, tzinfo=UTC)


def row(**changes: object) -> dict:
    """Return a row of `locations/LOCATION/models` as api-version 2025-09-01 answers it."""
    model = {
        "format": "OpenAI",
        "name": "gpt-4o",
        "version": "2024-08-06",
        "isDefaultVersion": False,
        "lifecycleStatus": "Deprecating",
        "deprecation": {"inference": "2026-10-01T00:00:00Z", "fineTune": "2026-04-01T00:00:00Z"},
        "replacementConfig": {
            "targetModelName": "gpt-5.1",
            "targetModelVersion": "2025-11-13",
            "upgradeOnExpiryLeadTimeDays": 14,
        },
        "skus": [
            {"name": "Standard", "usageName": "OpenAI.Standard.gpt-4o", "deprecationDate": "2026-10-01T00:00:00Z"},
            {"name": "ProvisionedManaged", "deprecationDate": "2026-12-09T00:00:00Z"},
            {"name": "GlobalBatch"},
        ],
    }
    return {"kind": "OpenAI", "skuName": "S0", "model": model | changes}


def test_a_model_retires_when_the_catalogue_says() -> None:
    found = retirement_of(FACTS, read_catalogue([row()]))

    assert found == Retirement("Deprecating", IN_OCTOBER, "gpt-5.1 2025-11-13", 14)


@pytest.mark.parametrize(
    ("sku", "at"),
    [("ProvisionedManaged", IN_DECEMBER), ("provisionedmanaged", IN_DECEMBER), ("GlobalBatch", IN_OCTOBER)],
)
def test_a_sku_has_its_own_date_or_else_that_of_the_model(sku: str, at: datetime) -> None:
    found = retirement_of(FACTS | {"sku.name": sku}, read_catalogue([row()]))

    assert found is not None
    assert found.at == at


def test_a_model_that_is_not_listed_has_no_retirement() -> None:
    assert retirement_of(FACTS | {"model.version": "2024-11-20"}, read_catalogue([row()])) is None


def test_a_model_listed_under_several_kinds_is_one_model() -> None:
    catalogue = read_catalogue([row(), row() | {"kind": "AIServices"}, row() | {"kind": "MaaS"}])

    assert len(catalogue) == 3  # the model itself, and its two SKUs with dates of their own


def test_a_row_without_a_date_does_not_hide_that_of_another_kind() -> None:
    bare = row(deprecation=None, skus=[]) | {"kind": "AIServices"}

    found = retirement_of(FACTS | {"sku.name": "GlobalBatch"}, read_catalogue([row(), bare]))

    assert found is not None
    assert found.at == IN_OCTOBER


@pytest.mark.parametrize("text", ["2026-10-01", "2026-10-01T00:00:00", "2026-10-01T02:00:00+02:00"])
def test_a_date_is_read_in_every_notation(text: str) -> None:
    found = retirement_of(FACTS, read_catalogue([row(deprecation={"inference": text}, skus=None)]))

    assert found is not None
    assert found.at == IN_OCTOBER


@pytest.mark.parametrize(
    "odd",
    [
        {"model": None},
        {"model": "gpt-4o"},
        {"model": {"name": "gpt-4o", "version": None}},
        row(deprecation="soon"),
        row(deprecation={"inference": "0001-01-01T00:00:00+14:00"}),
        row(skus="all"),
        row(skus=[None, "Standard"]),
        row(replacementConfig=["gpt-5"]),
        row(replacementConfig={"upgradeOnExpiryLeadTimeDays": "two weeks"}),
        row(replacementConfig={"upgradeOnExpiryLeadTimeDays": 1e400}),
        row(replacementConfig={"upgradeOnExpiryLeadTimeDays": 10**12}),
    ],
)
def test_a_row_that_makes_no_sense_hides_no_other(odd: dict) -> None:
    other = row(name="gpt-4.1", version="2025-04-14")
    facts = FACTS | {"model.name": "gpt-4.1", "model.version": "2025-04-14"}

    assert retirement_of(facts, read_catalogue([odd, other])) is not None


@pytest.mark.parametrize(("days", "kept"), [(10**12, 365), (-3, 0), (None, 0), ("30", 30)])
def test_a_lead_time_stays_within_reason(days: object, kept: int) -> None:
    found = retirement_of(FACTS, read_catalogue([row(replacementConfig={"upgradeOnExpiryLeadTimeDays": days})]))

    assert found is not None
    assert found.upgrade_lead_days == kept


@settings(max_examples=30)
@given(json_values)
def test_an_odd_value_anywhere_never_raises(value: object) -> None:
    for path in paths(row())[1:]:
        odd = with_value(row(), path, value)

        assert read_catalogue([odd, deepcopy(odd)]) is not None
