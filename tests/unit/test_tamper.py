"""(17) The attacks of the storage design's table: what each layer of evidence catches, and what none can."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from audit.approvals import releases
from audit.approvals.policy import ScopedPolicy
from audit.approvals.releases import Act
from audit.model import Waiver
from audit.ports import Row
from audit.record import checkpoints, evidence, keys, ledger
from audit.record.checkpoints import Checkpoint
from audit.record.evidence import Link
from audit.record.ledger import Head
from audit.record.outbox import OutboxHead
from audit.service.verify import Verified, Verifier
from tests.fakes import FakeBlobs, FakeTable
from tests.house import CHAT, House, chat_document, release, write_event

STREAM, PARTITION = keys.target_hash(CHAT), keys.partition(CHAT.parent)
VERSIONS = ("2024-08-06", "2024-11-20")
ENTRIES, AT_CHECKPOINT = 12, 9  # of the chain of the checks; those of the other chains are at least as many


Past = dict[int, dict[str, dict[str, Row]]]
"""Copies of the rows of both tables' partition, by the number of entries that there were."""


def run_house() -> tuple[House, Past]:
    """Return a house whose chains grew past their last checkpoint, and how it was after each entry."""
    house, past = House(), {}
    for number in range(ENTRIES):
        house.approve(release(id_=f"r{number}"))
        demand(house, number)
        house.serve(CHAT, chat_document(VERSIONS[number % 2]))
        house.deliver(write_event(id_=f"e-{number}", time=house.clock.now().isoformat()))
        house.clock.advance(minutes=1)
        if number + 1 == AT_CHECKPOINT:
            house.sweep()
        past[number + 1] = {
            "ledger": dict(house.ledger.partitions[PARTITION]),
            "releases": dict(house.releases.partitions[PARTITION]),
            "policies": dict(house.releases.partitions[keys.POLICY]),
        }
    return house, past


def act(house: House, stream: str, partition: str, known: Any, acts: list[Act]) -> None:
    writes = releases.enact(stream, known.link, known.head_row, acts, "ada", house.clock.now())
    house.releases.commit(partition, writes)


def demand(house: House, number: int) -> None:
    known = releases.read_policies(house.releases.rows(keys.POLICY, *keys.ALL_HOT))
    policy = ScopedPolicy("*", retention_days=number + 1)
    act(house, keys.POLICY, keys.POLICY, known, releases.demand(known, policy))


def waive(house: House) -> None:
    known = releases.read_approvals(house.releases.rows(PARTITION, *keys.hot(STREAM)))
    now = house.clock.now()
    waiver = Waiver(CHAT, "MA403", "ada", "a campaign", now, now.replace(year=2027), "CHG-1", "sku.capacity")
    act(house, STREAM, PARTITION, known, releases.waive(known, waiver))


@dataclass(frozen=True)
class Place:
    """A chain as somebody with write access to its table sees it."""

    table: FakeTable
    partition: str
    stream: str
    head_key: str
    head_type: type
    name: str = "ledger"

    @property
    def rows(self) -> dict[str, Row]:
        return self.table.partitions[self.partition]

    @property
    def chain(self) -> list[bytes]:
        start, end = keys.journal_range(self.stream)
        return [ledger.raw_of(self.rows[key]) for key in sorted(self.rows) if start <= key < end]

    def put_entry(self, seq: int, raw: bytes) -> None:
        key = keys.journal(self.stream, seq)
        self.rows[key] = Row(key, {"v": 1, "raw": raw, "digest": evidence.sha256(raw)}, "forged")

    def put_head(self, link: Link) -> None:
        row = self.rows[self.head_key]
        old = ledger.read(row, self.head_type)
        new = link if self.head_type is Link else replace(old, link=link)
        self.rows[self.head_key] = replace(ledger.row(self.head_key, new), etag=row.etag)


def checks(house: House) -> Place:
    return Place(house.ledger, PARTITION, STREAM, keys.head(STREAM), Head)


def alerts(house: House) -> Place:
    return Place(house.ledger, PARTITION, keys.ALERTS, keys.OUTBOX_HEAD, OutboxHead)


def approvals(house: House) -> Place:
    return Place(house.releases, PARTITION, STREAM, keys.head(STREAM), Link, "releases")


def policies(house: House) -> Place:
    return Place(house.releases, keys.POLICY, keys.POLICY, keys.head(keys.POLICY), Link, "policies")


def entries(house: House) -> dict[str, Row]:
    start, end = keys.journal_range(STREAM)
    return {row.key: row for row in house.ledger.partitions[PARTITION].values() if start <= row.key < end}


def lie(raw: bytes) -> dict:
    """Return an entry that says something else, and what rows say as well is left as it is."""
    content = json.loads(raw)
    content["body"]["forged"] = "yes"
    return content


