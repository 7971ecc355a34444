"""Facts that only some documents hold: routers, probes, identities, and what the registry says of a model."""

import pytest

from audit.approvals.approved import is_same
from audit.model import Kind
from audit.sight.facts import facts_of
from tests.house import chat_document, churn_document


def test_a_router_gives_its_mode_and_its_models_in_order() -> None:
    models = [{"name": "gpt-5-mini", "version": "1"}, {"name": "gpt-5"}, "o4"]

    facts = facts_of(Kind.OPENAI_DEPLOYMENT, chat_document(routing={"mode": "Balanced", "models": models}))

    assert (facts["routing.mode"], facts["routing.models"]) == ("balanced", "gpt-5, gpt-5-mini 1, o4")


def test_tier_and_state_of_a_newer_api_are_facts() -> None:
    facts = facts_of(Kind.OPENAI_DEPLOYMENT, chat_document(serviceTier="Priority", deploymentState="Paused"))

    assert (facts["service_tier"], facts["state"]) == ("priority", "paused")


def test_probes_limits_and_scale_of_a_deployment_are_facts() -> None:
    document = churn_document()
    document["deployments"][0]["properties"] |= {
        "requestSettings": {"maxQueueWait": "PT0.5S"},
        "livenessProbe": {"period": "PT10S"},
        "scaleSettings": {"maxInstances": 4},
        "dataCollector": {"collections": {"inputs": {"dataCollectionMode": "Enabled", "samplingRate": 0.5}}},
    }

    facts = facts_of(Kind.ONLINE_ENDPOINT, document)

    assert facts["deployments.blue.request.maxQueueWait"] == "PT0.5S"
    assert facts["deployments.blue.liveness.period"] == "PT10S"
    assert facts["deployments.blue.scale.maxInstances"] == 4
    assert facts["deployments.blue.data_sampling.inputs"] == 0.5


def test_the_order_of_identities_does_not_matter() -> None:
    document = churn_document()
    document["endpoint"]["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {"/B": {}, "/a": {}}}

    assert facts_of(Kind.ONLINE_ENDPOINT, document)["identity.user_assigned"] == "/b, /a"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("PT60S", "PT1M", True),
        ("PT5S", "pt5.0s", True),
        ("P1D", "PT24H", True),
        ("PT5S", "PT6S", False),
        ("PT5S", "5", False),
        ("P", "PT", False),
        ("prod", "PT1M", False),
    ],
)
def test_durations_are_the_same_however_they_are_written(one: str, other: str, same: bool) -> None:
    assert is_same(one, other) is same
