import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.approvals.release_files import read_release_files
from audit.approvals.strict_files import MAX_BYTES
from audit.errors import BadInput
from audit.targets import parse_target
from tests.house import ACCOUNT, CHAT, WORKSPACE
from tests.strategies import HOSTILE_TEXTS, any_text, json_values

CHAT_RELEASE = f"""
releases:
  - id: chat-2026-11
    target: {ACCOUNT}/deployments/chat
    approved_by: ada@contoso.example
    approved_at: 2026-11-01T12:00:00Z
    ticket: CHG-1
    owner: growth
    rollback: chat-2026-08
    expires_at: 2027-11-01T00:00:00Z
    evidence: {{"test report": "https://ci.example/1"}}
    facts:
      model: {{name: gpt-4o, version: 2024-08-06}}
      sku.capacity: 50
"""


def read(folder: Path, text: str, name: str = "releases.yaml") -> list:
    file = folder / name
    file.write_text(text, "utf-8")
    return read_release_files(file)


def entry(**changes: object) -> dict:
    return {
        "id": "r1",
        "target": f"{ACCOUNT}/deployments/chat",
        "approved_by": "ada",
        "approved_at": "2026-11-01T12:00:00Z",
        "facts": {"model.version": "1"},
    } | changes


def file_of(*entries: object) -> str:
    return json.dumps({"releases": list(entries)})


def test_a_release_is_read_with_all_that_it_says(tmp_path: Path) -> None:
    (release,) = read(tmp_path, CHAT_RELEASE)

    assert release.target == CHAT
    assert (release.id, release.approved_by, release.ticket) == ("chat-2026-11", "ada@contoso.example", "CHG-1")
    assert (release.owner, release.rollback) == ("growth", "chat-2026-08")
    assert release.approved_at == datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
    assert release.expires_at == datetime(2027, 11, 1, tzinfo=UTC)
    assert release.evidence == {"test report": "https://ci.example/1"}


def test_every_value_is_read_as_the_text_that_stands_there(tmp_path: Path) -> None:
    text = CHAT_RELEASE + "      tags: {old: 0613, on: yes, none: null, half: 1.50, sixty: 1:00}\n"

    (release,) = read(tmp_path, text)

    assert release.facts == {
        "model.name": "gpt-4o",
        "model.version": "2024-08-06",
        "sku.capacity": "50",
        "tags.half": "1.50",
        "tags.none": "null",
        "tags.old": "0613",
        "tags.on": "yes",
        "tags.sixty": "1:00",
    }


def test_facts_may_be_written_flat_or_nested(tmp_path: Path) -> None:
    flat = entry(facts={"deployments.blue.model.name": "churn", "deployments.blue.model.version": "3"})
    nested = entry(facts={"deployments": {"blue": {"model": {"name": "churn", "version": "3"}}}})

    assert read(tmp_path, file_of(flat))[0].facts == read(tmp_path, file_of(nested))[0].facts


def test_names_of_deployments_and_versions_are_written_in_any_case(tmp_path: Path) -> None:
    facts = {"deployments.Blue.tags.Team": "Growth", "traffic.Blue": "100", "tags.traffic.Big": "yes"}

    (release,) = read(tmp_path, file_of(entry(facts=facts)))

    assert release.facts == {
        "deployments.blue.tags.Team": "Growth",
        "tags.traffic.Big": "yes",
        "traffic.blue": "100",
    }


def test_a_json_file_reads_like_a_yaml_file(tmp_path: Path) -> None:
    assert read(tmp_path, file_of(entry()), "r.json") == read(tmp_path, file_of(entry()), "r.yaml")


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeff" + file_of(entry()))


def test_times_are_kept_in_utc(tmp_path: Path) -> None:
    (release,) = read(tmp_path, file_of(entry(approved_at="2026-11-01T12:00:00+02:00")))

    assert release.approved_at.isoformat() == "2026-11-01T10:00:00+00:00"


def test_all_files_below_a_folder_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    read(tmp_path, file_of(entry(id="second")), "b/x.json")
    read(tmp_path, file_of(entry(id="first", target=f"{WORKSPACE}/models/churn")), "a.yml")
    (tmp_path / "notes.txt").write_text("not read")

    assert [release.id for release in read_release_files(tmp_path)] == ["first", "second"]


