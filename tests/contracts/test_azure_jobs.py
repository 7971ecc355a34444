"""The jobs behind model versions: how often they are read, and what stands there where they cannot be."""

from typing import Any

import pytest

from audit.adapters.azure_jobs import FINISHED_AGE, OTHER_AGE, Jobs
from audit.adapters.cloud import Cloud
from audit.adapters.pace import Pace
from audit.adapters.reader import Reader
from audit.errors import Throttled
from audit.model import Kind, Outcome
from audit.sight.facts import facts_of
from audit.sight.jobs import NEWEST
from local.azure import ControlPlane, Fault
from tests.contracts import worlds
from tests.contracts.worlds import MODEL, AzureWorld
from tests.house import WORKSPACE

pytestmark = pytest.mark.stack

COMMIT = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
JOB = f"{WORKSPACE}/jobs/train-7"


class Hand:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def jobs(azure: ControlPlane, hand: Hand) -> Jobs:
    cloud = Cloud(azure.base_url, str(azure.ca_path), backoff=0.01)
    return Jobs(Reader(azure.credential("auditor"), cloud, Pace(10_000, 1_000)), hand)


def version(number: int = 3, job: str = "train-7") -> dict[str, Any]:
    at = f"2026-10-01T08:00:{number % 60:02}Z"
    return {"name": str(number), "properties": {"jobName": job}, "systemData": {"createdAt": at}}


def asked(azure: ControlPlane) -> int:
    return sum("/jobs/" in call.path for call in azure.requests)


def test_the_facts_of_a_model_tell_of_the_job_behind_its_version(azure_world: AzureWorld) -> None:
    facts = facts_of(Kind.MODEL, azure_world.live.look(MODEL).document)

    assert facts["versions.3.job.git_commit"] == COMMIT
    assert facts["versions.3.job.data"] == "customers:7"
    assert facts["versions.3.job.parameters.depth"] == "6"


def test_what_a_job_was_given_in_its_environment_is_never_taken(azure_world: AzureWorld) -> None:
    assert "not-a-real-one" not in str(azure_world.live.look(MODEL))


def test_a_finished_job_is_read_once_a_day(azure: ControlPlane, jobs: Jobs, hand: Hand) -> None:
    before = asked(azure)
    for seconds in (0, 900, FINISHED_AGE - 1):
        hand.seconds = seconds
        jobs.behind(WORKSPACE, [version()])
    once = asked(azure) - before
    hand.seconds = FINISHED_AGE + 1
    jobs.behind(WORKSPACE, [version()])

    assert (once, asked(azure) - before) == (1, 2)


def test_a_missing_job_is_absent_and_asked_for_once_an_hour(azure: ControlPlane, jobs: Jobs, hand: Hand) -> None:
    before = asked(azure)
    taken = [jobs.behind(WORKSPACE, [version(job="long-gone")]) for hand.seconds in (0, OTHER_AGE - 1)]
    once = asked(azure) - before
    hand.seconds = OTHER_AGE + 1
    jobs.behind(WORKSPACE, [version(job="long-gone")])

    assert taken == [[{"version": "3", "outcome": Outcome.ABSENT}]] * 2
    assert (once, asked(azure) - before) == (1, 2)


def test_a_forbidden_job_is_noted_and_leaves_the_model_readable(azure_world: AzureWorld) -> None:
    live = worlds.live_of(azure_world.plane)
    azure_world.plane.faults.add(Fault(path="*/jobs/*", status=403))

    look = live.look(MODEL)

    facts = facts_of(Kind.MODEL, look.document)
    assert look.outcome is Outcome.PRESENT
    assert facts["versions.3.job.outcome"] == "unreadable"
    assert facts["versions.3.job"] == "train-7"


def test_being_throttled_at_a_job_is_being_throttled(azure_world: AzureWorld) -> None:
    live = worlds.live_of(azure_world.plane)
    azure_world.plane.faults.add(Fault(path="*/jobs/*", status=429, retry_after=77))

    with pytest.raises(Throttled):
        live.look(MODEL)


def test_a_model_with_very_many_versions_costs_a_bounded_number_of_reads(azure: ControlPlane, jobs: Jobs) -> None:
    before = asked(azure)

    taken = jobs.behind(WORKSPACE, [version(number, f"job-{number}") for number in range(NEWEST + 10)])

    outcomes = [each["outcome"] for each in taken]
    assert asked(azure) - before == NEWEST
    assert outcomes.count("not looked at") == 10


@pytest.mark.parametrize("name", ["../models/churn", "..", "a/../../b", "x?api-version=1"])
def test_a_hostile_name_of_a_job_is_not_asked_for(azure: ControlPlane, jobs: Jobs, name: str) -> None:
    before = len(azure.requests)

    taken = jobs.behind(WORKSPACE, [version(job=name)])

    assert taken == [{"version": "3", "outcome": Outcome.UNREADABLE}]
    assert len(azure.requests) == before


def test_a_running_job_is_read_again_until_it_is_done(azure_world: AzureWorld, jobs: Jobs, hand: Hand) -> None:
    properties = (azure_world.plane.document(JOB) or {})["properties"]
    azure_world.change(JOB, properties=properties | {"status": "Running"})
    running = jobs.behind(WORKSPACE, [version()])
    azure_world.change(JOB, properties=properties | {"status": "Failed"})
    hand.seconds = OTHER_AGE + 1
    done = jobs.behind(WORKSPACE, [version()])

    assert [each[0]["status"] for each in (running, done)] == ["Running", "Failed"]
