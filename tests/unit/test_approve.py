from dataclasses import replace
from datetime import timedelta

import pytest

from audit.approvals import waivers
from audit.approvals.plan import Difference
from audit.approvals.policy import ScopedPolicy
from audit.approvals.releases import granted
from audit.errors import BadInput, Conflict, Unavailable
from audit.model import Release, Waiver
from audit.record import keys
from audit.service.approve import Approver, Asked
from audit.targets import parse_target
from tests.fakes import FakeClock, FakeTable
from tests.house import ACCOUNT, APPROVED_AT, CHAT, CHURN, PRIVACY, release


def approver(table: FakeTable, name: str = "ada") -> Approver:
    return Approver(table, lambda: name, FakeClock().now, PRIVACY)


def waiver(days: int = 30) -> Waiver:
    return Waiver(CHAT, "MA401", "ada", "known", APPROVED_AT, APPROVED_AT + timedelta(days=days), "CHG-2")


def many(count: int) -> list[Release]:
    return [release(parse_target(f"{ACCOUNT}/deployments/chat-{n:03}"), f"r-{n}") for n in range(count)]


EVERYTHING = Asked([release(), release(CHURN, "r2")], [waiver()], [ScopedPolicy("*", max_waiver_days=60)])


def changes(steps: list) -> list[str]:
    return [step.change for step in steps]


def test_everything_is_put_in_force_and_a_second_time_changes_nothing() -> None:
    table = FakeTable()

    first, rows = approver(table).apply(EVERYTHING), table.all_rows()
    second = approver(table).apply(EVERYTHING)

    assert sorted(changes(first)) == ["granted", "granted", "policy set", "waived"]
    assert set(changes(second)) == {"unchanged"}
    assert table.all_rows() == rows
    assert approver(table).approvals(CHAT).waivers == (waiver(),)
    assert approver(table).policies() == (ScopedPolicy("*", max_waiver_days=60),)


def test_a_plan_says_what_applying_would_change_and_writes_nothing() -> None:
    table = FakeTable()
    approver(table).apply(Asked([release()]))
    rows = table.all_rows()

    (step,) = approver(table).plan(Asked([release(id_="r9", owner="growth")]))

    assert (step.change, step.name) == ("replaced", "r9")
    assert step.differences == (Difference("id", "r1", "r9"), Difference("owner", "", "growth"))
    assert table.all_rows() == rows


def test_a_hundred_targets_of_a_parent_are_read_and_written_in_few_round_trips() -> None:
    table = FakeTable()

    approver(table).apply(Asked(many(100)))
    written = table.round_trips
    steps = approver(table).apply(Asked(many(100)))

    assert written < 20
    assert table.round_trips - written == 2
    assert set(changes(steps)) == {"unchanged"}


def test_who_acted_stands_in_the_chain() -> None:
    table = FakeTable()
    approver(table, "pipeline-7").apply(EVERYTHING)
    approver(table, "grace").revoke(CHAT, "broken")

    entries, broken = approver(table).history(CHAT)

    assert broken is None
    assert [b'"identity":"pipeline-7"' in raw for raw in entries] == [True, True, False]
    assert b'"identity":"grace"' in entries[2]
    assert b'"reason":"broken"' in entries[2]
    assert granted(entries) == {"r1": release()}


def test_what_is_revoked_is_no_longer_in_force() -> None:
    table = FakeTable()
    approver(table).apply(EVERYTHING)

    approver(table).revoke(CHAT, "broken")

    assert approver(table).approvals(CHAT).release is None
    assert approver(table).approvals(CHAT).waivers == (waiver(),)
    with pytest.raises(BadInput, match="nothing to revoke"):
        approver(table).revoke(CHAT, "again")


def test_a_waiver_is_renewed_in_place_and_can_be_withdrawn() -> None:
    table = FakeTable()
    approver(table).apply(Asked(waivers=[waiver()]))
    approver(table).apply(Asked(waivers=[waiver(40)]))
    assert approver(table).waivers() == [waiver(40)]

    approver(table).withdraw(CHAT, waivers.id_of(waiver()), "fixed")

    assert approver(table).waivers() == []
    assert len(approver(table).history(CHAT)[0]) == 3


