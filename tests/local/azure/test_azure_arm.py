"""The stand-in asked over plain HTTP: who may do what, pages, views, errors, and how writes run."""

import time
from collections.abc import Callable
from datetime import date

import pytest

from local.azure import ControlPlane
from local.azure.events import Event
from tests.local.azure.asking import ACCOUNT as AI
from tests.local.azure.asking import API, CHAT, SUBSCRIPTION, Ask, Asking
from tests.local.azure.asking import WORKSPACE as ML

FRAUD = f"{ML}/onlineEndpoints/fraud"


@pytest.fixture
def ask(still: ControlPlane, asking: Asking) -> Ask:
    return asking(still)


def test_a_call_without_a_token_is_answered_401_with_a_challenge(ask: Ask) -> None:
    answer = ask("GET", CHAT, None)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "AuthenticationFailed"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("token", ["Bearer nonsense", "Bearer a.b.c", "Basic abc", "Bearer e30.bnVsbA.x"])
def test_a_token_that_is_none_is_answered_401(ask: Ask, token: str) -> None:
    answer = ask("GET", CHAT, None, headers={"Authorization": token})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


def test_a_token_for_another_audience_is_answered_401(still: ControlPlane, ask: Ask) -> None:
    token = still.credential("jo").get_token("https://storage.azure.com/.default").token

    answer = ask("GET", CHAT, None, headers={"Authorization": f"Bearer {token}"})

    assert answer.json()["error"]["code"] == "InvalidAuthenticationTokenAudience"


def test_a_reader_may_read_and_not_write(ask: Ask) -> None:
    assert ask("GET", CHAT, "model-audit").status_code == 200
    answer = ask("PUT", CHAT, "model-audit", json={})

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AuthorizationFailed")
    assert "'Microsoft.CognitiveServices/accounts/deployments/write'" in answer.json()["error"]["message"]


def test_a_role_on_one_service_gives_no_right_on_the_other(ask: Ask) -> None:
    assert ask("DELETE", CHAT, "priya").status_code == 403


def test_a_call_without_api_version_is_answered_400(ask: Ask) -> None:
    answer = ask("GET", CHAT, params={})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MissingApiVersionParameter")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{AI}/deployments/none", "ResourceNotFound"),
        (f"{AI}-none/deployments", "ParentResourceNotFound"),
        (f"{ML}/onlineEndpoints/none/deployments", "ParentResourceNotFound"),
        (f"{SUBSCRIPTION[:-1]}2/providers/Microsoft.CognitiveServices/accounts", "SubscriptionNotFound"),
    ],
)
def test_what_is_not_there_is_answered_404(ask: Ask, path: str, code: str) -> None:
    answer = ask("GET", path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


def test_a_write_to_a_list_is_answered_405(ask: Ask) -> None:
    assert ask("PUT", f"{AI}/deployments", json={}).status_code == 405
    assert ask("POST", CHAT, json={}).status_code == 405


@pytest.mark.parametrize(
    "path", [f"{ML}/computes", f"{CHAT}/pause", f"{AI}/deployments?api-version=2025-09-01&$filter=x"]
)
def test_what_is_not_imitated_is_said_so_and_never_guessed(ask: Ask, path: str) -> None:
    answer = ask("GET", path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "NotImitatedLocally")


def test_paths_are_read_without_regard_to_case(ask: Ask) -> None:
    assert ask("GET", CHAT.upper().replace("/SUBSCRIPTIONS", "/Subscriptions")).json()["name"] == "chat"


def test_answers_carry_the_headers_that_arm_sends(ask: Ask) -> None:
    sent = {"x-ms-client-request-id": "abc", "x-ms-return-client-request-id": "true"}

    headers = ask("GET", CHAT, headers=sent).headers

    assert 0 < int(headers["x-ms-ratelimit-remaining-subscription-reads"]) < 250
    assert int(headers["x-ms-ratelimit-remaining-subscription-global-reads"]) < 3750
    assert headers["x-ms-request-id"]
    assert headers["x-ms-client-request-id"] == "abc"


def test_a_list_over_the_subscription_holds_every_groups_items(ask: Ask) -> None:
    page = ask("GET", f"{SUBSCRIPTION}/providers/Microsoft.CognitiveServices/accounts").json()

    assert [each["name"] for each in page["value"]] == ["aoai-prod", "aoai-support"]


def test_pages_of_two_hold_every_item_once_even_when_one_vanishes_meanwhile(
    start: Callable[..., ControlPlane], asking: Asking
) -> None:
    plane = start(page_size=2)
    ask = asking(plane)
    first = ask("GET", f"{AI}/raiPolicies").json()
    ask("DELETE", f"{AI}/raiPolicies/contoso-strict")

    second = ask("GET", first["nextLink"]).json()

    names = [each["name"] for page in (first, second) for each in page["value"]]
    assert names == ["contoso-strict", "Microsoft.Default", "Microsoft.DefaultV2"]
    assert "nextLink" not in second


def test_a_made_up_skip_token_is_answered_400(ask: Ask) -> None:
    assert ask("GET", f"{AI}/deployments", params=API | {"$skipToken": "3"}).status_code == 400


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        (None, ["churn", "fraud"]),
        ("ActiveOnly", ["churn", "fraud"]),
        ("All", ["6b1f0c5e9d3a47f2b8c04e7d15a96f3c2d8e4b7a0f61c3952e8d7b4a1c05f9e3", "churn", "fraud"]),
        ("ArchivedOnly", []),
    ],
)
def test_a_view_of_models_hides_what_the_service_hides(ask: Ask, view: str | None, shown: list[str]) -> None:
    answer = ask("GET", f"{ML}/models", params=API | ({"listViewType": view} if view else {}))

    assert [each["name"] for each in answer.json()["value"]] == shown


