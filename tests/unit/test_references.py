import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.references import Reference, parse_reference
from tests.house import WORKSPACE
from tests.strategies import HOSTILE_TEXTS, any_text

GUID = "0f0f0f0f-1111-4222-8333-444444444444"
CHURN_3 = Reference(name="churn", version="3")
CHURN_LATEST = Reference(name="churn", label="latest")
SHARED_3 = Reference(name="churn", version="3", registry="shared")


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (f"{WORKSPACE}/models/churn/versions/3", CHURN_3),
        (f"{WORKSPACE}/models/churn/versions/3".replace("resourceGroups", "resourcegroups"), CHURN_3),
        (f"azureml:{WORKSPACE}/models/churn/versions/3", CHURN_3),
        (f"azureml:/{WORKSPACE}/models/churn/versions/3", CHURN_3),
        ("azureml:churn:3", CHURN_3),
        ("models:/churn/3", CHURN_3),
        ("azureml://models/churn/versions/3", CHURN_3),
        (f"azureml://locations/westeurope/workspaces/{GUID}/models/churn/versions/3", CHURN_3),
        ("azureml://resourceGroups/rg-ml/workspaces/mlw-prod/models/churn/versions/3", CHURN_3),
        ("azureml://subscriptions/s/resourcegroups/rg-ml/workspaces/w/models/churn/versions/3", CHURN_3),
        (f"azureml:/{WORKSPACE}/models/churn/labels/latest", CHURN_LATEST),
        ("azureml:churn@latest", CHURN_LATEST),
        ("models:/churn@latest", CHURN_LATEST),
        ("azureml://registries/Shared/models/churn/versions/3", SHARED_3),
        (
            "azureml://registries/shared/models/churn/labels/latest",
            Reference(name="churn", label="latest", registry="shared"),
        ),
        (
            f"{WORKSPACE}/models/churn/versions/3".replace("workspaces/mlw-prod", "registries/shared"),
            SHARED_3,
        ),
        ("azureml://feeds/shared/models/churn/versions/3", SHARED_3),
    ],
)
def test_every_spelling_of_an_asset_names_the_same_asset(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    "text",
    [
        "azureml://datastores/store/paths/models/churn/",
        "azureml://subscriptions/s/resourceGroups/r/workspaces/w/datastores/d/paths/p",
        "azureml://jobs/bold_bee/outputs/model/paths/",
        "runs:/0a1b2c/model",
        "mcr.microsoft.com/azureml/minimal:1",
        "",
    ],
)
def test_what_names_no_asset_is_kept_as_it_was_said(text: str) -> None:
    assert parse_reference(text) == Reference(path=text)


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        (CHURN_3, "churn:3"),
        (CHURN_LATEST, "churn@latest"),
        (SHARED_3, "shared/churn:3"),
        (Reference(path="runs:/0a1b2c/model"), "runs:/0a1b2c/model"),
    ],
)
def test_a_reference_reads_as_one_short_text(reference: Reference, text: str) -> None:
    assert str(reference) == text


@given(any_text | st.sampled_from(HOSTILE_TEXTS))
def test_any_text_is_some_reference(text: str) -> None:
    reference = parse_reference(text)

    assert reference.path == text.strip() or (reference.name and (reference.version or reference.label))
