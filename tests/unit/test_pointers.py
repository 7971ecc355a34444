import json
from typing import Any

import pytest

from audit.events.actors import Identities
from audit.events.message import CANCELED, FAILED, SUCCEEDED, Message, Schema, deed, is_change, parse_message
from audit.events.pointers import MAX_MODELS, Asset, Blob, targets_naming
from audit.model import Approved, Target
from audit.privacy import PersonalData, Privacy
from audit.targets import parse_target
from tests.house import (
    ACCOUNT,
    CHAT,
    CHURN,
    GROUP,
    PIPELINE,
    SUBSCRIPTION,
    WORKSPACE,
    FakeClock,
    release,
    write_event,
)

IDENTITIES = Identities({PIPELINE}, Privacy(b"k" * 32, PersonalData.KEEP))
HERE = f"/subscriptions/{SUBSCRIPTION}"
TEMPLATE = f"{GROUP}/providers/Microsoft.Resources/deployments/d"
DIGEST = "sha256:57a94fc99816c6aa225678b738ac40d85422e75dbb96115f1bb9b6ed77176166"


def read(message: object, **given: Any) -> Message:
    return parse_message(json.dumps(message), IDENTITIES, **given)


def event(type_: str, source: str = HERE, subject: str = "", **data: object) -> dict:
    return {
        "id": "e-1",
        "topic": source,
        "subject": subject,
        "eventType": type_,
        "eventTime": "2026-11-21T08:59:58.1234567Z",
        "data": data,
    }


def deployed(models: object) -> dict:
    return event("Microsoft.MachineLearningServices.ModelDeployed", WORKSPACE, "endpoints/svc", ModelIds=models)


def pushed(**changes: object) -> dict:
    target = {"repository": "scoring", "tag": "7", "digest": DIGEST}
    registry = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/AcrProd"
    data = {"target": target, "request": {"host": "acrprod.azurecr.io"}} | changes
    return event("Microsoft.ContainerRegistry.ImagePushed", registry, "scoring:7", **data)


def near_expiry(**changes: object) -> dict:
    vault = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-prod"
    data = {
        "Id": "https://kv-prod.vault.azure.net/secrets/scoring-key/ee059b2b",
        "VaultName": "kv-prod",
        "ObjectType": "Secret",
        "ObjectName": "scoring-key",
        "EXP": "1559082102",
    }
    return event("Microsoft.KeyVault.SecretNearExpiry", vault, "scoring-key", **(data | changes))


def models(*names: str) -> list[Target]:
    return [parse_target(f"{WORKSPACE}/models/{name}") for name in names]


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        ("churn:1", ["churn"]),
        ("churn:1,churn:2", ["churn"]),
        ("churn:1, fraud:20 ,", ["churn", "fraud"]),
        ("churn", ["churn"]),
        ("", []),
        (None, []),
        (7, []),
        ("../../x:1,a/b:1", []),
        (",".join(f"m{number}:1" for number in range(MAX_MODELS + 1)), []),
    ],
)
def test_a_deployed_model_points_to_its_workspace_and_to_each_model_that_it_names(
    ids: object, names: list
) -> None:
    assert read(deployed(ids)).pointer.targets == (parse_target(WORKSPACE), *models(*names))


@pytest.mark.parametrize("verb", ["write", "delete", "regenerateKeys/action"])
@pytest.mark.parametrize(("end", "status"), [("Success", SUCCEEDED), ("Failure", FAILED), ("Cancel", CANCELED)])
def test_every_end_of_every_operation_points_to_its_target(verb: str, end: str, status: str) -> None:
    kind = {"write": "Write", "delete": "Delete"}.get(verb, "Action")
    said = write_event() | {"eventType": f"Microsoft.Resources.Resource{kind}{end}"}
    said["data"] |= {"status": "Succeeded", "operationName": f"Microsoft.CognitiveServices/accounts/{verb}"}

    found = read(said)

    assert found.pointer.targets == (CHAT,)
    assert found.event.status == status
    assert is_change(found.event.status) == (end == "Success")


def test_the_correlation_id_is_kept() -> None:
    said = write_event()
    said["data"]["correlationId"] = "c-1"

    assert read(said).event.correlation_id == "c-1"


