"""What checks and sweeps remember of a target, and what they find by it: the whole service, on fakes."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from audit.errors import Conflict
from audit.model import Look, Outcome, Retirement, Severity, Stage, Target
from audit.ports import Row, Write
from audit.record import keys, ledger
from audit.record.memory import Memory
from audit.sight.catalogue import Catalogue, Unread
from audit.targets import parse_target
from tests.fakes import FakeLive, FakeTable
from tests.house import (
    CHAT,
    CHAT_FACTS,
    CHURN,
    GROUP,
    MODEL,
    House,
    chat_document,
    endpoint_document,
    model_document,
    release,
    write_event,
)

REFUSED = Look(Outcome.UNREADABLE, reason="HTTP 403")
CANARY = {"deployments.blue.model.version": "3", "deployments.green.model.version": "4"}
GREEN = ("MA307", "green")
SECOND = ("MA606", "versions.2")
REGISTRY = f"{GROUP}/providers/Microsoft.MachineLearningServices/registries/shared"
RETIRES = datetime.fromisoformat("2027-06-01T00:00:00Z")


def canary(share: int = 10) -> dict:
    return endpoint_document({"blue": 100 - share, "green": share}, blue="3", green="4")


def churn_house(document: dict | None = None, **changes: object) -> House:
    """Return a house whose endpoint has a canary beside its main deployment, and was looked at."""
    house = House()
    house.approve(release(CHURN, facts={**CANARY, "traffic.blue": 90, "traffic.green": 10}, **changes))
    house.serve(CHURN, document or canary())
    house.sweep()
    return house


def model_house(*versions: str, **properties: object) -> House:
    """Return a house with a registered model, whose version 3 is approved, after two sweeps."""
    house = House()
    house.approve(release(MODEL, facts={"versions.3.archived": False}))
    house.serve(MODEL, model_document(*versions or ("2", "3"), **properties))
    house.sweep()
    house.clock.advance(hours=1)
    house.sweep()
    return house


def endpoint_house(**model: object) -> House:
    """Return a house with a model and an endpoint that serves its version 3, after two sweeps."""
    house = House()
    house.approve(release(CHURN, facts={"deployments.blue.model.version": "3", "traffic.blue": 100}))
    house.serve(CHURN, endpoint_document({"blue": 100}, blue="3"))
    house.serve(MODEL, model_document("2", "3", **model))
    sweep_twice(house)
    return house


def sweep_twice(house: House) -> None:
    for _ in range(2):
        house.sweep()
        house.clock.advance(hours=1)


def chat_house(catalogue: Catalogue | None = None, **changes: object) -> House:
    house = House()
    house.live.catalogues[CHAT.parent] = retiring(RETIRES) if catalogue is None else catalogue
    house.approve(release(**changes))
    house.serve(CHAT, chat_document())
    sweep_twice(house)
    return house


def retiring(at: datetime, version: str = "2024-08-06", **changes: object) -> Catalogue:
    return {("openai", "gpt-4o", version, ""): Retirement("GenerallyAvailable", at, **changes)}  # type: ignore[arg-type]


def event(house: House, target: Target, id_: str = "e-1") -> dict:
    return write_event(target, id_, house.clock.now().isoformat())


def restarted(house: House) -> House:
    """Return another process on the same storage, which remembers nothing of its own."""
    return House(
        ledger=house.ledger, releases=house.releases, blobs=house.blobs, live=house.live, clock=house.clock
    )


def remembered(house: House, target: Target) -> Row:
    return house.ledger.partitions[keys.partition(target.parent)][keys.memory(keys.target_hash(target))]


# Trials


def test_a_canary_that_stays_too_long_is_found_by_a_sweep_after_a_restart() -> None:
    house = churn_house()
    house.clock.advance(days=14)
    house.sweep()
    before = set(house.open)

    house.clock.advance(days=1)
    restarted(house).sweep()

    assert (before, house.open) == (set(), {GREEN})


def test_a_canary_that_stays_too_long_is_found_by_an_event_too() -> None:
    house = churn_house()
    house.clock.advance(days=15)

    house.deliver(event(house, CHURN))

    assert house.open == {GREEN}


def test_a_trial_that_was_ended_and_begun_anew_counts_anew() -> None:
    house = churn_house()
    house.clock.advance(days=10)
    house.serve(CHURN, canary(0))
    house.sweep()
    house.clock.advance(days=1)
    house.serve(CHURN, canary())
    house.sweep()

    house.clock.advance(days=10)
    house.sweep()

    assert house.open == set()


def test_a_deployment_that_loses_its_lead_is_on_trial_from_that_day_on() -> None:
    house = churn_house()
    house.clock.advance(days=10)
    house.serve(CHURN, canary(90))
    house.sweep()

    house.clock.advance(days=10)
    house.sweep()

    assert house.open == {("MA301", "traffic")}


def test_a_look_that_could_not_see_neither_ends_a_trial_nor_its_finding() -> None:
    house = churn_house()
    house.clock.advance(days=15)
    house.sweep()
    house.live.errors[CHURN] = REFUSED
    house.deliver(event(house, CHURN))
    was_open = set(house.open)

    del house.live.errors[CHURN]
    house.deliver(event(house, CHURN, "e-2"))

    assert was_open == {GREEN, ("MA901", "sight")}
    assert house.open == {GREEN}


def test_a_late_and_a_doubled_event_change_nothing_that_is_remembered() -> None:
    house = churn_house()
    before = remembered(house, CHURN)
    house.clock.advance(days=1)
    late = write_event(CHURN, "e-late", "2026-11-01T00:00:00Z")

    house.deliver(late, late, event(house, CHURN), event(house, CHURN))

    assert remembered(house, CHURN) == before


def test_a_target_with_a_past_still_costs_four_round_trips_at_rest() -> None:
    house = churn_house()
    house.clock.advance(hours=1)
    tables = (house.ledger, house.releases)
    before = sum(table.round_trips for table in tables)

    house.deliver(event(house, CHURN))

    assert sum(table.round_trips for table in tables) - before == 4


# Versions


def test_a_version_that_was_deleted_is_found_and_stays_found_for_its_retention() -> None:
    house = model_house()
    house.serve(MODEL, model_document("3"))
    house.deliver(event(house, MODEL))
    deleted_at = house.clock.now()
    at_once = set(house.open)

    house.clock.time = deleted_at + timedelta(days=2556)
    house.sweep()
    inside = set(house.open)
    house.clock.time = deleted_at + timedelta(days=2557)
    restarted(house).sweep()

    assert (at_once, inside, house.open) == ({SECOND}, {SECOND}, set())


def test_a_version_that_came_back_is_no_longer_missing() -> None:
    house = model_house()
    house.serve(MODEL, model_document("3"))
    house.sweep()

    house.serve(MODEL, model_document("2", "3"))
    house.sweep()

    assert (house.open, house.told) == (set(), [("opened", "MA606"), ("resolved", "MA606")])


def test_a_model_that_was_deleted_with_all_its_versions_is_found() -> None:
    house = model_house()

    del house.live.documents[MODEL]
    house.deliver(event(house, MODEL))

    assert house.open == {("MA103", "target"), SECOND, ("MA606", "versions.3")}


def test_a_model_that_cannot_be_read_loses_no_version() -> None:
    house = model_house()
    before = remembered(house, MODEL)

    house.live.errors[MODEL] = REFUSED
    house.sweep()

    assert (remembered(house, MODEL), house.open) == (before, {("MA901", "sight")})


def test_a_row_holds_what_fits_and_the_versions_that_are_gone_come_first() -> None:
    house = model_house(*map(str, range(2, 2000)))

    house.serve(MODEL, model_document(*map(str, range(3, 2000))))
    house.sweep()

    assert SECOND in house.open
    assert len(remembered(house, MODEL).values["body"]) < ledger.MAX_BODY


# What was written at the approval


def test_a_tag_that_was_changed_after_the_approval_is_found_by_an_event() -> None:
    house = model_house(tags={"owner": "risk"})

    house.serve(MODEL, model_document("2", "3", tags={"owner": "growth"}))
    house.deliver(event(house, MODEL))

    assert house.open == {("MA511", "versions.3.tags.owner")}


def test_what_was_seen_before_the_approval_counts_as_what_was_approved() -> None:
    house = House()
    house.serve(MODEL, model_document("3", tags={"owner": "risk"}))
    house.sweep()
    house.clock.advance(hours=1)
    house.approve(release(MODEL, facts={"versions.3.archived": False}))

    house.serve(MODEL, model_document("3", tags={"owner": "growth"}))
    house.deliver(event(house, MODEL))

    assert house.open == {("MA511", "versions.3.tags.owner")}


def test_what_serves_before_the_approved_model_does_not_count() -> None:
    house = House()
    house.serve(CHURN, endpoint_document({"blue": 100}, {"build": "1"}, blue="2"))
    house.sweep()
    house.approve(release(CHURN, facts={"deployments.blue.model.version": "3", "traffic.blue": 100}))
    house.sweep()
    house.serve(CHURN, endpoint_document({"blue": 100}, {"build": "2"}, blue="3"))
    house.deliver(event(house, CHURN))
    deployed = set(house.open)

    house.serve(CHURN, endpoint_document({"blue": 100}, {"build": "3"}, blue="3"))
    house.deliver(event(house, CHURN, "e-2"))

    assert (deployed, house.open) == (set(), {("MA511", "deployments.blue.tags.build")})


def test_who_signs_anew_approves_what_is_written_by_then() -> None:
    house = model_house(tags={"owner": "risk"})
    house.serve(MODEL, model_document("2", "3", tags={"owner": "growth"}))
    house.sweep()
    signed = replace(release(MODEL, facts={"versions.3.archived": False}), approved_at=house.clock.now())

    house.approve(signed)
    house.sweep()

    assert house.told == [("opened", "MA511"), ("resolved", "MA511")]


def test_a_job_that_can_no_longer_be_seen_is_no_change_of_the_model() -> None:
    house, document = House(), model_document("3", jobName="train-7")
    job = {"version": "3", "outcome": "present", "status": "Completed", "git_commit": "0a1b"}
    house.approve(release(MODEL, facts={"versions.3.archived": False}))
    house.serve(MODEL, document | {"jobs": [job]})
    house.sweep()

    house.serve(MODEL, document | {"jobs": [{"version": "3", "outcome": "unreadable"}]})
    house.deliver(event(house, MODEL))

    assert house.open == set()


def test_files_of_a_model_that_were_replaced_are_found_although_no_release_names_them() -> None:
    house = model_house()

    house.serve(MODEL, model_document("2", "3", modelUri="azureml://datastores/d/paths/LocalUpload/ffff/churn"))
    house.deliver(event(house, MODEL))

    assert house.open == {("MA106", "versions.3.path")}


def test_a_text_too_long_to_keep_is_compared_all_the_same() -> None:
    house = model_house(description="a" * 5000)
    house.sweep()
    quiet = set(house.open)

    house.serve(MODEL, model_document("2", "3", description="a" * 4999 + "b"))
    house.sweep()

    assert (quiet, house.open) == (set(), {("MA511", "versions.3.description")})


# What only a sweep can tell


def test_other_files_behind_an_endpoint_are_found_though_name_and_version_are_equal() -> None:
    house = endpoint_house()

    house.serve(MODEL, model_document("2", "3", modelUri="azureml://datastores/d/paths/LocalUpload/ffff/churn"))
    house.sweep()

    assert house.open == {("MA106", "deployments.blue.model.asset_path")}


def test_a_release_may_name_the_files_behind_an_endpoint_and_waits_for_the_sweep_that_sees_them() -> None:
    house = House()
    facts = {"deployments.blue.model.version": "3", "deployments.blue.model.asset_path": "elsewhere"}
    house.approve(release(CHURN, facts=facts))
    house.serve(CHURN, endpoint_document({"blue": 100}, blue="3"))
    house.deliver(event(house, CHURN))
    before = set(house.open)

    house.serve(MODEL, model_document("3"))
    house.sweep()

    assert (before, house.open) == (set(), {("MA106", "deployments.blue.model.asset_path")})


def test_an_archived_model_that_serves_is_found_at_the_model_and_at_the_endpoint() -> None:
    house = endpoint_house()

    house.serve(MODEL, model_document("2", "3", isArchived=True))
    house.sweep()

    assert house.open == {("MA602", "versions.3.archived"), ("MA602", "deployments.blue.model.archived")}


def test_a_serving_version_is_known_to_an_event_of_its_model_at_once() -> None:
    house = endpoint_house()

    house.serve(MODEL, model_document("2", "3", isArchived=True))
    house.deliver(event(house, MODEL))

    assert house.open == {("MA602", "versions.3.archived")}


@pytest.mark.parametrize("blind", [CHURN, MODEL])
def test_neither_an_event_nor_blind_sweeps_close_what_a_sweep_found(blind: Target) -> None:
    house = endpoint_house()
    house.serve(MODEL, model_document("2", "3", isArchived=True))
    house.sweep()
    found = set(house.open)

    house.deliver(event(house, MODEL), event(house, CHURN, "e-2"))
    house.live.errors[blind] = REFUSED
    sweep_twice(house)
    house.deliver(event(house, CHURN, "e-3"))
    house.live.unlisted[MODEL.parent] = "HTTP 403"
    sweep_twice(house)

    assert found <= house.open


def test_a_model_of_a_registry_is_known_as_the_registry_was_last_swept() -> None:
    house, shared = House(), parse_target(f"{REGISTRY}/models/churn")
    document = endpoint_document({"blue": 100}, blue="3")
    document["deployments"][0]["properties"]["model"] = "azureml://registries/shared/models/churn/versions/3"
    house.approve(release(CHURN, facts={"deployments.blue.model.version": "3"}))
    house.serve(CHURN, document)
    house.serve(MODEL, model_document("3"))
    house.serve(shared, model_document("3", isArchived=True))
    sweep_twice(house)

    house.serve(shared, model_document("4"))
    sweep_twice(house)

    assert ("opened", "MA602") in house.told
    assert house.open == {("MA606", "versions.3")}


def test_a_model_of_a_registry_that_nobody_watches_or_that_has_no_name_stops_no_sweep() -> None:
    house, document = House(), endpoint_document({"blue": 100}, blue="3")
    document["deployments"][0]["properties"]["model"] = "azureml://registries/shared/models/../versions/3"
    house.approve(release(CHURN, facts={"deployments.blue.model.version": "3"}))
    house.approve(release(parse_target(f"{REGISTRY}/models/churn"), facts={"versions.3.archived": False}))
    house.serve(CHURN, document)

    sweep_twice(house)

    assert house.open == {("MA103", "target")}


def test_a_deployment_of_another_version_takes_its_own_standing() -> None:
    house = endpoint_house(isArchived=True)

    house.serve(CHURN, endpoint_document({"blue": 100}, blue="7"))
    house.deliver(event(house, CHURN))

    assert ("MA602", "deployments.blue.model.archived") not in house.open
    assert ("MA102", "deployments.blue.model.version") in house.open


def test_a_sweep_at_rest_writes_nothing_but_its_own_row() -> None:
    house = endpoint_house()
    before = house.ledger.all_rows()

    house.sweep()

    added = house.ledger.all_rows().keys() - before.keys()
    assert {key[:2] for _, key in added} == {"r-"}
    assert all(house.ledger.all_rows()[key] == row for key, row in before.items() if not key[1].startswith("0-ch"))


# Retirement


def test_a_date_that_was_brought_forward_is_told_with_the_day_of_the_first_word() -> None:
    house = chat_house()

    house.live.catalogues[CHAT.parent] = retiring(RETIRES - timedelta(days=31))
    house.sweep()

    (finding,) = [each.finding for each in house.reporter.episodes()]
    assert (finding.rule, finding.expected, finding.got) == ("MA803", "2027-06-01", "2027-05-01")
    assert finding.detail == "It is 31 days earlier than Azure said on 2026-11-21."
    assert finding.severity is Severity.MEDIUM


def test_a_date_that_moves_again_changes_the_finding_and_one_that_moves_back_resolves_it() -> None:
    house = chat_house()
    for days in (-31, 62, 0):
        house.live.catalogues[CHAT.parent] = retiring(RETIRES + timedelta(days=days))
        house.clock.advance(days=1)
        restarted(house).sweep()
        house.settle()

    (episode,) = house.reporter.episodes()
    assert (episode.revision, house.open) == (1, set())


def test_another_model_with_another_date_is_no_moved_date() -> None:
    house = chat_house(retiring(RETIRES) | retiring(RETIRES + timedelta(days=99), "2024-11-20"))

    house.serve(CHAT, chat_document("2024-11-20"))
    house.deliver(event(house, CHAT))

    assert house.open == {("MA102", "model.version")}


def test_who_signs_anew_has_seen_the_new_date() -> None:
    house = chat_house()
    house.live.catalogues[CHAT.parent] = retiring(RETIRES + timedelta(days=31))
    house.sweep()

    house.approve(replace(release(), approved_at=house.clock.now()))
    house.sweep()

    assert house.told == [("opened", "MA803"), ("resolved", "MA803")]


UPGRADED = {**CHAT_FACTS, "upgrade_option": "OnceCurrentVersionExpired"}
SOON = datetime.fromisoformat("2026-12-30T00:00:00Z")
SUCCESSOR = ("MA804", "successor")


def upgrading_house() -> House:
    """Return a house in whose account Azure will soon replace chat's model by one that nobody has approved."""
    house = House()
    house.live.catalogues[CHAT.parent] = retiring(SOON, replacement="gpt-4.1 2025-04-14")
    house.approve(release(facts=UPGRADED))
    house.serve(CHAT, chat_document(versionUpgradeOption="OnceCurrentVersionExpired"))
    sweep_twice(house)
    return house


