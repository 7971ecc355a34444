import contextlib
import json
import random
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import BadInput
from audit.events.actors import Identities
from audit.events.message import MAX_EVENT_BYTES, parse_event
from audit.model import ActorKind, Event
from audit.privacy import PersonalData, Privacy
from audit.targets import parse_target
from audit.texts import MAX_TEXT
from tests.house import ACCOUNT, CHAT, CHURN, GROUP, PIPELINE, WORKSPACE, write_event
from tests.strategies import HOSTILE_TEXTS, any_text, json_values

IDENTITIES = Identities({PIPELINE}, Privacy(b"k" * 32, PersonalData.KEEP))
CHURN_MODEL = parse_target(f"{WORKSPACE}/models/churn")


def parse(message: object) -> Event:
    return parse_event(message if isinstance(message, str) else json.dumps(message), IDENTITIES)


def cloud_event(event: dict) -> dict:
    """Return the same event in the CloudEvents schema."""
    return {
        "specversion": "1.0",
        "id": event["id"],
        "source": event["topic"],
        "subject": event["subject"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "data": event["data"],
    }


def model_registered(**data: object) -> dict:
    return {
        "id": "m-1",
        "topic": WORKSPACE,
        "subject": "models/churn:20",
        "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
        "eventTime": "2026-11-21T08:59:58Z",
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
    }


def with_data(**data: object) -> dict:
    event = write_event()
    event["data"] |= data
    return event


def test_a_write_event_names_its_target_its_operation_and_its_time() -> None:
    event = parse(write_event())

    assert event.target == CHAT
    assert event.operation == "Microsoft.CognitiveServices/accounts/deployments/write"
    assert event.time == datetime(2026, 11, 21, 8, 59, 58, 123456, tzinfo=UTC)


def test_both_schemas_say_the_same() -> None:
    assert parse(cloud_event(write_event())) == parse(write_event())


@pytest.mark.parametrize("schema", [lambda event: event, cloud_event], ids=["event grid", "cloud events"])
def test_an_array_of_one_is_the_one(schema: Any) -> None:
    event = schema(write_event())

    assert parse([event]) == parse(event)


@pytest.mark.parametrize("data", [{"modelName": "churn"}, {"ModelName": "churn"}, {"MODELNAME": "CHURN"}, {}])
def test_a_registered_model_is_found_however_its_name_is_spelled(data: dict) -> None:
    assert parse(model_registered(**data)).target == CHURN_MODEL


@pytest.mark.parametrize("version", [20, "20", None, 20.5])
def test_the_type_of_a_models_version_does_not_matter(version: object) -> None:
    assert parse(model_registered(modelName="churn", modelVersion=version)).target == CHURN_MODEL


@pytest.mark.parametrize(
    "type_", ["ModelDeployed", "RunCompleted", "RunStatusChanged", "DatasetDriftDetected", "SomethingNew"]
)
def test_an_event_of_a_workspace_that_names_no_model_is_a_hint_to_sweep_it(type_: str) -> None:
    event = model_registered() | {
        "eventType": f"Microsoft.MachineLearningServices.{type_}",
        "subject": "endpoints/my-service",
    }

    assert parse(event).target == parse_target(WORKSPACE)


def test_the_case_of_an_id_in_an_event_does_not_matter() -> None:
    resource = CHAT.id.replace("resourcegroups", "ResourceGroups").replace("microsoft", "MICROSOFT")

    assert parse(with_data(resourceUri=resource)).target == CHAT


@pytest.mark.parametrize(
    ("resource", "target"),
    [
        (f"{WORKSPACE}/onlineEndpoints/churn/deployments/blue", CHURN),
        (f"{WORKSPACE}/models/churn/versions/7", CHURN_MODEL),
        (ACCOUNT, parse_target(ACCOUNT)),
        (f"{GROUP}/providers/Microsoft.Storage/storageAccounts/store", None),
    ],
)
def test_an_event_of_a_part_is_one_of_the_target(resource: str, target: object) -> None:
    assert parse(with_data(resourceUri=resource)).target == target


@pytest.mark.parametrize("data", [None, {}, "", [], {"resourceUri": None}])
def test_the_subject_names_the_resource_where_the_data_does_not(data: object) -> None:
    assert parse(write_event() | {"data": data}).target == CHAT


def test_data_that_is_a_json_text_is_read_too() -> None:
    event = write_event()

    assert parse(event | {"data": json.dumps(event["data"])}) == parse(event)


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-21T08:59:58.1234567Z",
        "2026-11-21T08:59:58.1234567+00:00",
        "2026-11-21T09:59:58.1234567+01:00",
        "2026-11-21 08:59:58.1234567Z",
        "2026-11-21T08:59:58.1234567",
    ],
)
def test_a_time_is_read_in_every_notation(time: str) -> None:
    assert parse(write_event(time=time)).time == datetime(2026, 11, 21, 8, 59, 58, 123456, tzinfo=UTC)


