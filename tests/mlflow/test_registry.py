"""What only MLflow has, read from a real server."""

from typing import Any

import pytest
from starlette.responses import Response

from audit import mlflow
from audit.errors import Throttled, Unavailable
from audit.model import Facts, Look, Outcome, Target
from audit.sight.facts import observe
from audit.targets import parse_target
from tests.fakes import FakeClock
from tests.mlflow.conftest import Ask
from tests.mlflow.proxy import Proxy
from tests.mlflow.server import Server

pytestmark = pytest.mark.mlflow

REGISTRY = "mlflow://prod"


def model(name: str) -> Target:
    return parse_target(mlflow.model_id(REGISTRY, name))


def facts(look: Look, name: str = "any") -> Facts:
    seen = observe(model(name), look, FakeClock().now())
    assert seen.outcome is Outcome.PRESENT, seen.reason
    return seen.facts


def test_a_version_shows_its_source_stage_tags_and_the_run_behind_it(server: Server, live: Ask) -> None:
    run = server.create_run(commit="0a1b2c3d4e5f", depth="7", eta="0.1")
    server.use_data(run, "customers", "d41d8c", "training")
    server.use_data(run, "holdout", "98f00b", "evaluation")
    server.create_model("fraud", description="finds fraud", tags=[{"key": "owner", "value": "risk"}])
    server.create_version("fraud", "s3://models/fraud/1", run_id=run, tags=[{"key": "task", "value": "binary"}])
    server.post("model-versions/transition-stage", name="fraud", version="1", stage="Production")
    server.point("fraud", "Champion", "1")

    found = facts(live().look(model("fraud")))

    assert found == {
        "aliases.Champion": "1",
        "description": "finds fraud",
        "tags.owner": "risk",
        "versions.1.archived": False,
        "versions.1.origin.data": "customers:d41d8c",
        "versions.1.origin.git_commit": "0a1b2c3d4e5f",
        "versions.1.origin.parameters.depth": "7",
        "versions.1.origin.parameters.eta": "0.1",
        "versions.1.origin.run": run,
        "versions.1.path": "s3://models/fraud/1",
        "versions.1.provisioning_state": "ready",
        "versions.1.stage": "Production",
        "versions.1.tags.task": "binary",
    }


def test_what_is_changed_in_the_registry_is_seen(server: Server, live: Ask) -> None:
    server.create_model("moved")
    for _ in range(2):
        server.create_version("moved")
    server.point("moved", "champion", "1")
    before = facts(live().look(model("moved")))
    server.point("moved", "champion", "2")
    server.post("model-versions/transition-stage", name="moved", version="2", stage="Archived")
    server.post("model-versions/set-tag", name="moved", version="2", key="checked", value="no")
    server.post("model-versions/delete", "DELETE", name="moved", version="1")

    after = facts(live().look(model("moved")))

    assert (before["aliases.champion"], after["aliases.champion"]) == ("1", "2")
    assert after["versions.2.archived"] is True
    assert after["versions.2.tags.checked"] == "no"
    assert not any(name.startswith("versions.1.") for name in after)


