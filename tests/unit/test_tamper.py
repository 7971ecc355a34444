"""The attacks of the study's table (test 17): what each layer of evidence catches, and what none can."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from audit import checkpoints, evidence, keys, ledger
from audit.checkpoints import Checkpoint
from audit.evidence import Link
from audit.ledger import Head
from audit.ports import Row
from audit.service.verify import Verifier
from tests.fakes import FakeBlobs
from tests.house import CHAT, House, chat_document, release, write_event

STREAM, PARTITION = keys.target_hash(CHAT), keys.partition(CHAT.parent)
VERSIONS = ("2024-08-06", "2024-11-20")


def run_house() -> tuple[House, int]:
    """Return a house with a chain that grew past its last checkpoint, and the length at that checkpoint."""
    house = House()
    house.approve(release())
    for number in range(12):
        house.serve(CHAT, chat_document(VERSIONS[number % 2]))
        house.deliver(write_event(id_=f"e-{number}"))
        house.clock.advance(minutes=1)
        if number == 8:
            house.sweep()
    return house, 9


def entries(house: House) -> dict[str, Row]:
    start, end = keys.journal_range(STREAM)
    return {row.key: row for row in house.ledger.partitions[PARTITION].values() if start <= row.key < end}


def put_entry(house: House, seq: int, raw: bytes) -> None:
    key = keys.journal(STREAM, seq)
    row = house.ledger.partitions[PARTITION][key]
    values = {**row.values, "raw": raw, "digest": evidence.sha256(raw)}
    house.ledger.partitions[PARTITION][key] = replace(row, values=values)


def put_head(house: House, link: Link) -> None:
    key = keys.head(STREAM)
    row = house.ledger.partitions[PARTITION][key]
    head = replace(ledger.read(row, Head), link=link)
    house.ledger.partitions[PARTITION][key] = replace(ledger.row(key, head), etag=row.etag)


def lie(raw: bytes) -> dict:
    content = json.loads(raw)
    content["body"]["origin"] = "forged"
    return content


def edit(house: House, seq: int) -> None:
    raw = ledger.raw_of(entries(house)[keys.journal(STREAM, seq)])
    put_entry(house, seq, evidence.canonical(lie(raw)))


def delete(house: House, seq: int) -> None:
    del house.ledger.partitions[PARTITION][keys.journal(STREAM, seq)]


def rewrite_from(house: House, seq: int) -> None:
    """Write the chain anew from an entry on, head included, as somebody who knows how it is made would."""
    chain = [ledger.raw_of(row) for row in entries(house).values()]
    last = Link(seq - 1, evidence.sha256(chain[seq - 2]), evidence.EMPTY.at)
    for number in range(seq, len(chain) + 1):
        content = lie(chain[number - 1]) | {"prev": last.digest}
        raw = evidence.canonical(content)
        put_entry(house, number, raw)
        last = Link(number, evidence.sha256(raw), last.at)
    put_head(house, last)


def cut_to(house: House, seq: int) -> None:
    """Cut the tail off behind an entry, and set the head to it."""
    chain = [ledger.raw_of(row) for row in entries(house).values()]
    for number in range(seq + 1, len(chain) + 1):
        delete(house, number)
    put_head(house, Link(seq, evidence.sha256(chain[seq - 1]), evidence.EMPTY.at))


def delete_target(house: House, _: int) -> None:
    for key in [key for key in house.ledger.partitions[PARTITION] if STREAM in key]:
        del house.ledger.partitions[PARTITION][key]


def append_lie(house: House, _: int) -> None:
    head = ledger.read(house.ledger.partitions[PARTITION][keys.head(STREAM)], Head)
    entry = evidence.append(STREAM, head.link, "check", {"origin": "forged"}, house.clock.now())
    row = ledger.entry_row(STREAM, entry)
    house.ledger.partitions[PARTITION][row.key] = row
    put_head(house, entry.link)


def verify(house: House, *, with_checkpoints: bool = True, digests: tuple[str, ...] = ()) -> bool:
    """Say whether the record verifies."""
    own = house.checkpoints if with_checkpoints else FakeBlobs()
    verified = Verifier(house.ledger, house.releases, house.blobs, own).verify([], digests)
    return not verified.broken


def test_an_untouched_record_verifies_and_says_how_far_it_is_vouched_for() -> None:
    house, at_checkpoint = run_house()

    verified = Verifier(house.ledger, house.releases, house.blobs, house.checkpoints).verify([], ())
    chat = next(each for each in verified.chains if each.name == CHAT.id)

    assert verified.broken == []
    assert (chat.entries, chat.seq) == (12, at_checkpoint)


Attack = Callable[[House, int], None]


@pytest.mark.parametrize(
    ("name", "attack", "seq", "alone", "with_checkpoint"),
    [
        ("edit an entry", edit, 4, "caught", "caught"),
        ("delete a middle entry", delete, 4, "caught", "caught"),
        ("rewrite from an old entry, head too", rewrite_from, 4, "hidden", "caught"),
        ("cut the tail below the checkpoint", cut_to, 5, "hidden", "caught"),
        ("delete a whole target with its head", delete_target, 0, "hidden", "caught"),
        ("rewrite what is newer than the checkpoint", rewrite_from, 11, "hidden", "hidden"),
        ("cut what is newer than the checkpoint", cut_to, 10, "hidden", "hidden"),
        ("append a false entry as the app", append_lie, 0, "hidden", "hidden"),
    ],
)
def test_each_layer_catches_what_the_table_says(
    name: str, attack: Attack, seq: int, alone: str, with_checkpoint: str
) -> None:
    house, _ = run_house()

    attack(house, seq)

    assert ("hidden" if verify(house, with_checkpoints=False) else "caught") == alone, name
    assert ("hidden" if verify(house) else "caught") == with_checkpoint, name


def test_a_replaced_checkpoint_is_caught_only_by_a_digest_kept_elsewhere() -> None:
    house, _ = run_house()
    kept = [checkpoints.read_checkpoint(name, content) for name, content in house.checkpoints.blobs.items()]
    rewrite_from(house, 4)
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


def test_a_quiet_estate_writes_no_checkpoint_and_no_entry() -> None:
    house, _ = run_house()
    house.sweep()
    blobs, chain = len(house.checkpoints.blobs), len(entries(house))

    for _ in range(3):
        house.clock.advance(minutes=15)
        house.sweep()

    assert (len(house.checkpoints.blobs), len(entries(house))) == (blobs, chain)
