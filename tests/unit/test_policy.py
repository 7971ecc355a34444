from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from audit.approvals.policy import DEFAULT, GATES, Policy, ScopedPolicy, WorkingHours, policy_of, unmet_gates
from audit.approvals.release_files import read_files
from audit.errors import BadInput
from audit.model import Criterion, Severity, Stage
from tests.house import ACCOUNT, CHAT, CHURN, SUBSCRIPTION, release


def test_without_a_policy_the_defaults_hold() -> None:
    assert policy_of(CHAT, {}, []) == DEFAULT
    assert (DEFAULT.max_active_versions, DEFAULT.retention_days, DEFAULT.max_waiver_days) == (10, 2557, 90)


def test_the_narrower_scope_wins_and_keeps_what_only_the_wider_says() -> None:
    policies = [
        ScopedPolicy("tag:env=prod", max_active_versions=1),
        ScopedPolicy(CHAT.parent, max_active_versions=2, severities={"MA401": Severity.LOW}),
        ScopedPolicy(f"/subscriptions/{SUBSCRIPTION}", max_active_versions=3, retention_days=10),
        ScopedPolicy("*", max_active_versions=4, severities={"MA102": Severity.LOW}),
    ]

    assert policy_of(CHAT, {"tags.env": "PROD"}, policies).max_active_versions == 1
    assert policy_of(CHAT, {}, policies).max_active_versions == 2
    assert policy_of(CHURN, {}, policies).max_active_versions == 3
    assert policy_of(CHAT, {}, policies).retention_days == 10
    assert policy_of(CHAT, {}, policies).severities == {"MA401": Severity.LOW, "MA102": Severity.LOW}
    assert policy_of(CHAT, {}, policies[::-1]) == policy_of(CHAT, {}, policies)


def test_a_scope_holds_only_whole_names() -> None:
    assert policy_of(CHAT, {}, [ScopedPolicy(CHAT.parent[:-1], retention_days=1)]) == DEFAULT


@pytest.mark.parametrize(
    ("changes", "gate", "words"),
    [
        ({}, "evaluation", "no evidence `evaluation`"),
        ({"evidence": {"Responsible-AI review": "x"}}, "responsible_ai_review", ""),
        ({"evidence": {"evaluation": " "}}, "evaluation", "no evidence `evaluation`"),
        ({}, "rollback", "rollback is empty"),
        ({"rollback": "r0"}, "rollback", ""),
        ({}, "criteria", "no evidence has criteria"),
        ({"criteria": (Criterion("ab", "cost", 2, at_most=1),)}, "criteria", "not met: ab/cost"),
        ({"criteria": (Criterion("ab", "cost", 1, at_most=1),)}, "criteria", ""),
        ({}, "four_eyes", "no deployers are named"),
        ({"deployers": ("ADA@contoso.example",)}, "four_eyes", "approves and may deploy"),
        ({"deployers": ("pipeline",)}, "four_eyes", ""),
    ],
)
def test_a_gate_is_met_or_says_what_is_missing(changes: dict, gate: str, words: str) -> None:
    unmet = unmet_gates(release(**changes), Policy(gates_before_production=(gate,)))

    assert (words in unmet[0][1]) if words else unmet == []


def test_failed_criteria_fail_the_gate_of_their_evidence() -> None:
    approved = release(
        evidence={"ab comparison": "https://x"},
        criteria=(Criterion("ab comparison", "latency_p95", 300, at_most=200),),
    )

    assert unmet_gates(approved, Policy(gates_before_staging=("ab_comparison",))) == [
        ("ab_comparison", "ab_comparison failed by latency_p95")
    ]


@pytest.mark.parametrize("gate", GATES)
def test_every_gate_can_be_asked(gate: str) -> None:
    unmet_gates(release(), Policy(gates_before_staging=(gate,)))


def test_a_release_that_goes_nowhere_needs_no_gates() -> None:
    policy = Policy(gates_before_staging=("evaluation",), gates_before_production=("rollback",))

    assert [gate for gate, _ in unmet_gates(release(), policy)] == ["evaluation", "rollback"]
    assert [gate for gate, _ in unmet_gates(release(stage=Stage.STAGING), policy)] == ["evaluation"]
    assert unmet_gates(release(stage=Stage.ARCHIVED), policy) == []


