"""Where what is seen differs from what was approved: one finding a fact, under the rule of its name."""

import re
from collections.abc import Iterator

from audit.approvals.approved import admits
from audit.judge import names
from audit.judge.assets import OF_ASSETS
from audit.judge.given import NOTHING, Case
from audit.model import Finding, Release

OTHER_KEY = (
    "The release was applied with another privacy key than this one, so its values cannot be compared: "
    "apply it again with the function app's key."
)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def differences(release: Release, case: Case) -> Iterator[Finding]:
    """Compare every approved fact. Parts that are gone, and splits of traffic, are told as a whole elsewhere."""
    live = case.live
    # Most values are equal, and what is equal is admitted.
    unequal = [name for name, value in release.facts.items() if value != live.get(name)]
    differing = [name for name in unequal if not admits(release.facts[name], live.get(name))]
    if not differing:
        return
    is_there = {"", *(f"deployments.{name}" for name in case.shape.deployments)}
    is_there |= {f"versions.{name}" for name in case.shape.versions}
    for name in differing:
        rule = names.rule_of(name)
        is_told = _part(name) not in is_there or name.startswith((names.TRAFFIC, names.MIRROR))
        is_told = is_told or _is_unknown(name, case)
        if not is_told and not (rule == names.FILES and _is_other_model(name, differing)):
            yield _difference(case, rule, name, release)


def _is_unknown(name: str, case: Case) -> bool:
    """Say whether this is a fact about the model behind a deployment, and nobody has looked at that model yet."""
    part, rest = names.split(name)
    return rest in OF_ASSETS and name not in case.live and f"{part}.model.archived" not in case.live


def _part(name: str) -> str:
    return names.split(name)[0]


def _is_other_model(name: str, differing: list[str]) -> bool:
    """Say whether other files are no surprise, because it is another model or version anyway."""
    part = _part(name)
    prefix = f"{part}.model." if part else "model."
    return any(prefix + each in differing for each in ("name", "version"))


def _difference(case: Case, rule: str, name: str, release: Release) -> Finding:
    expected, got = str(release.facts[name]), case.live.get(name)
    seen, detail = _nothing(case, name) if got is None else str(got), ""
    if rule == names.MODEL_VERSION and (age := _age(expected, seen)):
        detail = f"The version that serves is {age} than the approved one."
    if rule == names.VARIABLE and release.marked_with and release.marked_with != case.history.marked_with:
        detail = OTHER_KEY
    return case.finding(rule, name, expected, seen, detail)


def _nothing(case: Case, name: str) -> str:
    """Return why there is no value: a job or a run that we could not look at tells nothing of what it did."""
    part, rest = names.split(name)
    why = names.unseen(rest, names.below(case.live, part))
    return f"not known, because {why}" if why else NOTHING


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