def test_a_successor_that_no_release_of_the_account_approves_is_found_and_events_do_not_doubt_it() -> None:
    house = upgrading_house()

    house.deliver(event(house, CHAT))

    assert SUCCESSOR in house.open
    assert ("resolved", "MA804") not in house.told


def test_a_successor_that_another_release_of_the_account_approves_is_no_finding() -> None:
    house = upgrading_house()
    next_ = Target(CHAT.id + "-next", CHAT.kind, CHAT.parent, "chat-next")

    house.approve(release(next_, "r-next", facts={"model.name": "GPT-4.1", "model.version": "2025-04-14"}))
    house.sweep()
    house.deliver(event(house, CHAT))

    assert SUCCESSOR not in house.open


# The way back


def two_releases(house: House, target: Target, earlier: dict, later: dict, rollback: str = "r0") -> None:
    house.approve(release(target, "r0", facts=earlier))
    house.approve(release(target, "r1", facts=later, rollback=rollback))


def way_back(blue: str = "2") -> House:
    house = House()
    two_releases(
        house,
        CHURN,
        {"deployments.blue.model.name": "churn", "deployments.blue.model.version": blue},
        {"deployments.blue.model.name": "churn", "deployments.blue.model.version": "3"},
    )
    house.serve(CHURN, endpoint_document({"blue": 100}, blue="3"))
    house.serve(MODEL, model_document("2", "3"))
    sweep_twice(house)
    return house


