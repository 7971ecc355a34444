from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.judge import judge, may_upgrade, serving
from audit.model import Facts, Finding, Kind, Observation, Outcome, Release, Retirement, Scalar, Severity, Target
from audit.rules import RULES
from audit.sight.catalogue import Catalogue
from audit.targets import parse_target
from audit.texts import MAX_TEXT
from tests.house import APPROVED_AT, CHAT, CHURN, WORKSPACE, release
from tests.strategies import any_text

NOW = APPROVED_AT + timedelta(days=20)
JOBS = parse_target(f"{WORKSPACE}/batchEndpoints/nightly")
HOSTED = parse_target(f"{WORKSPACE}/serverlessEndpoints/phi")
MODEL = parse_target(f"{WORKSPACE}/models/churn")

# Every fact stands beside the one rule that its change breaks. Tags and variables bear the worst names.
CHAT_FACTS: dict[str, tuple[Scalar, str]] = {
    "account.local_auth_disabled": (True, "MA415"),
    "account.location": ("swedencentral", "MA401"),
    "account.network_default": ("deny", "MA413"),
    "account.public_network_access": ("disabled", "MA413"),
    "content_filter.hate.prompt": ("block medium", "MA418"),
    "content_filter": ("Microsoft.DefaultV2", "MA417"),
    "model.format": ("OpenAI", "MA105"),
    "model.name": ("gpt-4o", "MA105"),
    "model.version": ("2024-08-06", "MA102"),
    "provisioning_state": ("succeeded", "MA907"),
    "sku.capacity": (50, "MA403"),
    "sku.name": ("GlobalStandard", "MA402"),
    "spillover": ("chat-2", "MA422"),
    "routing.mode": ("balanced", "MA205"),
    "service_tier": ("default", "MA402"),
    "state": ("running", "MA908"),
    "tags.model.label": ("stable", "MA501"),
    "tags.model.version": ("7", "MA501"),
    "tags.owner": ("growth", "MA501"),
    "upgrade_option": ("NoAutoUpgrade", "MA206"),
}
CHURN_FACTS: dict[str, tuple[Scalar, str]] = {
    "auth_mode": ("key", "MA414"),
    "deployments.blue.app_insights": (True, "MA420"),
    "deployments.blue.code": ("c0de:1", "MA408"),
    "deployments.blue.data_collection.model_inputs": ("enabled", "MA419"),
    "deployments.blue.egress": ("disabled", "MA412"),
    "deployments.blue.env.model.version": ("hidden:0a", "MA421"),
    "deployments.blue.environment": ("churn-env:12", "MA407"),
    "deployments.blue.instance_count": (2, "MA405"),
    "deployments.blue.liveness.period": ("PT10S", "MA410"),
    "deployments.blue.model.name": ("churn", "MA105"),
    "deployments.blue.model.registry": ("shared", "MA105"),
    "deployments.blue.model.version": ("3", "MA102"),
    "deployments.blue.request.maxQueueWait": ("PT0.5S", "MA411"),
    "deployments.blue.scale.model.": (3, "MA406"),
    "deployments.blue.scoring_script": ("score.py", "MA409"),
    "deployments.blue.tags.model.name": ("churn", "MA501"),
    "deployments.green.instance_type": ("Standard_DS3_v2", "MA404"),
    "deployments.green.model.label": ("latest", "MA202"),
    "deployments.green.model.name": ("churn", "MA105"),
    "identity": ("systemassigned", "MA416"),
    "mirror_traffic.green": (10, "MA306"),
    "tags.traffic.blue": ("most", "MA501"),
    "traffic.blue": (90, "MA301"),
    "traffic.green": (10, "MA301"),
}
JOBS_FACTS: dict[str, tuple[Scalar, str]] = {
    "auth_mode": ("aadtoken", "MA414"),
    "default_deployment": ("nightly", "MA308"),
    "deployments.nightly.compute": ("cpu-cluster", "MA423"),
    "deployments.nightly.mini_batch_size": (10, "MA423"),
    "deployments.nightly.model.name": ("churn", "MA105"),
    "deployments.nightly.model.version": ("3", "MA102"),
}
HOSTED_FACTS: dict[str, tuple[Scalar, str]] = {
    "auth_mode": ("key", "MA414"),
    "content_safety": ("enabled", "MA417"),
    "endpoint_state": ("online", "MA908"),
    "model.label": ("latest", "MA202"),
    "model.name": ("phi-4", "MA105"),
    "model.registry": ("azureml", "MA105"),
}
MODEL_FACTS: dict[str, tuple[Scalar, str]] = {
    "versions.2024.11.archived": (True, "MA602"),
    "versions.2024.11.tags.area": ("churn", "MA501"),
    "versions.3.archived": (False, "MA602"),
    "versions.3.flavors": ("python_function, sklearn", "MA507"),
    "versions.3.origin.data": ("customers:7", "MA506"),
    "versions.3.origin.git_commit": ("0a1b2c", "MA509"),
    "versions.3.path": ("azureml://datastores/d/paths/LocalUpload/0a/m", "MA106"),
    "versions.3.properties.metrics.auc": ("0.91", "MA505"),
    "versions.3.properties.model.version": ("3", "MA503"),
    "versions.3.stage": ("Production", "MA604"),
    "versions.3.tags.Task-Type": ("classification", "MA508"),
    "versions.3.tags.dataset_version": ("7", "MA506"),
    "versions.3.tags.model.name": ("churn", "MA501"),
}
ALL_FACTS = {
    CHAT: CHAT_FACTS,
    CHURN: CHURN_FACTS,
    JOBS: JOBS_FACTS,
    HOSTED: HOSTED_FACTS,
    MODEL: MODEL_FACTS,
}
EACH_FACT = [(target, name) for target, facts in ALL_FACTS.items() for name in facts]

