import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import BadInput
from audit.model import Kind
from audit.targets import MAX_ID, find_parent, find_target, normalise_id, parse_target
from tests.house import ACCOUNT, GROUP, WORKSPACE
from tests.strategies import HOSTILE_TEXTS, any_text

REGISTRY = f"{GROUP}/providers/Microsoft.MachineLearningServices/registries/reg-shared"


@pytest.mark.parametrize(
    ("resource", "kind", "name"),
    [
        (f"{WORKSPACE}/onlineEndpoints/churn", Kind.ONLINE_ENDPOINT, "churn"),
        (f"{WORKSPACE}/onlineEndpoints/churn/deployments/blue", Kind.ONLINE_ENDPOINT, "churn"),
        (f"{WORKSPACE}/batchEndpoints/nightly", Kind.BATCH_ENDPOINT, "nightly"),
        (f"{WORKSPACE}/batchEndpoints/nightly/deployments/v2", Kind.BATCH_ENDPOINT, "nightly"),
        (f"{WORKSPACE}/serverlessEndpoints/llama", Kind.SERVERLESS_ENDPOINT, "llama"),
        (f"{REGISTRY}/models/churn", Kind.MODEL, "churn"),
        (f"{REGISTRY}/models/churn/versions/3", Kind.MODEL, "churn"),
        (f"{WORKSPACE}/models/churn", Kind.MODEL, "churn"),
        (f"{WORKSPACE}/models/churn/versions/3", Kind.MODEL, "churn"),
        (f"{ACCOUNT}/deployments/chat", Kind.OPENAI_DEPLOYMENT, "chat"),
        (WORKSPACE, Kind.PARENT, "mlw-prod"),
        (ACCOUNT, Kind.PARENT, "aoai-prod"),
        (REGISTRY, Kind.PARENT, "reg-shared"),
        (f"{ACCOUNT}/raiPolicies/strict", Kind.PARENT, "aoai-prod"),
        (f"{ACCOUNT}/raiBlocklists/competitors/raiBlocklistItems/one", Kind.PARENT, "aoai-prod"),
    ],
)
def test_a_resource_belongs_to_the_target_that_is_approved_as_one(resource: str, kind: Kind, name: str) -> None:
    target = parse_target(resource)

    assert (target.kind, target.name) == (kind, name)


@pytest.mark.parametrize(
    "resource",
    [
        "",
        "/",
        GROUP,
        f"{WORKSPACE}/batchEndpoints",
        f"{WORKSPACE}/onlineEndpoints",
        f"{WORKSPACE}/jobs/churn_train_0142",
        f"{ACCOUNT}/raiPolicies",
        f"{REGISTRY}/environments/inference",
        f"{GROUP}/providers/Microsoft.Storage/storageAccounts/store",
        f"https://management.azure.com{ACCOUNT}/deployments/chat",
    ],
)
def test_what_we_do_not_audit_is_no_target(resource: str) -> None:
    assert find_target(resource) is None


def test_the_case_of_an_id_does_not_matter() -> None:
    upper = f"{ACCOUNT}/deployments/chat".upper()

    assert parse_target(upper) == parse_target(upper.lower())


def test_a_target_knows_its_place() -> None:
    target = parse_target(f"{ACCOUNT}/deployments/chat")

    assert target.subscription == "00000000-0000-4000-8000-000000000001"
    assert target.resource_group == "rg-ml"
    assert target.parent_name == "aoai-prod"


def test_a_resource_lives_in_its_parent() -> None:
    assert find_parent(f"{WORKSPACE}/batchEndpoints/nightly/deployments/a") == WORKSPACE.lower()
    assert find_parent(f"{REGISTRY}/models/churn/versions/3") == REGISTRY.lower()


def test_an_id_longer_than_arms_is_no_target() -> None:
    long = f"{ACCOUNT}/deployments/" + "x" * MAX_ID

    assert find_target(long) is None
    assert find_parent(long) is None


def test_an_id_that_names_nothing_says_what_was_expected() -> None:
    with pytest.raises(BadInput, match="expected the ARM id of an online, batch or serverless endpoint"):
        parse_target("churn")


@pytest.mark.parametrize("name", [".", "..", "a\nb", "\ud800", "a\x00", "a\u200b", "\u202eb"])
def test_a_name_that_arm_could_not_have_given_is_no_target(name: str) -> None:
    assert find_target(f"{ACCOUNT}/deployments/{name}") is None


@given(any_text | st.sampled_from(HOSTILE_TEXTS))
def test_an_id_is_normalised_once_and_for_all(text: str) -> None:
    once = normalise_id(text)

    assert normalise_id(once) == once


@given(
    any_text | st.sampled_from(HOSTILE_TEXTS) | st.sampled_from(["chat /", "chat/ /", "ǰ", "J\u030c", "İ\u0323"])
)
def test_the_id_of_a_target_leads_back_to_the_same_target(name: str) -> None:
    target = find_target(f"{ACCOUNT}/deployments/{name}")

    assert target is None or find_target(target.id) == target
