"""Judge what is seen against what was approved: pure, from a release and an observation to findings."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from audit import deadlines
from audit.catalogue import Catalogue, retirement_of
from audit.model import Facts, Finding, Kind, Observation, Outcome, Release, Retirement, Scalar
from audit.rules import RULES
from audit.texts import cut

NOTHING = "nothing"

# Only these are upgraded in place; provisioned and batch deployments never are, whatever their option says
# (learn.microsoft.com, Azure OpenAI "model retirements", 2026-10).
UPGRADED_SKUS = frozenset({"standard", "globalstandard", "datazonestandard"})
NEVER_UPGRADE = "noautoupgrade"
RETIRED = "deprecated"  # the API's word; the documentation calls the same state "Retired"

# A registered model serves nobody by itself, and a workspace or account is approved by what lives in it.
_SERVING = frozenset({Kind.ONLINE_ENDPOINT, Kind.OPENAI_DEPLOYMENT})

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

# Anchored, because people name tags and variables as they like: `tags.model.version` is a tag, and no model.
_MODEL = re.compile(r"(?P<prefix>(?:deployments\.[^.]+\.)?model\.)(?P<part>[a-z]+)")
_TAG = re.compile(r"(?:deployments\.[^.]+\.|versions\..+?\.)?tags\.")


def judge(
    release: Release | None, observation: Observation, catalogue: Catalogue, now: datetime
) -> tuple[Finding, ...]:
    """Return every finding, sorted; the same input gives the same findings in the same order.

    An unreadable target yields one finding about sight and says nothing about the rest.
    """
    findings = _judge(release, observation, catalogue, now)
    return tuple(sorted(findings, key=lambda finding: (finding.rule, finding.subject)))


def _judge(
    release: Release | None, observation: Observation, catalogue: Catalogue, now: datetime
) -> Iterator[Finding]:
    if observation.outcome is Outcome.UNREADABLE:
        yield _finding("MA901", observation, "sight", "a readable answer", observation.reason)
    elif observation.outcome is Outcome.ABSENT:
        if release is not None:
            yield _finding("MA103", observation, "target", f"release {release.id}", NOTHING)
    elif release is None:
        if observation.target.kind in _SERVING:
            yield _finding("MA101", observation, "target", "an approved release", _serving(observation.facts))
    else:
        yield from _expiry(release, observation, now)
        yield from _compare(release, observation)
        yield from _pinning(release, observation)
    if observation.outcome is Outcome.PRESENT and observation.target.kind is Kind.OPENAI_DEPLOYMENT:
        yield from _retirement(release, observation, catalogue, now)


def _finding(rule: str, observation: Observation, subject: str, expected: str, got: str) -> Finding:
    return Finding(rule, observation.target, subject, RULES[rule].severity, cut(expected), cut(got))


def _expiry(release: Release, observation: Observation, now: datetime) -> Iterator[Finding]:
    if release.expires_at is not None and release.expires_at <= now:
        until = f"approved until {release.expires_at:%Y-%m-%d}"
        yield _finding("MA104", observation, "approval", until, f"expired, now {now:%Y-%m-%d}")


def _compare(release: Release, observation: Observation) -> Iterator[Finding]:
    approved, live = release.facts, observation.facts
    yield from _traffic(approved, observation)
    gone = set()
    if observation.target.kind is Kind.ONLINE_ENDPOINT:
        expected, present = _deployments(approved), _deployments(live)
        gone = expected - present
        for name in gone:
            yield _finding("MA302", observation, name, _serving(_below(approved, name)), NOTHING)
        for name in present - expected:
            yield _finding("MA303", observation, name, NOTHING, _serving(_below(live, name)))
    for name, value in approved.items():
        if name.startswith(("traffic.", "mirror_traffic.")) or _deployment_of(name) in gone:
            continue
        got = live.get(name)
        if got is None or not is_same(value, got):
            yield _difference(observation, name, value, got)


def is_same(expected: Scalar, got: Scalar) -> bool:
    """Say whether two values mean the same: services answer `"3"` for 3 and `1106-Preview` in either case."""
    return expected == got or str(expected).casefold() == str(got).casefold()


def _difference(observation: Observation, name: str, expected: Scalar, got: Scalar | None) -> Finding:
    seen = NOTHING if got is None else str(got)
    finding = _finding(_rule_of(name), observation, name, str(expected), seen)
    age = _age(str(expected), seen) if finding.rule == "MA102" else ""
    return replace(finding, detail=f"The version that serves is {age} than the approved one." if age else "")


def _rule_of(name: str) -> str:
    if model := _MODEL.fullmatch(name):
        return {"version": "MA102", "label": "MA202"}.get(model["part"], "MA105")
    return "MA501" if _TAG.match(name) else "MA401"


def _age(expected: str, got: str) -> str:
    """Return `newer` or `older` where the two versions are of a kind that can be ordered."""
    if expected.isdecimal() and got.isdecimal():
        was, now = (_order(version) for version in (expected, got))
    elif _DATE.fullmatch(expected) and _DATE.fullmatch(got):
        was, now = (0, expected), (0, got)
    else:
        return ""
    return "newer" if now > was else "older" if now < was else ""


def _order(number: str) -> tuple[int, str]:
    digits = number.lstrip("0")  # compared as texts: Python refuses to read an integer of many thousand digits
    return len(digits), digits


def _traffic(approved: Facts, observation: Observation) -> Iterator[Finding]:
    for name in ("traffic", "mirror_traffic"):
        expected, got = _split(approved, name), _split(observation.facts, name)
        is_named = any(each.startswith(f"{name}.") for each in approved)
        if expected != got and (is_named or name == "mirror_traffic"):
            yield _finding("MA301", observation, name, expected, got)


def _split(facts: Facts, name: str) -> str:
    prefix = f"{name}."
    shares = sorted((key.removeprefix(prefix), str(v)) for key, v in facts.items() if key.startswith(prefix))
    return " ".join(f"{deployment}={share}" for deployment, share in shares if share != "0") or NOTHING


def _pinning(release: Release, observation: Observation) -> Iterator[Finding]:
    live = observation.facts
    for name in live:
        if _rule_of(name) == "MA202" and name not in release.facts:
            yield _finding("MA202", observation, name, "an exact version", f"label {live[name]}")
    if observation.target.kind is not Kind.OPENAI_DEPLOYMENT or "upgrade_option" in release.facts:
        return
    if "model.version" in release.facts and may_upgrade(live):
        yield _finding(
            "MA201", observation, "upgrade_option", "NoAutoUpgrade", str(live.get("upgrade_option", NOTHING))
        )


def may_upgrade(facts: Facts) -> bool:
    """Say whether Azure may replace the model of an Azure OpenAI deployment by itself."""
    is_upgraded_sku = str(facts.get("sku.name", "")).casefold() in UPGRADED_SKUS
    return is_upgraded_sku and str(facts.get("upgrade_option", "")).casefold() != NEVER_UPGRADE


def _retirement(
    release: Release | None, observation: Observation, catalogue: Catalogue, now: datetime
) -> Iterator[Finding]:
    retirement = retirement_of(observation.facts, catalogue)
    if retirement is None:
        return
    serving = _serving(observation.facts)
    if retirement.lifecycle.casefold() == RETIRED or (retirement.at is not None and retirement.at <= now):
        when = f" since {retirement.at:%Y-%m-%d}" if retirement.at and retirement.at <= now else ""
        yield _finding("MA601", observation, "retirement", "a model in service", f"{serving}, retired{when}")
    elif retirement.at is not None:
        yield from _deadline(release, observation, retirement, retirement.at, now)


def _deadline(
    release: Release | None, observation: Observation, retirement: Retirement, at: datetime, now: datetime
) -> Iterator[Finding]:
    serving, upgrades = _serving(observation.facts), may_upgrade(observation.facts)
    due_at = at - timedelta(days=retirement.upgrade_lead_days) if upgrades else at
    step = deadlines.reached_step(due_at, now)
    if step is None:
        return
    left = deadlines.days_left(due_at, now)
    replacement = retirement.replacement or "a model of its choice"
    consequence = (
        f"On {due_at:%Y-%m-%d} Azure starts to replace {serving} by {replacement}, approved or not."
        if upgrades
        else f"On {due_at:%Y-%m-%d} {serving} stops answering: every request then fails with 410 Gone."
    )
    owner = f" Owner: {release.owner}." if release and release.owner else ""
    yield Finding(
        rule="MA801" if upgrades else "MA802",
        target=observation.target,
        subject="retirement",
        severity=deadlines.severity_of(step),
        expected=f"a successor in service before {due_at:%Y-%m-%d}",
        got=cut(f"{serving}, {left} days left"),
        detail=cut(consequence + owner),
        due_at=due_at,
        step=step,
    )


def _deployments(facts: Facts) -> set[str]:
    return {name for name in map(_deployment_of, facts) if name}


def _deployment_of(fact: str) -> str:
    return fact.split(".", 2)[1] if fact.startswith("deployments.") else ""


def _below(facts: Facts, deployment: str) -> Facts:
    prefix = f"deployments.{deployment}."
    return {name.removeprefix(prefix): value for name, value in facts.items() if name.startswith(prefix)}


def _serving(facts: Facts) -> str:
    """Return the models that facts name, as a phrase."""
    named = (model for model in map(_MODEL.fullmatch, facts) if model and model["part"] == "name")
    models = dict.fromkeys(_model(facts, prefix) for prefix in sorted(model["prefix"] for model in named))
    return ", ".join(models) or "no model"


def _model(facts: Facts, prefix: str) -> str:
    version = facts.get(prefix + "version") or f"@{facts.get(prefix + 'label', '?')}"
    return f"{facts[prefix + 'name']} {version}"


def serving(facts: Facts) -> Iterable[str]:
    """Return what serves, one phrase a deployment: `blue: churn 3 (90 %)`, or the model alone."""
    deployments = sorted(_deployments(facts))
    if not deployments:
        return [_serving(facts)]
    return [
        f"{name}: {_serving(_below(facts, name))} ({facts.get(f'traffic.{name}', 0)} %)" for name in deployments
    ]
