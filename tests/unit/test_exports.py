import json
from pathlib import Path

import pytest
from hypothesis import given

from audit.errors import BadInput
from audit.model import Outcome
from audit.sight.exports import gather, read_exports
from audit.targets import parse_target
from tests.house import ACCOUNT, CHAT, CHURN, WORKSPACE
from tests.strategies import json_values

REGISTRY = "azureml://registries/reg-shared"
ENDPOINT = {"id": CHURN.id, "name": "churn", "traffic": {"blue": 100}, "auth_mode": "key"}
BLUE = {
    "id": f"{CHURN.id}/deployments/blue",
    "name": "blue",
    "model": f"azureml:{WORKSPACE}/models/churn/versions/3",
}
VERSION = {"id": f"azureml:{WORKSPACE}/models/churn/versions/3", "name": "churn", "version": "3"}


def test_deployments_and_their_endpoint_come_from_different_files() -> None:
    export = gather({"a.json": [ENDPOINT], "b.json": BLUE})

    document = export.looks[CHURN].document
    assert document["endpoint"]["properties"]["traffic"] == {"blue": 100}
    assert [each["name"] for each in document["deployments"]] == ["blue"]


def test_an_endpoint_whose_deployments_were_not_exported_is_unreadable() -> None:
    look = gather({"a.json": [ENDPOINT]}).looks[CHURN]

    assert (look.outcome, look.reason) == (
        Outcome.UNREADABLE,
        "deployments that the endpoint names are not in the export: blue",
    )


def test_a_deployment_without_its_endpoint_is_unreadable() -> None:
    assert gather({"b.json": [BLUE]}).looks[CHURN].outcome is Outcome.UNREADABLE


def test_a_list_of_model_names_alone_is_no_look_and_says_what_to_add() -> None:
    export = gather(
        {"m.json": [{"id": f"azureml:{WORKSPACE}/models/churn", "name": "churn", "latest_version": "3"}]}
    )

    assert not export.looks
    assert list(export.skipped.values()) == ["only the name was listed: add `az ml model list --name churn`"]


def test_a_version_that_az_ml_printed_says_nothing_of_being_archived() -> None:
    target = parse_target(f"{WORKSPACE}/models/churn")

    properties = gather({"m.json": VERSION}).looks[target].document["versions"][0]["properties"]

    assert properties["isArchived"] is None


def test_a_registrys_model_needs_to_know_where_the_registry_is() -> None:
    version = {"id": f"{REGISTRY}/models/churn/versions/7", "name": "churn", "version": "7"}
    home = f"{WORKSPACE.rsplit('/workspaces/', 1)[0]}/registries/reg-shared"

    alone = gather({"m.json": [version]})
    known = gather({"m.json": [version], "r.json": {"id": home, "name": "reg-shared"}})

    assert "az ml registry show -n reg-shared" in next(iter(alone.skipped.values()))
    assert list(known.looks) == [parse_target(f"{home}/models/churn")]


@pytest.mark.parametrize("name", ["versionUpgradeOption", "version_upgrade_option"])
def test_a_deployment_of_an_account_is_read_in_either_spelling(name: str) -> None:
    properties = {"model": {"name": "gpt-4o", "version": "1"}, name: "NoAutoUpgrade"}

    document = gather({"d.json": [{"id": CHAT.id, "name": "chat", "properties": properties}]}).looks[CHAT].document

    assert document["deployment"]["properties"]["versionUpgradeOption"] == "NoAutoUpgrade"


def test_the_catalogue_with_the_region_in_its_name_goes_first() -> None:
    deployment = {"id": CHAT.id, "properties": {"model": {"name": "gpt-4o", "version": "1"}}}
    account = {"id": ACCOUNT, "location": "westeurope", "properties": {}}
    row = {"kind": "OpenAI", "model": {"format": "OpenAI", "name": "gpt-4o", "version": "1"}}
    other = {"model": {"format": "OpenAI", "name": "gpt-5", "version": "1"}}

    export = gather({"d.json": [deployment, account], "models-westeurope.json": [row], "models-uk.json": [other]})

    assert {key[1] for key in export.catalogue_for(CHAT.parent) or {}} == {"gpt-4o"}


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([ENDPOINT, BLUE]), "utf-8-sig")

    assert read_exports(tmp_path).looks.keys() == {CHURN}


@pytest.mark.parametrize("content", [None, "", "not json", "[" * 100_000])
def test_a_folder_that_holds_no_export_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "a.json").write_text(content, "utf-8")

    with pytest.raises(BadInput, match=r"expected .*JSON as|expected files that"):
        read_exports(tmp_path)


@given(json_values)
def test_whatever_stands_in_a_file_is_read_or_skipped(content: object) -> None:
    for entry in (content, {"id": f"{CHURN.id}/deployments/blue", "type": content, "data_collector": content}):
        gather({"a.json": entry, "b.json": {"id": CHURN.id, "traffic": content, "defaults": content}})
