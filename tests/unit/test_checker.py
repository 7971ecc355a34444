"""The checker judges all other tests of the commit path, so it is shown every kind of damage here."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from audit.ports import Row
from audit.record import keys
from tests.crashes import Host
from tests.house import CHAT
from tests.unit.test_commit_path import STORIES, host_as_approved

PARTITION, STREAM = keys.partition(CHAT.parent), keys.target_hash(CHAT)
Damage = Callable[[Host], None]


def whole_host() -> Host:
    """Return a host in which a finding was opened, told, resolved and told."""
    host = host_as_approved()
    STORIES["drift and return"][0](host)
    return host


def rows(host: Host) -> dict[str, Row]:
    return host.house.ledger.partitions[PARTITION]


def key_of(host: Host, part: str) -> str:
    return next(key for key in sorted(rows(host)) if part in key)


def edit(host: Host, key: str, **values: object) -> None:
    row = rows(host)[key]
    rows(host)[key] = replace(row, values={**row.values, **values})  # type: ignore[dict-item]


def edit_body(host: Host, key: str, **changes: object) -> None:
    body = rows(host)[key].values["body"]
    assert isinstance(body, bytes)
    edit(host, key, body=json.dumps(json.loads(body) | changes).encode())


def drop(key: str) -> Damage:
    def damage(host: Host) -> None:
        del rows(host)[key_of(host, key)]

    return damage


def change_an_entry(host: Host) -> None:
    key = keys.journal(STREAM, 2)
    raw = rows(host)[key].values["raw"]
    assert isinstance(raw, bytes)
    edit(host, key, raw=raw.replace(b'"origin":"event"', b'"origin":"sweep"'))


def leave_an_event(host: Host) -> None:
    rows(host)[keys.inbox(STREAM, "e")] = Row(keys.inbox(STREAM, "e"), {"v": 1, "body": b"{}"})


def leave_a_notice(host: Host) -> None:
    rows(host)[keys.outbox("n")] = Row(keys.outbox("n"), {"v": 1, "body": b"{}"})


def leave_a_claim(host: Host) -> None:
    edit_body(host, keys.OUTBOX_HEAD, owner="m-1")


def reopen_a_finding(host: Host) -> None:
    edit_body(host, key_of(host, "-f-"), status="open")


def lose_a_snapshot(host: Host) -> None:
    host.house.blobs.blobs.clear()


def tell_nobody(host: Host) -> None:
    host.house.channel.alerts.pop()


def tell_it_under_two_names(host: Host) -> None:
    alerts = host.house.channel.alerts
    alerts.append(replace(alerts[0], id="another"))


def tell_it_differently(host: Host) -> None:
    alerts = host.house.channel.alerts
    alerts.append(replace(alerts[0], at=alerts[1].at))


def send_another_event(host: Host) -> None:
    host.events.add("e-lost")


def test_a_whole_record_has_no_violations() -> None:
    assert whole_host().violations(set()) == []


@pytest.mark.parametrize(
    ("damage", "invariant"),
    [
        (drop(keys.journal(STREAM, 2)), "A"),
        (drop(keys.journal(STREAM, 3)), "A"),
        (drop(keys.head(STREAM)), "A"),
        (change_an_entry, "A"),
        (drop(keys.journal(keys.ALERTS, 2)), "A"),
        (lose_a_snapshot, "B"),
        (leave_an_event, "C"),
        (send_another_event, "C"),
        (reopen_a_finding, "D"),
        (drop("-f-"), "D"),
        (leave_a_notice, "E"),
        (leave_a_claim, "E"),
        (tell_nobody, "E"),
        (tell_it_under_two_names, "F"),
        (tell_it_differently, "F"),
    ],
)
def test_every_damage_is_seen(damage: Damage, invariant: str) -> None:
    host = whole_host()

    damage(host)

    assert invariant in {violation[0] for violation in host.violations(set())}