def edit(place: Place, seq: int, _: Past) -> None:
    """Change an entry's bytes, and leave the digest beside them as it is."""
    key = keys.journal(place.stream, seq)
    raw = evidence.canonical(lie(place.chain[seq - 1]))
    place.rows[key] = replace(place.rows[key], values={**place.rows[key].values, "raw": raw})


def edit_and_fix_its_digest(place: Place, seq: int, _: Past) -> None:
    place.put_entry(seq, evidence.canonical(lie(place.chain[seq - 1])))


def delete(place: Place, seq: int, _: Past) -> None:
    del place.rows[keys.journal(place.stream, seq)]


def rewrite_from(place: Place, seq: int, _: Past) -> None:
    """Write the chain anew from an entry on, head included, as somebody who knows how it is made would."""
    chain = place.chain
    last = Link(seq - 1, evidence.sha256(chain[seq - 2]), evidence.EMPTY.at)
    for number in range(seq, len(chain) + 1):
        raw = evidence.canonical(lie(chain[number - 1]) | {"prev": last.digest})
        place.put_entry(number, raw)
        last = Link(number, evidence.sha256(raw), last.at)
    place.put_head(last)


def replay(place: Place, seq: int, past: Past) -> None:
    """Put everything back to where it was after an entry: the tail is cut off, and an old head stands again."""
    place.table.partitions[place.partition] = dict(past[seq][place.name])


def delete_whole(place: Place, _: int, __: Past) -> None:
    for key in [key for key in place.rows if place.stream in key] + [place.head_key]:
        place.rows.pop(key, None)


def append_lie(place: Place, _: int, __: Past) -> None:
    head = ledger.read(place.rows[place.head_key], place.head_type)
    link = head if isinstance(head, Link) else head.link
    entry = evidence.append(place.stream, link, "noted", {"forged": "yes"}, link.at)
    place.put_entry(entry.link.seq, entry.raw)
    place.put_head(entry.link)


def fork(place: Place, seq: int, _: Past) -> None:
    """Put another entry in the place of one, over the same predecessor."""
    place.put_entry(seq, evidence.canonical(json.loads(place.chain[seq - 1]) | {"kind": "forked"}))


def verified(house: House, *, with_checkpoints: bool = True, digests: tuple[str, ...] = ()) -> Verified:
    own = house.checkpoints if with_checkpoints else FakeBlobs()
    return Verifier(house.ledger, house.releases, house.blobs, own).verify([], digests)


def verify(house: House, *, with_checkpoints: bool = True, digests: tuple[str, ...] = ()) -> bool:
    """Say whether the record verifies."""
    return not verified(house, with_checkpoints=with_checkpoints, digests=digests).broken


def test_an_untouched_record_verifies_and_says_how_far_each_chain_is_vouched_for() -> None:
    house, _ = run_house()

    found = verified(house)

    assert found.broken == []
    assert {(str(each.of), each.seq, each.entries) for each in found.chains if each.name in (CHAT.id, "")} == {
        ("checks", 9, 12),
        ("approvals", 9, 12),
        ("policies", 9, 12),
    }


Attack = Callable[[Place, int, Past], None]
Of = Callable[[House], Place]

# By chain, because approvals have one more witness: each check names the head of the approvals it judged by.
EVERY = (checks, alerts, approvals, policies)
ALONE = (checks, alerts, policies)

ATTACKS: list[tuple[str, Attack, int, str, str, tuple[Of, ...]]] = [
    ("edit an entry", edit, 4, "caught", "caught", EVERY),
    ("edit and fix its own hash", edit_and_fix_its_digest, 4, "caught", "caught", EVERY),
    ("delete a middle entry", delete, 4, "caught", "caught", EVERY),
    ("fork the chain", fork, 4, "caught", "caught", EVERY),
    ("rewrite from an old entry, head too", rewrite_from, 4, "hidden", "caught", ALONE),
    ("rewrite from an old entry, head too", rewrite_from, 4, "caught", "caught", (approvals,)),
    ("cut the tail below the checkpoint, replay the old head", replay, 5, "hidden", "caught", (checks, policies)),
    ("cut the tail below the checkpoint, replay the old head", replay, 5, "caught", "caught", (approvals,)),
    ("delete the whole chain with its head", delete_whole, 0, "hidden", "caught", ALONE),
    ("delete the whole chain with its head", delete_whole, 0, "caught", "caught", (approvals,)),
    ("rewrite what is newer than the checkpoint", rewrite_from, 11, "hidden", "hidden", ALONE),
    ("rewrite what is newer than the checkpoint", rewrite_from, 11, "caught", "caught", (approvals,)),
    ("cut what is newer than the checkpoint", replay, 10, "hidden", "hidden", (checks, policies)),
    ("append a false entry as the app", append_lie, 0, "hidden", "hidden", EVERY),
]