facts_of_any_name = st.dictionaries(
    st.from_regex(
        r"(tags|traffic|mirror_traffic|deployments|model|sku|versions)(\.[a-z.]{0,6}){0,2}", fullmatch=True
    )
    | any_text,
    st.booleans() | st.integers() | st.floats() | any_text,
    max_size=6,
)


def values_of(target: Target) -> dict[str, Scalar]:
    return {name: value for name, (value, _) in ALL_FACTS[target].items()}


def seen(target: Target, facts: Facts | None = None, outcome: Outcome = Outcome.PRESENT) -> Observation:
    return Observation(target, outcome, NOW, values_of(target) if facts is None else facts, reason="HTTP 403")


def run(release_: Release | None, observation: Observation, catalogue: Catalogue | None = None) -> list[Finding]:
    return list(judge(release_, observation, catalogue or {}, NOW))


def rules(findings: list[Finding]) -> list[str]:
    return [finding.rule for finding in findings]


def other_than(value: Scalar) -> Scalar:
    return value + 1 if isinstance(value, int) and not isinstance(value, bool) else f"not {value}"


@pytest.mark.parametrize("target", ALL_FACTS, ids=lambda target: target.kind)
def test_what_serves_as_approved_gives_no_findings(target: Target) -> None:
    assert run(release(target, facts=values_of(target)), seen(target)) == []


def whole(facts: Facts) -> Facts:
    """Return facts as a fleet can have them: traffic goes to deployments, whose names hold no dots."""
    shares = {name: name.split(".")[1:] for name in facts if name.startswith(("traffic.", "mirror_traffic."))}
    kept = {name: value for name, value in facts.items() if len(shares.get(name, [""])) == 1}
    return {f"deployments.{path[0]}.tags.a": "b" for path in shares.values() if len(path) == 1} | kept


@given(st.sampled_from([CHAT, CHURN, JOBS, HOSTED, MODEL]), facts_of_any_name)
def test_facts_that_equal_the_release_give_no_findings_whatever_they_are(target: Target, facts: dict) -> None:
    facts = whole(facts) | ({"upgrade_option": "NoAutoUpgrade"} if target is CHAT else {})

    assert run(release(target, facts=facts), seen(target, facts)) == []


@pytest.mark.parametrize(("target", "name"), EACH_FACT, ids=lambda each: str(getattr(each, "name", each)))
def test_a_fact_that_differs_breaks_exactly_its_own_rule(target: Target, name: str) -> None:
    value, rule = ALL_FACTS[target][name]
    live = values_of(target) | {name: other_than(value)}

    assert rules(run(release(target, facts=values_of(target)), seen(target, live))) == [rule]


