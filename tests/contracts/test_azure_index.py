"""Resource Graph as the adapter meets it: late, wrong, silent about what it may not show, throttled, in pages."""

import time
from collections.abc import Iterator

import pytest

from audit.adapters.cloud import Cloud
from audit.adapters.live import AzureLive
from audit.adapters.pace import Pace
from audit.adapters.resource_graph import BURST, QUERIES_A_SECOND, ResourceGraph
from audit.errors import Throttled
from audit.model import Look, Outcome, Target
from local.azure import ControlPlane, Fault
from local.azure.resource_graph import PATH
from tests.contracts.worlds import BATCH, MODEL, SERVERLESS, TARGETS, AzureWorld, live_of
from tests.house import CHURN, SUBSCRIPTION, WORKSPACE

pytestmark = pytest.mark.stack

BLUE = f"{WORKSPACE}/onlineEndpoints/churn/deployments/blue"
FAST = Pace(10_000, 1_000)


@pytest.fixture
def world(azure_world: AzureWorld) -> Iterator[AzureWorld]:
    yield azure_world
    azure_world.plane.graph.catch_up()


def marks_of(world: AzureWorld) -> dict[Target, str]:
    return dict(world.live.list_targets(CHURN.parent, {}).marks)


def queries(plane: ControlPlane) -> int:
    return sum(call.path == PATH for call in plane.requests)


def test_endpoints_with_deployments_have_a_mark_and_nothing_else_has(world: AzureWorld) -> None:
    assert marks_of(world).keys() == {CHURN, BATCH}


def test_an_endpoint_whose_mark_is_known_is_listed_and_left_unread(world: AzureWorld) -> None:
    known = marks_of(world)
    asked = len(world.plane.requests)

    listing = world.live.list_targets(CHURN.parent, known)

    paths = {call.path for call in world.plane.requests[asked:]}
    assert listing.unread == {CHURN, BATCH}
    assert listing.looks.keys() == {MODEL, SERVERLESS}
    assert listing.itself == Look(Outcome.PRESENT)
    assert not any(path.endswith("/deployments") for path in paths)


@pytest.mark.parametrize("id_", [BLUE, CHURN.id], ids=["its deployment", "the endpoint itself"])
def test_a_change_of_either_makes_another_mark(world: AzureWorld, id_: str) -> None:
    known = marks_of(world)
    world.change(id_, tags={"changed": "yes"})

    listing = world.live.list_targets(CHURN.parent, known)

    assert listing.unread == {BATCH}
    assert listing.marks[CHURN] != known[CHURN]


def test_an_index_that_lags_still_says_what_was(world: AzureWorld) -> None:
    known = marks_of(world)
    world.plane.graph.freeze()
    world.change(BLUE, tags={"changed": "yes"})

    assert CHURN in world.live.list_targets(CHURN.parent, known).unread


def test_a_deployment_that_the_index_hides_takes_the_mark_away(world: AzureWorld) -> None:
    known = marks_of(world)
    world.plane.graph.lie(BLUE, None)

    listing = world.live.list_targets(CHURN.parent, known)

    assert listing.looks[CHURN].outcome is Outcome.PRESENT
    assert CHURN not in listing.marks


def test_an_endpoint_that_only_the_index_shows_is_not_listed(world: AzureWorld) -> None:
    document = world.plane.document(BLUE)
    assert document is not None
    ghost = document | {"id": BLUE.replace("/churn/", "/ghost/")}
    world.plane.graph.lie(BLUE, ghost)

    listing = world.live.list_targets(CHURN.parent, {})

    assert {target for target in TARGETS if target.parent == CHURN.parent} == listing.looks.keys()


@pytest.mark.parametrize("status", [403, 404, 429, 500])
def test_an_index_that_refuses_leaves_everything_to_be_read(world: AzureWorld, status: int) -> None:
    known = marks_of(world)
    world.plane.faults.add(Fault(path=PATH, status=status))

    listing = world.live.list_targets(CHURN.parent, known)
    parents = world.live.parents()

    assert listing.unread == frozenset()
    assert listing.marks == {}
    assert str(status) in listing.index
    assert sorted(parents) == sorted({target.parent for target in TARGETS})


def test_without_a_known_mapping_no_index_is_asked(world: AzureWorld) -> None:
    before = queries(world.plane)

    listing = world.live.list_targets(CHURN.parent)

    assert (queries(world.plane) - before, listing.marks, listing.index) == (0, {}, "")