def test_a_way_back_that_can_be_deployed_is_quiet() -> None:
    assert way_back().open == set()


def test_a_release_that_nobody_approved_is_no_way_back() -> None:
    house = chat_house(rollback="r-none")

    assert house.open == {("MA903", "rollback")}


def test_the_same_model_is_no_way_back() -> None:
    assert way_back("3").open == {("MA906", "rollback")}


def test_a_way_back_whose_model_is_archived_is_found_and_kept_by_events() -> None:
    house = way_back()

    archived = model_document("3")
    archived["versions"] += model_document("2", isArchived=True)["versions"]
    house.serve(MODEL, archived)
    house.sweep()
    house.clock.advance(hours=1)
    house.deliver(event(house, CHURN))

    assert house.open == {("MA904", "rollback")}


def test_a_way_back_that_was_itself_put_away_is_found() -> None:
    house = House()
    house.approve(release(id_="r0", facts={**CHAT_FACTS, "model.version": "2024-05-13"}, stage=Stage.ARCHIVED))
    house.approve(release(rollback="r0"))
    house.serve(CHAT, chat_document())
    house.sweep()

    assert house.open == {("MA904", "rollback")}


def test_a_way_back_whose_version_was_deleted_is_found() -> None:
    house = way_back()

    house.serve(MODEL, model_document("3"))
    house.sweep()

    assert house.open == {("MA905", "rollback"), SECOND}


