"""What somebody may hand in as a release file by mistake or by intent, and the line they hear of."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from audit.approvals.adopt import Adopted, release_file
from audit.approvals.approved import admits
from audit.approvals.release_files import Files, read_files, read_release_files, schema
from audit.cli.annotations import Note, github, junit
from audit.errors import BadInput
from audit.identity import identity_of
from audit.model import Criterion, Stage, Waiver
from audit.sight.facts import facts_of
from tests.fakes import FakeClock
from tests.house import ACCOUNT, APPROVED_AT, CHAT, CHURN, chat_document, churn_document

ROOT = Path(__file__).parents[2]
NOW = FakeClock().now()
FULL = f"""releases:
  - id: chat-2026-11
    target: {ACCOUNT}/deployments/chat
    approved_by: ada@contoso.example
    approved_at: 2026-11-01T12:00:00Z
    facts: {{model: {{name: gpt-4o, version: 2024-08-06}}}}
    on_call: https://pagerduty.example/chat
    monitoring: alert rule chat-p95
    review_at: 2027-05-01T00:00:00Z
    expires_at: 2027-11-01T00:00:00Z
    stage: staging
    deployers: [ABC]
    rollback: chat-2026-08
    evidence:
      evaluation: https://ci.example/1
      git_commit: 0a1b2c3d
      ab_comparison:
        link: https://ci.example/2
        criteria:
          latency_p95_ms: {{got: 180, at_most: 200}}
waivers:
  - target: {ACCOUNT}/deployments/chat
    rule: ma401
    subject: sku.capacity
    author: grace
    reason: capacity is being raised
    ticket: CHG-2
    starts_at: 2026-11-01T00:00:00Z
    ends_at: 2026-12-01T00:00:00Z