@pytest.mark.parametrize(
    ("view", "shown"),
    [(None, ["2", "3"]), ("ActiveOnly", ["2", "3"]), ("ArchivedOnly", ["1"]), ("All", ["1", "2", "3"])],
)
def test_a_view_of_versions_hides_archived_ones(ask: Ask, view: str | None, shown: list[str]) -> None:
    answer = ask("GET", f"{ML}/models/churn/versions", params=API | ({"listViewType": view} if view else {}))

    assert [each["name"] for each in answer.json()["value"]] == shown


def test_the_newest_version_comes_first_and_alone_when_asked_for(ask: Ask) -> None:
    query = API | {"$orderBy": "createdtime desc", "$top": "1"}

    page = ask("GET", f"{ML}/models/churn/versions", params=query).json()

    assert [each["name"] for each in page["value"]] == ["3"]
    assert "%24skipToken" not in page["nextLink"]
    assert "$orderBy=createdtime+desc" in page["nextLink"]
    assert [each["name"] for each in ask("GET", page["nextLink"]).json()["value"]] == ["2"]


def test_a_container_counts_its_latest_and_next_version(ask: Ask) -> None:
    properties = ask("GET", f"{ML}/models/fraud").json()["properties"]

    assert (properties["latestVersion"], properties["nextVersion"]) == ("12", "13")


def test_types_of_resources_the_fleet_has_none_of_list_as_empty(ask: Ask) -> None:
    assert ask("GET", f"{ML}/batchEndpoints").json() == {"value": []}


def test_the_clouds_metadata_needs_no_token(still: ControlPlane, ask: Ask) -> None:
    answer = ask("GET", "/metadata/endpoints", None)

    assert answer.json()[0]["resourceManager"] == f"{still.base_url}/"


def test_calls_are_logged_with_who_and_status(still: ControlPlane, ask: Ask) -> None:
    ask("GET", CHAT, "sam")
    ask("GET", CHAT, None)

    assert [(each.who, each.status) for each in still.requests[-2:]] == [("sam", 200), (None, 401)]


