"""Every sample of Event Grid's messages that the project has collected, held against `parse_event`."""

from pathlib import Path

import pytest

from audit.errors import BadInput
from audit.events.message import parse_event
from audit.model import ActorKind, Kind
from tests.house import House
from tests.unit.test_events import IDENTITIES

SAMPLES = Path(__file__).parents[2].parent / "shared" / "data" / "event-grid"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the collected samples are not at {SAMPLES}")

STORAGE, REGISTRY, VAULT = "Microsoft.Storage", "Microsoft.ContainerRegistry", "Microsoft.KeyVault"
ML, ARM, POLICY = "Microsoft.MachineLearningServices", "Microsoft.Resources", "Microsoft.PolicyInsights"
NOTES = "Microsoft.ResourceNotifications"
UNKNOWN, APP, PERSON, PIPELINE = (
    ActorKind.UNKNOWN,
    ActorKind.SERVICE_PRINCIPAL,
    ActorKind.PERSON,
    ActorKind.PIPELINE,
)
WORKSPACE = (Kind.PARENT, "{workspace-name}")
CHAT = (Kind.OPENAI_DEPLOYMENT, "chat")

# Name of the file without its schema: type, time to the second, target (None: it names nothing we audit), actor.
EXPECTED = {
    "cloudevents_blob_created": (f"{STORAGE}.BlobCreated", "2019-11-18T15:13:39", None, UNKNOWN),
    "deadletter_cloudevents_schema": ("fooEventType", "2020-08-13T21:21:36", None, UNKNOWN),
    "deadletter_custom_schema": ("myEventType", "2020-08-13T18:11:29", None, UNKNOWN),
    "deadletter_eventgrid_schema": (f"{STORAGE}.BlobCreated", "2020-08-13T17:18:13", None, UNKNOWN),
    "subscription_validation_event": (
        "Microsoft.EventGrid.SubscriptionValidationEvent",
        "2022-10-28T04:23:35",
        None,
        UNKNOWN,
    ),
    "chart_deleted": (f"{REGISTRY}.ChartDeleted", "2019-03-12T22:42:08", None, UNKNOWN),
    "chart_pushed": (f"{REGISTRY}.ChartPushed", "2019-03-12T22:16:31", None, UNKNOWN),
    "image_deleted": (f"{REGISTRY}.ImageDeleted", "2021-09-08T06:49:40", None, UNKNOWN),
    "image_pushed": (f"{REGISTRY}.ImagePushed", "2021-09-08T06:37:45", None, UNKNOWN),
    "secret_new_version_created": (f"{VAULT}.SecretNewVersionCreated", "2019-07-25T01:08:33", None, UNKNOWN),
    "dataset_drift_detected": (f"{ML}.DatasetDriftDetected", "2017-06-26T18:41:00", WORKSPACE, UNKNOWN),
    "model_deployed": (f"{ML}.ModelDeployed", "2017-06-26T18:41:00", WORKSPACE, UNKNOWN),
    "model_registered": (
        f"{ML}.ModelRegistered",
        "2017-06-26T18:41:00",
        (Kind.MODEL, "sklearn_regression_model"),
        UNKNOWN,
    ),
    "run_completed": (f"{ML}.RunCompleted", "2017-06-26T18:41:00", WORKSPACE, UNKNOWN),
    "run_status_changed": (f"{ML}.RunStatusChanged", "2017-06-26T18:41:00", WORKSPACE, UNKNOWN),
    "policy_state_changed": (f"{POLICY}.PolicyStateChanged", "2021-03-27T18:37:42", None, UNKNOWN),
    "policy_state_created": (f"{POLICY}.PolicyStateCreated", "2021-03-27T18:37:42", None, UNKNOWN),
    "HealthResources_AvailabilityStatusChanged": (
        f"{NOTES}.HealthResources.AvailabilityStatusChanged",
        "2023-07-24T19:20:37",
        None,
        UNKNOWN,
    ),
    "HealthResources_ResourceAnnotated": (
        f"{NOTES}.HealthResources.ResourceAnnotated",
        "2023-07-24T19:20:37",
        None,
        UNKNOWN,
    ),
    "Resources_CreatedOrUpdated": (f"{NOTES}.Resources.CreatedOrUpdated", "2023-07-28T20:13:10", None, UNKNOWN),
    "Resources_Deleted": (f"{NOTES}.Resources.Deleted", "2023-07-28T20:11:36", None, UNKNOWN),
    "resource_action_cancel": (f"{ARM}.ResourceActionCancel", "2018-10-08T22:46:22", None, APP),
    "resource_action_failure": (f"{ARM}.ResourceActionFailure", "2018-10-08T22:46:22", None, APP),
    "resource_action_success": (f"{ARM}.ResourceActionSuccess", "2018-10-08T22:46:22", None, APP),
    "resource_delete_cancel": (f"{ARM}.ResourceDeleteCancel", "2018-07-19T19:24:12", None, PERSON),
    "resource_delete_failure": (f"{ARM}.ResourceDeleteFailure", "2018-07-19T19:24:12", None, PERSON),
    "resource_delete_success": (f"{ARM}.ResourceDeleteSuccess", "2018-07-19T19:24:12", None, PERSON),
    "resource_write_cancel": (f"{ARM}.ResourceWriteCancel", "2018-07-19T18:38:04", None, PERSON),
    "resource_write_failure": (f"{ARM}.ResourceWriteFailure", "2018-07-19T18:38:04", None, PERSON),
    "resource_write_success": (f"{ARM}.ResourceWriteSuccess", "2018-07-19T18:38:04", None, PERSON),
    "blob_created": (f"{STORAGE}.BlobCreated", "2021-08-16T02:51:26", None, UNKNOWN),
    "blob_deleted": (f"{STORAGE}.BlobDeleted", "2021-08-16T02:58:18", None, UNKNOWN),
    "blob_renamed": (f"{STORAGE}.BlobRenamed", "2021-08-19T01:37:38", None, UNKNOWN),
    "aml_model_version_write_pipeline_sp": (
        f"{ARM}.ResourceWriteSuccess",
        "2026-01-15T10:00:00",
        (Kind.MODEL, "fraud"),
        PIPELINE,
    ),
    "aml_online_deployment_write_pipeline_sp": (
        f"{ARM}.ResourceWriteSuccess",
        "2026-01-15T10:00:00",
        (Kind.ONLINE_ENDPOINT, "fraud-ep"),
        PIPELINE,
    ),
    "aoai_deployment_delete_portal_user": (f"{ARM}.ResourceDeleteSuccess", "2026-01-15T10:00:00", CHAT, PERSON),
    "aoai_deployment_write_cli_user": (f"{ARM}.ResourceWriteSuccess", "2026-01-15T10:00:00", CHAT, PERSON),
    "aoai_deployment_write_failure_pipeline_sp": (
        f"{ARM}.ResourceWriteFailure",
        "2026-01-15T10:00:00",
        CHAT,
        PIPELINE,
    ),
    "aoai_deployment_write_pipeline_sp": (f"{ARM}.ResourceWriteSuccess", "2026-01-15T10:00:00", CHAT, PIPELINE),
    "aoai_deployment_write_portal_user": (f"{ARM}.ResourceWriteSuccess", "2026-01-15T10:00:00", CHAT, PERSON),
}