@pytest.mark.parametrize(("target", "name"), EACH_FACT, ids=lambda each: str(getattr(each, "name", each)))
def test_a_fact_that_is_missing_breaks_exactly_its_own_rule(target: Target, name: str) -> None:
    live = {each: value for each, value in values_of(target).items() if each != name}

    (finding,) = run(release(target, facts=values_of(target)), seen(target, live))

    assert finding.rule == ALL_FACTS[target][name][1]


# These have rules of their own where no release names them.
NOT_SILENT = {"upgrade_option", "mirror_traffic.green", "traffic.blue", "traffic.green", "routing.mode"}
SILENT = [
    (target, name)
    for target, name in EACH_FACT
    if name not in NOT_SILENT and ALL_FACTS[target][name][1] != "MA202"
]


@pytest.mark.parametrize(("target", "name"), SILENT, ids=lambda each: str(getattr(each, "name", each)))
def test_a_fact_that_the_release_does_not_name_is_not_compared(target: Target, name: str) -> None:
    approved = {each: value for each, value in values_of(target).items() if each != name}

    assert run(release(target, facts=approved), seen(target)) == []


@given(
    st.permutations(sorted(CHURN_FACTS)),
    st.permutations(sorted(CHURN_FACTS)),
    st.sets(st.sampled_from(sorted(CHURN_FACTS))),
)
def test_the_order_of_facts_does_not_matter(one: list[str], other: list[str], changed: set[str]) -> None:
    values = values_of(CHURN)
    live = values | {name: other_than(values[name]) for name in changed}

    def judged(order: list[str]) -> list[Finding]:
        approved = {name: values[name] for name in order}
        return run(release(CHURN, facts=approved), seen(CHURN, {name: live[name] for name in order[::-1]}))

    assert judged(one) == judged(other)


@pytest.mark.parametrize(
    ("expected", "got"), [("3", 3), (3, "3"), ("1106-Preview", "1106-preview"), (True, "true"), ("Key", "key")]
)
def test_values_that_mean_the_same_are_the_same(expected: Scalar, got: Scalar) -> None:
    assert run(release(MODEL, facts={"versions.3.x": expected}), seen(MODEL, {"versions.3.x": got})) == []


@pytest.mark.parametrize(
    ("approved", "live", "age"),
    [
        ("3", "4", "newer"),
        ("10", "9", "older"),
        ("2024-08-06", "2024-11-20", "newer"),
        ("2024-08-06", "2024-05-13", "older"),
        ("0613", "1106-preview", ""),
        ("3", "03", ""),
        ("3", "9" * 5000, "newer"),
    ],
)
def test_a_version_is_called_newer_or_older_where_that_can_be_said(approved: str, live: str, age: str) -> None:
    (finding,) = run(release(MODEL, facts={"model.version": approved}), seen(MODEL, {"model.version": live}))

    assert finding.detail == (f"The version that serves is {age} than the approved one." if age else "")


def test_a_finding_says_what_was_expected_and_what_was_found() -> None:
    live = values_of(CHAT) | {"sku.capacity": 80}

    (finding,) = run(release(facts=values_of(CHAT)), seen(CHAT, live))

    assert (finding.subject, finding.expected, finding.got) == ("sku.capacity", "50", "80")
    assert finding.severity is RULES["MA403"].severity


def test_long_values_are_cut_in_what_is_told() -> None:
    facts = {"tags.a": "x" * 100_000, "model.version": "y" * 100_000}

    findings = run(release(MODEL, facts=facts), seen(MODEL, {"tags.a": "z" * 100_000, "model.version": "1"}))

    assert max(len(text) for each in findings for text in (each.expected, each.got, each.detail)) <= MAX_TEXT


def test_what_nobody_approved_is_told_with_what_serves() -> None:
    (finding,) = run(None, seen(CHAT))

    assert (finding.rule, finding.got) == ("MA101", "gpt-4o 2024-08-06")


def test_a_registered_model_needs_no_approval() -> None:
    assert run(None, seen(MODEL)) == []


@pytest.mark.parametrize("outcome", [Outcome.PRESENT, Outcome.ABSENT])
def test_a_workspace_needs_no_approval_of_its_own(outcome: Outcome) -> None:
    assert run(None, seen(parse_target(WORKSPACE), {}, outcome)) == []


def test_an_approved_target_that_is_absent_is_gone() -> None:
    assert rules(run(release(), seen(CHAT, {}, Outcome.ABSENT))) == ["MA103"]