def test_a_way_back_whose_model_is_nowhere_is_found_only_by_a_complete_list() -> None:
    house = way_back()
    house.live.unlisted[MODEL.parent] = "HTTP 403"
    house.sweep()
    before = set(house.open)

    house.live.unlisted.clear()
    del house.live.documents[MODEL]
    house.sweep()

    assert ("MA905", "rollback") not in before
    assert ("MA905", "rollback") in house.open


@pytest.mark.parametrize(
    ("version", "model", "expected"),
    [
        ("2024-05-13", "gpt-4o", {("MA905", "rollback")}),
        ("2023-01-01", "gpt-4o", {("MA905", "rollback")}),
        ("2024-11-20", "gpt-4o", set()),
        ("1", "gpt-4o.ft-churn", set()),
    ],
    ids=["retired", "no longer offered", "offered", "the team's own"],
)
def test_a_way_back_to_a_model_that_azure_has_withdrawn_is_found(
    version: str, model: str, expected: set[tuple[str, str]]
) -> None:
    house = House()
    retired = {("openai", "gpt-4o", "2024-05-13", ""): Retirement("Deprecated", None)}
    house.live.catalogues[CHAT.parent] = {**retiring(RETIRES), **retiring(RETIRES, "2024-11-20"), **retired}
    two_releases(house, CHAT, {**CHAT_FACTS, "model.name": model, "model.version": version}, CHAT_FACTS)
    house.serve(CHAT, chat_document())
    sweep_twice(house)

    assert house.open == expected