CLAIMS = {"appid": PIPELINE, "idtyp": "app"}


@pytest.mark.parametrize(
    ("claims", "kind"),
    [
        (CLAIMS, ActorKind.PIPELINE),
        (json.dumps(CLAIMS), ActorKind.PIPELINE),
        ({**CLAIMS, "groups": ["a", {"b": 1}], "exp": 1760000000}, ActorKind.PIPELINE),
        ({}, ActorKind.UNKNOWN),
        (None, ActorKind.UNKNOWN),
        ("", ActorKind.UNKNOWN),
        ("not json", ActorKind.UNKNOWN),
        ([], ActorKind.UNKNOWN),
        ({"appid": None, "name": None, "upn": None}, ActorKind.UNKNOWN),
        ({"appid": {"a": 1}}, ActorKind.UNKNOWN),
    ],
)
def test_claims_are_read_in_every_shape(claims: object, kind: ActorKind) -> None:
    assert parse(with_data(claims=claims)).actor.kind is kind


def test_an_event_without_claims_is_by_somebody_unknown() -> None:
    event = write_event()
    del event["data"]["claims"]

    assert parse(event).actor.kind is ActorKind.UNKNOWN


@pytest.mark.parametrize("evidence", [[], {}, None, {"principalType": "Group"}])
def test_the_evidence_of_an_authorization_is_no_hindrance(evidence: object) -> None:
    assert parse(with_data(authorization={"evidence": evidence})).target == CHAT


@pytest.mark.parametrize("subject", [None, ""])
def test_a_subject_may_be_missing(subject: object) -> None:
    event = cloud_event(write_event()) | {"subject": subject}

    assert parse(event).target == CHAT
    assert parse({name: value for name, value in event.items() if name != "subject"}).target == CHAT


def test_every_delivery_of_an_event_has_the_same_key() -> None:
    assert parse([write_event()]).key == parse(write_event()).key


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "e-2"},
        {"eventTime": "2026-11-21T08:59:59Z"},
        {"eventType": "Microsoft.Resources.ResourceDeleteSuccess"},
        {"subject": f"{ACCOUNT}/deployments/other"},
        {"topic": f"{GROUP}x"},
    ],
)
def test_another_event_has_another_key(changed: dict) -> None:
    assert parse(write_event() | changed).key != parse(write_event()).key


def test_long_texts_are_cut_and_still_tell_events_apart() -> None:
    one, other = (parse(write_event(id_="x" * 100_000 + end)) for end in "ab")

    assert len(one.id) == MAX_TEXT
    assert one.key != other.key


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
def test_nothing_that_is_kept_of_an_event_is_long(hostile: str) -> None:
    long = (hostile * 3000)[:50_000]
    claims = {"name": long, "appid": long, "upn": long}
    event = write_event() | {"id": long, "eventType": long, "subject": long}

    kept = parse(event | {"data": {"operationName": long, "resourceUri": CHAT.id, "claims": claims}})

    texts = [kept.id, kept.type, kept.resource, kept.operation, kept.actor.id, kept.actor.name, kept.actor.tool]
    assert max(map(len, texts)) <= MAX_TEXT + 20


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "null",
        "42",
        '"text"',
        "[]",
        "[1]",
        '[{"id": 1}, {"id": 2}]',
        "{}",
        "NaN",
        '{"id": NaN}',
        "[" * 100_000,
        '{"id": ' + "9" * 5000 + "}",
        json.dumps({**write_event(), "id": ""}),
        json.dumps({**write_event(), "id": 7}),
        json.dumps({**write_event(), "eventTime": "yesterday"}),
        json.dumps({**write_event(), "eventTime": "0001-01-01T00:00:00+14:00"}),
        json.dumps({**write_event(), "eventType": None}),
        "x" * (MAX_EVENT_BYTES + 1),
    ],
    ids=range(19),
)
def test_what_is_no_event_is_bad_input(message: str) -> None:
    with pytest.raises(BadInput, match="expected"):
        parse(message)


