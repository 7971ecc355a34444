import json
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import Unavailable
from audit.model import Event, Kind, Target
from audit.record import keys, ledger
from audit.record.keys import target_hash
from audit.service.intake import UNTARGETED, count_ignored
from audit.service.parents import remember
from audit.targets import parse_target
from tests.house import ACCOUNT, CHAT, CHURN, GROUP, House, release, write_event
from tests.strategies import any_text, json_values
from tests.unit.test_events import cloud_event, model_registered, shapes
from tests.unit.test_pointers import deployed, event, near_expiry, pushed

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC)
FAILURE = "Microsoft.Resources.ResourceWriteFailure"


def take(house: House, said: object) -> str:
    return house.intake.take(json.dumps(said)).result


def waiting(house: House, target: Target) -> list[Event]:
    partition = keys.partition(target.parent)
    return ledger.read_hot(house.ledger.rows(partition, *keys.hot(target_hash(target)))).events


def ignored(house: House) -> dict[tuple[str, str], int]:
    return dict(count_ignored(house.ledger, START, END))


def approve(house: House, **changes: object) -> None:
    approved = release(**changes)
    house.approve(approved)
    remember(house.releases, approved.target.parent)


def test_an_event_of_many_models_is_taken_for_each_of_them_and_for_the_workspace() -> None:
    house = House()

    taken = house.intake.take(json.dumps(deployed("churn:1,fraud:2")))

    assert taken.result == "taken"
    assert [target.kind for target in taken.targets] == [Kind.PARENT, Kind.MODEL, Kind.MODEL]
    for target in taken.targets:
        assert [each.target for each in waiting(house, target)] == [target]
    asked = [json.loads(message)["target"] for message in house.checks.take()]
    assert asked == [target.id for target in taken.targets]


def test_what_waits_keeps_how_it_ended_and_its_correlation_id() -> None:
    house = House()
    said = write_event() | {"eventType": FAILURE}
    said["data"]["correlationId"] = "c-1"

    take(house, said)

    (found,) = waiting(house, CHAT)
    assert (found.status, found.correlation_id) == ("failed", "c-1")


@pytest.mark.parametrize("end", ["WriteFailure", "WriteCancel", "DeleteFailure"])
def test_a_write_that_failed_is_looked_at(end: str) -> None:
    house = House()
    house.deliver(write_event())
    looks = house.live.looks

    house.clock.advance(hours=1)
    house.deliver(
        write_event(id_="e-2", time="2026-11-21T09:59:58Z") | {"eventType": f"Microsoft.Resources.Resource{end}"}
    )

    assert house.live.looks == looks + 1
    assert waiting(house, CHAT) == []


@pytest.mark.parametrize("said", [write_event(), deployed("churn:1"), event("Contoso.X"), pushed()])
def test_every_event_is_taken_once_however_often_it_comes(said: dict) -> None:
    house = House()

    assert take(house, said) in ("taken", "ignored")
    assert take(house, cloud_event(said)) == "duplicate"
    assert take(house, [said]) == "duplicate"


@pytest.mark.parametrize("said", [write_event(), deployed("churn:1,fraud:2")])
def test_a_duplicate_is_owed_its_check_all_the_same(said: dict) -> None:
    house = House()
    take(house, said)
    asked = house.checks.take()

    take(house, said)

    assert house.checks.take() == asked


def test_an_event_of_which_one_target_was_taken_before_a_crash_is_taken_for_the_others() -> None:
    house = House()
    whole = House()
    said = deployed("churn:1,fraud:2")
    whole.intake.take(json.dumps(said))
    (place, *_) = whole.intake.take(json.dumps(said)).targets
    house.ledger.commit(keys.partition(place.parent), ledger.take_in(target_hash(place), waiting(whole, place)[0]))

    taken = house.intake.take(json.dumps(said))

    assert taken.result == "taken"
    assert all(waiting(house, target) for target in taken.targets)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (pushed(), {"facts": {"deployments.blue.image": "acrprod.azurecr.io/scoring:7"}}),
        (pushed(), {"evidence": {"image": "acrprod.azurecr.io/scoring"}}),
        (near_expiry(), {"facts": {"env.KEY": "https://kv-prod.vault.azure.net/secrets/scoring-key"}}),
    ],
)
def test_a_hint_is_taken_for_the_release_that_names_it(said: dict, named: dict) -> None:
    house = House()
    approve(house, **named)
    approve(house, target=CHURN, facts={"traffic.blue": 100})

    assert house.intake.take(json.dumps(said)).targets == (CHAT,)
    assert waiting(house, CHAT)
    assert waiting(house, CHURN) == []


def test_a_hint_costs_one_read_and_one_for_each_parent_that_has_releases() -> None:
    house = House()
    approve(house)
    approve(house, target=CHURN, facts={"traffic.blue": 100})
    house.releases.round_trips = house.ledger.round_trips = 0

    take(house, pushed())

    assert (house.releases.round_trips, house.ledger.round_trips) == (3, 1)


def test_an_event_that_names_its_target_reads_no_release_and_costs_one_transaction() -> None:
    house = House()

    take(house, write_event())

    assert (house.releases.round_trips, house.ledger.round_trips) == (0, 1)


def test_the_write_of_a_content_filter_is_taken_for_its_account_and_for_whoever_uses_it() -> None:
    house = House()
    approve(house, facts={"content_filter": "strict"})
    said = write_event() | {"subject": f"{ACCOUNT}/raiPolicies/strict", "data": {}}

    assert house.intake.take(json.dumps(said)).targets == (parse_target(ACCOUNT), CHAT)