def test_what_nobody_approved_may_go() -> None:
    assert run(None, seen(CHAT, {}, Outcome.ABSENT)) == []


@pytest.mark.parametrize("approved", [None, release()])
def test_an_unreadable_target_says_nothing_but_that(approved: Release | None) -> None:
    (finding,) = run(approved, seen(CHAT, {}, Outcome.UNREADABLE))

    assert (finding.rule, finding.subject, finding.got) == ("MA901", "sight", "HTTP 403")


@pytest.mark.parametrize(("days", "expected"), [(31, []), (1, ["MA805"]), (0, ["MA104"]), (-1, ["MA104"])])
def test_an_approval_holds_until_its_end(days: int, expected: list[str]) -> None:
    ended = release(facts=values_of(CHAT), expires_at=NOW + timedelta(days=days))

    assert rules(run(ended, seen(CHAT))) == expected


def traffic(**shares: object) -> dict[str, object]:
    deployments = {f"deployments.{name}.tags.a": "b" for name, share in shares.items() if str(share) != "0"}
    return {f"traffic.{name}": share for name, share in shares.items()} | deployments


@pytest.mark.parametrize(
    ("approved", "live", "expected", "got"),
    [
        (
            traffic(blue=100) | {"deployments.green.tags.a": "b"},
            traffic(blue=90, green=10),
            "blue=100",
            "blue=90 green=10",
        ),
        (traffic(blue=100), {"deployments.blue.tags.a": "b"}, "blue=100", "nothing"),
        (traffic(blue="90", green="10"), traffic(blue=10, green=90), "blue=90 green=10", "blue=10 green=90"),
        (traffic(blue="most"), traffic(blue=100), "blue=most", "blue=100"),
    ],
)
def test_traffic_is_told_as_one_split(approved: Mapping, live: Mapping, expected: str, got: str) -> None:
    (finding,) = run(release(CHURN, facts=approved), seen(CHURN, live))

    assert (finding.rule, finding.expected, finding.got) == ("MA301", expected, got)


@pytest.mark.parametrize(
    ("approved", "live"),
    [
        (traffic(blue=100, green=0), traffic(blue=100)),
        (traffic(blue="100", green="0"), traffic(blue=100)),
        ({"deployments.blue.tags.a": "b"}, traffic(blue=100)),
    ],
)
def test_traffic_as_approved_or_not_named_is_no_finding(approved: Mapping, live: Mapping) -> None:
    assert run(release(CHURN, facts=approved), seen(CHURN, live)) == []


def test_an_approved_deployment_that_is_missing_is_one_finding() -> None:
    live = {name: value for name, value in values_of(CHURN).items() if "deployments.blue" not in name}

    (finding,) = run(release(CHURN, facts=values_of(CHURN)), seen(CHURN, live))

    assert (finding.rule, finding.subject, finding.expected) == ("MA302", "blue", "churn 3")


def test_a_deployment_that_nobody_approved_is_one_finding() -> None:
    more = {"deployments.red.model.name": "fraud", "deployments.red.model.version": "1"}

    (finding,) = run(release(CHURN, facts=values_of(CHURN)), seen(CHURN, values_of(CHURN) | more))

    assert (finding.rule, finding.subject, finding.got) == ("MA303", "red", "fraud 1")


def test_a_label_that_the_release_does_not_name_can_move() -> None:
    live = {"deployments.blue.model.name": "churn", "deployments.blue.model.label": "latest"}

    findings = run(release(CHURN, facts={"deployments.blue.model.name": "churn"}), seen(CHURN, live))

    assert [(each.rule, each.got) for each in findings] == [("MA202", "label latest")]


@pytest.mark.parametrize(
    ("sku", "option", "expected"),
    [
        ("GlobalStandard", "OnceCurrentVersionExpired", ["MA201"]),
        ("Standard", "OnceNewDefaultVersionAvailable", ["MA201"]),
        ("datazonestandard", "onceNewDefaultVersionAvailable", ["MA201"]),
        ("GlobalStandard", "NoAutoUpgrade", []),
        ("ProvisionedManaged", "OnceCurrentVersionExpired", []),
        ("GlobalBatch", "OnceCurrentVersionExpired", []),
    ],
)
def test_an_exact_version_that_azure_may_replace_is_not_pinned(sku: str, option: str, expected: list[str]) -> None:
    live = values_of(CHAT) | {"sku.name": sku, "upgrade_option": option}

    approved = {"model.version": "2024-08-06", "routing.mode": "balanced"}

    assert rules(run(release(facts=approved), seen(CHAT, live))) == expected