def test_a_catalogue_that_nobody_can_read_does_not_make_a_way_back_good() -> None:
    house = House()
    house.live.catalogues[CHAT.parent] = retiring(RETIRES)
    two_releases(house, CHAT, {**CHAT_FACTS, "model.version": "2023-01-01"}, CHAT_FACTS)
    house.serve(CHAT, chat_document())
    house.sweep()

    house.live.catalogues[CHAT.parent] = Unread("HTTP 403")
    house.deliver(event(house, CHAT))

    assert house.open == {("MA905", "rollback"), ("MA909", "retirement dates")}


def test_a_model_can_be_a_way_back_too() -> None:
    house = House()
    two_releases(house, MODEL, {"versions.2.archived": False}, {"versions.3.archived": False})
    house.serve(MODEL, model_document("3"))
    sweep_twice(house)

    assert house.open == {("MA905", "rollback")}


def test_a_release_that_is_revoked_takes_its_way_back_along() -> None:
    house = way_back()

    house.approver.revoke(CHURN, "broken")

    assert (house.approver.approvals(CHURN).release, house.approver.approvals(CHURN).rollback) == (None, None)


def test_a_way_back_of_a_way_back_is_found_in_the_chain() -> None:
    house = House()
    two_releases(house, CHAT, CHAT_FACTS, CHAT_FACTS)

    house.approve(release(CHAT, "r2", facts=CHAT_FACTS, rollback="r0"))

    found = house.approver.approvals(CHAT).rollback
    assert found is not None
    assert found.id == "r0"


