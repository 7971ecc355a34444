"""Release files that are dropped into the container: planned, shown, journalled, and never in force by that."""

import json
from datetime import datetime, timedelta
from pathlib import PurePath

import pytest

from audit.approvals.proposals import MAX_CHANGES, Proposal, Result
from audit.approvals.release_files import read_text
from audit.model import Release
from audit.privacy import PersonalData, Privacy
from audit.record import keys, ledger
from audit.service.history import Historian
from audit.service.intake import count_ignored
from audit.service.propose import MAX_BYTES, Proposer
from audit.told.render import render_report
from tests.fakes import FakeBlobs
from tests.house import CHAT, CHAT_FACTS, House, chat_document, release, write_event

STORAGE = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Storage"


def blob_event(name: str, id_: str = "b-1", type_: str = "BlobCreated", container: str = "releases") -> dict:
    return {
        "id": id_,
        "topic": f"{STORAGE}/storageAccounts/audit",
        "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
        "eventType": f"Microsoft.Storage.{type_}",
        "eventTime": "2026-11-21T08:59:58.1234567Z",
        "dataVersion": "",
        "metadataVersion": "1",
        "data": {"api": "PutBlob", "eTag": "0x1", "contentLength": 10},
    }


def release_text(id_: str = "r2", target: str = CHAT.id, **facts: str) -> bytes:
    entry = {
        "id": id_,
        "target": target,
        "approved_by": "eve@contoso.example",
        "approved_at": "2026-11-20T12:00:00Z",
        "facts": CHAT_FACTS | facts,
    }
    return json.dumps({"releases": [entry]}).encode()


def as_written() -> Release:
    """Return the release that `release_text` writes."""
    return read_text(PurePath("chat.json"), release_text().decode()).releases[0]


@pytest.fixture
def house() -> House:
    """Return a house in which one deployment is as approved, and was looked at."""
    house = House()
    house.serve(CHAT, chat_document())
    house.approve(release())
    house.sweep()
    return house


def drop(house: House, content: bytes, name: str = "chat.json", **event: str) -> None:
    house.files.files[name] = content
    house.deliver(blob_event(name, **event))


def kept(house: House, name: str = "chat.json") -> Proposal:
    key = keys.proposal(name)
    (row,) = house.ledger.rows(keys.PROPOSALS, key, key + "-")
    return ledger.read(row, Proposal)


def told_by_history(house: House) -> list[str]:
    moments = Historian(house.ledger, house.releases, FakeBlobs()).history(CHAT)
    return [moment.text for moment in moments if "proposed" in moment.text]


def page(house: House) -> str:
    now = house.clock.now()
    return render_report(house.reporter.report(now - timedelta(days=7), now))


def test_what_a_dropped_file_would_change_is_kept_with_whom_it_names_as_approver(house: House) -> None:
    drop(house, release_text())

    (change,) = kept(house).changes
    assert kept(house).result is Result.PROPOSED
    assert (change.change, change.subject, change.name) == ("replaced", CHAT.id, "r2")
    assert change.by == "eve@contoso.example"


def test_a_dropped_file_approves_nothing(house: House) -> None:
    before = house.releases.all_rows()

    drop(house, release_text(**{"model.version": "2024-11-20"}))

    assert house.releases.all_rows() == before
    assert house.told == []


def test_the_history_of_a_target_tells_of_the_proposal(house: House) -> None:
    drop(house, release_text())

    assert told_by_history(house) == [
        "proposed another release, r2, in chat.json (claims approval by eve@contoso.example); not in force"
    ]


def test_a_proposal_costs_no_look_at_azure(house: House) -> None:
    before = house.live.looks

    drop(house, release_text())

    assert house.live.looks == before


def test_a_proposal_is_no_write_and_no_cause(house: House) -> None:
    drop(house, release_text())
    house.serve(CHAT, chat_document("2024-11-20"))

    house.sweep()

    (found,) = [row for row in house.reporter.open_findings() if row["rule"] == "MA102"]
    assert "no event announced this" in found["cause"]


def test_the_report_shows_it_as_proposed_until_somebody_puts_it_in_force(house: House) -> None:
    drop(house, release_text())
    before = page(house)
    house.approve(as_written())

    assert "Proposed, not in force" in before
    assert "claims approval by eve@contoso.example" in before
    assert "Proposed, not in force" not in page(house)


