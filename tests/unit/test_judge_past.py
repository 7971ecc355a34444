"""What is judged by what is known of a target's past, and by what its policy demands."""

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.approvals.policy import DEFAULT, Policy
from audit.judge import History, Rollback, Standing, Written, judge
from audit.model import (
    Actor,
    ActorKind,
    Facts,
    Finding,
    Observation,
    Outcome,
    Release,
    Retirement,
    Severity,
    Stage,
    Target,
    Waiver,
)
from tests.house import APPROVED_AT, CHAT, CHURN, PIPELINE, release
from tests.unit.test_judge import CHAT_FACTS, MODEL, NOW, traffic, values_of

CHANGED = {name: value for name, (value, _) in CHAT_FACTS.items()} | {"sku.capacity": 80}


def run(
    approved: Release | None,
    live: Facts | None = None,
    history: History | None = None,
    policy: Policy = DEFAULT,
    target: Target = CHAT,
    modified_at: str = "",
) -> list[Finding]:
    facts = values_of(target) if live is None else live
    seen = Observation(target, Outcome.PRESENT, NOW, facts, modified_at=modified_at)
    return list(judge(approved, seen, {}, NOW, policy, history or History()))


def rules(found: list[Finding]) -> list[str]:
    return [each.rule for each in found]


def approved(target: Target = CHAT, **changes: object) -> Release:
    return release(target, facts=values_of(target), **changes)


def written(kind: ActorKind, days: int = 1, **who: str) -> History:
    return History(written=Written(Actor(kind, **who), APPROVED_AT + timedelta(days=days)))


def waiver(days: int, subject: str = "", started: int = 100) -> Waiver:
    start, end = NOW - timedelta(days=started), NOW + timedelta(days=days)
    return Waiver(CHAT, "MA403", "grace", "load test", start, end, subject=subject)


def test_a_waiver_that_another_one_replaces_ends_quietly() -> None:
    history = History(waivers=(waiver(-1), waiver(60)))

    assert rules(run(approved(), CHANGED, history)) == ["MA403"]


def test_a_waiver_of_another_subject_is_no_replacement() -> None:
    history = History(waivers=(waiver(-1), waiver(60, "sku.capacity")))

    assert rules(run(approved(), CHANGED, history)) == ["MA110", "MA403"]


@pytest.mark.parametrize(("days", "started"), [(8, 1), (31, 100)])
def test_a_short_waiver_and_one_far_from_its_end_are_quiet(days: int, started: int) -> None:
    assert rules(run(approved(), CHANGED, History(waivers=(waiver(days, started=started),)))) == ["MA403"]


def test_a_waiver_hides_nothing_from_the_judgement() -> None:
    assert "MA403" in rules(run(approved(), CHANGED, History(waivers=(waiver(60),))))


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (written(ActorKind.PIPELINE, id=PIPELINE), []),
        (written(ActorKind.PLATFORM, id="x"), []),
        (written(ActorKind.SERVICE_PRINCIPAL, id="x"), ["MA701"]),
        (written(ActorKind.SERVICE_PRINCIPAL, id=PIPELINE.upper()), []),
        (written(ActorKind.MANAGED_IDENTITY, id="x", name="vm"), ["MA701"]),
        (written(ActorKind.UNKNOWN), ["MA701"]),
        (written(ActorKind.PERSON, name="jo", tool="the Azure CLI"), ["MA701"]),
        (written(ActorKind.PERSON, name="jo", tool="the Azure portal"), ["MA702"]),
        (written(ActorKind.PERSON, days=-1, name="jo", tool="the Azure portal"), []),
    ],
)
def test_a_change_after_the_approval_is_judged_by_who_made_it(history: History, expected: list[str]) -> None:
    assert rules(run(approved(), history=history, policy=Policy(pipelines=(PIPELINE,)))) == expected


def test_where_nobody_named_a_pipeline_anybody_may_deploy_but_by_hand() -> None:
    assert run(approved(), history=written(ActorKind.SERVICE_PRINCIPAL, id="x")) == []


def test_a_release_may_name_fewer_deployers_than_the_policy() -> None:
    history = written(ActorKind.PIPELINE, id=PIPELINE)

    assert rules(run(approved(deployers=("other",)), history=history)) == ["MA701"]


def test_an_approver_is_known_by_the_name_that_events_keep() -> None:
    history = replace(written(ActorKind.PERSON, name="person-1a2b", tool="x"), approver="person-1a2b")

    assert rules(run(approved(), history=history)) == ["MA108"]


def test_four_eyes_are_demanded_of_a_release_that_names_no_deployer() -> None:
    (finding,) = run(approved(), policy=Policy(gates_before_production=("four_eyes",)))

    assert (finding.rule, finding.got.startswith("no deployers are named")) == ("MA108", True)


def test_gates_of_another_stage_are_not_demanded() -> None:
    policy = Policy(gates_before_production=("evaluation", "rollback", "four_eyes", "git_commit"))

    assert run(approved(stage=Stage.STAGING), policy=policy) == []


@pytest.mark.parametrize(
    ("before", "modified_at", "expected"),
    [
        ("2026-11-02T08:00:00.1234567Z", "2026-11-02T08:00:00Z", ["MA102", "MA203"]),
        ("2026-11-02T08:00:00Z", "2026-11-03T08:00:00Z", ["MA102"]),
        ("", "", ["MA102"]),
    ],
)
def test_a_platform_upgrade_is_suspected_where_nobody_wrote(
    before: str, modified_at: str, expected: list[str]
) -> None:
    history = History(before=values_of(CHAT), before_modified_at=before)
    live = values_of(CHAT) | {"model.version": "2024-11-20"}

    assert rules(run(approved(), live, history, modified_at=modified_at)) == expected