def test_a_release_that_was_archived_and_still_serves_is_found() -> None:
    house = chat_house()

    house.approve(release(stage=Stage.ARCHIVED))
    house.sweep()

    assert house.open == {("MA603", "release")}


# Faults


@dataclass
class SweepingLive(FakeLive):
    """Azure, which is swept once while a check looks: what is remembered changes under the check."""

    house: House | None = None

    def look(self, target: Target) -> Look:
        house, self.house = self.house, None
        if house is not None:
            house.sweeper.sweep_parent(target.parent)
        return super().look(target)


def test_a_sweep_in_the_middle_of_a_check_makes_it_start_again() -> None:
    house = House(live=SweepingLive())
    house.approve(release(CHURN, facts={"deployments.blue.model.version": "3"}))
    house.serve(CHURN, endpoint_document({"blue": 100}, blue="3"))
    house.serve(MODEL, model_document("3", isArchived=True))
    assert isinstance(house.live, SweepingLive)
    house.live.house = house

    house.deliver(event(house, CHURN))

    assert ("MA602", "deployments.blue.model.archived") in house.open


@dataclass
class ContestedTable(FakeTable):
    """A table in which somebody else is first, whenever more than one row is written that is remembered."""

    def commit(self, partition: str, writes: list[Write]) -> list[str]:  # type: ignore[override]
        if len([write for write in writes if getattr(write, "row", None) and write.row.key.endswith("-n")]) > 1:
            raise Conflict("somebody was first")
        return super().commit(partition, writes)