# Newer servers refuse a slash, a colon and a name that is a path; older ones of MLflow 3 take them.
NAMES = [
    *("O'Brien", 'the "best"', """both ' and " of them""", "100% sure", "a%41", "größe", " blanks "),
    *("back\\slash`", "two\nlines", "?#&=+", "x" * 256, "a and b or name='c'"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_any_name_is_listed_and_looked_at(server: Server, live: Ask, name: str) -> None:
    server.create_model(name)
    server.create_version(name, "s3://models/odd")

    looked = live().look(model(name))

    assert facts(looked)["versions.1.path"] == "s3://models/odd"
    assert live().list_targets(REGISTRY).looks[model(name)] == looked


def test_names_that_differ_in_case_are_two_models(server: Server, live: Ask) -> None:
    for name, source in (("Case", "s3://models/upper"), ("case", "s3://models/lower")):
        server.create_model(name)
        server.create_version(name, source)

    found = [
        facts(live().look(model(name)))["versions.1.path"] for name in ("Case", "case", "CASE") if name != "CASE"
    ]

    assert found == ["s3://models/upper", "s3://models/lower"]
    assert live().look(model("CASE")) == Look(Outcome.ABSENT)


def test_pages_of_any_size_hold_the_same(server: Server, live: Ask) -> None:
    for number in range(5):
        server.create_model(f"paged-{number}")
        for _ in range(number):
            server.create_version(f"paged-{number}", run_id=server.create_run())

    by_two, at_once = (live(page_size=size).list_targets(REGISTRY) for size in (2, 1000))

    assert by_two == at_once
    assert {f"paged-{number}" for number in range(5)} <= {target.name for target in by_two.looks}


def test_a_prompt_is_no_model(server: Server, live: Ask) -> None:
    server.create_model("greeting", tags=[{"key": "mlflow.prompt.is_prompt", "value": "true"}])

    assert live().look(model("greeting")) == Look(Outcome.ABSENT)
    assert model("greeting") not in live().list_targets(REGISTRY).looks


def test_a_deleted_run_still_tells_what_it_was_and_an_unknown_one_says_so(server: Server, live: Ask) -> None:
    run = server.create_run(commit="feed")
    server.post("runs/delete", run_id=run)
    server.create_model("orphan")
    server.create_version("orphan", run_id=run)
    server.create_version("orphan", run_id="f" * 32)

    found = facts(live().look(model("orphan")))

    assert found["versions.1.origin.git_commit"] == "feed"
    assert found["versions.2.origin.run"] == "f" * 32
    assert found["versions.2.origin.outcome"] == "absent"


def test_runs_that_may_not_be_read_leave_the_model_readable(server: Server, proxy: Proxy, live: Ask) -> None:
    server.create_model("private")
    server.create_version("private", run_id=server.create_run())
    server.point("private", "champion", "1")
    proxy.refuse(403, "experiments/search")

    found = facts(live().look(model("private")))

    assert found["versions.1.origin.outcome"] == "unreadable"
    assert found["aliases.champion"] == "1"


def test_being_throttled_at_a_run_is_being_throttled(server: Server, proxy: Proxy, live: Ask) -> None:
    server.create_model("busy")
    server.create_version("busy", run_id=server.create_run())
    proxy.refuse(429, "runs/search", **{"Retry-After": "120"})

    with pytest.raises(Throttled):
        live().look(model("busy"))


@pytest.mark.parametrize(
    ("sign_in", "sent"),
    [({}, ""), ({"token": "secret-1"}, "Bearer secret-1"), ({"login": "ada:secret-2"}, "Basic YWRhOnNlY3JldC0y")],
)
def test_we_sign_in_as_the_settings_say(proxy: Proxy, live: Ask, sign_in: dict[str, str], sent: str) -> None:
    live(**sign_in).list_targets(REGISTRY)

    assert {authorization for _, authorization in proxy.asked} == {sent}


@pytest.mark.parametrize("status", [401, 403, 400, 404])
def test_a_final_refusal_is_no_look_and_keeps_the_secret(proxy: Proxy, live: Ask, status: int) -> None:
    proxy.refuse(status)

    look, listing = live(token="secret-1").look(model("fraud")), live(token="secret-1").list_targets(REGISTRY)

    assert (look.outcome, listing.itself.outcome) == (Outcome.UNREADABLE, Outcome.UNREADABLE)
    assert str(status) in look.reason
    assert "secret" not in look.reason + listing.itself.reason


def test_a_redirect_is_not_followed_and_the_token_stays_here(proxy: Proxy, live: Ask) -> None:
    proxy.answers[""] = Response(status_code=302, headers={"Location": f"{proxy.own_url}/elsewhere"})

    look = live(token="secret-1").look(model("fraud"))

    assert look.outcome is Outcome.UNREADABLE
    assert not any(path == "/elsewhere" for path, _ in proxy.asked)


def test_a_page_to_sign_in_at_is_no_look(proxy: Proxy, live: Ask) -> None:
    proxy.answers[""] = Response("<html>Sign in</html>", media_type="text/html")

    assert live().look(model("fraud")).outcome is Outcome.UNREADABLE


def test_nothing_is_concluded_where_nobody_answers(live: Ask, proxy: Proxy) -> None:
    asked = live()
    proxy.answers[""] = Response(status_code=503)

    with pytest.raises(Unavailable):
        asked.look(model("fraud"))


def edited(answer: Any, member: str, change: Any) -> None:
    for each in answer.get(member, []):
        if each.get("name") == "fraud":
            change(each)


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("model_versions", lambda each: each.pop("version")),
        ("model_versions", lambda each: each.update(tags="owner=risk")),
        ("registered_models", lambda each: each.update(aliases=["champion"])),
        ("registered_models", lambda each: each.update(tags={"owner": "risk"}, aliases=7)),
    ],
)
def test_one_malformed_document_of_many_is_the_only_unreadable_one(
    proxy: Proxy, live: Ask, member: str, change: Any
) -> None:
    proxy.edit = lambda answer: edited(answer, member, change)

    listing = live().list_targets(REGISTRY)

    seen = {target.name: observe(target, look, FakeClock().now()) for target, look in listing.looks.items()}
    assert listing.itself == Look(Outcome.PRESENT)
    assert len(seen) > 10
    assert [name for name, each in seen.items() if each.outcome is Outcome.UNREADABLE] == ["fraud"]


@pytest.mark.parametrize("member", ["registered_models", "model_versions"])
@pytest.mark.parametrize("stray", [7, {"name": None}, {}])
def test_what_belongs_to_no_model_leaves_the_list_unreadable_and_hides_no_model(
    proxy: Proxy, live: Ask, member: str, stray: object
) -> None:
    proxy.edit = lambda answer: answer.get(member, []).append(stray)

    listing = live().list_targets(REGISTRY)

    assert listing.itself.outcome is Outcome.UNREADABLE
    assert model("fraud") in listing.looks
    assert len(listing.skipped) == 1


@pytest.mark.parametrize("member", ["registered_models", "model_versions"])
def test_a_list_that_is_none_leaves_the_registry_unreadable(proxy: Proxy, live: Ask, member: str) -> None:
    proxy.edit = lambda answer: answer.update({member: "many"})

    assert live().list_targets(REGISTRY).itself.outcome is Outcome.UNREADABLE


def test_pages_that_link_in_a_circle_come_to_an_end(proxy: Proxy, live: Ask) -> None:
    proxy.edit = lambda answer: answer.update(next_page_token="")

    listing = live(page_size=2).list_targets(REGISTRY)
    proxy.asked.clear()
    proxy.edit = lambda answer: answer.update(next_page_token="eyJvZmZzZXQiOiAyfQ==")
    circular = live(page_size=2).list_targets(REGISTRY)

    assert listing.itself == Look(Outcome.PRESENT)
    assert circular.itself.outcome is Outcome.UNREADABLE
    assert len(proxy.asked) < 5


def test_a_registry_that_the_settings_do_not_name_cannot_be_looked_at(live: Ask) -> None:
    look = live().look(parse_target("mlflow://elsewhere/models/fraud"))

    assert look.outcome is Outcome.UNREADABLE
    assert "MODEL_AUDIT_MLFLOW" in look.reason
    assert live().list_targets("mlflow://elsewhere").itself == look