def test_an_enforced_limit_answers_429_with_retry_after(
    start: Callable[..., ControlPlane], asking: Asking
) -> None:
    ask = asking(start(are_limits_enforced=True))

    answers = [ask("PATCH", f"{ML}/onlineEndpoints/none", "sam", json={}) for _ in range(260)]

    throttled = [each for each in answers if each.status_code == 429]
    assert throttled
    assert throttled[0].headers["Retry-After"] == "1"


def test_an_operation_runs_its_time_and_forbids_another_one_meanwhile(
    start: Callable[..., ControlPlane], asking: Asking, events: list[Event]
) -> None:
    ask = asking(start(operation_seconds=0.4))

    accepted = ask("PATCH", CHAT, json={"sku": {"name": "GlobalStandard", "capacity": 70}})
    state = ask("GET", accepted.headers["Azure-AsyncOperation"]).json()["status"]
    pending = ask("GET", accepted.headers["Location"]).status_code
    conflict = ask("PATCH", CHAT, json={"tags": {"a": "b"}})
    shown = ask("GET", CHAT).json()["properties"]["provisioningState"]
    announced = [each["eventType"] for each in events]
    time.sleep(0.5)

    assert (accepted.status_code, state, pending, shown) == (202, "InProgress", 202, "Accepted")
    assert (conflict.status_code, conflict.json()["error"]["code"]) == (409, "RequestConflict")
    assert announced == ["Microsoft.Resources.ResourceWriteFailure"]
    assert ask("GET", accepted.headers["Azure-AsyncOperation"]).json()["status"] == "Succeeded"
    assert ask("GET", accepted.headers["Location"]).json()["sku"]["capacity"] == 70
    assert ask("GET", CHAT).json()["properties"]["provisioningState"] == "Succeeded"
    assert [each["eventType"] for each in events[1:]] == ["Microsoft.Resources.ResourceWriteSuccess"]


def test_a_write_on_an_older_etag_is_refused(plane: ControlPlane, asking: Asking, events: list[Event]) -> None:
    ask = asking(plane)
    etag = ask("GET", CHAT).json()["etag"]
    sku = {"sku": {"name": "GlobalStandard", "capacity": 51}}

    first = ask("PATCH", CHAT, json=sku, headers={"If-Match": etag})
    second = ask("PATCH", CHAT, json=sku, headers={"If-Match": etag})

    assert (first.status_code, second.status_code) == (202, 412)
    assert len(events) == 1


def test_deleting_what_is_not_there_is_no_error_and_no_event(
    plane: ControlPlane, asking: Asking, events: list[Event]
) -> None:
    assert asking(plane)("DELETE", f"{AI}/deployments/none").status_code == 204
    assert events == []


def test_deleting_an_endpoint_takes_its_deployments_along(plane: ControlPlane, asking: Asking) -> None:
    ask = asking(plane)

    ask("DELETE", FRAUD)

    assert ask("GET", FRAUD).status_code == 404
    assert ask("GET", f"{FRAUD}/deployments").status_code == 404
    assert plane.document(f"{FRAUD}/deployments/blue") is None


