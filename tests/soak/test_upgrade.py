"""(22) Rows of an earlier version are read, verified and continued; `tests/golden` keeps them as they were."""

import base64
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from audit.ports import Row
from audit.record import keys
from audit.service.history import Historian
from audit.service.verify import Verifier
from tests.house import CHAT, House, chat_document, churn_document, write_event
from tests.house import CHURN as ENDPOINT

# Never written anew: with a new version of the rows, another file stands beside it.
STORED = Path(__file__).parents[1] / "golden" / "rows-of-version-1.json"


def stored_house() -> House:
    """Return a house that finds the rows of an earlier version, some minutes after they were written."""
    stored, house = json.loads(STORED.read_text("utf-8")), House()
    for name, table in (("ledger", house.ledger), ("releases", house.releases)):
        for partition, rows in stored[name].items():
            table.partitions[partition] = {key: _row(key, values) for key, values in rows.items()}
    for name, blobs in (("evidence", house.blobs), ("checkpoints", house.checkpoints)):
        blobs.blobs |= {key: base64.b64decode(text) for key, text in stored[name].items()}
    house.clock.time = datetime.fromisoformat(stored["at"]) + timedelta(minutes=15)
    house.serve(CHAT, chat_document("2024-11-20"))
    house.serve(ENDPOINT, churn_document())
    return house


def _row(key: str, values: dict[str, Any]) -> Row:
    plain = {name: base64.b64decode(v["base64"]) if isinstance(v, dict) else v for name, v in values.items()}
    return Row(key, plain, f"etag of {key}")


def verify(house: House) -> tuple[int, list[Any]]:
    found = Verifier(house.ledger, house.releases, house.blobs, house.checkpoints).verify([], ())
    return sum(each.entries for each in found.chains), found.broken


def test_22_what_an_earlier_version_wrote_verifies() -> None:
    count, broken = verify(stored_house())

    assert broken == []
    assert count == 14


def test_22_what_an_earlier_version_wrote_answers_questions() -> None:
    house = stored_house()
    historian = Historian(house.ledger, house.releases, house.blobs)

    answer = historian.serving(CHAT, house.clock.now())

    assert answer is not None
    assert (answer.facts["model.version"], answer.release and answer.release.id) == ("2024-11-20", "r1")
    assert {moment.what for moment in historian.history(CHAT)} == {"event", "look", "finding", "alert", "approval"}


def test_22_chains_of_an_earlier_version_are_continued() -> None:
    house = stored_house()
    before, _ = verify(house)
    house.serve(CHAT, chat_document())

    house.deliver(write_event(id_="e-new", time=house.clock.now().isoformat()))
    house.sweep()

    after, broken = verify(house)
    assert broken == []
    assert after >= before + 2  # the check, and the alert that the finding is resolved
    assert house.told[-1] == ("resolved", "MA102")


def test_22_an_event_that_an_earlier_version_took_in_is_still_a_duplicate() -> None:
    house = stored_house()
    rows = house.ledger.partitions[keys.partition(CHAT.parent)]
    raws = [row.values["raw"] for key, row in sorted(rows.items()) if key.startswith("j-")]
    folded = [event for raw in raws for event in json.loads(raw)["body"].get("events", ())]  # type: ignore[arg-type]
    before = verify(house)[0]

    for event in folded:
        house.deliver(write_event(id_=event["id"], time=event["time"]))

    assert len(folded) == 4
    assert verify(house)[0] == before
