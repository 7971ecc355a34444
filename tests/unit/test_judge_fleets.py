"""Properties of judging over generated fleets: equal facts are quiet, and one change breaks its own rule alone."""

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.judge import judge
from audit.judge.names import rule_of
from audit.model import Approved, Facts, Finding, Look, Observation, Outcome, Scalar, Target
from audit.rules import RULES
from audit.sight.facts import observe
from tests.house import APPROVED_AT, CHAT, CHURN, chat_document, churn_document, release
from tests.unit.test_judge import HOSTED, JOBS, MODEL, NOW

names = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)
versions = st.from_regex(r"[0-9]{1,3}|20[0-9]{2}-[01][0-9]-[0-3][0-9]|[a-z][a-z0-9]{0,5}", fullmatch=True)
words = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=12)
tags = st.dictionaries(names, words, max_size=3).map(
    lambda found: {f"tags.{name}": v for name, v in found.items()}
)


def some(**each: st.SearchStrategy) -> st.SearchStrategy:
    """Return dictionaries of facts; `_` stands for the dot of a fact's name."""
    return st.fixed_dictionaries({}, optional={name.replace("__", "."): value for name, value in each.items()})


chats = st.builds(
    lambda known, settings, tagged: known | settings | tagged,
    st.fixed_dictionaries(
        {"model.name": names, "model.version": versions, "upgrade_option": st.just("NoAutoUpgrade")}
    ),
    some(
        model__format=words,
        sku__name=words,
        sku__capacity=st.integers(1, 5000),
        content_filter=words,
        content_filter__hate__prompt=words,
        spillover=names,
        service_tier=words,
        account__local_auth_disabled=st.booleans(),
        account__network_default=words,
        routing__mode=words,
    ),
    tags,
)
deployments = st.builds(
    lambda known, settings, tagged: known | settings | tagged,
    st.fixed_dictionaries({"model.name": names, "model.version": versions}),
    some(
        instance_type=words,
        instance_count=st.integers(1, 50),
        environment=words,
        code=words,
        scoring_script=words,
        app_insights=st.booleans(),
        egress=words,
        env__MODE=words,
        liveness__period=words,
        request__maxQueueWait=words,
        scale__maxInstances=st.integers(1, 50),
        data_collection__model_inputs=words,
    ),
    tags,
)
model_versions = st.builds(
    lambda known, tagged: known | tagged,
    st.fixed_dictionaries(
        {"path": words, "archived": st.booleans(), "stage": words, "type": words, "properties.metrics.auc": words}
    ),
    tags,
)


def parts(family: str, each: st.SearchStrategy) -> st.SearchStrategy[Facts]:
    """Return facts of some deployments or versions, by their names."""
    return st.dictionaries(names, each, min_size=1, max_size=4).map(
        lambda found: {
            f"{family}.{name}.{fact}": value for name, facts in found.items() for fact, value in facts.items()
        }
    )


def with_traffic(facts: Facts) -> Facts:
    *others, last = sorted({name.split(".")[1] for name in facts})
    shares = {f"traffic.{name}": 100 // (len(others) + 1) for name in others}
    return {**facts, **shares, f"traffic.{last}": 100 - sum(shares.values()), "auth_mode": "key"}


fleets: st.SearchStrategy[tuple[Target, Facts]] = st.one_of(
    st.tuples(st.just(CHAT), chats),
    st.tuples(st.just(CHURN), parts("deployments", deployments).map(with_traffic)),
    st.tuples(st.just(JOBS), parts("deployments", deployments)),
    st.tuples(st.just(HOSTED), chats),
    st.tuples(st.just(MODEL), parts("versions", model_versions)),
)


def judged(target: Target, approved: Facts, live: Facts) -> tuple[Finding, ...]:
    return judge(release(target, facts=approved), Observation(target, Outcome.PRESENT, NOW, live), {}, NOW)


def changed(value: Scalar) -> Scalar:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value}-not"


def respelt(value: Scalar) -> Scalar:
    return str(value).upper()


@settings(max_examples=40)
@given(fleets)
def test_what_serves_as_approved_is_quiet_whatever_it_is(fleet: tuple[Target, Facts]) -> None:
    target, facts = fleet

    assert judged(target, facts, facts) == ()


@settings(max_examples=40)
@given(fleets)
def test_case_and_numbers_as_text_are_no_difference(fleet: tuple[Target, Facts]) -> None:
    target, facts = fleet
    live = {name: value if isinstance(value, bool) else respelt(value) for name, value in facts.items()}

    assert judged(target, facts, live) == ()


@settings(max_examples=40)
@given(fleets, st.data())
def test_one_changed_fact_breaks_exactly_its_own_rule(fleet: tuple[Target, Facts], data: st.DataObject) -> None:
    target, facts = fleet
    name = data.draw(st.sampled_from(sorted(facts)))

    found = judged(target, facts, facts | {name: changed(facts[name])})

    assert [finding.rule for finding in found] == [rule_of(name)]
    assert RULES[rule_of(name)]


@settings(max_examples=40)
@given(fleets, st.data())
def test_a_fact_that_is_not_audited_may_change(fleet: tuple[Target, Facts], data: st.DataObject) -> None:
    target, facts = fleet
    open_ = sorted(name for name in facts if not name.startswith("traffic."))
    name = data.draw(st.sampled_from(open_))
    approved = facts | {name: Approved(because="it is tuned every day")}

    assert judged(target, approved, facts | {name: changed(facts[name])}) == ()


@settings(max_examples=40)
@given(fleets, st.randoms(use_true_random=False), st.data())
def test_the_same_input_gives_the_same_bytes_in_any_order(
    fleet: tuple[Target, Facts], rng: random.Random, data: st.DataObject
) -> None:
    target, facts = fleet
    names_ = data.draw(st.lists(st.sampled_from(sorted(facts)), unique=True))
    live = facts | {name: changed(facts[name]) for name in names_}

    def shuffled(found: Facts) -> Facts:
        items = list(found.items())
        rng.shuffle(items)
        return dict(items)

    one, other = (msgspec.json.encode(judged(target, shuffled(facts), shuffled(live))) for _ in range(2))

    assert one == other


@given(
    st.sampled_from(["AzureAsyncOperationUri", "etag", "rateLimits", "capabilities", "callRateLimit"]),
    st.dictionaries(names, words, max_size=3),
)
def test_what_the_service_writes_for_itself_is_no_difference(name: str, noise: dict) -> None:
    documents = {CHAT: (chat_document(), chat_document()), CHURN: (churn_document(), churn_document())}
    for target, (before, after) in documents.items():
        approved = observe(target, Look(Outcome.PRESENT, before), APPROVED_AT).facts
        part = after["deployment"] if target is CHAT else after["deployments"][0]
        part[name], part["properties"][name] = noise, noise
        part["properties"]["properties"] = {"AzureAsyncOperationUri": str(noise)}

        seen = observe(target, Look(Outcome.PRESENT, after), APPROVED_AT)

        assert judge(release(target, facts=approved), seen, {}, NOW) == ()