@pytest.mark.parametrize(
    ("operation", "status", "phrase"),
    [
        ("Microsoft.CognitiveServices/accounts/deployments/write", "", "wrote the deployment"),
        ("MICROSOFT.COGNITIVESERVICES/ACCOUNTS/WRITE", SUCCEEDED, "wrote the account"),
        ("x/accounts/deployments/write", FAILED, "failed to write the deployment"),
        ("x/onlineEndpoints/delete", CANCELED, "started to delete the endpoint, which was canceled"),
        ("x/accounts/regenerateKey/action", "", "did x/accounts/regenerateKey/action"),
        ("x/accounts/regenerateKey/action", FAILED, "tried x/accounts/regenerateKey/action, which failed"),
        ("Microsoft.MachineLearningServices.ModelRegistered", "", "registered a model version"),
        ("", "", "did "),
    ],
)
def test_a_deed_reads_as_a_phrase(operation: str, status: str, phrase: str) -> None:
    assert deed(operation, status) == phrase


def test_a_notification_of_the_resource_graph_points_to_its_resource() -> None:
    info = {"id": f"{CHURN.id}/deployments/blue", "type": "x", "properties": {"enabled": 1}}
    type_ = "Microsoft.ResourceNotifications.Resources.CreatedOrUpdated"

    found = read(event(type_, resourceInfo=info, apiVersion="2019-06-01"))

    assert found.pointer.targets == (CHURN,)
    assert found.event.status == ""


def test_a_policys_verdict_points_to_its_resource_and_is_ordered_by_its_own_time() -> None:
    type_ = "Microsoft.PolicyInsights.PolicyStateChanged"

    found = read(event(type_, subject=CHAT.id, timestamp="2026-11-21T08:00:00.4496956Z"))

    assert found.pointer.targets == (CHAT,)
    assert found.event.time.hour == 8
    assert found.event.time.minute == 0


@pytest.mark.parametrize("timestamp", [None, "", "yesterday", 7])
def test_a_policys_verdict_without_a_time_of_its_own_has_the_events(timestamp: object) -> None:
    said = event("Microsoft.PolicyInsights.PolicyStateChanged", subject=CHAT.id, timestamp=timestamp)

    assert read(said).event.time.minute == 59


def test_a_content_filter_points_to_its_account_and_to_the_releases_that_name_it() -> None:
    resource = f"{ACCOUNT}/raiPolicies/Strict"
    said = write_event() | {"subject": resource}
    said["data"] |= {"resourceUri": resource}

    pointer = read(said).pointer

    assert pointer.targets == (parse_target(ACCOUNT),)
    assert pointer.asset == Asset(("strict",), CHAT.parent, "content_filter")
    assert targets_naming(pointer.asset, [release(facts={"content_filter": "Strict"})]) == (CHAT,)
    assert targets_naming(pointer.asset, [release(facts={"tags.filter": "strict"})]) == ()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (write_event() | {"subject": TEMPLATE, "data": {}}, "template"),
        (write_event() | {"subject": f"{WORKSPACE}/jobs/j", "data": {}}, "ResourceWriteSuccess names nothing"),
        (event("Contoso.Something", "contoso"), "Contoso.Something names nothing"),
        (event("Microsoft.EventGrid.SubscriptionValidationEvent", validationCode="1"), "handshake"),
        (event("Microsoft.Storage.BlobCreated", subject="blobServices/default/containers/other/blobs/a.yaml"),
         "names nothing"),
        (event("Microsoft.Storage.BlobDeleted", subject="/blobServices/default/containers/releases/blobs/a.yaml"),
         "names nothing"),
        (pushed(), "no release names the image acrprod.azurecr.io/scoring"),
        (near_expiry(), "no release names the secret https://kv-prod.vault.azure.net/secrets/scoring-key"),
    ],
)  # fmt: skip
def test_what_points_to_nothing_says_why(said: dict, reason: str) -> None:
    pointer = read(said).pointer

    assert pointer.targets == ()
    assert reason in pointer.reason


@pytest.mark.parametrize("type_", ["BlobCreated", "BlobDeleted"])
def test_a_blob_that_was_written_or_deleted_is_told_by_container_and_name(type_: str) -> None:
    said = event(
        f"Microsoft.Storage.{type_}", subject="/blobServices/default/containers/Releases/blobs/team/a.yaml"
    )

    assert read(said).pointer.blob == Blob("releases", "team/a.yaml")


def test_a_blob_that_was_moved_is_no_file_that_was_dropped() -> None:
    said = event("Microsoft.Storage.BlobRenamed", subject="/blobServices/default/containers/releases/blobs/a.yaml")

    assert read(said).pointer.blob is None