"""


def read(folder: Path, text: str) -> Files:
    (folder / "r.yaml").write_text(text)
    return read_files(folder)


def test_a_file_says_all_that_a_release_and_a_waiver_can_say(tmp_path: Path) -> None:
    files = read(tmp_path, FULL)
    (release,), (waiver,) = files.releases, files.waivers

    assert (release.stage, release.deployers, release.rollback) == (Stage.STAGING, ("abc",), "chat-2026-08")
    assert release.evidence["ab_comparison"] == "https://ci.example/2"
    assert release.criteria == (Criterion("ab_comparison", "latency_p95_ms", 180, at_most=200),)
    assert (waiver.rule, waiver.subject, waiver.author) == ("MA401", "sku.capacity", "grace")
    assert isinstance(waiver, Waiver)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("monitoring:", "monitorin:", 8, "unknown field `monitorin`: did you mean `monitoring`"),
        ("stage: staging", "stage: stagin", 11, "did you mean `staging`"),
        ("deployers: [ABC]", "deployers: ABC", 12, "expected a list in deployers, got 'ABC'"),
        ("review_at: 2027-05-01T00:00:00Z", "review_at: 2027-05-01T00:00:00", 9, "with its zone in review_at"),
        ("2027-11-01T00:00:00Z", "2025-11-01T00:00:00Z", 10, "expected expires_at after approved_at"),
        ("rollback: chat-2026-08", "rollback: chat-2026-11", 13, "another release to go back to"),
        ("evaluation:", "evalution:", 15, "did you mean `evaluation`"),
        ("0a1b2c3d", "main", 16, "expected a commit"),
        ("at_most: 200", "atmost: 200", 20, "did you mean `at_most`"),
        (", at_most: 200", "", 20, "at_least or at_most of the criterion"),
        ("got: 180", "got: fast", 20, "expected a number in got, got 'fast'"),
        ("rule: ma401", "rule: MA4O1", 23, "did you mean `MA4"),
        ("author: grace", "author: ''", 25, "expected a text in author"),
        ("2026-12-01", "2026-10-01", 29, "an end after the start"),
        ("    reason: capacity is being raised\n", "", 22, "missing required field `reason`"),
        ("waivers:", "waiver:", 21, "did you mean `waivers`"),
    ],
)
def test_a_mistake_is_told_with_its_own_line(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    assert old in FULL
    with pytest.raises(BadInput, match=rf"r\.yaml:{line}: .*{words}"):
        read(tmp_path, FULL.replace(old, new, 1))


def test_a_template_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )

    with pytest.raises(BadInput, match=r"r\.yaml:2: expected plain values, got the alias \*a"):
        read(tmp_path, bomb)


def test_a_hundred_thousand_entries_are_refused_at_the_first_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"r\.yaml:10002: expected at most 10000 releases, got 100000"):
        read(tmp_path, "releases:\n" + "- {id: x}\n" * 100_000)


def test_a_file_of_values_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"r\.yaml:1: expected at most 1000000 values"):
        read(tmp_path, "[" + "1," * 1_100_000 + "]")


def test_a_release_too_large_for_its_row_is_refused(tmp_path: Path) -> None:
    facts = ", ".join(f"tags.t{n}: {'x' * 900}" for n in range(60))

    with pytest.raises(BadInput, match=r"r\.yaml:2: expected a release of at most 50000 bytes"):
        read(tmp_path, FULL.replace("facts: {", f"facts: {{{facts}, "))


def test_the_published_schema_is_the_one_that_the_reader_has() -> None:
    published = json.loads((ROOT / "docs/release.schema.json").read_text())

    assert published == schema(), "python -m audit.approvals.schema > docs/release.schema.json"


@pytest.mark.parametrize("file", sorted((ROOT / "local").glob("releases*/*.yaml")), ids=lambda file: file.name)
def test_the_schema_accepts_what_the_reader_accepts(file: Path) -> None:
    jsonschema.validate(json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str)), schema())

    assert read_release_files(file)


def test_the_schema_refuses_a_misspelt_field() -> None:
    with pytest.raises(jsonschema.ValidationError, match="rollbak"):
        jsonschema.validate({"releases": [{"rollbak": "x"}]}, schema())


def test_the_documentation_shows_a_file_that_can_be_read(tmp_path: Path) -> None:
    page = (ROOT / "docs/releases.md").read_text()
    examples = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]

    assert len(examples) >= 3
    for example in examples:
        read(tmp_path, example)


def test_what_is_adopted_has_to_be_signed_and_then_approves_exactly_what_serves(tmp_path: Path) -> None:
    documents = {CHAT: chat_document(), CHURN: churn_document()}
    seen = [Adopted(target, facts_of(target.kind, document), NOW) for target, document in documents.items()]
    text = release_file(seen, NOW)

    with pytest.raises(BadInput, match=r"r\.yaml:\d+: .*a person has to sign"):
        read(tmp_path, text)
    signed = text.replace("approved_by: ''", "approved_by: ada").replace(
        "approved_at: ''", f"approved_at: '{APPROVED_AT.isoformat()}'"
    )
    for release in read(tmp_path, signed).releases:
        live = facts_of(release.target.kind, documents[release.target])
        assert all(admits(value, live[name]) for name, value in release.facts.items())
        assert live.keys() - release.facts.keys() <= {"provisioning_state"}


def test_an_annotation_cannot_be_broken_out_of() -> None:
    assert github([Note("error", "a:b,c", "x\n::error::y %")]) == "::error title=a%3Ab%2Cc::x%0A::error::y %25"


def test_a_junit_report_counts_its_failures_and_is_xml_whatever_comes() -> None:
    from xml.etree import ElementTree

    report = junit("gate", [("good", []), ("bad \x00<&", [Note("error", "t", "w \x1b")])])
    root = ElementTree.fromstring(report.encode())  # noqa: S314 - our own bytes

    assert root.find("testsuite[@tests='2'][@failures='1']") is not None


def test_the_identity_is_the_name_in_the_token() -> None:
    import base64

    claims = base64.urlsafe_b64encode(json.dumps({"upn": "ada@contoso.example", "oid": "1-2"}).encode()).decode()

    assert identity_of(f"x.{claims.rstrip('=')}.y") == "ada@contoso.example (1-2)"
    assert identity_of("nonsense") == "an identity whose token cannot be read"