def test_a_second_release_for_one_target_names_the_first(tmp_path: Path) -> None:
    upper = entry(target=f"{ACCOUNT}/deployments/chat".upper())

    with pytest.raises(BadInput, match=r"a\.yaml:1: expected one release a target.*first stands at .*a\.yaml:1"):
        read(tmp_path, file_of(entry(), upper), "a.yaml")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("id: chat-2026-11", "id: chat\n    rollbak: x", 4, "unknown field `rollbak`: did you mean `rollback`"),
        ("approved_by: ada@contoso.example", "approved_by: ' '", 5, "a person has to sign"),
        ("    approved_by: ada@contoso.example\n", "", 3, "missing required field `approved_by`"),
        ("approved_at: 2026-11-01T12:00:00Z", "approved_at: 2026-11-01", 6, "datetime"),
        (
            "approved_at: 2026-11-01T12:00:00Z",
            "approved_at: 2026-11-01T12:00:00",
            6,
            "with its zone in approved_at",
        ),
        ("approved_at: 2026-11-01T12:00:00Z", "approved_at: 0001-01-01T00:00:00+14:00", 6, "approved_at"),
        ("expires_at: 2027-11-01T00:00:00Z", "expires_at: soon", 10, "datetime"),
        (f"target: {ACCOUNT}/deployments/chat", "target: chat", 4, "expected the ARM id"),
        ("sku.capacity: 50", "sku.capacity: [50]", 14, "one value for the fact sku.capacity, got a list"),
        (
            "sku.capacity: 50",
            "sku.capacity: 50\n      sku.capacity: 80",
            15,
            "each name once, got 'sku.capacity' twice",
        ),
        ("sku.capacity: 50", "sku.capacity: *old", 14, "the alias \\*old"),
        ("ticket: CHG-1", "ticket: [CHG-1]", 7, "expected one text in ticket, got a list"),
        ("ticket: CHG-1", "? [a, b]\n    : c", 7, "expected a name"),
        ("releases:", "release:", 2, "unknown field `release`: did you mean `releases`"),
        ("releases:", "releases: {", 3, "expected YAML or JSON"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    with pytest.raises(BadInput, match=rf"releases\.yaml:{line}: .*{words}"):
        read(tmp_path, CHAT_RELEASE.replace(old, new))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "at least one fact"),
        ({"a": {}}, "at least one fact"),
        ({"traffic.blue": "most"}, "whole number in the fact traffic.blue, got 'most'"),
        ({"mirror_traffic.blue": "10 %"}, "whole number in the fact mirror_traffic.blue"),
        ({"sku.capacity": "many"}, "whole number in the fact sku.capacity"),
        ({"traffic.Blue": "1", "traffic.blue": "1"}, "each fact once, got traffic.blue twice"),
        ({"model.version": "1", "model": {"version": "2"}}, "each fact once, got model.version twice"),
        ({"x" * 1001: "1"}, "at most 1000 characters"),
        ({"a": "x" * 1001}, "at most 1000 characters"),
    ],
)
def test_facts_that_could_never_be_met_are_refused(tmp_path: Path, facts: dict, words: str) -> None:
    with pytest.raises(BadInput, match=rf"releases\.yaml:1: expected .*{words}"):
        read(tmp_path, file_of(entry(facts=facts)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "releases",
        "[]",
        "42",
        "a: b: c",
        "\x00",
        "--- {}\n--- {}",
        "!!python/object:os.system x",
        "%YAML 9.9\n--- a",
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"releases\.yaml"):
        read(tmp_path, text)


@pytest.mark.parametrize("text", ["[" * 200_000, "{a: " * 50_000, "- " * 50_000, "? " * 50_000, '{"a":' * 5_000])
def test_a_file_that_is_nested_without_end_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"releases\.yaml"):
        read(tmp_path, text)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe\xfa")

    with pytest.raises(BadInput, match="UnicodeDecodeError"):
        read_release_files(tmp_path / "r.yaml")


def test_a_file_too_large_to_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b" " * (MAX_BYTES + 1))

    with pytest.raises(BadInput, match="at most 10000000 bytes"):
        read_release_files(tmp_path / "r.yaml")


def test_a_folder_without_release_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="found none"):
        read_release_files(tmp_path)


HERE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@HERE
@given(any_text)
def test_no_text_raises_anything_but_bad_input(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(BadInput):
        read_release_files(tmp_path / "r.yaml")


@HERE
@given(st.sampled_from(sorted(entry())), json_values | st.sampled_from(HOSTILE_TEXTS))
def test_an_odd_value_is_read_or_refused(tmp_path: Path, name: str, value: object) -> None:
    try:
        releases = read(tmp_path, file_of(entry(**{name: value})))
    except BadInput:
        return

    assert [release.target for release in releases] == [parse_target(f"{ACCOUNT}/deployments/chat")]
