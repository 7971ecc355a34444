"""What a sweep comes to, and how complete it was: in its record, in the ledger, and in the report."""

from datetime import timedelta

from audit.model import Look, Outcome, Target
from audit.record import keys, ledger
from audit.record.ledger import Run
from audit.targets import parse_target
from audit.told.render import render_report
from audit.told.report import Report
from tests.house import ACCOUNT, CHAT, House, chat_document, release, write_event

FIFTY = [parse_target(f"{ACCOUNT}/deployments/d{number:02}") for number in range(50)]


def swept(house: House, parent: str = CHAT.parent) -> Run:
    house.clock.advance(minutes=15)
    house.sweep()
    row = house.ledger.rows(keys.partition(parent), "r-", "r.", 1)[0]
    return ledger.read(row, Run)


def fifty() -> House:
    house = House()
    for target in FIFTY:
        house.serve(target, chat_document())
        house.approve(release(target, f"r-{target.name}"))
    return house


def outcomes(house: House) -> dict[Target, Outcome]:
    hots = ledger.by_stream(house.ledger.rows(keys.partition(CHAT.parent), *keys.ALL_HOT)).values()
    heads = [hot.head for hot in map(ledger.read_hot, hots) if hot.head]
    return {head.target: head.outcome for head in heads if head.target in FIFTY}


def report(house: House) -> Report:
    now = house.clock.now()
    return house.reporter.report(now - timedelta(days=7), now)


def test_one_document_among_fifty_that_nobody_understands_leaves_forty_nine_seen() -> None:
    house = fifty()
    house.serve(FIFTY[7], {"deployment": {"name": "d07", "properties": None}})

    run = swept(house)

    seen = list(outcomes(house).values())
    assert (run.listed, run.seen, run.unreadable, dict(run.skipped)) == (50, 49, 1, {})
    assert (seen.count(Outcome.PRESENT), seen.count(Outcome.UNREADABLE)) == (49, 1)
    assert [(row["rule"], row["name"]) for row in house.reporter.open_findings()] == [("MA901", "d07")]


def test_one_target_among_fifty_that_azure_refuses_leaves_forty_nine_seen() -> None:
    house = fifty()
    house.live.errors[FIFTY[7]] = Look(Outcome.UNREADABLE, reason="HTTP 403")

    run = swept(house)

    assert (run.listed, run.seen, run.unreadable) == (50, 49, 1)


def test_a_parent_that_cannot_be_listed_closes_nothing_and_is_a_finding_of_its_own() -> None:
    house = fifty()
    house.serve(FIFTY[7], chat_document("2024-11-20"))
    house.sweep()
    house.live.unlisted[CHAT.parent] = "HTTP 403"

    run = swept(house)

    found = {(row["rule"], row["name"]) for row in house.reporter.open_findings()}
    assert found == {("MA102", "d07"), ("MA901", "aoai-prod")}
    assert (run.outcome, run.reason, run.listed) == (Outcome.UNREADABLE, "HTTP 403", 0)
    assert "could not be listed: HTTP 403" in render_report(report(house))


def test_what_only_a_sweep_found_is_marked_and_counted_and_what_an_event_told_is_not() -> None:
    house = fifty()
    house.sweep()
    house.clock.advance(minutes=15)
    for target in FIFTY[:3]:
        house.serve(target, chat_document("2024-11-20"))
    house.deliver(write_event(FIFTY[0], time=house.clock.now().isoformat()))

    house.sweep()

    made = report(house)
    marked = [card.episode.finding.target for card in made.open if not card.episode.announced]
    assert set(marked) == set(FIFTY[1:3])
    assert made.unannounced == len(marked)
    assert f"<b>{len(marked)}</b> of the findings of this period were announced by no" in render_report(made)


def test_the_report_tells_of_each_place_how_complete_its_last_sweep_was() -> None:
    house = fifty()
    house.serve(FIFTY[7], {"deployment": {"name": "d07", "properties": None}})
    house.sweep()

    (line,) = report(house).sweeps

    assert (line.place, line.run.listed, line.run.seen, line.run.unreadable) == ("aoai-prod", 50, 49, 1)
    assert line.left_out == 0


def test_reasons_that_matter_are_not_crowded_out_by_what_an_index_left_out() -> None:
    skipped = {"every serverless-endpoint": "HTTP 404"} | {target.id: "unchanged" for target in FIFTY}
    now = House().clock.now()

    row = ledger.run_row(Run(now, Outcome.PRESENT, "", 51, 0, 0, skipped, []))

    kept = ledger.read(row, Run).skipped
    assert len(kept) == ledger.MAX_SKIPPED
    assert kept["every serverless-endpoint"] == "HTTP 404"