@pytest.mark.parametrize("depth", range(100, 1000, 60))
def test_a_deeply_nested_field_is_bad_input(depth: int) -> None:
    with pytest.raises(BadInput, match="expected"):
        parse('{"id": ' + "[" * depth + "]" * depth + "}")


@pytest.mark.parametrize("field", ["operationName", "resourceUri", "claims", "modelName"])
@pytest.mark.parametrize("depth", range(100, 1000, 60))
def test_deeply_nested_data_loses_no_event(field: str, depth: int) -> None:
    message = json.dumps(with_data(**{field: "@"})).replace('"@"', "[" * depth + "]" * depth)

    assert parse(message).target == CHAT


@pytest.mark.parametrize("field", ["id", "eventType", "eventTime"])
def test_the_content_of_a_bad_message_is_not_repeated(field: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(write_event() | {field: {"password": "hunter2"}})

    assert "hunter2" not in str(caught.value)


@given(json_values)
def test_no_json_raises_anything_but_bad_input(value: object) -> None:
    with contextlib.suppress(BadInput):
        assert parse(value).key


@given(any_text)
def test_no_text_raises_anything_but_bad_input(text: str) -> None:
    with contextlib.suppress(BadInput):
        assert parse_event(text, IDENTITIES).key


@settings(max_examples=10_000)
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("data", "dataVersion", "extra", "topic"), json_values)),
    st.booleans(),
)
def test_a_valid_event_is_never_lost(odd: dict, is_cloud_event: bool) -> None:
    topic = odd.get("topic")
    event = write_event() | odd | {"topic": topic if isinstance(topic, str) else ""}

    assert parse(cloud_event(event) if is_cloud_event else event).id == "e-1"


ODD: list[Any] = [None, True, 0, -1, 2**70, 1e308, "", "x", [], {}, [[]], {"a": None}, "{}", "[1]"]
LEAVES = [*ODD, *HOSTILE_TEXTS]


def shapes(rng: random.Random, count: int) -> Iterator[object]:
    """Return real events of which some values or names were replaced by anything."""
    seeds = [write_event(), cloud_event(write_event()), model_registered(ModelName="churn", ModelTags={"a": "b"})]
    for _ in range(count):
        shape = json.loads(json.dumps(rng.choice(seeds)))
        for _ in range(rng.randint(1, 3)):
            mutate(rng, shape)
        yield [shape] if rng.random() < 0.2 else shape


def mutate(rng: random.Random, shape: dict) -> None:
    place = shape
    while True:
        name = rng.choice(list(place) or ["x"])
        inner = place.get(name)
        if isinstance(inner, dict) and inner and rng.random() < 0.7:
            place = inner
            continue
        match rng.randint(0, 3):
            case 0:
                place.pop(name, None)
            case 1:
                place[rng.choice(["x", name.upper(), name.lower(), *HOSTILE_TEXTS])] = deepcopy(inner)
            case _:
                place[name] = deepcopy(rng.choice(LEAVES))
        return


def test_ten_thousand_odd_events_raise_nothing_but_bad_input() -> None:
    unread = 0
    dice = random.Random(20261121)  # noqa: S311 - the same shapes every day

    for shape in shapes(dice, 10_000):
        try:
            parse(shape)
        except BadInput:
            unread += 1

    assert 0 < unread < 5000