def test_an_upgrade_option_that_somebody_approved_is_as_approved() -> None:
    live = values_of(CHAT) | {"upgrade_option": "OnceCurrentVersionExpired"}

    assert run(release(facts=live), seen(CHAT, live)) == []


def retirement(days: float | None, lifecycle: str = "Deprecating", lead: int = 0) -> Catalogue:
    at = None if days is None else NOW + timedelta(days=days)
    return {("openai", "gpt-4o", "2024-08-06", ""): Retirement(lifecycle, at, "gpt-5.1 2025-11-13", lead)}


def test_a_deadline_beyond_the_ladder_is_quiet() -> None:
    assert run(release(facts=values_of(CHAT)), seen(CHAT), retirement(91)) == []


@pytest.mark.parametrize(
    ("days", "step", "severity"), [(90, 90, Severity.LOW), (28, 30, Severity.MEDIUM), (0.5, 0, Severity.CRITICAL)]
)
def test_a_deployment_that_is_never_upgraded_will_stop(days: float, step: int, severity: Severity) -> None:
    (finding,) = run(release(facts=values_of(CHAT)), seen(CHAT), retirement(days))

    assert (finding.rule, finding.step, finding.severity) == ("MA802", step, severity)
    assert finding.due_at == NOW + timedelta(days=days)
    assert "410 Gone" in finding.detail


def test_a_deployment_that_may_be_upgraded_will_be_replaced_before_the_model_retires() -> None:
    live = values_of(CHAT) | {"upgrade_option": "OnceCurrentVersionExpired"}

    (finding,) = run(release(facts=live, owner="growth"), seen(CHAT, live), retirement(35, lead=14))

    assert (finding.rule, finding.due_at, finding.step) == ("MA801", NOW + timedelta(days=21), 30)
    assert "starts to replace gpt-4o 2024-08-06 by gpt-5.1 2025-11-13" in finding.detail
    assert "Owner: growth." in finding.detail


@pytest.mark.parametrize(
    "catalogue",
    [
        retirement(-1),
        retirement(None, "Deprecated"),
        retirement(300, "deprecated"),
        retirement(0, "GenerallyAvailable"),
    ],
    ids=["date", "word", "word before the date", "date before the word"],
)
def test_a_model_is_retired_by_its_date_or_by_the_catalogues_word(catalogue: Catalogue) -> None:
    assert rules(run(release(facts=values_of(CHAT)), seen(CHAT), catalogue)) == ["MA601"]


def test_an_unapproved_deployment_has_its_deadline_too() -> None:
    assert rules(run(None, seen(CHAT), retirement(10))) == ["MA101", "MA802"]


def test_a_catalogue_that_does_not_know_the_model_says_nothing() -> None:
    assert run(release(facts=values_of(CHAT)), seen(CHAT), retirement(None)) == []


def test_findings_come_in_the_order_of_their_rules_and_subjects() -> None:
    live = {name: other_than(value) for name, value in values_of(CHAT).items()}

    found = [(each.rule, each.subject) for each in run(release(facts=values_of(CHAT)), seen(CHAT, live))]

    assert found == sorted(found)


@pytest.mark.parametrize(
    ("facts", "may"),
    [
        ({"sku.name": "Standard"}, True),
        ({"sku.name": "Standard", "upgrade_option": "NOAUTOUPGRADE"}, False),
        ({"upgrade_option": "OnceNewDefaultVersionAvailable"}, False),
    ],
)
def test_only_standard_deployments_that_do_not_refuse_are_upgraded(facts: dict, may: bool) -> None:
    assert may_upgrade(facts) is may


def test_what_serves_reads_as_one_phrase_a_deployment() -> None:
    assert serving(values_of(CHURN)) == ["blue: churn 3 (90 %)", "green: churn @latest (10 %)"]
    assert serving(values_of(CHAT)) == ["gpt-4o 2024-08-06"]
    assert serving({"tags.model.name": "churn"}) == ["no model"]


def test_every_rule_that_judge_can_give_is_described() -> None:
    assert Kind.PARENT  # judged by sight alone, see above
    assert {rule for facts in ALL_FACTS.values() for _, rule in facts.values()} <= RULES.keys()