def test_the_same_event_twice_or_the_same_content_again_is_journalled_once(house: House) -> None:
    drop(house, release_text())
    drop(house, release_text())
    drop(house, release_text(), id_="b-2")

    assert len(told_by_history(house)) == 1
    assert len(house.reporter.proposals()) == 1


def test_another_content_of_a_file_takes_its_place_in_the_report_and_both_are_journalled(
    house: House,
) -> None:
    drop(house, release_text())
    drop(house, release_text("r3"), id_="b-2")

    assert [change.name for each in house.reporter.proposals() for change in each.changes] == ["r3"]
    assert len(told_by_history(house)) == 2


def test_a_file_that_says_what_is_in_force_proposes_nothing(house: House) -> None:
    drop(house, release_text())
    house.approve(as_written())
    drop(house, release_text(), id_="b-2")

    assert kept(house).result is Result.NOTHING_NEW


def test_a_file_that_was_taken_away_is_proposed_no_more(house: House) -> None:
    drop(house, release_text())
    del house.files.files["chat.json"]
    house.deliver(blob_event("chat.json", "b-2", "BlobDeleted"))

    assert kept(house).result is Result.WITHDRAWN
    assert house.reporter.proposals() == []


def test_a_file_that_is_gone_before_it_is_read_leaves_no_trace(house: House) -> None:
    house.deliver(blob_event("gone.yaml"))

    assert house.ledger.rows(keys.PROPOSALS, "p-", "p.") == []


HOSTILE = {
    "a typo": (b"releses: []", "chat.yaml:1: unknown field `releses`: did you mean `releases`?"),
    "no text": (b"\xff\xfe\x00r", "chat.yaml:1: expected UTF-8, got the byte 0xff"),
    "a bad byte further down": (b"releases:\n- id: \xe9", "chat.yaml:2: expected UTF-8, got the byte 0xe9"),
    "too large": (b"#" * (MAX_BYTES + 1), f"chat.yaml:1: expected at most {MAX_BYTES} bytes in a file"),
    "empty": (b"", "chat.yaml:1: expected `releases:` with a list, got an empty file"),
    "a bomb": (b"a: &a [x]\nb: [*a, *a]", "chat.yaml:2: expected plain values, got the alias *a"),
    "too deep": (b"[" * 5_000, "levels, got more"),
    "a tag that runs code": (b"!!python/object/apply:os.system ['true']", "chat.yaml:1:"),
    "many entries": (b"releases:\n" + b"- {}\n" * 100_000, "expected at most 10000 releases, got 100000"),
    "not signed": (release_text().replace(b"eve@contoso.example", b""), "a person has to sign"),
}


