"""Which events pass a subscription's filters, and which subscriptions Azure would not create."""

from datetime import timedelta
from typing import Any

import pytest

from local.eventgrid.subscriptions import AdvancedFilter, Subscription, SubscriptionRefused, require_valid

EVENT: dict[str, Any] = {
    "id": "e-1",
    "topic": "/subscriptions/s",
    "subject": "/subscriptions/s/resourcegroups/RG/providers/Microsoft.CognitiveServices/accounts/a",
    "eventType": "Microsoft.Resources.ResourceWriteSuccess",
    "dataVersion": "2",
    "data": {
        "operationName": "Microsoft.CognitiveServices/accounts/deployments/write",
        "count": 3,
        "tags": ["a"],
        "nothing": None,
        "claims": {"appid": "55"},
    },
}


def passes(operator: str, key: str, *values: str) -> bool:
    return Subscription("s", "", advanced_filters=(AdvancedFilter(operator, key, values),)).matches(EVENT)


def test_no_filter_passes_everything() -> None:
    assert Subscription("s", "").matches(EVENT)


def test_only_the_named_event_types_pass() -> None:
    assert Subscription("s", "", included_event_types=("X", EVENT["eventType"])).matches(EVENT)
    assert not Subscription("s", "", included_event_types=("X",)).matches(EVENT)


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("StringIn", "data.operationName", "MICROSOFT.cognitiveservices/accounts/deployments/WRITE"),
        ("StringContains", "data.operationName", "/Accounts/"),
        ("StringBeginsWith", "subject", "/SUBSCRIPTIONS/S/resourceGroups/rg"),
        ("StringEndsWith", "Subject", "ACCOUNTS/A"),
        ("StringIn", "data.claims.appid", "55"),
        ("StringIn", "EventType", "microsoft.resources.resourcewritesuccess"),
        ("StringIn", "type", "microsoft.resources.resourcewritesuccess"),
        ("StringIn", "source", "/subscriptions/s"),
        ("StringIn", "DataVersion", "2"),
        ("StringNotIn", "data.operationName", "something else"),
        ("StringNotContains", "subject", "MachineLearning"),
        ("StringNotBeginsWith", "subject", "x"),
        ("StringNotEndsWith", "subject", "x"),
    ],
)
def test_text_is_compared_without_regard_to_case(operator: str, key: str, value: str) -> None:
    assert passes(operator, key, value)


def test_the_values_of_a_filter_are_alternatives_and_the_filters_are_not() -> None:
    write = AdvancedFilter("StringIn", "data.operationName", ("other", EVENT["data"]["operationName"]))
    elsewhere = AdvancedFilter("StringContains", "subject", ("onlineEndpoints",))

    assert Subscription("s", "", advanced_filters=(write,)).matches(EVENT)
    assert not Subscription("s", "", advanced_filters=(write, elsewhere)).matches(EVENT)


@pytest.mark.parametrize("key", ["data.absent", "data.absent.deeper", "data.nothing", "data.count.x", "absent"])
def test_a_missing_key_passes_the_negated_operators_only(key: str) -> None:
    assert not passes("StringIn", key, "x")
    assert not passes("StringContains", key, "")
    assert passes("StringNotIn", key, "x")


@pytest.mark.parametrize("key", ["data.count", "data.tags", "data.claims"])
def test_what_is_not_text_passes_no_operator(key: str) -> None:
    assert not passes("StringContains", key, "")
    assert not passes("StringNotContains", key, "x")


def test_a_name_below_data_must_be_spelt_as_in_the_event() -> None:
    assert not passes("StringContains", "data.OperationName", "accounts")


def test_what_stands_at_the_limits_is_accepted() -> None:
    filters = tuple(AdvancedFilter("StringIn", "subject", ("x" * 512,)) for _ in range(25))

    require_valid(Subscription("s", "", advanced_filters=filters))


@pytest.mark.parametrize(
    ("wish", "limit"),
    [
        ({"advanced_filters": (AdvancedFilter("StringIn", "id", ()),) * 26}, "25 filters at most"),
        ({"advanced_filters": (AdvancedFilter("StringIn", "id", ("v",) * 13),) * 2}, "25 values at most"),
        ({"advanced_filters": (AdvancedFilter("StringIn", "id", ("v" * 513,)),)}, "512 characters a value"),
        ({"advanced_filters": (AdvancedFilter("NumberIn", "id", ("1",)),)}, "operators imitated here"),
        ({"schema": "CustomInputSchema"}, "its schema is one of"),
        ({"max_attempts": 31}, "1 to 30 attempts"),
        ({"ttl": timedelta(days=2)}, "a time to live of up to 1 day"),
    ],
)
def test_a_subscription_over_a_limit_is_refused(wish: dict[str, Any], limit: str) -> None:
    with pytest.raises(SubscriptionRefused, match=limit):
        require_valid(Subscription("s", "", **wish))


def test_neither_the_text_of_a_subscription_nor_its_endpoint_shows_the_key() -> None:
    subscription = Subscription("s", "http://host/hook?code=secret")

    assert "secret" not in repr(subscription)
    assert subscription.endpoint == "http://host/hook"