def test_a_policy_is_lifted_by_its_scope() -> None:
    table = FakeTable()
    approver(table).apply(EVERYTHING)

    approver(table).lift("*", "reorganised")

    assert approver(table).policies() == ()
    with pytest.raises(BadInput, match="scope of a policy in force"):
        approver(table).lift("*", "again")


@pytest.mark.parametrize("reason", ["", "  "])
def test_nothing_ends_without_a_reason(reason: str) -> None:
    table = FakeTable()
    approver(table).apply(EVERYTHING)

    with pytest.raises(BadInput, match="expected a reason"):
        approver(table).revoke(CHAT, reason)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked([release()], policies=[ScopedPolicy("*", gates_before_production=("evaluation",))]), "evaluation"),
        (Asked(waivers=[waiver(91)]), "at most 90 days"),
        (Asked(waivers=[waiver(31)], policies=[ScopedPolicy("*", max_waiver_days=30)]), "at most 30 days"),
        (Asked(waivers=[replace(waiver(), subject=str(n)) for n in range(41)]), "at most 40 waivers"),
        (Asked(policies=[ScopedPolicy(f"tag:a={n}") for n in range(41)]), "at most 40 policies"),
    ],
)
def test_what_a_policy_forbids_is_refused_before_anything_is_written(asked: Asked, words: str) -> None:
    table = FakeTable()

    with pytest.raises(BadInput, match=words):
        approver(table).apply(replace(asked, releases=[*many(3), *asked.releases]))

    assert table.all_rows() == {}


def test_the_policy_in_the_table_binds_files_that_do_not_name_it() -> None:
    table = FakeTable()
    approver(table).apply(Asked(policies=[ScopedPolicy("*", gates_before_production=("evaluation",))]))

    with pytest.raises(BadInput, match=r"releases\.yaml:3: .*no evidence `evaluation`"):
        approver(table).apply(Asked([release()], places={CHAT.id: "releases.yaml:3"}))


def test_a_lost_answer_is_no_conflict() -> None:
    table = FakeTable(lose_answer_next=2)

    steps = approver(table).apply(Asked([release()]))

    assert changes(steps) == ["granted"]
    assert approver(table).approvals(CHAT).release == release()


class Rival(FakeTable):
    """A table where somebody else approves just before our second transaction of releases."""

    def commit(self, partition: str, writes: list) -> list:
        if partition == keys.partition(CHURN.parent) and not self.partitions[partition]:
            self.partitions[partition]["0-taken"] = None  # type: ignore[assignment]
            del self.partitions[partition]["0-taken"]
            raise Conflict("somebody else was first")
        return super().commit(partition, writes)


def test_a_conflict_says_what_is_written_and_what_is_not() -> None:
    table = Rival()

    with pytest.raises(Conflict, match=rf"stopped at {CHURN.id}.*Written before: {CHAT.id}") as caught:
        approver(table).apply(Asked([release(), release(CHURN, "r2")]))

    assert "apply again" in str(caught.value)
    assert approver(table).approvals(CHAT).release == release()


def test_storage_that_fails_half_way_leaves_whole_targets() -> None:
    table = FakeTable()
    approver(table).apply(Asked([release()]))

    class Failing(FakeTable):
        def commit(self, partition: str, writes: list) -> list:
            if partition == keys.partition(CHURN.parent):
                raise Unavailable("down")
            return super().commit(partition, writes)

    failing = Failing(table.partitions)
    with pytest.raises(Unavailable, match=r"down\. Written before"):
        approver(failing).apply(Asked([release(owner="x"), release(CHURN, "r2")]))

    assert approver(table).approvals(CHAT).release == release(owner="x")
    assert approver(table).approvals(CHURN).release is None
    assert approver(table).history(CHAT)[1] is None