# An Activity Log record, and the answer to a handshake.
NO_EVENTS = {
    "managed_identity_app_token_claims",
    "subscription_validation_response",
}


def found() -> list[Path]:
    return sorted([*SAMPLES.glob("samples/**/*.json"), *SAMPLES.glob("synthetic/*.json")])


def name_of(file: Path) -> str:
    return file.name.split(".")[0]


@pytest.mark.parametrize("file", found(), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_collected_event_is_read_as_what_it_is(file: Path) -> None:
    if name_of(file) in NO_EVENTS:
        with pytest.raises(BadInput, match="expected a text in the event's field"):
            parse_event(file.read_text("utf-8"), IDENTITIES)
        return
    type_, time, target, actor = EXPECTED[name_of(file)]

    event = parse_event(file.read_text("utf-8"), IDENTITIES)

    assert (event.type, event.time.isoformat()[:19], event.actor.kind) == (type_, time, actor)
    assert (event.target and (event.target.kind, event.target.name)) == target


@pytest.mark.parametrize("file", found(), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_collected_message_is_taken_in_and_says_why_where_it_names_nothing(file: Path) -> None:
    house = House()
    expected = "unreadable" if name_of(file) in NO_EVENTS else "taken" if EXPECTED[name_of(file)][2] else "ignored"

    taken = house.intake.take(file.read_text("utf-8"))

    assert taken.result == expected, taken.reason
    assert len(house.checks.sent) == len(taken.targets)
    assert bool(taken.reason) == (not taken.targets)


def test_the_type_of_a_collected_failure_tells_how_it_ended() -> None:
    """The samples of failures say `Succeeded` in their data."""
    ends = {"success": "succeeded", "failure": "failed", "cancel": "canceled"}
    for file in found():
        if name_of(file).startswith("resource_"):
            event = parse_event(file.read_text("utf-8"), IDENTITIES)

            assert event.status == ends[name_of(file).rsplit("_", 1)[1]]


def test_both_schemas_of_a_collected_event_have_the_same_time_and_target() -> None:
    read: dict[str, set] = {}
    for file in found():
        if name_of(file) not in NO_EVENTS and "schema" in file.parent.name:
            event = parse_event(file.read_text("utf-8"), IDENTITIES)
            read.setdefault(name_of(file), set()).add((event.time, event.target))

    assert [name for name, values in read.items() if len(values) != 1] == []


def test_every_expectation_has_its_sample() -> None:
    assert {name_of(file) for file in found()} == EXPECTED.keys() | NO_EVENTS