@pytest.mark.parametrize(("content", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_or_wrong_file_is_refused_with_its_line_and_harms_nothing(
    house: House, content: bytes, words: str
) -> None:
    drop(house, content, "chat.yaml")

    assert kept(house, "chat.yaml").result is Result.REFUSED
    assert words in kept(house, "chat.yaml").error
    assert words.split(" got")[0] in page(house).replace("&#39;", "'").replace("&lt;", "<")
    assert told_by_history(house) == []


def test_what_a_policy_forbids_is_refused_in_its_words(house: House) -> None:
    policy = {"policies": [{"scope": "*", "gates_before_production": ["ticket"]}]}
    drop(house, json.dumps(json.loads(release_text()) | policy).encode())

    assert "without ticket" in kept(house).error


def test_a_secret_in_a_wrong_file_is_not_kept(house: House) -> None:
    drop(house, b"releases:\n- password=hunter2hunter2", "chat.yaml")

    assert "hunter2" not in str(house.ledger.all_rows())


def test_a_name_full_of_markup_is_shown_as_text(house: House) -> None:
    drop(house, b"x", "<script>alert(1)</script>.yaml")

    assert "<script>" not in page(house)


def test_a_file_that_names_very_many_targets_is_journalled_for_some_and_counted(house: House) -> None:
    entries = [json.loads(release_text(f"r{n}", f"{CHAT.id}-{n}"))["releases"][0] for n in range(MAX_CHANGES + 10)]
    drop(house, json.dumps({"releases": entries}).encode())

    assert (len(kept(house).changes), kept(house).more) == (MAX_CHANGES, 10)


def test_very_long_ids_fit_into_the_row_as_far_as_they_go(house: House) -> None:
    entries = [json.loads(release_text(f"r{n}", f"{CHAT.id}{'x' * 1500}{n}"))["releases"][0] for n in range(40)]
    drop(house, json.dumps({"releases": entries}).encode())

    assert 10 < len(kept(house).changes) < 40
    assert len(kept(house).changes) + kept(house).more == 40


def test_a_waiver_in_a_dropped_file_is_told_by_its_rule(house: House) -> None:
    waiver = {
        "target": CHAT.id,
        "rule": "MA403",
        "author": "eve@contoso.example",
        "reason": "load test",
        "starts_at": "2026-11-20T00:00:00Z",
        "ends_at": "2026-11-30T00:00:00Z",
    }
    drop(house, json.dumps({"waivers": [waiver]}).encode())

    assert told_by_history(house) == [
        "proposed a waiver, MA403, in chat.json (claims approval by eve@contoso.example); not in force"
    ]


def test_a_file_makes_no_workspace_known_that_nobody_watches(house: House) -> None:
    before = house.sweeper.parents()
    drop(house, release_text(target=CHAT.id.replace("aoai-prod", "elsewhere")))

    assert house.sweeper.parents() == before
    assert kept(house).result is Result.PROPOSED


def test_a_target_that_was_never_looked_at_is_looked_at(house: House) -> None:
    drop(house, release_text(target=f"{CHAT.id}-new"))

    assert kept(house).changes[0].change == "granted"
    assert "MA103" not in [row["rule"] for row in house.reporter.open_findings()]


def test_a_blob_of_another_container_is_none_of_ours(house: House) -> None:
    house.files.files["chat.json"] = release_text()
    house.deliver(blob_event("chat.json", container="uploads"))

    assert house.ledger.rows(keys.PROPOSALS, "p-", "p.") == []


def test_the_name_of_the_container_can_be_another(house: House) -> None:
    house.files.files["chat.json"] = release_text()
    intake = type(house.intake)(*_parts(house), "uploads")
    intake.take(json.dumps(blob_event("chat.json", container="uploads")))
    house.settle()

    assert kept(house).result is Result.PROPOSED


def _parts(house: House) -> tuple:
    intake = house.intake
    return intake.ledger, intake.checks, intake.identities, intake.now, intake.releases


def test_a_dropped_file_is_not_counted_as_ignored(house: House) -> None:
    drop(house, release_text())
    now = house.clock.now()

    assert not count_ignored(house.ledger, now - timedelta(days=1), now)


def test_people_are_hidden_as_the_owner_wants(house: House) -> None:
    identities = type(house.checker.identities)(set(), Privacy(b"k" * 32, PersonalData.HASH))
    house.files.files["chat.json"] = release_text()
    proposer = Proposer(house.ledger, house.releases, house.files, house.checks, identities, house.clock.now)

    proposer.run("chat.json", house.clock.now())

    assert kept(house).changes[0].by.startswith("person-")
    assert "eve@" not in str(house.ledger.all_rows())


def test_an_event_that_waits_with_a_proposal_is_still_looked_at(house: House) -> None:
    house.serve(CHAT, chat_document("2024-11-20"))
    house.files.files["chat.json"] = release_text()
    for event in (blob_event("chat.json"), write_event()):
        house.intake.take(json.dumps(event))

    house.settle()

    assert "MA102" in [row["rule"] for row in house.reporter.open_findings()]
    assert len(told_by_history(house)) == 1


def test_a_worker_that_dies_after_journalling_does_the_rest_when_the_message_comes_again(house: House) -> None:
    house.files.files["chat.json"] = release_text()
    at = datetime.fromisoformat("2026-11-21T08:59:58+00:00")
    house.propose("chat.json", at)
    house.ledger.partitions[keys.PROPOSALS].clear()  # it died before it kept what it had planned

    house.propose("chat.json", at)
    house.settle()

    assert kept(house).result is Result.PROPOSED
    assert len(told_by_history(house)) == 1
