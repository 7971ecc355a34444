"""What only the real adapter can get wrong: the failures, waits, retries and threads of Azure's own SDKs."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from audit.adapters.cloud import PUBLIC, RETRIES, Cloud
from audit.adapters.live import AzureLive
from audit.adapters.pace import Pace
from audit.errors import Unavailable
from audit.model import Kind, Look, Outcome, Target
from audit.sight.facts import facts_of, observe
from audit.targets import parse_target
from local.azure import ControlPlane, Fault, Spoil
from tests.contracts import worlds
from tests.contracts.worlds import MODEL, TARGETS, AzureWorld
from tests.fakes import FakeClock
from tests.house import ACCOUNT, CHAT, CHURN, WORKSPACE

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
EACH_TARGET = pytest.mark.parametrize("target", TARGETS, ids=[str(target.kind) for target in TARGETS])
MANY = 50
PAGE = 7  # of these, so that MANY fill eight pages
ODD = 9  # stands on the second page


def outcome_of(target: Target, look: Look) -> Outcome:
    return observe(target, look, FakeClock().now()).outcome


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureWorld]:
    """Yield a world whose every list has MANY items on pages of PAGE."""
    with worlds.plane(tmp_path_factory.mktemp("crowd")) as plane:
        endpoint, deployment = (
            f"{WORKSPACE}/onlineEndpoints/churn",
            f"{WORKSPACE}/onlineEndpoints/churn/deployments/blue",
        )
        version, chat = f"{WORKSPACE}/models/churn/versions/3", f"{ACCOUNT}/deployments/chat"
        for id_ in (endpoint, deployment, version, chat):
            multiply(plane, id_)
        yield AzureWorld(plane, worlds.live_of(plane))


@pytest.fixture
def crowded(crowd: AzureWorld) -> Iterator[AzureWorld]:
    crowd.plane.page_size = PAGE
    yield crowd
    crowd.restore()


def multiply(plane: ControlPlane, id_: str) -> None:
    """Add MANY documents of the same kind, which stand in a list in the order of their numbers."""
    document = plane.document(id_)
    assert document is not None
    for number in range(MANY):
        plane.place(deepcopy(document) | {"id": numbered(id_, number), "name": f"item-{number:02}"})


def numbered(id_: str, number: int = ODD) -> str:
    return f"{id_.rpartition('/')[0]}/item-{number:02}"


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda part: part.pop(name)


def put(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda part: part.update(values)


ENDPOINTS, DEPLOYMENTS = f"{WORKSPACE}/onlineEndpoints/-", f"{WORKSPACE}/onlineEndpoints/churn/deployments/-"
VERSIONS, CHATS = f"{WORKSPACE}/models/churn/versions/-", f"{ACCOUNT}/deployments/-"

# What the SDKs cannot make an entity of, and what of it: the list, the part of the document, the change.
ODDITIES = {
    "an endpoint that is just being made": (ENDPOINTS, "systemData", without("lastModifiedAt")),
    "a deployment on compute of another kind": (DEPLOYMENTS, "properties", put(endpointComputeType="Quantum")),
    "a deployment without scale settings": (DEPLOYMENTS, "properties", without("scaleSettings")),
    "a deployment without a SKU": (DEPLOYMENTS, "", without("sku")),
    "a version without flavors": (VERSIONS, "properties", without("flavors")),
    "an id in another spelling": (VERSIONS, "", lambda part: put(id=part["id"].replace("Groups", "groups"))(part)),
    "a time that is none": (CHATS, "systemData", put(createdAt="yesterday")),
    "a limit that is a text": (CHATS, "properties", put(rateLimits="many")),
}


@pytest.mark.parametrize(("id_", "part", "change"), ODDITIES.values(), ids=ODDITIES)
def test_what_the_sdk_stumbles_over_hides_nothing(
    crowded: AzureWorld, id_: str, part: str, change: Callable[[dict[str, Any]], None]
) -> None:
    target = parse_target(numbered(id_))
    before = crowded.live.list_targets(target.parent)
    odd = deepcopy(crowded.plane.document(numbered(id_)))
    assert odd is not None
    change(odd[part] if part else odd)
    crowded.replace(odd)

    listing = crowded.live.list_targets(target.parent)
    look = crowded.live.look(target)

    assert set(listing.looks) == set(before.looks)
    assert {outcome_of(each, seen) for each, seen in listing.looks.items()} == {Outcome.PRESENT}
    assert facts_of(target.kind, look.document) == facts_of(target.kind, listing.looks[target].document)


@pytest.mark.parametrize("id_", [ENDPOINTS, CHATS])
def test_one_malformed_document_of_many_is_the_only_unreadable_one(crowded: AzureWorld, id_: str) -> None:
    crowded.change(numbered(id_), properties=None)
    asked = len(crowded.plane.requests)

    listing = crowded.live.list_targets(parse_target(numbered(id_)).parent)

    outcomes = [outcome_of(target, look) for target, look in listing.looks.items() if "item-" in target.name]
    pages = [call for call in crowded.plane.requests[asked:] if call.path == id_.rpartition("/")[0]]
    assert listing.itself == Look(Outcome.PRESENT)
    assert (outcomes.count(Outcome.PRESENT), outcomes.count(Outcome.UNREADABLE)) == (MANY - 1, 1)
    assert len(pages) == -(-(MANY + 1) // PAGE)


def test_a_version_is_seen_even_where_another_is_malformed(crowded: AzureWorld) -> None:
    crowded.change(numbered(VERSIONS), properties=None)

    look = crowded.live.look(MODEL)

    assert len(look.document["versions"]) == MANY + 3
    assert outcome_of(MODEL, look) is Outcome.UNREADABLE


def test_archived_and_anonymous_versions_are_seen(azure_live: AzureLive) -> None:
    facts = facts_of(Kind.MODEL, azure_live.look(MODEL).document)

    assert facts["versions.1.archived"] is True
    assert facts["versions.2.anonymous"] is True


@pytest.mark.parametrize(
    ("fleet", "person"),
    [("local/fleet.yaml", "model-audit"), ("tests/local/azure/whole_fleet.yaml", "auditor")],
    ids=["demo", "whole"],
)
def test_a_listing_has_the_facts_of_a_look_for_every_target_of_a_fleet(
    fleet: str, person: str, tmp_path: Path
) -> None:
    with worlds.plane(tmp_path, ROOT / fleet) as plane:
        live = worlds.live_of(plane, person)
        listed = {k: v for parent in live.parents() for k, v in live.list_targets(parent).looks.items()}
        looked = {target: live.look(target) for target in listed}

    facts = {target: facts_of(target.kind, look.document) for target, look in listed.items()}
    assert len(facts) > 10
    assert facts == {target: facts_of(target.kind, look.document) for target, look in looked.items()}


@pytest.mark.parametrize(
    "fault",
    [Fault(path="*/versions", status=500, first=2), Fault(path="*/versions", spoil=Spoil.TRUNCATED, first=2)],
    ids=["500", "truncated"],
)
def test_a_page_that_was_asked_for_again_counts_once(azure_world: AzureWorld, fault: Fault) -> None:
    azure_world.plane.page_size = 1
    azure_world.plane.faults.add(fault)

    look = azure_world.live.look(MODEL)

    assert [version["name"] for version in look.document["versions"]] == ["1", "2", "3"]


@EACH_TARGET
def test_each_sdk_client_retries_as_often_as_we_told_it(azure_world: AzureWorld, target: Target) -> None:
    azure_world.live.look(target)
    azure_world.break_down(target)
    asked = len(azure_world.plane.requests)

    with pytest.raises(Unavailable):
        azure_world.live.look(target)

    assert len(azure_world.plane.requests) - asked == RETRIES["retry_status"] + 1


def test_whatever_is_asked_for_in_a_sweep_is_asked_for_as_often_as_we_said(azure_world: AzureWorld) -> None:
    plane, live = azure_world.plane, azure_world.live

    def sweep() -> None:
        for parent in live.parents():
            live.list_targets(parent)
        live.catalogue(CHAT.parent, timedelta())

    sweep()  # the first finds out where the registry answers, once and for all
    plane.requests.clear()
    sweep()
    tries = {}
    for path in sorted({call.path for call in plane.requests}):
        plane.requests.clear()
        fault = plane.faults.add(Fault(path=path, status=500))
        with suppress(Unavailable):
            sweep()
        tries[path] = sum(call.status == 500 for call in plane.requests)
        plane.faults.clear(fault)

    assert len(tries) > 12
    assert set(tries.values()) == {RETRIES["retry_status"] + 1}


@EACH_TARGET
def test_each_sdk_client_gives_up_on_a_service_that_hangs(azure_world: AzureWorld, target: Target) -> None:
    live = worlds.live_of(azure_world.plane, read_timeout=0.2)
    live.look(target)
    azure_world.plane.faults.add(Fault(spoil=Spoil.HANG))
    began = time.monotonic()

    with pytest.raises(Unavailable):
        live.look(target)

    assert time.monotonic() - began < 5


@EACH_TARGET
def test_an_answer_that_breaks_off_is_none(azure_world: AzureWorld, target: Target) -> None:
    azure_world.plane.faults.add(Fault(spoil=Spoil.TRUNCATED))

    with pytest.raises(Unavailable) as unavailable:
        azure_world.live.look(target)

    assert target.id in str(unavailable.value) or target.parent_name in str(unavailable.value)


@EACH_TARGET
def test_without_a_role_nothing_can_be_looked_at(azure: ControlPlane, target: Target) -> None:
    look = worlds.live_of(azure, person="stranger").look(target)

    assert look.outcome is Outcome.UNREADABLE
    assert "Reader" in look.reason


@pytest.mark.parametrize("target", [CHAT, CHURN], ids=["openai", "ml"])
def test_nothing_listens_where_we_look(azure: ControlPlane, target: Target) -> None:
    cloud = Cloud("https://127.0.0.1:9", str(azure.ca_path), backoff=0.01)
    live = AzureLive(azure.credential("auditor"), cloud, [], Pace(1_000, 1_000))

    with pytest.raises(Unavailable):
        live.look(target)


def test_looks_from_many_threads_do_not_mix(crowded: AzureWorld) -> None:
    asked = [parse_target(numbered(id_, number)) for number in range(20) for id_ in (CHATS, ENDPOINTS)]
    live = worlds.live_of(crowded.plane)

    with ThreadPoolExecutor(8) as threads:
        looks = list(threads.map(live.look, asked))

    parts = [look.document.get("deployment") or look.document["endpoint"] for look in looks]
    assert [parse_target(part["id"]) for part in parts] == asked


class CountingCredential:
    """Counts who asks for a token: each SDK client does once, because it keeps its token."""

    def __init__(self, credential: Any):
        self._credential, self.asked = credential, 0

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked += 1
        token: AccessToken = self._credential.get_token(*scopes, **options)
        return token


def test_the_clients_are_made_once(azure: ControlPlane) -> None:
    credential = CountingCredential(azure.credential("auditor"))
    live = AzureLive(credential, Cloud(azure.base_url, str(azure.ca_path)), [], Pace(1_000, 1_000))
    for target in TARGETS:
        live.look(target)
    once = credential.asked

    for target in TARGETS * 3:
        live.look(target)

    assert credential.asked == once


class NobodyCredential:
    """Cannot sign in, and remembers for which cloud it was asked to."""

    def __init__(self) -> None:
        self.scopes: set[str] = set()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.scopes |= set(scopes)
        raise ClientAuthenticationError("nobody is here")


@pytest.mark.parametrize("target", [CHAT, CHURN], ids=["openai", "ml"])
def test_the_public_cloud_stays_the_public_cloud_after_another_one(azure_live: AzureLive, target: Target) -> None:
    azure_live.look(target)
    credential = NobodyCredential()

    look = AzureLive(credential, Cloud(), []).look(target)

    assert look.outcome is Outcome.UNREADABLE
    assert credential.scopes == {f"{PUBLIC}/.default"}


# Run in a process of its own, that inherits what an MLClient left in the environment of this one.
LOOK = """
import sys
from azure.core.credentials import AccessToken
from audit.adapters.cloud import Cloud
from audit.adapters.live import AzureLive
from audit.targets import parse_target