def test_a_deployment_that_gets_traffic_cannot_be_deleted(plane: ControlPlane, asking: Asking) -> None:
    answer = asking(plane)("DELETE", f"{FRAUD}/deployments/green")

    assert answer.status_code == 400
    assert plane.document(f"{FRAUD}/deployments/green") is not None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"model": {"name": "gpt-9", "version": "1"}}, "DeploymentModelNotSupported"),
        ({"raiPolicyName": "none"}, "InvalidRaiPolicy"),
        ({"versionUpgradeOption": "Always"}, "InvalidResourceProperties"),
        ({"model": None}, "InvalidResourceProperties"),
    ],
)
def test_a_deployment_the_service_would_not_take_is_refused_and_announced(
    plane: ControlPlane, asking: Asking, events: list[Event], change: dict[str, object], code: str
) -> None:
    model = {"format": "OpenAI", "name": "gpt-4o", "version": "2024-11-20"}
    body = {"sku": {"name": "GlobalStandard", "capacity": 1}, "properties": {"model": model} | change}

    answer = asking(plane)("PUT", CHAT, json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert [each["data"]["status"] for each in events] == ["Failed"]


@pytest.mark.parametrize(
    ("sku", "code"),
    [
        ({"name": "GlobalStandard", "capacity": 100_000}, "InsufficientQuota"),
        ({"name": "ProvisionedManaged", "capacity": 1}, "InvalidResourceProperties"),
    ],
)
def test_a_size_or_sku_the_region_does_not_offer_is_refused(
    plane: ControlPlane, asking: Asking, sku: dict[str, object], code: str
) -> None:
    body = {"sku": sku, "properties": {"model": {"format": "OpenAI", "name": "gpt-4o"}}}

    assert asking(plane)("PUT", CHAT, json=body).json()["error"]["code"] == code


def test_a_deployment_without_a_version_gets_the_default_one(plane: ControlPlane, asking: Asking) -> None:
    body = {"sku": {"name": "GlobalStandard", "capacity": 1}, "properties": {"model": {"name": "gpt-4o"}}}

    answer = asking(plane)("PUT", f"{AI}/deployments/new", json=body)

    assert answer.status_code == 201
    assert answer.json()["properties"]["model"]["version"] == "2024-11-20"
    assert answer.json()["properties"]["provisioningState"] == "Creating"


def test_archiving_a_version_is_a_patch_that_changes_nothing_else(plane: ControlPlane, asking: Asking) -> None:
    ask = asking(plane)
    path = f"{ML}/models/churn/versions/3"
    before = ask("GET", path).json()

    ask("PATCH", path, "priya", json={"properties": {"isArchived": True}})

    after = ask("GET", path).json()
    assert after["properties"] == before["properties"] | {"isArchived": True}
    assert after["systemData"]["createdAt"] == before["systemData"]["createdAt"]
    assert after["systemData"]["lastModifiedBy"] == "priya.nair@contoso.example"


def test_traffic_is_moved_by_a_patch_too(plane: ControlPlane, asking: Asking) -> None:
    ask = asking(plane)

    ask("PATCH", FRAUD, json={"properties": {"traffic": {"blue": 0, "green": 100}}})

    properties = ask("GET", FRAUD).json()["properties"]
    assert properties["traffic"] == {"blue": 0, "green": 100}
    assert properties["authMode"] == "AADToken"


def test_a_new_resource_is_spelt_as_the_service_spells_it(
    plane: ControlPlane, asking: Asking, events: list[Event]
) -> None:
    body = {"sku": {"name": "GlobalStandard", "capacity": 1}, "properties": {"model": {"name": "gpt-4o"}}}

    made = asking(plane)("PUT", f"{AI.lower()}/DEPLOYMENTS/New", "sam", json=body).json()

    assert made["id"] == f"{AI}/deployments/New"
    assert events[0]["subject"] == f"{AI.lower()}/DEPLOYMENTS/New"


def test_an_upgrade_by_the_platform_leaves_no_event_and_no_stamp(
    plane: ControlPlane, asking: Asking, events: list[Event]
) -> None:
    ask = asking(plane)
    before = ask("GET", CHAT).json()

    plane.platform_upgrade(CHAT, "2026-05-01")

    after = ask("GET", CHAT).json()
    assert after["properties"]["model"]["version"] == "2026-05-01"
    assert after["systemData"] == before["systemData"]
    assert events == []


def test_an_announced_retirement_moves_the_catalogues_date(plane: ControlPlane, asking: Asking) -> None:
    plane.announce_retirement("gpt-4o", "2024-11-20", date(2027, 1, 31))

    rows = asking(plane)("GET", f"{AI}/models").json()["value"]
    row = next(each for each in rows if (each["name"], each["version"]) == ("gpt-4o", "2024-11-20"))
    assert row["deprecation"]["inference"] == "2027-01-31T00:00:00Z"
    assert {sku["deprecationDate"] for sku in row["skus"]} == {"2027-01-31T00:00:00Z"}