def test_a_row_that_somebody_else_has_written_keeps_none_of_the_others_back() -> None:
    house = House(ledger=ContestedTable())
    house.approve(release(CHURN, facts={"deployments.blue.model.version": "3"}))
    house.serve(CHURN, endpoint_document({"blue": 100}, blue="3"))
    house.serve(MODEL, model_document("3", isArchived=True))

    sweep_twice(house)

    assert ("MA602", "versions.3.archived") in house.open
    assert ("MA602", "deployments.blue.model.archived") in house.open


def test_a_sweep_that_died_after_it_remembered_is_made_good_by_the_next_one() -> None:
    house = endpoint_house()
    house.serve(MODEL, model_document("2", "3", isArchived=True))
    house.sweeper.sweep_parent(MODEL.parent)
    house.checks.take()  # the messages are lost with the process

    restarted(house).sweep()

    assert house.open == {("MA602", "versions.3.archived"), ("MA602", "deployments.blue.model.archived")}


def test_a_row_of_a_newer_model_audit_is_refused_and_not_overwritten() -> None:
    house = churn_house()
    row = remembered(house, CHURN)
    newer = replace(row, values={**row.values, "v": ledger.VERSION + 1})
    house.ledger.partitions[keys.partition(CHURN.parent)][row.key] = newer

    with pytest.raises(Exception, match="update Model Audit"):
        house.deliver(event(house, CHURN))

    assert remembered(house, CHURN) == newer


def test_what_is_remembered_can_be_read_again_as_it_was_written() -> None:
    house = endpoint_house(tags={"owner": "risk"})

    found = ledger.read(remembered(house, CHURN), Memory)

    assert found.around is not None
    assert found.around.assets["churn:3"].path.endswith("/3/churn")
    assert found.at_approval["deployments.blue"]["model.asset_path"] == found.around.assets["churn:3"].path
