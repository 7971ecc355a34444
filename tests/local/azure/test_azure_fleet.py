"""The fleet file: what it means, that nothing is lost on the way, and what a mistake in it is told."""

from datetime import timedelta

import pytest

from local.azure import Fleet, FleetError, dump_fleet, load_fleet
from local.azure.documents import Document
from local.azure.estate import estate_of
from local.azure.from_fleet import documents_of
from tests.local.azure.asking import TODAY

HEAD = """\
subscription: 00000000-0000-4000-8000-000000000001
tenant: 00000000-0000-4000-8000-0000000000aa
since: 10 days ago by jo
people: {jo: {kind: person, name: Jo Bloggs, roles: [Contributor]}}
"""
MODEL = "catalogue: [{model: m, version: 1, retires: in 100 days}]\n"
ACCOUNT = """\
openai_accounts:
  a: {resource_group: r, location: l, deployments: {d: {model: m, version: 1}}}
"""
CHURN = "workspaces.mlw.online_endpoints.churn"
WORKSPACE = (
    HEAD
    + """\
workspaces:
  mlw:
    resource_group: rg
    location: westeurope
    models: {churn: {versions: {"1": {}}}}
    online_endpoints:
      churn:
        traffic: {blue: 100}
        deployments:
          blue: {model: "churn:1"}
"""
)


def test_the_demo_fleet_survives_being_dumped_and_loaded(demo: Fleet) -> None:
    assert load_fleet(dump_fleet(demo), today=TODAY) == demo


def test_a_fleet_read_back_from_its_documents_is_the_same(demo: Fleet) -> None:
    assert estate_of(demo).told() == demo


def test_documents_made_of_a_fleet_read_back_are_the_same(demo: Fleet) -> None:
    again = load_fleet(dump_fleet(estate_of(demo).told()), today=TODAY + timedelta(days=3))

    assert _by_id(again) == _by_id(demo)


def test_properties_the_file_has_no_word_for_are_kept_under_more(demo: Fleet) -> None:
    estate = estate_of(demo)
    deployment = _find(demo, "/onlineEndpoints/churn/deployments/blue")
    collector = {"collections": {"inputs": {"dataCollectionMode": "Enabled"}}}
    estate.put(deployment | {"properties": deployment["properties"] | {"dataCollector": collector}})

    told = estate.told()

    blue = told.workspaces["mlw-prod"].online_endpoints["churn"].deployments["blue"]
    assert blue.more == {"dataCollector": collector}
    assert _find(told, "/onlineEndpoints/churn/deployments/blue")["properties"]["dataCollector"] == collector


def test_the_demo_fleet_covers_every_upgrade_option_and_a_provisioned_sku(demo: Fleet) -> None:
    deployments = [each for account in demo.openai_accounts.values() for each in account.deployments.values()]

    assert {each.upgrade for each in deployments} == {
        None,
        "NoAutoUpgrade",
        "OnceCurrentVersionExpired",
        "OnceNewDefaultVersionAvailable",
    }
    assert any("Provisioned" in each.sku for each in deployments)
    assert (len(demo.workspaces), len(demo.openai_accounts)) == (2, 2)


def test_no_model_of_the_demo_fleet_retires_within_a_hundred_days(demo: Fleet) -> None:
    assert all(row.retires >= TODAY + timedelta(days=100) for row in demo.catalogue)


def test_relative_dates_count_from_the_day_the_file_is_read() -> None:
    fleet = load_fleet(HEAD + "catalogue: [{model: m, version: 2024-11-20, retires: in 100 days}]", today=TODAY)

    assert fleet.catalogue[0].retires == TODAY + timedelta(days=100)
    assert fleet.catalogue[0].version == "2024-11-20"
    assert fleet.since.at.date() == TODAY - timedelta(days=10)


def test_an_openai_deployment_without_upgrade_sends_no_option_at_all(demo: Fleet) -> None:
    assert "versionUpgradeOption" not in _find(demo, "/deployments/embeddings")["properties"]


@pytest.mark.parametrize(
    ("text", "line", "entry", "told"),
    [
        ("", 1, "the file", "expected a mapping; got an empty file"),
        ("tenant: t", 1, "the file", "expected the key 'subscription'; got only tenant"),
        (HEAD + "pepole: {}", 5, "pepole", "expected one of the keys subscription, tenant, since, people"),
        (HEAD + "tenant: again", 5, "tenant", "expected each key once; got the key again"),
        (HEAD + "workspaces: [1]", 5, "workspaces", "expected a mapping; got a list"),
        (HEAD.replace("kind: person", "kind: robot"), 4, "people.jo.kind", "expected one of person, service-"),
        (HEAD.replace("Contributor", "King"), 4, "people.jo.roles", "expected roles among Reader, Contributor"),
        (HEAD.replace("by jo", "by eve"), 3, "since", "expected somebody among `people`; got 'eve'"),
        (HEAD.replace("10 days ago", "once"), 3, "since", "expected a moment and a name like `30 days ago by"),
        (HEAD + MODEL.replace("in 100 days", "soon"), 5, "catalogue[0].retires", "expected a date like 2027-"),
        (HEAD + ACCOUNT, 6, "openai_accounts.a.deployments.d.model", "expected a model and version in `cat"),
        (
            HEAD + MODEL + ACCOUNT.replace("d: {", "d: {sku: Huge, "),
            7,
            "openai_accounts.a.deployments.d.sku",
            "expected one of Standard; got 'Huge'",
        ),
        (
            HEAD + MODEL + ACCOUNT.replace("d: {", "d: {content_filter: none, "),
            7,
            "openai_accounts.a.deployments.d.content_filter",
            "expected one of Microsoft.Default, Microsoft.DefaultV2; got 'none'",
        ),
        (WORKSPACE.replace(" westeurope", ""), 8, "workspaces.mlw.location", "expected a text; got nothing"),
        (WORKSPACE.replace("100}", "most}"), 12, f"{CHURN}.traffic.blue", "expected a whole number; got 'most'"),
        (WORKSPACE.replace("100}", "90}"), 12, f"{CHURN}.traffic", "expected shares from 0 to 100 that add up"),
        (
            WORKSPACE.replace("{blue: 100}", "{green: 100}"),
            12,
            f"{CHURN}.traffic",
            "expected deployments of the endpoint only; got green",
        ),
        (
            WORKSPACE.replace('"churn:1"', '"churn:7"'),
            14,
            f"{CHURN}.deployments.blue.model",
            "expected a model of the workspace as name:version (churn:1); got 'churn:7'",
        ),
    ],
)
def test_a_mistake_is_told_with_line_entry_expectation_and_finding(
    text: str, line: int, entry: str, told: str
) -> None:
    with pytest.raises(FleetError) as raised:
        load_fleet(text, today=TODAY, name="f.yaml")

    assert str(raised.value).startswith(f"f.yaml:{line}: {entry}: {told}")


def test_a_file_that_is_no_yaml_is_told_with_its_line() -> None:
    with pytest.raises(FleetError, match=r"^f.yaml:2: expected YAML; got "):
        load_fleet("tenant: t\nsince: [", today=TODAY, name="f.yaml")


def _by_id(fleet: Fleet) -> dict[str, Document]:
    return {each["id"]: each for each in documents_of(fleet)}


def _find(fleet: Fleet, ending: str) -> Document:
    return next(each for id_, each in _by_id(fleet).items() if id_.endswith(ending))