@pytest.mark.parametrize(
    ("name", "attack", "seq", "alone", "with_checkpoint", "of"),
    [
        pytest.param(*attack, of, id=f"{attack[0]} of {of.__name__}")
        for *attack, chains in ATTACKS
        for of in chains
    ],
)
def test_each_layer_catches_what_the_table_says(
    name: str, attack: Attack, seq: int, alone: str, with_checkpoint: str, of: Of
) -> None:
    house, past = run_house()

    attack(of(house), seq, past)

    assert ("hidden" if verify(house, with_checkpoints=False) else "caught") == alone, name
    assert ("hidden" if verify(house) else "caught") == with_checkpoint, name


def test_a_replaced_checkpoint_is_caught_only_by_a_digest_kept_elsewhere() -> None:
    house, past = run_house()
    kept = [checkpoints.read_checkpoint(name, content) for name, content in house.checkpoints.blobs.items()]
    rewrite_from(checks(house), 4, past)
    forge_checkpoints(house, kept)

    hidden = verify(house)
    caught = not verify(house, digests=tuple(each.digest for each in kept))

    assert hidden
    assert caught


def forge_checkpoints(house: House, kept: list[Checkpoint]) -> None:
    """Replace the checkpoints by ones that fit the forged chain, as is possible where no policy is locked."""
    house.checkpoints.blobs.clear()
    chain = [ledger.raw_of(row) for row in entries(house).values()]
    for checkpoint in kept:
        heads = dict(checkpoint.heads)
        if checkpoint.parent == CHAT.parent and STREAM in heads:
            seq = heads[STREAM][0]
            heads[STREAM] = (seq, evidence.sha256(chain[seq - 1]))
        links = {stream: Link(seq, digest, checkpoint.at) for stream, (seq, digest) in heads.items()}
        made = checkpoints.make(checkpoint.parent, links, None, checkpoint.at)
        assert made is not None
        house.checkpoints.blobs[made[0].name] = made[1]


def test_a_stopped_app_shows_in_the_age_of_the_newest_checkpoint() -> None:
    house, _ = run_house()
    stopped_at = house.clock.now()

    house.clock.advance(days=3)

    newest = verified(house).newest_checkpoint
    assert verify(house)
    assert newest is not None
    assert newest < stopped_at


def test_a_swapped_snapshot_is_caught() -> None:
    house, _ = run_house()
    name = sorted(house.blobs.blobs)[0]
    house.blobs.blobs[name] = evidence.snapshot({"facts": {}}, {})[1]

    assert not verify(house)


def test_a_missing_checkpoint_is_caught_by_its_successor() -> None:
    house, _ = run_house()
    house.sweep()
    first = sorted(house.checkpoints.blobs)[0]
    del house.checkpoints.blobs[first]

    assert not verify(house)


def test_a_checkpoint_that_nobody_can_read_is_named_and_hides_no_other() -> None:
    house, _ = run_house()
    house.checkpoints.blobs["p-0/x.json"] = b"not JSON"

    found = verified(house)

    assert [name for name, _ in found.broken] == ["checkpoint p-0/x.json"]
    assert any(each.seq for each in found.chains)


def test_a_parent_whose_own_row_was_deleted_is_verified_all_the_same_and_named() -> None:
    house, _ = run_house()
    house.ledger.partitions["parents"].clear()
    house.releases.partitions["parents"].clear()

    found = verified(house)

    assert [name for name, _ in found.broken] == [f"row of the parent {CHAT.parent}"]
    assert {str(each.of) for each in found.chains} == {"checks", "alerts", "approvals", "policies"}


def test_a_quiet_estate_writes_no_checkpoint_and_no_entry() -> None:
    house, _ = run_house()
    house.sweep()
    blobs, chain = len(house.checkpoints.blobs), len(entries(house))

    for _ in range(3):
        house.clock.advance(minutes=15)
        house.sweep()

    assert (len(house.checkpoints.blobs), len(entries(house))) == (blobs, chain)


def test_a_policy_that_changes_moves_the_checkpoint_of_a_quiet_estate() -> None:
    house, _ = run_house()
    house.sweep()
    blobs = len(house.checkpoints.blobs)
    house.clock.advance(minutes=15)

    demand(house, 99)
    house.sweep()

    assert len(house.checkpoints.blobs) == blobs + 1


def rows_of(place: Place, part: str) -> Iterator[str]:
    return (key for key in sorted(place.rows) if key.startswith(part) and place.stream in key)


