"""MA601 and MA801 to MA804: what Azure's catalogue says of the day on which a model is withdrawn; else MA909."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from audit import deadlines
from audit.judge.given import Case
from audit.judge.names import phrase
from audit.judge.pinning import may_upgrade
from audit.model import Finding, Release, Retirement, Severity
from audit.sight.catalogue import Unread, retirement_of

RETIRED = "deprecated"  # the API's word; the documentation calls the same state "Retired"
ON_NEW_DEFAULT = "oncenewdefaultversionavailable"

# A catalogue that could not be read leaves these as they were.
OF_THE_CATALOGUE = frozenset({"MA601", "MA801", "MA802", "MA803", "MA804", "MA905"})


def retirement(release: Release | None, case: Case) -> Iterator[Finding]:
    """Judge a deployment of Azure OpenAI by the catalogue, whether it is approved or not."""
    if isinstance(case.catalogue, Unread):
        yield case.finding("MA909", "retirement dates", "a readable model catalogue", case.catalogue.reason)
        return
    known = retirement_of(case.live, case.catalogue)
    if known is None:
        return
    if is_retired(known, case.now):
        when = f" since {known.at:%Y-%m-%d}" if known.at and known.at <= case.now else ""
        got = f"{phrase(case.live)}, retired{when}"
        yield case.finding("MA601", "retirement", "a model in service", got)
    else:
        due_at = _due_at(known, case)
        yield from _deadline(release, known, due_at, case)
        yield from _successor(known, due_at, case)
        yield from _moved(known, case)


def is_retired(known: Retirement, now: datetime) -> bool:
    """Say whether a model no longer answers; the status may lag behind the date."""
    return known.lifecycle.casefold() == RETIRED or (known.at is not None and known.at <= now)


def _due_at(known: Retirement, case: Case) -> datetime | None:
    """Return the first day on which something happens to the deployment by itself."""
    if not may_upgrade(case.live):
        return known.at
    days = [known.at - timedelta(days=known.upgrade_lead_days)] if known.at else []
    option = str(case.live.get("upgrade_option", "")).casefold()
    if known.upgrade_from is not None and option == ON_NEW_DEFAULT:
        days.append(known.upgrade_from)
    return min(days, default=None)


def _deadline(
    release: Release | None, known: Retirement, due_at: datetime | None, case: Case
) -> Iterator[Finding]:
    """MA801, MA802: the day comes near."""
    step = deadlines.reached_step(due_at, case.now, case.policy.ladder) if due_at else None
    if due_at is None or step is None:
        return
    upgrades, left = may_upgrade(case.live), deadlines.days_left(due_at, case.now)
    serving, replacement = phrase(case.live), known.replacement or "a model of its choice"
    consequence = (
        f"On {due_at:%Y-%m-%d} Azure starts to replace {serving} by {replacement}, approved or not."
        if upgrades
        else f"On {due_at:%Y-%m-%d} {serving} stops answering: every request then fails with 410 Gone."
    )
    owner = f" Owner: {release.owner}." if release and release.owner else ""
    finding = case.finding(
        "MA801" if upgrades else "MA802",
        "retirement",
        f"a successor in service before {due_at:%Y-%m-%d}",
        f"{serving}, {left} days left",
        consequence + owner,
    )
    yield case.due(finding, due_at, step)


def _successor(known: Retirement, due_at: datetime | None, case: Case) -> Iterator[Finding]:
    """MA804: Azure has said which model comes, it comes soon, and nobody approved it."""
    approved = case.history.approved_models
    if approved is None or due_at is None or not known.replacement or not may_upgrade(case.live):
        return
    is_near = due_at - case.now <= timedelta(days=case.policy.successor_days)
    if is_near and known.replacement.casefold() not in {each.casefold() for each in approved}:
        yield case.finding(
            "MA804", "successor", f"{known.replacement} approved before {due_at:%Y-%m-%d}", "no release names it"
        )


def _moved(known: Retirement, case: Case) -> Iterator[Finding]:
    """MA803: the day is another one than at the approval; an earlier one is the worse news."""
    then = case.history.retires_at
    if then is None or known.at is None or then.date() == known.at.date():
        return
    is_earlier = known.at < then
    days = abs((known.at.date() - then.date()).days)
    said_at = case.history.retires_said_at
    since = f" than Azure said on {said_at:%Y-%m-%d}" if said_at else ""
    detail = f"It is {days} days {'earlier' if is_earlier else 'later'}{since}."
    finding = case.finding("MA803", "retirement date", f"{then:%Y-%m-%d}", f"{known.at:%Y-%m-%d}", detail)
    yield finding if is_earlier else replace(finding, severity=Severity.LOW)