def test_what_is_ignored_and_what_nobody_can_read_is_counted_by_type_and_reason() -> None:
    house = House()
    for number in range(3):
        take(house, event("Contoso.X", "contoso") | {"id": f"e-{number}"})
    take(house, event("Microsoft.Storage.BlobCreated", GROUP, "/blobServices/default/containers/uploads/blobs/a"))
    house.intake.take("{nonsense")
    house.intake.take("{nonsense")

    counts = ignored(house)

    assert counts["Contoso.X", "Contoso.X names nothing we audit"] == 3
    assert sorted(type_ for type_, _ in counts) == ["Contoso.X", "Microsoft.Storage.BlobCreated", "unreadable"]
    assert sum(counts.values()) == 5
    assert counts["unreadable", "is no Event Grid message"] == 1


def test_what_was_ignored_in_another_time_is_not_counted() -> None:
    house = House()
    for number, time in enumerate(("2026-10-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-11-15T00:00:00Z")):
        take(house, event("Contoso.X", "contoso") | {"id": f"e-{number}", "eventTime": time})

    assert ignored(house) == {}


def test_a_dropped_release_file_changes_no_release() -> None:
    house = House()
    said = event("Microsoft.Storage.BlobCreated", GROUP, "/blobServices/default/containers/releases/blobs/a.yaml")

    house.deliver(said)

    assert house.releases.all_rows() == {}
    assert house.live.looks == 0


def test_storage_that_is_down_is_for_event_grid_to_hear() -> None:
    house = House()
    house.ledger.fail_next = 1

    with pytest.raises(Unavailable):
        take(house, write_event())
    assert take(house, write_event()) == "taken"


def test_late_and_reordered_events_are_folded_without_another_look() -> None:
    house = House()
    house.clock.advance(minutes=30)
    times = [f"2026-11-21T08:{minute:02}:00Z" for minute in range(40, 50)]
    events = [write_event(id_=time, time=time) for time in times]
    house.deliver(events.pop(5))
    looks = house.live.looks

    house.deliver(*reversed(events))

    assert house.live.looks == looks
    assert waiting(house, CHAT) == []


def test_ten_thousand_odd_events_are_all_kept_and_none_is_kept_twice() -> None:
    house = House()
    dice = random.Random(1121)  # noqa: S311 - the same shapes every day
    texts = list({json.dumps(shape) for shape in shapes(dice, 10_000)})

    results = [house.intake.take(text) for text in texts]

    kept = [key for _, key in house.ledger.all_rows() if key.startswith("e-")]
    new = sum(max(len(taken.targets), 1) for taken in results if taken.result != "duplicate")
    assert len(kept) == new
    assert {taken.result for taken in results} == {"taken", "ignored", "unreadable", "duplicate"}


ODD_NAMES = (
    "resourceUri ResourceURI operationName status claims authorization correlationId modelName ModelIds "
    "resourceInfo target request timestamp Id ObjectType runStatus"
)
odd_data = st.dictionaries(
    st.sampled_from(ODD_NAMES.split()), json_values | st.just(CHAT.id) | json_values.map(json.dumps)
)
types = st.sampled_from(
    [
        "Microsoft.Resources.ResourceWriteSuccess",
        "Microsoft.Resources.ResourceActionCancel",
        "Microsoft.MachineLearningServices.ModelDeployed",
        "Microsoft.MachineLearningServices.RunStatusChanged",
        "Microsoft.ResourceNotifications.Resources.Deleted",
        "Microsoft.PolicyInsights.PolicyStateCreated",
        "Microsoft.ContainerRegistry.ImagePushed",
        "Microsoft.KeyVault.SecretNearExpiry",
        "Microsoft.Storage.BlobCreated",
    ]
) | any_text.filter(bool)
seeds = st.sampled_from(
    [write_event(), model_registered(modelName="churn"), deployed("a:1"), pushed(), near_expiry()]
)


@given(seeds, types, odd_data, st.dictionaries(any_text, json_values, max_size=2), st.booleans(), st.booleans())
def test_a_valid_event_is_never_lost_whatever_else_it_holds(
    seed: dict, type_: str, data: dict, extra: dict, is_cloud_event: bool, is_array: bool
) -> None:
    house = House()
    said = seed | {"eventType": type_, "data": {**seed["data"], **data}}
    said = cloud_event(said) if is_cloud_event else said
    extra = {name: value for name, value in extra.items() if name.lower() not in {each.lower() for each in said}}

    taken = house.intake.take(json.dumps([extra | said] if is_array else extra | said))

    assert taken.result in ("taken", "ignored"), taken.reason
    assert any(key.startswith("e-") for _, key in house.ledger.all_rows())
    assert bool(house.checks.sent) == bool(taken.targets)
    assert bool(taken.reason) == (not taken.targets)


@given(json_values | seeds, st.dictionaries(any_text, json_values, max_size=3))
def test_no_message_crashes_intake_and_every_one_leaves_a_row(value: object, odd: dict) -> None:
    house = House()

    house.intake.take(json.dumps(value | odd if isinstance(value, dict) else value))

    assert any(key.startswith("e-") for _, key in house.ledger.all_rows())


@given(any_text)
def test_no_text_crashes_intake(text: str) -> None:
    house = House()

    house.intake.take(text)

    assert len(house.ledger.all_rows()) == 1


def test_what_names_nothing_lands_apart_from_every_parent() -> None:
    house = House()

    take(house, event("Contoso.X", GROUP, "y"))

    assert {partition for partition, _ in house.ledger.all_rows()} == {UNTARGETED}
