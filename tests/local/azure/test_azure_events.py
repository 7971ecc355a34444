"""The events that writes leave behind, held against the synthetic samples of the shared data folder."""

import json
import re
from typing import Any

import pytest

from local.azure import ControlPlane
from local.azure.events import Event
from tests.local.azure.asking import ACCOUNT, ELSEWHERE, SHARED, WORKSPACE, Asking

SAMPLES = SHARED / "event-grid" / "synthetic"
DEPLOYMENTS = f"{ACCOUNT}/deployments"
PATH = "azureml://datastores/workspaceblobstore/paths/LocalUpload/abc/churn"

CHAT_BODY = {
    "sku": {"name": "GlobalStandard", "capacity": 1},
    "properties": {"model": {"format": "OpenAI", "name": "gpt-4o", "version": "2024-11-20"}},
}
BLUE_BODY = {
    "location": "westeurope",
    "sku": {"name": "Default", "capacity": 1},
    "properties": {"endpointComputeType": "Managed", "model": f"{WORKSPACE}/models/churn/versions/3"},
}
VERSION_BODY = {"properties": {"modelUri": PATH, "tags": {"git_commit": "abc"}}}
BAD_BODY = CHAT_BODY | {"sku": {"name": "Standard", "capacity": 0}}

WRITES = [
    ("aoai_deployment_write_portal_user", "jo", "PUT", f"{DEPLOYMENTS}/new", CHAT_BODY),
    ("aoai_deployment_write_cli_user", "sam", "PUT", f"{DEPLOYMENTS}/new", CHAT_BODY),
    ("aoai_deployment_write_pipeline_sp", "release-pipeline", "PUT", f"{DEPLOYMENTS}/new", CHAT_BODY),
    ("aoai_deployment_write_failure_pipeline_sp", "release-pipeline", "PUT", f"{DEPLOYMENTS}/new", BAD_BODY),
    ("aoai_deployment_delete_portal_user", "jo", "DELETE", f"{DEPLOYMENTS}/chat", None),
    (
        "aml_online_deployment_write_pipeline_sp",
        "release-pipeline",
        "PUT",
        f"{WORKSPACE}/onlineEndpoints/churn/deployments/green",
        BLUE_BODY,
    ),
    (
        "aml_model_version_write_pipeline_sp",
        "release-pipeline",
        "PUT",
        f"{WORKSPACE}/models/churn/versions/4",
        VERSION_BODY,
    ),
]


@pytest.mark.skipif(not SAMPLES.exists(), reason=ELSEWHERE)
@pytest.mark.parametrize(("sample", "who", "method", "path", "body"), WRITES, ids=[each[0] for each in WRITES])
def test_an_event_has_the_structure_of_the_sample(
    plane: ControlPlane,
    asking: Asking,
    events: list[Event],
    sample: str,
    who: str,
    method: str,
    path: str,
    body: Any,
) -> None:
    asking(plane)(method, path, who, json=body)

    expected = json.loads((SAMPLES / f"{sample}.eventgrid.json").read_text("utf-8"))[0]
    event = events[0]
    assert _key_paths(event) == _key_paths(expected)
    assert _constants(event) == _constants(expected)
    assert ("/resourcegroups/" in event["subject"]) == ("/resourcegroups/" in expected["subject"])


def test_an_event_names_the_caller_the_resource_and_the_moment(
    plane: ControlPlane, asking: Asking, events: list[Event]
) -> None:
    sent = {"x-ms-correlation-request-id": "corr", "x-ms-client-request-id": "mine"}

    asking(plane)("PUT", f"{DEPLOYMENTS}/chat", "release-pipeline", json=CHAT_BODY, headers=sent)

    data = events[0]["data"]
    claim = "http://schemas.microsoft.com/identity/claims/objectidentifier"
    assert data["claims"][claim] == "55555555-5555-4555-8555-555555555555"
    assert data["resourceUri"] == events[0]["subject"] == f"{DEPLOYMENTS}/chat"
    assert data["correlationId"] == "corr"
    assert data["httpRequest"]["clientRequestId"] == "mine"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", events[0]["eventTime"])


def test_evidence_names_the_group_that_holds_the_role(
    plane: ControlPlane, asking: Asking, events: list[Event]
) -> None:
    asking(plane)("PUT", f"{DEPLOYMENTS}/chat", "jo", json=CHAT_BODY)

    assert events[0]["data"]["authorization"]["evidence"]["principalType"] == "Group"
    assert events[0]["data"]["claims"]["idtyp"] == "user"


def test_a_new_model_version_is_also_announced_on_the_workspaces_topic(
    plane: ControlPlane, asking: Asking, events: list[Event]
) -> None:
    ask = asking(plane)
    ask("PUT", f"{WORKSPACE}/models/offers/versions/1", "priya", json=VERSION_BODY)
    ask("PUT", f"{WORKSPACE}/models/offers/versions/1", "priya", json=VERSION_BODY)

    registered = [each for each in events if each["eventType"].endswith("ModelRegistered")]
    assert len(events) == 3
    assert [each["subject"] for each in registered] == ["models/offers:1"]
    assert registered[0]["topic"] == WORKSPACE
    assert registered[0]["data"] == {
        "modelName": "offers",
        "modelVersion": "1",
        "modelTags": {"git_commit": "abc"},
        "modelProperties": {},
    }


def test_an_operation_that_fails_later_announces_a_failure_and_leaves_the_deployment_failed(
    plane: ControlPlane, asking: Asking, events: list[Event]
) -> None:
    ask = asking(plane)
    path = f"{WORKSPACE}/onlineEndpoints/churn/deployments/green"
    missing = BLUE_BODY["properties"] | {"model": f"{WORKSPACE}/models/churn/versions/9"}

    accepted = ask("PUT", path, json=BLUE_BODY | {"properties": missing})

    assert accepted.status_code == 201
    status = ask("GET", accepted.headers["Azure-AsyncOperation"]).json()
    assert (status["status"], status["error"]["code"]) == ("Failed", "ModelRegistryError")
    assert ask("GET", path).json()["properties"]["provisioningState"] == "Failed"
    assert [each["eventType"] for each in events] == ["Microsoft.Resources.ResourceWriteFailure"]


def _key_paths(value: Any, prefix: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {prefix}
    return {path for key, inner in value.items() for path in _key_paths(inner, f"{prefix}>{key}")}


def _constants(event: Event) -> dict[str, Any]:
    """Return what does not depend on who did it to which resource."""
    data, claims = event["data"], event["data"]["claims"]
    return {
        "type": event["eventType"],
        "versions": (event["dataVersion"], event["metadataVersion"]),
        "operation": (data["operationName"], data["authorization"]["action"], data["status"]),
        "token": (claims["aud"], claims["ver"], claims["idtyp"], claims["appidacr"]),
        "provider": data["resourceProvider"],
    }
