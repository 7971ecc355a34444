"""Answers that Azure should never give, and that somebody in between can: each is understood or said to be odd."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from audit.adapters.cloud import Cloud
from audit.adapters.live import AzureLive
from audit.adapters.pace import Pace
from audit.errors import Throttled, Unavailable
from audit.model import Look, Outcome
from audit.sight.catalogue import Unread, retirement_of
from audit.targets import parse_target
from local.azure import ControlPlane
from tests.contracts.scripted import Said, Script, scripted
from tests.house import ACCOUNT, CHAT, CHURN, chat_document

pytestmark = pytest.mark.stack

DEPLOYMENT = chat_document()["deployment"] | {"id": f"{ACCOUNT}/deployments/chat"}
ODD = DEPLOYMENT | {"systemData": {"createdAt": "yesterday"}}  # the SDK makes no entity of it, and goes no further
OTHER = DEPLOYMENT | {"id": f"{ACCOUNT}/deployments/other", "name": "other"}
ARM_404 = {"error": {"code": "ResourceNotFound", "message": "It is not there."}}


@pytest.fixture(scope="module")
def served(azure: ControlPlane) -> Iterator[Script]:
    with scripted(azure.ca_path.with_name("server.pem")) as script:
        yield script


@pytest.fixture(scope="module")
def elsewhere(azure: ControlPlane) -> Iterator[Script]:
    """Yield a place that nothing of ours belongs to."""
    with scripted(azure.ca_path.with_name("server.pem")) as script:
        yield script


@pytest.fixture
def script(served: Script) -> Script:
    """Return a script in which the account is whole, and a test says the rest."""
    served.answers = {
        "/accounts/aoai-prod": Said({"location": "westeurope", "properties": {}}),
        "/raiPolicies": Said({"value": []}),
    }
    served.asked = []
    return served


@pytest.fixture
def live(script: Script, azure: ControlPlane) -> AzureLive:
    cloud = Cloud(script.url, str(azure.ca_path), read_timeout=5, backoff=0.01)
    return AzureLive(azure.credential("auditor"), cloud, [], Pace(1_000, 1_000))


LINKS = {
    "another port": "https://127.0.0.1:{port}/page2",
    "no TLS": "http://{host}/page2",
    "a user that looks like a host": "https://{host}@127.0.0.1:{port}/page2",
    "a backslash": "https://127.0.0.1:{port}\\@{host}/page2",
    "a longer host": "https://{host}.example/page2",
}


@pytest.mark.parametrize("follower", ["the SDK", "we"])
@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_no_token_goes_to_another_place_than_the_control_plane(
    script: Script, elsewhere: Script, live: AzureLive, link: str, follower: str
) -> None:
    host, port = script.url.removeprefix("https://"), elsewhere.url.rpartition(":")[2]
    first = DEPLOYMENT if follower == "the SDK" else ODD
    script.answers["/deployments"] = Said({"value": [first], "nextLink": link.format(host=host, port=port)})

    listing = live.list_targets(CHAT.parent)

    assert listing.itself.outcome is Outcome.UNREADABLE
    assert elsewhere.asked == []


@pytest.mark.parametrize("link", ["/page2", "page2", 2, ["page2"], {"href": "page2"}])
def test_a_link_that_is_none_leaves_the_list_unreadable(script: Script, live: AzureLive, link: object) -> None:
    script.answers["/deployments"] = Said({"value": [ODD], "nextLink": link})

    assert live.list_targets(CHAT.parent).itself.outcome is Outcome.UNREADABLE


def test_a_link_that_names_the_port_of_https_is_the_same_place() -> None:
    assert Cloud().is_place("https://management.azure.com:443/subscriptions/s?$skiptoken=x")
    assert not Cloud().is_place("https://management.azure.com:8443/subscriptions/s")
    assert not Cloud().is_place("https://management.azure.com.example/subscriptions/s")


def test_pages_that_link_in_a_circle_come_to_an_end(script: Script, live: AzureLive) -> None:
    link = f"{script.url}{ACCOUNT}/deployments?api-version=2025-09-01&page=2"
    script.answers["/deployments"] = Said({"value": [DEPLOYMENT], "nextLink": link})

    listing = live.list_targets(CHAT.parent)

    assert listing.itself.outcome is Outcome.UNREADABLE
    assert len(script.asked) < 10


@pytest.mark.parametrize(
    "said",
    [
        Said(b"<html>Sign in</html>", headers={"content-type": "text/html"}),
        Said(b""),
        Said([DEPLOYMENT]),
        Said("chat"),
        Said(b'{"a":' * 100_000),
        Said(DEPLOYMENT, cut=100),
    ],
    ids=["html", "nothing", "a list", "a text", "too deep", "cut off"],
)
def test_an_answer_that_is_no_document_says_nothing(script: Script, live: AzureLive, said: Said) -> None:
    script.answers["/deployments/chat"] = said

    with pytest.raises(Unavailable):
        live.look(CHAT)


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": {"chat": DEPLOYMENT}}])
def test_an_answer_without_a_list_is_not_an_empty_list(script: Script, live: AzureLive, body: object) -> None:
    script.answers["/deployments"] = Said(body)
    script.answers["/versions"] = Said(body)

    listing = live.list_targets(CHAT.parent)
    look = live.look(parse_target(f"{CHURN.parent}/models/churn"))

    assert listing.itself.outcome is Outcome.UNREADABLE
    assert look.outcome is Outcome.UNREADABLE


@pytest.mark.parametrize(
    "item", ["chat", None, {}, {"id": 5}, {"id": "/subscriptions/elsewhere"}, {"id": ACCOUNT}]
)
def test_an_item_nobody_can_name_hides_no_other(script: Script, live: AzureLive, item: object) -> None:
    script.answers["/deployments"] = Said({"value": [DEPLOYMENT, item, OTHER]})

    listing = live.list_targets(CHAT.parent)

    assert [target.name for target in listing.looks] == ["chat", "other"]
    assert listing.itself.outcome is Outcome.UNREADABLE


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (Said(ARM_404, 404), Outcome.ABSENT),
        (Said({"error": {"code": "ResourceGroupNotFound", "message": ""}}, 404), Outcome.ABSENT),
        (Said({"error": {"code": "SubscriptionNotFound", "message": ""}}, 404), Outcome.UNREADABLE),
        (Said(b"<html>no such page</html>", 404), Outcome.UNREADABLE),
        (Said({"error": {"code": "InvalidApiVersionParameter", "message": ""}}, 400), Outcome.UNREADABLE),
        (Said({"error": {"code": "ReadOnlyDisabledSubscription", "message": ""}}, 409), Outcome.UNREADABLE),
        (Said(ARM_404, 410), Outcome.UNREADABLE),
        (Said(ARM_404, 451), Outcome.UNREADABLE),
    ],
)
def test_only_arm_itself_can_say_that_something_is_gone(
    script: Script, live: AzureLive, said: Said, outcome: Outcome
) -> None:
    script.answers["/deployments/chat"] = script.answers["/onlineEndpoints/churn"] = said

    assert live.look(CHAT).outcome is outcome
    assert live.look(CHURN).outcome is outcome


@pytest.mark.parametrize(
    ("status", "header", "expected"),
    [
        (429, "77", timedelta(seconds=77)),
        (429, None, timedelta(seconds=10)),
        (429, "soon", timedelta(seconds=10)),
        (429, "1e300", timedelta(seconds=10)),
        (429, "86400", timedelta(hours=1)),
        (429, "Wed, 21 Oct 2099 07:28:00 GMT", timedelta(hours=1)),
        (503, "600", timedelta(minutes=10)),
        (500, "600", timedelta(minutes=10)),
        (403, "600", timedelta(minutes=10)),
    ],
)
def test_the_sdks_do_not_sleep_for_as_long_as_a_header_says(
    script: Script, live: AzureLive, status: int, header: str | None, expected: timedelta
) -> None:
    headers = {} if header is None else {"retry-after": header}
    script.answers["/deployments/chat"] = Said(ARM_404, status, headers)
    began = time.monotonic()

    with pytest.raises(Throttled) as throttled:
        live.look(CHAT)

    assert throttled.value.retry_after == expected
    assert time.monotonic() - began < 2
    assert len(script.asked) == 1


def test_a_throttled_page_is_told_without_its_query(script: Script, live: AzureLive) -> None:
    script.answers["/deployments/chat"] = Said(ARM_404, 429, {"retry-after": "77"})

    with pytest.raises(Throttled) as throttled:
        live.look(CHAT)

    assert "/deployments/chat, got HTTP 429" in str(throttled.value)
    assert "?" not in str(throttled.value)


def test_the_catalogue_has_a_date_for_each_sku(script: Script, live: AzureLive) -> None:
    dates = {"Standard": "2027-01-31T00:00:00Z", "GlobalStandard": "2027-05-31T00:00:00Z"}
    model = {
        "format": "OpenAI",
        "name": "gpt-4o",
        "version": "2024-08-06",
        "lifecycleStatus": "Deprecating",
        "deprecation": {"inference": "2027-03-31T00:00:00Z"},
        "skus": [{"name": name, "deprecationDate": date} for name, date in dates.items()],
        "replacementConfig": {"targetModelName": "gpt-5.1", "targetModelVersion": "2025-11-13"},
    }
    rows = [{"kind": kind, "model": model} for kind in ("OpenAI", "AIServices")]
    script.answers["/models"] = Said({"value": ["odd", {"model": None}, *rows]})

    catalogue = live.catalogue(CHAT.parent, timedelta())

    facts = {"model.format": "OpenAI", "model.name": "gpt-4o", "model.version": "2024-08-06"}
    found = [
        retirement_of(facts | {"sku.name": sku}, catalogue) for sku in ("Standard", "GlobalStandard", "Other")
    ]
    assert [each and each.at for each in found] == [
        datetime(2027, 1, 31, tzinfo=UTC),
        datetime(2027, 5, 31, tzinfo=UTC),
        datetime(2027, 3, 31, tzinfo=UTC),
    ]
    assert {each and each.replacement for each in found} == {"gpt-5.1 2025-11-13"}


@pytest.mark.parametrize("location", [None, 5, {}])
def test_an_account_without_a_location_has_no_catalogue(script: Script, live: AzureLive, location: object) -> None:
    script.answers["/accounts/aoai-prod"] = Said({"location": location})
    script.answers["/deployments"] = Said({"value": []})
    live.list_targets(CHAT.parent)

    catalogue = live.catalogue(CHAT.parent, timedelta())

    assert isinstance(catalogue, Unread)
    assert "location" in catalogue.reason


def test_a_workspace_with_one_list_we_may_not_see_shows_the_others(script: Script, live: AzureLive) -> None:
    forbidden = Said({"error": {"code": "AuthorizationFailed", "message": ""}}, 403)
    endpoint = {"id": CHURN.id, "name": "churn", "properties": {}}
    script.answers = {
        "/deployments": Said({"value": []}),
        "/onlineEndpoints": Said({"value": [endpoint]}),
        "/batchEndpoints": forbidden,
        "/serverlessEndpoints": Said(ARM_404, 404),
        "/models": Said({"value": []}),
    }

    listing = live.list_targets(CHURN.parent)

    assert listing.looks == {CHURN: Look(Outcome.PRESENT, {"endpoint": endpoint, "deployments": []})}
    assert listing.itself.outcome is Outcome.UNREADABLE
    assert "403" in listing.itself.reason
