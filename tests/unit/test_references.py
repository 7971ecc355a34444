import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.sight.references import Reference, parse_reference
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
        ("azureml://registries/shared/models/churn", Reference(name="churn", label="latest", registry="shared")),
        (
            f"azureml:{WORKSPACE}/models/churn/labels/latest".upper()
            .replace("CHURN", "churn")
            .replace("LATEST", "latest"),
            CHURN_LATEST,
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
        "azureml://jobs/bold_bee/outputs/model/paths/",
        "runs:/0a1b2c/model",
        "mcr.microsoft.com/azureml/minimal:1",
        "",
    ],
)
def test_what_names_no_asset_is_kept_as_it_was_said(text: str) -> None:
    assert parse_reference(text) == Reference(path=text)


STORED = "azureml://datastores/Store/paths/LocalUpload/0A/churn/"


@pytest.mark.parametrize("groups", ["resourceGroups", "resourcegroups", "RESOURCEGROUPS"])
@pytest.mark.parametrize("provider", ["", "/providers/Microsoft.MachineLearningServices"])
def test_a_place_in_the_workspaces_own_store_is_said_in_one_way(groups: str, provider: str) -> None:
    long = f"azureml:/{WORKSPACE}/datastores/Store/paths/LocalUpload/0A/churn/"
    long = long.replace("resourceGroups", groups).replace("/providers/Microsoft.MachineLearningServices", provider)

    assert parse_reference(long, WORKSPACE) == Reference(path=STORED)
    assert parse_reference(STORED, WORKSPACE) == Reference(path=STORED)


def test_a_place_in_another_workspaces_store_stays_another_place() -> None:
    other = "azureml://subscriptions/s/resourceGroups/r/workspaces/W/datastores/d/paths/P"

    assert parse_reference(other, WORKSPACE).path == (
        "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/d/paths/P"
    )


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
PLACES = (
    "{a}/workspaces/w/{kind}/{n}",
    "azureml:{a}/workspaces/w/{kind}/{n}",
    "azureml:/{a}/workspaces/w/{kind}/{n}",
)
OWN = (
    *PLACES,
    "azureml://{kind}/{n}",
    "azureml://locations/westeurope/workspaces/" + GUID + "/{kind}/{n}",
    "azureml://resourceGroups/r/workspaces/w/{kind}/{n}",
    "azureml://resourcegroups/r/workspaces/w/{kind}/{n}",
    "azureml://subscriptions/s/resourceGroups/r/workspaces/w/{kind}/{n}",
    "azureml://subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w/{kind}/{n}",
)
SHARED = (
    *(place.replace("/workspaces/w", "/registries/{r}") for place in PLACES),
    "azureml://registries/{r}/{kind}/{n}",
    "azureml://feeds/{r}/{kind}/{n}",
)
SCOPES = ("resourceGroups", "resourcegroups", "ResourceGroups")
SHORT = {"versions": ("azureml:{n}:{v}", "models:/{n}/{v}"), "labels": ("azureml:{n}@{v}", "models:/{n}@{v}")}


@given(st.data(), NAMES, NAMES, NAMES, st.sampled_from(["versions", "labels"]))
def test_all_forms_of_one_asset_have_one_key(
    data: st.DataObject, name: str, version: str, registry: str, part: str
) -> None:
    arm = "/subscriptions/S/{g}/R/providers/Microsoft.MachineLearningServices"

    def keys_of(forms: tuple[str, ...]) -> set[str]:
        said = (
            (form + ("" if form in SHORT[part] else f"/{part}/{{v}}"))
            .replace("{a}", arm)
            .format(g=data.draw(st.sampled_from(SCOPES)), kind="models", n=name, v=version, r=registry)
            for form in forms
        )
        return {parse_reference(text).key for text in said}

    sign = ":" if part == "versions" else "@"
    assert keys_of((*OWN, *SHORT[part])) == {f"{name}{sign}{version}".lower()}
    assert keys_of(SHARED) == {f"{registry}/{name}{sign}{version}".lower()}


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
