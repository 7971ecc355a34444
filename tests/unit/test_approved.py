import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given

from audit.approvals.approved import admits
from audit.approvals.release_files import read_release_files
from audit.errors import BadInput
from audit.model import Approved, Release, Scalar
from tests.house import ACCOUNT, WORKSPACE, release
from tests.strategies import any_text


@pytest.mark.parametrize(
    ("expected", "got", "is_admitted"),
    [
        ("3", 3, True),
        ("NoAutoUpgrade", "noautoupgrade", True),
        ("3", None, False),
        (Approved(one_of=("3", "4")), "4", True),
        (Approved(one_of=("3", "4")), 5, False),
        (Approved(one_of=("3",)), None, False),
        (Approved(at_least=2, at_most=5), 2, True),
        (Approved(at_least=2, at_most=5), "5", True),
        (Approved(at_least=2, at_most=5), 6, False),
        (Approved(at_least=2), 1000, True),
        (Approved(at_most=5), -1, True),
        (Approved(at_least=2), "many", False),
        (Approved(at_least=0), True, False),
        (Approved(at_least=0), "nan", False),
        (Approved(at_least=0), "9" * 5000, False),
        (Approved(because="autoscale decides"), "anything", True),
        (Approved(because="autoscale decides"), None, True),
        (Approved(), "anything", False),
    ],
)
def test_a_fact_is_admitted_or_not(expected: Scalar | Approved, got: Scalar | None, is_admitted: bool) -> None:
    assert admits(expected, got) is is_admitted


@given(any_text)
def test_no_text_makes_a_range_fail(text: str) -> None:
    assert admits(Approved(at_least=1, at_most=0), text) is False


@pytest.mark.parametrize(
    ("approved", "words"),
    [
        (Approved(one_of=("3", "4")), "one of 3, 4"),
        (Approved(at_least=2, at_most=5), "at least 2 and at most 5"),
        (Approved(because="it scales"), "not audited, because it scales"),
    ],
)
def test_an_expression_reads_as_a_phrase(approved: Approved, words: str) -> None:
    assert str(approved) == words


def test_an_expression_survives_the_table() -> None:
    facts = {"a": Approved(one_of=("1", 2)), "b": Approved(at_least=1.5), "c": Approved(because="x"), "d": "1"}
    written = release(facts=facts)

    assert msgspec.json.decode(msgspec.json.encode(written), type=Release) == written


def read(folder: Path, facts: dict, target: str = f"{ACCOUNT}/deployments/chat") -> Release:
    entry = {
        "id": "r1",
        "target": target,
        "approved_by": "ada",
        "approved_at": "2026-11-01T12:00:00Z",
        "facts": facts,
    }
    (folder / "r.json").write_text(json.dumps({"releases": [entry]}))
    return read_release_files(folder)[0]


def test_facts_are_read_as_what_is_admitted(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {
            "model.version": {"one_of": ["3", "4"]},
            "sku": {"capacity": {"at_least": 10, "at_most": "50"}},
            "content_filter": {"not_audited": "the platform team owns it"},
        },
    )

    assert found.facts == {
        "content_filter": Approved(because="the platform team owns it"),
        "model.version": Approved(one_of=("3", "4")),
        "sku.capacity": Approved(at_least=10, at_most=50),
    }


@pytest.mark.parametrize(
    "reference",
    [
        "azureml:churn:3",
        "azureml://registries/prod/models/churn/versions/3",
        f"{WORKSPACE}/models/Churn/versions/3",
    ],
)
def test_a_model_may_be_written_as_a_reference(tmp_path: Path, reference: str) -> None:
    found = read(tmp_path, {"deployments": {"Blue": {"model": reference}}}, f"{WORKSPACE}/onlineEndpoints/churn")

    assert found.facts["deployments.blue.model.name"] == "churn"
    assert found.facts["deployments.blue.model.version"] == "3"
    assert found.facts.get("deployments.blue.model.registry") == ("prod" if "registries" in reference else None)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"model": "azureml:churn@latest"}, "pinned to a version"),
        ({"model": "azureml:churn:latest"}, "pinned to a version"),
        ({"model": "churn"}, "pinned to a version"),
        ({"model": {"name": "churn", "label": "latest"}}, "pinned to a version"),
        ({"traffic": {"blue": 90, "green": 20}}, "sum to 100, got 110"),
        ({"traffic": {"blue": {"at_least": 1}}}, "not_audited"),
        ({"mirror_traffic": {"blue": 60}}, "at most 50 percent"),
        ({"model.verison": "3"}, "did you mean `model.version`"),
        ({"deployments": {"blue": {"instance_tpye": "x"}}}, "did you mean `instance_type`"),
        ({"trafic": {"blue": 100}}, "did you mean `traffic`"),
        ({"sku.capacity": {"atleast": 1}}, "did you mean `at_least`"),
        ({"sku.capacity": {"at_least": 1, "atmost": 2}}, "did you mean `at_most`"),
        ({"sku.capacity": {"at_least": "many"}}, "expected a number in sku.capacity.at_least, got 'many'"),
        ({"sku.capacity": {"at_least": 5, "at_most": 2}}, "at_least below at_most"),
        ({"sku.capacity": {"at_least": 5, "one_of": ["2"]}}, "got several of them"),
        ({"sku.capacity": {"one_of": []}}, "list of 1 to 50 values"),
        ({"sku.capacity": {"one_of": ["few"]}}, "whole number"),
        ({"sku.capacity": {"not_audited": " "}}, "expected the reason why sku.capacity is not audited"),
    ],
)
def test_a_fact_that_cannot_be_meant_is_refused(tmp_path: Path, facts: dict, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read(tmp_path, facts)


def test_a_name_that_nobody_knows_yet_is_no_misspelling(tmp_path: Path) -> None:
    assert read(tmp_path, {"liveness_probe.period": "10", "tags.trafic": "x"}).facts
