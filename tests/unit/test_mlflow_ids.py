import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import mlflow
from audit.errors import BadInput
from audit.model import Kind
from audit.targets import find_parent, find_target, parse_target
from tests.strategies import any_text

REGISTRY = "mlflow://prod"


def test_a_model_of_mlflow_is_a_model_with_its_registry_as_parent() -> None:
    target = parse_target("mlflow://prod/models/Churn Model")

    assert (target.kind, target.name, target.parent) == (Kind.MODEL, "Churn Model", REGISTRY)
    assert (target.id, target.parent_name) == ("mlflow://prod/models/Churn Model", "prod")


def test_a_registry_of_mlflow_is_its_own_parent() -> None:
    registry = parse_target("mlflow://prod/")

    assert (registry.id, registry.kind, registry.parent, registry.name) == (
        REGISTRY,
        Kind.PARENT,
        REGISTRY,
        "prod",
    )
    assert find_parent("mlflow://prod/models/churn") == REGISTRY


def test_models_whose_names_differ_in_case_are_two() -> None:
    assert parse_target("mlflow://prod/models/Churn") != parse_target("mlflow://prod/models/churn")


def test_the_case_of_the_registry_does_not_matter() -> None:
    assert parse_target(" MLflow://PROD/Models/Churn ") == parse_target("mlflow://prod/models/Churn")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("100% sure", "100%25 sure"),
        ("team/churn", "team%2Fchurn"),
        ("a:b", "a:b"),
        ("..", ".."),
        (" x ", "%20x%20"),
        ("a\nb", "a%0Ab"),
        ("a%41", "a%2541"),
        ("größe", "größe"),
    ],
)
def test_a_name_stands_in_an_id_as_readable_as_it_can(name: str, written: str) -> None:
    id_ = mlflow.model_id(REGISTRY, name)

    assert id_ == f"{REGISTRY}/models/{written}"
    assert mlflow.name_of(parse_target(id_).id) == name


def test_what_may_be_written_either_way_is_one_model() -> None:
    assert parse_target("mlflow://prod/models/Churn%20Model") == parse_target("mlflow://prod/models/Churn Model")


def test_a_name_that_cannot_be_printed_is_shown_encoded() -> None:
    assert parse_target(mlflow.model_id(REGISTRY, "a\x1b[2Jb")).name == "a%1B[2Jb"


@pytest.mark.parametrize(
    "text",
    [
        "mlflow:",
        "mlflow://",
        "mlflow:///models/churn",
        "mlflow://prod/models",
        "mlflow://prod/models/",
        "mlflow://prod/models/churn/versions/3",
        "mlflow://prod/experiments/1",
        "mlflow://prod:5000/models/churn",
        "mlflow://-prod/models/churn",
        "mlflow://prod/models/%ff",
        "mlflow://prod/models/" + "x" * 5000,
        "https://prod/models/churn",
    ],
)
def test_what_is_no_id_of_mlflow_is_no_target(text: str) -> None:
    assert find_target(text) is None
    with pytest.raises(BadInput):
        parse_target(text)


@given(any_text.filter(bool) | st.text(alphabet="%/ .~2F5", min_size=1))
def test_every_name_has_one_id_that_leads_back_to_it(name: str) -> None:
    id_ = mlflow.model_id(REGISTRY, name)

    assert mlflow.name_of(id_) == name
    if len(id_) <= mlflow.MAX_ID:
        target = parse_target(id_)
        assert (target.id, parse_target(target.id)) == (id_, target)


@given(any_text)
def test_no_text_is_too_odd_to_be_asked_about(text: str) -> None:
    target = find_target(f"mlflow://{text}")

    assert target is None or find_target(target.id) == target