def test_other_files_of_another_version_are_no_finding_of_their_own() -> None:
    facts = {"deployments.blue.model.version": "3", "deployments.blue.model.asset_path": "a"}
    live = {"deployments.blue.model.version": "4", "deployments.blue.model.asset_path": "b"}

    assert rules(run(release(CHURN, facts=facts), live, target=CHURN)) == ["MA102"]


def test_other_files_of_the_same_version_are() -> None:
    facts = {"deployments.blue.model.version": "3", "deployments.blue.model.asset_path": "a"}
    live = facts | {"deployments.blue.model.asset_path": "b"}

    assert rules(run(release(CHURN, facts=facts), live, target=CHURN)) == ["MA106"]


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [("archived", True, "MA602"), ("anonymous", True, "MA204"), ("stage", "Archived", "MA604")],
)
def test_what_the_registry_says_of_a_serving_model_counts(name: str, value: object, rule: str) -> None:
    facts = {"deployments.blue.model.version": "3"}
    live = facts | {f"deployments.blue.model.{name}": value}

    assert rules(run(release(CHURN, facts=facts), live, target=CHURN)) == [rule]


@pytest.mark.parametrize(("moved", "severity"), [(-30, Severity.MEDIUM), (30, Severity.LOW)])
def test_a_retirement_that_comes_earlier_is_the_worse_news(moved: int, severity: Severity) -> None:
    then = NOW + timedelta(days=300)
    retirement = Retirement("GenerallyAvailable", then + timedelta(days=moved))
    catalogue = {("openai", "gpt-4o", "2024-08-06", ""): retirement}
    seen = Observation(CHAT, Outcome.PRESENT, NOW, values_of(CHAT))

    (finding,) = judge(approved(), seen, catalogue, NOW, DEFAULT, History(retires_at=then))

    assert (finding.rule, finding.severity) == ("MA803", severity)


def test_a_policy_says_how_severe_a_rule_is() -> None:
    (finding,) = run(approved(), CHANGED, policy=Policy(severities={"MA403": Severity.CRITICAL}))

    assert finding.severity is Severity.CRITICAL


def test_a_policy_says_how_severe_a_deadline_is() -> None:
    policy = Policy(severities={"MA805": Severity.LOW})

    (finding,) = run(approved(expires_at=NOW + timedelta(days=1)), policy=policy)

    assert finding.severity is Severity.LOW


def test_a_policy_says_when_to_warn() -> None:
    policy = Policy(ladder=(3,))

    assert run(approved(expires_at=NOW + timedelta(days=7)), policy=policy) == []


def test_a_mirrored_deployment_is_on_trial_too() -> None:
    live = traffic(blue=100) | {"deployments.green.tags.a": "b", "mirror_traffic.green": 10}
    history = History(trials={"green": NOW - timedelta(days=15)})

    assert rules(run(release(CHURN, facts=live), live, history, target=CHURN)) == ["MA307"]


def test_half_and_half_has_no_trial() -> None:
    live = traffic(blue=50, green=50)
    history = History(trials={"green": NOW - timedelta(days=15)})

    assert run(release(CHURN, facts=live), live, history, target=CHURN) == []


def test_an_approved_version_that_is_gone_after_its_retention_is_gone() -> None:
    live = {name: value for name, value in values_of(MODEL).items() if not name.startswith("versions.3.")}

    found = run(approved(MODEL), live, policy=Policy(retention_days=1), target=MODEL)

    assert [(each.rule, each.subject) for each in found] == [("MA103", "versions.3")]


@pytest.mark.parametrize(
    ("rollback", "expected"),
    [
        (None, []),
        (Rollback(None), ["MA903"]),
        (Rollback(release(id_="r0", facts={"model.version": "1"})), []),
        (Rollback(release(id_="r0", facts={"model.version": "1"}), Standing.ARCHIVED), ["MA904"]),
        (Rollback(release(id_="r0", facts={"model.version": "1"}), Standing.GONE), ["MA905"]),
    ],
)
def test_the_way_back_is_judged_by_what_is_known_of_it(rollback: Rollback | None, expected: list[str]) -> None:
    assert rules(run(approved(rollback="r0"), history=History(rollback=rollback))) == expected


def test_a_release_is_no_way_back_from_itself() -> None:
    assert rules(run(approved(rollback="r1"))) == ["MA906"]


@pytest.mark.parametrize(("hours", "expected"), [(24, ["MA901"]), (25, ["MA901", "MA902"])])
def test_a_target_that_stays_unreadable_is_told_twice(hours: int, expected: list[str]) -> None:
    seen = Observation(CHAT, Outcome.UNREADABLE, NOW, reason="HTTP 403")
    history = History(unseen_since=NOW - timedelta(hours=hours))

    assert rules(list(judge(approved(), seen, {}, NOW, DEFAULT, history))) == expected


def test_what_nobody_approved_is_judged_by_its_own_state_too() -> None:
    live = values_of(CHAT) | {"provisioning_state": "failed"}

    assert rules(run(None, live)) == ["MA101", "MA907"]