def test_working_hours_are_those_of_their_zone() -> None:
    hours = WorkingHours(("mon",), time(9), time(17), "Europe/Berlin")

    assert hours.covers(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    assert not hours.covers(datetime(2026, 11, 23, 7, 59, tzinfo=UTC))
    assert not hours.covers(datetime(2026, 11, 23, 16, 0, tzinfo=UTC))
    assert not hours.covers(datetime(2026, 11, 22, 12, 0, tzinfo=UTC))


POLICY = f"""policies:
  - scope: {ACCOUNT}
    gates_before_production: [evaluation, four_eyes]
    required_tags: [owner]
    max_active_versions: 3
    ladder: [7, 30, 7]
    severities: {{ma401: low}}
    pipelines: [ABC]
    working_hours: {{days: [mon, fri], start: "08:00", end: "18:00", zone: Europe/Berlin}}
    max_waiver_days: 30
    least_stage: staging
    max_trial_days: 7
    max_unseen_hours: 6
    successor_days: 90
"""


def read(folder: Path, text: str) -> list[ScopedPolicy]:
    (folder / "policy.yaml").write_text(text)
    return read_files(folder).policies


def test_a_policy_file_is_read_with_all_that_it_says(tmp_path: Path) -> None:
    (policy,) = read(tmp_path, POLICY)

    assert policy.scope == ACCOUNT.lower()
    assert policy.ladder == (30, 7)
    assert policy.severities == {"MA401": Severity.LOW}
    assert policy.working_hours == WorkingHours(("mon", "fri"), time(8), time(18), "Europe/Berlin")
    assert policy.retention_days is None
    assert (policy.least_stage, policy.max_trial_days) == (Stage.STAGING, 7)
    assert (policy.max_unseen_hours, policy.successor_days) == (6, 90)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("four_eyes", "for_eyes", 3, "did you mean `four_eyes`"),
        ("max_active_versions: 3", "max_active_versions: lots", 5, "expected a whole number"),
        ("max_active_versions: 3", "max_active_versions: 0", 5, "expected 1 to"),
        ("max_active_versions", "max_active_version", 5, "did you mean `max_active_versions`"),
        ("ma401: low", "ma401: lo", 7, "did you mean `low`"),
        ("ma401", "MA999", 7, "unknown name 'MA999'"),
        ("[mon, fri]", "[monday]", 9, "unknown name 'monday'"),
        ("18:00", "25:00", 9, "HH:MM in end"),
        ("18:00", "07:00", 9, "an end after 08:00"),
        ("Europe/Berlin", "Europe/Atlantis", 9, "zone such as"),
        (ACCOUNT, "prod", 2, "or tag:name=value in scope"),
        ("successor_days: 90", f"successor_days: 90\n  - scope: {ACCOUNT}", 15, "one policy a scope"),
        ("staging", "stagin", 11, "did you mean `staging`"),
        ("staging", "archived", 11, "expected one of none, production, staging in least_stage, got 'archived'"),
        ("staging", "[staging]", 11, "expected one text in least_stage"),
        ("max_trial_days: 7", "max_trial_days: a week", 12, "expected a whole number"),
        ("max_trial_days: 7", "max_trial_days: 0", 12, "expected 1 to 36500 in max_trial_days, got 0"),
        ("max_unseen_hours: 6", "max_unseen_hours: -6", 13, "expected 1 to 36500 in max_unseen_hours, got -6"),
        ("max_unseen_hours: 6", "max_unseen_hour: 6", 13, "did you mean `max_unseen_hours`"),
        ("successor_days: 90", "successor_days: 1.5", 14, "expected a whole number"),
        ("successor_days: 90", "successor_days: 99999", 14, "expected 1 to 36500 in successor_days, got 99999"),
    ],
)
def test_a_mistake_in_a_policy_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    with pytest.raises(BadInput, match=rf"policy\.yaml:{line}: .*{words}"):
        read(tmp_path, POLICY.replace(old, new, 1))
