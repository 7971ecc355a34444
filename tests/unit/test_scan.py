from datetime import UTC, datetime, timedelta

import pytest

from audit.model import Facts, Look, Observation, Outcome, Retirement, Target
from audit.sight.facts import observe
from audit.sight.scan import Row, rows_of
from audit.targets import parse_target
from tests.house import CHAT, CHURN, WORKSPACE, churn_document

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
KEY = ("openai", "gpt-4o", "2024-08-06", "")
DATES = {KEY: Retirement("GenerallyAvailable", NOW + timedelta(days=40), "gpt-5.1 2025-11-13", 7)}
FACTS: Facts = {"model.format": "OpenAI", "model.name": "gpt-4o", "model.version": "2024-08-06"}
OFF = {"upgrade_option": "NoAutoUpgrade"}
EXPIRY = {"upgrade_option": "OnceCurrentVersionExpired"}
DEFAULT = {"upgrade_option": "OnceNewDefaultVersionAvailable"}


def scanned(facts: Facts, target: Target = CHAT, catalogue: dict | None = None) -> Row:
    seen = Observation(target, Outcome.PRESENT, NOW, facts)
    return next(rows_of(seen, DATES if catalogue is None else catalogue, NOW))


@pytest.mark.parametrize(
    ("facts", "changes", "then"),
    [
        ({"sku.name": "Standard", **OFF}, "no", "it stops answering (410)"),
        (
            {"sku.name": "Standard", **EXPIRY},
            "yes: when it retires",
            "from 2026-12-24 Azure puts gpt-5.1 2025-11-13 in its place",
        ),
        (
            {"sku.name": "GlobalStandard", **DEFAULT},
            "yes: at a new default version",
            "from 2026-12-24 Azure puts gpt-5.1 2025-11-13 in its place",
        ),
        (
            {"sku.name": "GlobalProvisionedManaged", **DEFAULT},
            "no: Azure never upgrades this SKU",
            "it stops answering (410)",
        ),
        ({"sku.name": "GlobalBatch", **EXPIRY}, "no: Azure never upgrades this SKU", "it stops answering (410)"),
    ],
)
def test_a_row_tells_whether_the_model_changes_and_what_becomes_of_it(
    facts: dict, changes: str, then: str
) -> None:
    row = scanned(FACTS | facts)

    assert (row.changes, row.retires, row.then, row.days_left) == (changes, "2026-12-31", then, 40)


def test_a_model_that_retired_yesterday_fails_whatever_its_lifecycle_says() -> None:
    gone = {KEY: Retirement("GenerallyAvailable", NOW - timedelta(days=1))}

    row = scanned(FACTS | {"sku.name": "Standard"}, catalogue=gone)

    assert (row.then, row.days_left) == ("it is retired: requests fail", 0)


def test_a_model_that_the_catalogue_does_not_name_has_no_known_end() -> None:
    row = scanned(FACTS | {"sku.name": "Standard", **OFF}, catalogue={})

    assert (row.retires, row.days_left) == ("not known", None)


def test_each_deployment_behind_an_endpoint_has_a_row_with_its_share() -> None:
    document = churn_document({"blue": 100})
    document["deployments"].append(
        {"name": "next", "properties": {"model": "azureml://registries/reg/models/churn/labels/latest"}}
    )

    rows = list(rows_of(observe(CHURN, Look(Outcome.PRESENT, document), NOW), {}, NOW))

    assert [(row.deployment, row.model, row.version, row.share, row.changes) for row in rows] == [
        ("blue", "churn", "3", "100 %", "no"),
        ("next", "reg/churn", "@latest", "0 %", "yes: it follows @latest"),
    ]


def test_what_cannot_be_looked_at_is_a_row_that_says_so() -> None:
    seen = Observation(CHAT, Outcome.UNREADABLE, NOW, reason="HTTP 403")

    assert [row.then for row in rows_of(seen, {}, NOW)] == ["could not look: HTTP 403"]


@pytest.mark.parametrize("target", [parse_target(f"{WORKSPACE}/models/churn"), parse_target(WORKSPACE)])
def test_what_serves_nobody_has_no_row(target: Target) -> None:
    assert list(rows_of(Observation(target, Outcome.PRESENT, NOW), {}, NOW)) == []
