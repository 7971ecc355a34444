"""MLflow's webhooks: only what the registry signed is taken in, once, and it is never more than a hint."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import BadInput, Unavailable
from audit.events import webhooks
from audit.events.message import deed
from audit.model import ActorKind, Event, Target
from audit.record import keys, ledger
from audit.service.intake import UNTARGETED, count_ignored
from audit.service.webhooks import ACCEPTED, BAD_REQUEST, TOO_LARGE, UNAUTHORIZED, Webhooks
from audit.targets import parse_target
from tests.house import House, release
from tests.strategies import any_text, json_values

SECRET = "a secret of enough length"
REGISTRY = "mlflow://prod"
CHURN = parse_target(f"{REGISTRY}/models/Churn Model")
ALIAS = {"name": "Churn Model", "alias": "champion", "version": "3"}

Signed = tuple[dict[str, str], bytes]


def body(entity: str = "model_version_alias", action: str = "created", named: object = ALIAS) -> bytes:
    return json.dumps({"entity": entity, "action": action, "timestamp": "now", "data": named}).encode()


def sign(content: bytes, at: datetime, delivery: str = "d-1", secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"{delivery}.{stamp}.".encode() + content, hashlib.sha256).digest()
    return {
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": stamp,
        "X-MLflow-Signature": f"v1,{base64.b64encode(digest).decode()}",
    }


class Door:
    """A house with a door for webhooks."""

    def __init__(self) -> None:
        self.house = House()
        self.webhooks = Webhooks(self.house.intake, {"prod": SECRET}, self.house.clock.now)

    def post(self, content: bytes, headers: Mapping[str, str] | None = None, registry: str = "prod") -> int:
        signed = sign(content, self.house.clock.now()) if headers is None else headers
        return self.webhooks.take(registry, signed, content)

    def waiting(self, target: Target = CHURN) -> list[Event]:
        hot = keys.hot(keys.target_hash(target))
        return ledger.read_hot(self.house.ledger.rows(keys.partition(target.parent), *hot)).events

    def ignored(self) -> dict[tuple[str, str], int]:
        now = self.house.clock.now()
        return dict(count_ignored(self.house.ledger, now - timedelta(days=1), now + timedelta(days=1)))


def test_a_signed_webhook_is_taken_in_as_a_hint_of_an_unknown_actor() -> None:
    door = Door()

    status = door.post(body())

    (event,) = door.waiting()
    assert status == ACCEPTED
    assert (event.target, event.type, event.id) == (CHURN, "mlflow.model_version_alias.created", "d-1")
    assert event.actor.kind is ActorKind.UNKNOWN
    assert deed(event.operation) == "created an alias"
    assert [json.loads(message) for message in door.house.checks.take()] == [
        {"target": CHURN.id, "event": event.key}
    ]


def test_the_signature_is_that_of_mlflow() -> None:
    # Made by mlflow.webhooks.delivery._generate_hmac_signature of MLflow 3.17.2.
    headers = {
        "x-mlflow-delivery-id": "5f1c0c52",
        "x-mlflow-timestamp": "1795633872",
        "x-mlflow-signature": "v1,J/1PilxcWNZ2og7WNER/rFzLJJBXcxniIhLj1eXZMKI=",
    }
    at = datetime.fromtimestamp(1795633872, UTC)

    assert webhooks.is_authentic("s3cret", headers, b'{"entity": "model_version"}', at)


@pytest.mark.parametrize(
    ("entity", "action", "done"),
    [
        ("registered_model", "created", "created the model"),
        ("model_version", "created", "created a version of the model"),
        ("model_version_tag", "set", "set a tag of a version"),
        ("model_version_tag", "deleted", "deleted a tag of a version"),
        ("model_version_alias", "deleted", "deleted an alias"),
    ],
)
def test_everything_that_mlflow_announces_of_models_leads_to_the_model(
    entity: str, action: str, done: str
) -> None:
    door = Door()

    door.post(body(entity, action, {"name": "Churn Model"}))

    (event,) = door.waiting()
    assert deed(event.operation) == done


def test_what_is_confirmed_by_reading_is_judged_and_what_is_not_there_is_nothing() -> None:
    door = Door()
    house = door.house
    house.approve(release(CHURN, facts={"aliases.champion": "3"}))
    model = {"name": "Churn Model", "aliases": [{"alias": "champion", "version": "4"}]}
    house.serve(CHURN, {"registered_model": model, "versions": [{"version": "3"}, {"version": "4"}], "runs": {}})

    door.post(body())
    example = body("model_version", named={"name": "example_model", "version": "1"})
    door.post(example, sign(example, house.clock.now(), "d-2"))
    house.settle()

    assert house.told == [("opened", "MA102")]
    (alert,) = house.channel.alerts
    assert "an unknown actor created an alias" in alert.notices[0].episode.cause
    assert all(command.startswith("curl ") for command in alert.notices[0].commands)


def test_a_delivery_that_comes_again_is_taken_once() -> None:
    door = Door()
    signed = sign(body(), door.house.clock.now())

    statuses = [door.post(body(), signed) for _ in range(3)]
    door.house.clock.advance(minutes=4)
    statuses.append(door.post(body(), signed))

    assert statuses == [ACCEPTED] * 4
    assert len(door.waiting()) == 1


@pytest.mark.parametrize("entity", ["prompt", "prompt_alias", "budget_policy", "something_new"])
def test_what_is_none_of_ours_is_noted_and_acknowledged(entity: str) -> None:
    door = Door()

    status = door.post(body(entity, named={"name": "greeting"}))

    assert status == ACCEPTED
    assert door.ignored() == {(f"mlflow.{entity}.created", f"mlflow.{entity}.created names nothing we audit"): 1}
    assert door.house.checks.take() == []


def forged() -> dict[str, Mapping[str, str]]:
    now = House().clock.now()
    good = sign(body(), now)
    return {
        "no signature": {name: value for name, value in good.items() if name != "X-MLflow-Signature"},
        "no headers": {},
        "another secret": sign(body(), now, secret="another secret of that length"),
        "an empty secret": sign(body(), now, secret=""),
        "another body": sign(body(action="deleted"), now),
        "another delivery": {**good, "X-MLflow-Delivery-Id": "d-2"},
        "another time": {**good, "X-MLflow-Timestamp": str(int(now.timestamp()) + 1)},
        "another version": {**good, "X-MLflow-Signature": good["X-MLflow-Signature"].replace("v1,", "v2,")},
        "too old": sign(body(), now - timedelta(seconds=301)),
        "too new": sign(body(), now + timedelta(seconds=301)),
        "a text for a time": {**good, "X-MLflow-Timestamp": "now"},
        "an endless time": {**good, "X-MLflow-Timestamp": "9" * 400},
        "odd characters": {**good, "X-MLflow-Signature": "v1,ü\ud800"},
    }


@pytest.mark.parametrize("headers", forged().values(), ids=forged())
def test_what_the_registry_has_not_signed_just_now_is_refused(headers: Mapping[str, str]) -> None:
    door = Door()

    assert door.post(body(), headers) == UNAUTHORIZED
    assert door.house.ledger.rows(keys.partition(REGISTRY), "", "~") == []
    assert door.ignored() == {}


@pytest.mark.parametrize("age", [-299, 299])
def test_clocks_may_differ_by_less_than_five_minutes(age: int) -> None:
    door = Door()

    assert door.post(body(), sign(body(), door.house.clock.now() - timedelta(seconds=age))) == ACCEPTED


@pytest.mark.parametrize("registry", ["lab", "", "..", "PROD/", "x" * 5000])
def test_a_registry_without_a_secret_is_answered_like_a_wrong_signature(registry: str) -> None:
    assert Door().post(body(), registry=registry) == UNAUTHORIZED


def test_the_case_of_the_registry_in_the_address_does_not_matter() -> None:
    assert Door().post(body(), registry="Prod") == ACCEPTED


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"7", b"\xff\xfe", b'{"a":' * 10_000, body(named=None), body(entity=None), body(action=7)],  # type: ignore[arg-type]
)
def test_what_is_signed_and_says_nothing_is_refused_and_noted(content: bytes) -> None:
    door = Door()

    assert door.post(content) == BAD_REQUEST
    assert sum(door.ignored().values()) == 1


def test_what_is_too_large_is_refused_before_anything_is_done_with_it() -> None:
    assert Door().post(b"x" * (webhooks.MAX_BYTES + 1)) == TOO_LARGE


@pytest.mark.parametrize("name", [None, "", 7, ["churn"], "x" * 5000])
def test_a_name_that_no_model_has_is_noted(name: object) -> None:
    door = Door()

    assert door.post(body(named={"name": name})) == ACCEPTED
    assert sum(door.ignored().values()) == 1


def test_storage_that_does_not_answer_is_an_error_so_that_mlflow_tries_again() -> None:
    door = Door()
    door.house.ledger.fail_next = 1

    with pytest.raises(Unavailable):
        door.post(body())


@given(json_values, any_text)
def test_no_signed_delivery_is_too_odd(value: object, delivery: str) -> None:
    now = House().clock.now()
    headers = {name.lower(): each for name, each in sign(b"", now, delivery).items()}
    for content in (
        json.dumps(value),
        json.dumps({"entity": "model_version", "action": "created", "data": value}),
    ):
        try:
            event, reason = webhooks.read_webhook(REGISTRY, headers, content.encode())
        except BadInput:
            continue
        assert (event.target is None) == bool(reason)


@given(st.dictionaries(st.sampled_from([*sign(b"", datetime.now(UTC))]), any_text), st.binary(max_size=50))
def test_nobody_gets_in_by_guessing(headers: dict[str, str], content: bytes) -> None:
    said = {name.lower(): value for name, value in headers.items()}

    assert not webhooks.is_authentic(SECRET, said, content, House().clock.now())


def test_nothing_of_ours_is_named_like_the_stream_of_the_rest() -> None:
    assert UNTARGETED not in {keys.target_hash(CHURN), keys.partition(REGISTRY)}