class Credential:
    def get_token(self, *scopes, **options):
        return AccessToken(sys.argv[4], 2 ** 40)

print(AzureLive(Credential(), Cloud(*sys.argv[1:3]), []).look(parse_target(sys.argv[3])).outcome)
"""


def test_the_cloud_that_a_former_client_left_behind_harms_no_child_process(azure: ControlPlane) -> None:
    token = azure.credential("auditor").get_token(f"{azure.base_url}/.default").token
    words = [azure.base_url, str(azure.ca_path), CHURN.id, token]

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOOK, *words],
        cwd=ROOT,
        env={"AZUREML_CURRENT_CLOUD": "Custom-127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.strip() == "present", done.stderr[-2000:]


def test_the_catalogue_is_read_again_only_when_it_is_too_old(azure: ControlPlane) -> None:
    live = worlds.live_of(azure)
    live.catalogue(CHAT.parent, timedelta(hours=1))
    asked = len(azure.requests)

    live.catalogue(CHAT.parent, timedelta(hours=1))
    kept = len(azure.requests) - asked
    live.catalogue(CHAT.parent, timedelta())

    assert kept == 0
    assert [call.path.rpartition("/")[2] for call in azure.requests[asked:]] == ["models"]


def test_a_refused_catalogue_is_not_asked_for_again_for_each_deployment(azure_world: AzureWorld) -> None:
    live = azure_world.live
    azure_world.hide_catalogue(CHAT)
    live.catalogue(CHAT.parent, timedelta(hours=1))
    asked = len(azure_world.plane.requests)

    live.catalogue(CHAT.parent, timedelta(hours=1))

    assert len(azure_world.plane.requests) == asked


def test_parents_we_may_not_list_are_not_taken_for_none(azure: ControlPlane) -> None:
    with pytest.raises(Unavailable, match=r"HTTP 403 .*Reader"):
        worlds.live_of(azure, person="stranger").parents()


def test_a_parent_that_is_gone_is_absent(azure_live: AzureLive) -> None:
    for parent in sorted({target.parent for target in TARGETS}):
        listing = azure_live.list_targets(f"{parent}-gone")

        assert (listing.looks, listing.itself) == ({}, Look(Outcome.ABSENT))