def test_an_account_has_no_index(world: AzureWorld) -> None:
    before = queries(world.plane)
    account = next(target.parent for target in TARGETS if "cognitive" in target.parent)

    world.live.list_targets(account, {})

    assert queries(world.plane) == before


def test_parents_are_listed_at_first_and_then_asked_for_in_one_query(world: AzureWorld) -> None:
    live, asked = live_of(world.plane), len(world.plane.requests)

    listed = live.parents()
    lists = [call.path for call in world.plane.requests[asked:]]
    asked = len(world.plane.requests)
    parents = live.parents()

    assert PATH not in lists
    assert [call.path for call in world.plane.requests[asked:]] == [PATH]
    assert parents == listed == sorted({target.parent for target in TARGETS})


def test_a_workspace_that_the_index_hides_is_found_by_the_next_list(world: AzureWorld) -> None:
    live = live_of(world.plane)
    live.parents()
    world.plane.graph.lie(WORKSPACE, None)

    hidden = live.parents()

    assert CHURN.parent not in hidden
    assert CHURN.parent in live_of(world.plane).parents()


def test_a_subscription_that_the_index_leaves_out_without_a_word_is_listed(azure: ControlPlane) -> None:
    """One that may not be read is no error where another one may (HTTP 200, and rows of the other)."""
    other = "00000000-0000-4000-8000-00000000ffff"
    graph = ResourceGraph(azure.credential("auditor"), Cloud(azure.base_url, str(azure.ca_path)), FAST)

    found = graph.parents([SUBSCRIPTION, other])

    assert found.covered == {SUBSCRIPTION}
    assert len(found.documents) == len({target.parent for target in TARGETS})


def test_pages_of_the_index_follow_each_other_without_gaps(world: AzureWorld) -> None:
    whole = marks_of(world)
    world.plane.graph.page_size = 1
    before = queries(world.plane)
    try:
        paged, asked = marks_of(world), queries(world.plane) - before
    finally:
        world.plane.graph.page_size = 1_000

    assert paged == whole
    assert asked == 2


def test_our_pace_stays_within_the_quota_of_fifteen_queries_in_five_seconds() -> None:
    assert BURST + QUERIES_A_SECOND * 5 <= 15


def test_whoever_asked_the_last_query_of_the_quota_rests_until_it_is_filled(world: AzureWorld) -> None:
    plane, pace = world.plane, Pace(10_000, 1_000)
    graph = ResourceGraph(plane.credential("auditor"), Cloud(plane.base_url, str(plane.ca_path)), pace)
    plane.graph.quota.is_enforced = True
    try:
        began = time.monotonic()
        for _ in range(16):
            graph.deployments(CHURN.parent, CHURN.subscription)
    finally:
        plane.graph.quota.is_enforced = False

    assert time.monotonic() - began > 3  # the sixteenth had to wait, and was not refused


def test_a_quota_that_others_have_used_up_is_being_throttled(world: AzureWorld) -> None:
    plane = world.plane
    for _ in range(15):
        plane.graph.quota.spend(_object_id(plane))
    plane.graph.quota.is_enforced = True
    try:
        with pytest.raises(Throttled):
            _graph(plane).deployments(CHURN.parent, CHURN.subscription)
    finally:
        plane.graph.quota.is_enforced = False


def test_an_index_that_is_throttled_does_not_hold_up_what_is_read(world: AzureWorld) -> None:
    world.plane.faults.add(Fault(path=PATH, status=429, retry_after=3600))
    began = time.monotonic()

    live_of(world.plane).list_targets(CHURN.parent, {})

    assert time.monotonic() - began < 5


def _graph(plane: ControlPlane) -> ResourceGraph:
    cloud = Cloud(plane.base_url, str(plane.ca_path))
    return ResourceGraph(plane.credential("auditor"), cloud, Pace(10_000, 1_000))


def _object_id(plane: ControlPlane) -> str:
    return plane.graph.estate.identities["auditor"].object_id


def test_a_workspace_whose_name_cannot_stand_in_a_query_is_read(world: AzureWorld) -> None:
    listing = AzureLive.list_targets(world.live, f"{CHURN.parent}'or'1", {})

    assert "cannot stand in a query" in listing.index