@pytest.mark.parametrize(
    ("named", "is_found"),
    [
        ("acrprod.azurecr.io/scoring:7", True),
        ("ACRPROD.azurecr.io/scoring:7", True),
        ("docker://acrprod.azurecr.io/scoring", True),
        (f"acrprod.azurecr.io/scoring@{DIGEST}", True),
        (DIGEST, True),
        (Approved(one_of=("x", "acrprod.azurecr.io/scoring:7")), True),
        ("acrprod.azurecr.io/scoring:8", False),
        ("acrprod.azurecr.io/scoring/sub:7", False),
        ("other.azurecr.io/scoring:7", False),
        (7, False),
    ],
)
def test_a_push_points_to_the_release_that_names_the_image(named: Any, is_found: bool) -> None:
    asset = read(pushed()).pointer.asset
    assert asset is not None

    assert targets_naming(asset, [release(facts={"deployments.blue.image": named})]) == (
        (CHAT,) if is_found else ()
    )


@pytest.mark.parametrize("request_", [{}, None, {"host": None}])
def test_a_push_that_names_no_host_is_one_to_the_registry_of_its_topic(request_: object) -> None:
    asset = read(pushed(request=request_)).pointer.asset

    assert asset is not None
    assert "acrprod.azurecr.io/scoring:7" in asset.names


@pytest.mark.parametrize(
    ("named", "is_found"),
    [
        ("https://kv-prod.vault.azure.net/secrets/scoring-key", True),
        ("https://KV-prod.vault.azure.net/secrets/scoring-key/", True),
        ("https://kv-prod.vault.azure.net/secrets/scoring-key/ee059b2b", True),
        ("https://kv-prod.vault.azure.net/secrets/scoring-key-2", False),
        ("https://other.vault.azure.net/secrets/scoring-key", False),
    ],
)
@pytest.mark.parametrize("id_", [None, "https://kv-prod.vault.azure.net/secrets/scoring-key/ee059b2b"])
def test_a_near_expiry_points_to_the_release_that_names_the_secret(named: str, is_found: bool, id_: Any) -> None:
    asset = read(near_expiry(Id=id_)).pointer.asset
    assert asset is not None

    assert targets_naming(asset, [release(evidence={"key": named})]) == ((CHAT,) if is_found else ())


@pytest.mark.parametrize("target", [None, [], {}, "x", {"repository": None}])
def test_a_push_that_names_nothing_is_no_hint_for_everything(target: object) -> None:
    said = pushed(target=target) | {"subject": ""}
    asset = read(said).pointer.asset

    assert asset is not None
    assert targets_naming(asset, [release(facts={"a": "", "b": "acrprod.azurecr.io/scoring:7"})]) == ()


def test_a_dead_letter_in_either_spelling_says_why_it_died() -> None:
    grid = write_event() | {"deadLetterReason": "MaxDeliveryAttemptsExceeded", "deliveryAttempts": 30}
    cloud = {
        "id": "e",
        "source": HERE,
        "type": "T",
        "subject": CHAT.id,
        "publishtime": "2020-08-13T21:21:36.4018726Z",
    }
    cloud |= {"deadletterreason": "MaxDeliveryAttemptsExceeded", "lastdeliveryoutcome": "NotFound"}

    found = [read(grid), read(cloud)]

    assert [each.dead_letter for each in found] == ["MaxDeliveryAttemptsExceeded"] * 2
    assert [each.schema for each in found] == [Schema.EVENT_GRID, Schema.CLOUD_EVENTS]
    assert found[1].event.time.year == 2020
    assert read(write_event()).event.key == found[0].event.key


def test_a_cloud_event_without_a_time_happened_when_it_came_and_keeps_its_key() -> None:
    said = {"specversion": "1.0", "id": "e", "source": HERE, "type": "T", "subject": CHAT.id}
    clock = FakeClock()

    first = read(said, received_at=clock.now()).event
    clock.advance(hours=1)
    again = read(said, received_at=clock.now()).event

    assert first.time < again.time
    assert first.key == again.key


def test_a_cloud_event_that_says_topic_instead_of_source_is_the_same_event() -> None:
    said = {"specversion": "1.0", "id": "e", "type": "T", "time": "2026-11-21T08:00:00Z", "subject": CHAT.id}

    assert read(said | {"topic": HERE}).event == read(said | {"source": HERE}).event


@pytest.mark.parametrize("name", ["authorization", "claims"])
def test_objects_that_are_json_texts_are_read_too(name: str) -> None:
    value = {"scope": CHAT.id, "appid": PIPELINE}
    said = event("Microsoft.Resources.ResourceWriteSuccess", **{name: value})
    as_text = event("Microsoft.Resources.ResourceWriteSuccess", **{name: json.dumps(value)})

    assert read(said) == read(as_text)


@pytest.mark.parametrize("resource", ["{}", "x", "subscriptions", "https://management.azure.com"])
def test_a_resource_that_is_no_id_leaves_the_word_to_the_subject(resource: str) -> None:
    said = write_event()
    said["data"]["resourceUri"] = resource

    assert read(said).pointer.targets == (CHAT,)