def edit_row(place: Place, part: str, old: bytes, new: bytes) -> None:
    """Change the newest row of a kind: `old` becomes `new` in its body."""
    key = next(rows_of(place, part))
    body = place.rows[key].values["body"]
    assert isinstance(body, bytes)
    assert old in body
    place.rows[key] = replace(place.rows[key], values={**place.rows[key].values, "body": body.replace(old, new)})


FINDING, STATE, RELEASE, POLICY = f"0-{STREAM}-f-", "o-", f"0-{STREAM}-a-", "0-policy-p-"

ROWS: list[tuple[Of, str, bytes, bytes, str]] = [
    (checks, FINDING, b'"status":"open"', b'"status":"resolved"', "finding"),
    (checks, FINDING, b'"got":"2024-11-20"', b'"got":"2024-11-21"', "finding"),
    (checks, STATE, b'"model.version":"2024-11-20"', b'"model.version":"2024-08-06"', "state"),
    (checks, STATE, b'"release":"r11"', b'"release":"r10"', "state"),
    (checks, keys.head(STREAM), b'"model.version":"2024-11-20"', b'"model.version":"2024-08-06"', "head"),
    (checks, keys.memory(STREAM), b'"signed":"r11', b'"signed":"r10', "what is remembered"),
    (approvals, RELEASE, b"2024-08-06", b"2024-11-20", "release in force"),
    (approvals, RELEASE, b"ada@contoso", b"eve@contoso", "release in force"),
    (policies, POLICY, b'"retention_days":12', b'"retention_days":1', "policy"),
]


@pytest.mark.parametrize(("of", "part", "old", "new", "what"), ROWS)
def test_an_edited_row_shows_without_any_checkpoint(of: Of, part: str, old: bytes, new: bytes, what: str) -> None:
    house, _ = run_house()

    edit_row(of(house), part, old, new)

    ((name, broken),) = verified(house, with_checkpoints=False).broken
    assert name.startswith(f"row of the {what}")
    assert f"as entry {ENTRIES} says" in broken.expected


KINDS = [(checks, FINDING), (checks, STATE), (approvals, RELEASE), (policies, POLICY)]


@pytest.mark.parametrize(("of", "part"), KINDS)
def test_a_deleted_row_shows_without_any_checkpoint(of: Of, part: str) -> None:
    house, _ = run_house()
    place = of(house)

    del place.rows[next(rows_of(place, part))]

    ((_, broken),) = verified(house, with_checkpoints=False).broken
    assert broken.got == "no such row"


@pytest.mark.parametrize("part", [FINDING, STATE])
def test_a_planted_row_shows_without_any_checkpoint(part: str) -> None:
    house, _ = run_house()
    place = checks(house)
    key = next(rows_of(place, part))
    planted = key[:-4] + "0000"

    place.rows[planted] = replace(place.rows[key], key=planted)

    ((_, broken),) = verified(house, with_checkpoints=False).broken
    assert broken.expected == "no such row"


def test_a_waiver_that_nobody_granted_shows_without_any_checkpoint() -> None:
    house, _ = run_house()
    waive(house)
    place = approvals(house)
    assert verify(house)

    edit_row(place, f"0-{STREAM}-w-", b"a campaign", b"no reason")

    ((name, _),) = verified(house, with_checkpoints=False).broken
    assert name.startswith("row of the waiver w-")


def test_a_release_to_go_back_to_that_nobody_granted_shows_without_any_checkpoint() -> None:
    house, _ = run_house()
    house.approve(release(id_="r12", rollback="r3"))
    assert verify(house)

    edit_row(approvals(house), keys.rollback_row(STREAM), b"2024-08-06", b"2024-05-13")

    ((name, broken),) = verified(house, with_checkpoints=False).broken
    assert name.startswith("row of the release to go back to")
    assert broken.seq == ENTRIES + 1


@pytest.mark.parametrize("of", EVERY, ids=lambda of: of.__name__)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b'{"link": 1}', b"\xff"])
def test_a_head_that_nobody_can_read_is_named_and_nothing_crashes(of: Of, body: bytes) -> None:
    house, _ = run_house()
    place = of(house)

    place.rows[place.head_key] = replace(place.rows[place.head_key], values={"v": 1, "body": body})

    assert any(name.startswith("row of the key ") for name, _ in verified(house).broken)


@pytest.mark.parametrize("key", ["0-x", "0--", "0-x-f", "o-x", "j-x", "1-x", "0-" + STREAM])
def test_a_row_under_a_senseless_key_keeps_nothing_from_being_verified(key: str) -> None:
    house, _ = run_house()
    before = verified(house).chains

    checks(house).rows[key] = Row(key, {"v": 1, "body": b"{}"}, "forged")

    assert set(verified(house).chains) >= set(before)
