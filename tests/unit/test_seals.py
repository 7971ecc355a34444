"""Seals never keep a checkpoint waiting; what could not be sealed is owed, and said."""

import json
import logging
import subprocess
import sys
from datetime import timedelta

import pytest

from audit.errors import BadInput, Unavailable
from audit.record import keys, ledger, seals
from audit.record.checkpoints import Pointer
from audit.record.seals import SIGNATURE, STAMP, State, Trust, read_trust
from audit.service.checkpoint import MOST_OWED, MOST_SEALS
from audit.service.verify import Verified, Verifier
from tests.fakes import FakeSeal
from tests.house import CHAT, House, chat_document, release, write_event

DOWN = Unavailable("the vault is down")


def sealing_house(*seals_: FakeSeal) -> House:
    house = House(seals=list(seals_))
    house.approve(release())
    house.serve(CHAT, chat_document())
    house.sweep()
    return house


def move_on(house: House, times: int = 1) -> None:
    """Let something happen and a sweep come, every quarter of an hour."""
    for _ in range(times):
        house.clock.advance(minutes=15)
        at = house.clock.now()
        house.deliver(write_event(id_=f"e-{at:%d%H%M}", time=at.isoformat()))
        house.sweep()


def pointer(house: House) -> Pointer:
    return ledger.read(house.ledger.partitions[keys.partition(CHAT.parent)][keys.CHECKPOINT], Pointer)


def checkpoints_of(house: House) -> list[str]:
    return [name for name in house.checkpoints.names() if name.endswith(".json")]


def sealed_of(house: House, suffix: str = SIGNATURE) -> list[str]:
    return [name.removesuffix(suffix) for name in house.checkpoints.names() if name.endswith(suffix)]


def verified(house: House, trust: Trust) -> Verified:
    return Verifier(house.ledger, house.releases, house.blobs, house.checkpoints).verify([], (), trust)


def test_without_seals_there_is_nothing_beside_a_checkpoint() -> None:
    house = sealing_house()

    assert house.checkpoints.names() == checkpoints_of(house)
    assert pointer(house).owed == {}


def test_every_checkpoint_is_signed_and_only_those_of_a_day_are_stamped() -> None:
    house = sealing_house(FakeSeal(), FakeSeal(STAMP, is_daily=True))

    move_on(house, 100)

    assert sealed_of(house) == checkpoints_of(house)
    assert len(sealed_of(house, STAMP)) == 2
    assert pointer(house).owed == {}


def test_a_signature_is_verified_by_its_public_key() -> None:
    seal = FakeSeal()
    house = sealing_house(seal)
    move_on(house, 3)

    found = verified(house, read_trust([seal.public_pem], []))

    assert found.broken == []
    assert {each.signature.state for each in found.witnesses} == {State.HOLDS}
    assert len(found.witnesses) == 4


@pytest.mark.parametrize("what", ["the checkpoint", "the signature"])
def test_a_forged_checkpoint_under_an_old_signature_is_broken(what: str) -> None:
    seal = FakeSeal()
    house = sealing_house(seal)
    name = checkpoints_of(house)[0]
    if what == "the checkpoint":
        house.checkpoints.blobs[name] = house.checkpoints.blobs[name].replace(b'"v":1', b'"v":1 ')
    else:
        house.checkpoints.blobs[name + SIGNATURE] = FakeSeal().seal(house.checkpoints.blobs[name])

    found = verified(house, read_trust([seal.public_pem], []))

    assert f"signature of checkpoint {name}" in {name for name, _ in found.broken}


def test_whoever_cannot_seal_keeps_no_checkpoint_from_being_written(caplog: pytest.LogCaptureFixture) -> None:
    seal = FakeSeal(errors=[DOWN] * 3)

    with caplog.at_level(logging.ERROR):
        house = sealing_house(seal)
        move_on(house, 2)

    assert len(checkpoints_of(house)) == 3
    assert sealed_of(house) == []
    assert pointer(house).owed == {SIGNATURE: tuple(checkpoints_of(house))}
    assert pointer(house).failed == {SIGNATURE: "the vault is down"}
    assert "checkpoint not sealed" in caplog.text


def test_what_is_owed_is_sealed_by_the_next_sweep_even_of_a_quiet_estate() -> None:
    seal = FakeSeal(errors=[DOWN] * 3)
    house = sealing_house(seal)
    move_on(house, 2)
    house.clock.advance(minutes=15)

    house.sweep()

    assert sealed_of(house) == checkpoints_of(house)
    assert (pointer(house).owed, pointer(house).failed) == ({}, {})


def test_verification_says_what_is_owed_and_why() -> None:
    house = sealing_house(FakeSeal(errors=[DOWN]))

    (sentence,) = verified(house, Trust()).waiting

    assert "1 of" in sentence
    assert "wait to be signed" in sentence
    assert "the vault is down" in sentence


def test_after_a_long_outage_a_sweep_seals_some_and_the_next_ones_the_rest() -> None:
    seal = FakeSeal(errors=[DOWN] * 50)
    house = sealing_house(seal)
    move_on(house, MOST_SEALS + 9)
    seal.errors.clear()

    house.sweep()
    first = len(sealed_of(house))
    house.sweep()

    assert (first, len(sealed_of(house))) == (MOST_SEALS, MOST_SEALS + 10)


def test_of_more_than_the_row_holds_the_oldest_are_dropped_because_a_later_seal_covers_them() -> None:
    house = sealing_house(FakeSeal(errors=[DOWN] * 9999))

    move_on(house, MOST_OWED + 3)

    owed = pointer(house).owed[SIGNATURE]
    assert len(owed) == MOST_OWED
    assert owed[-1] == checkpoints_of(house)[-1]


def test_a_checkpoint_that_is_gone_keeps_no_other_from_its_seal() -> None:
    seal = FakeSeal(errors=[DOWN] * 2)
    house = sealing_house(seal)
    move_on(house)
    del house.checkpoints.blobs[checkpoints_of(house)[0]]

    house.sweep()

    assert sealed_of(house) == checkpoints_of(house)


def test_a_crash_between_a_seal_and_its_note_seals_again_and_changes_nothing() -> None:
    seal = FakeSeal()
    house = sealing_house(seal)
    owed = pointer(house)
    blob = house.checkpoints.blobs[owed.name + SIGNATURE]
    partition = house.ledger.partitions[keys.partition(CHAT.parent)]
    before = ledger.row(
        keys.CHECKPOINT, Pointer(owed.name, owed.digest, owed.at, owed.full_at, {SIGNATURE: (owed.name,)})
    )
    partition[keys.CHECKPOINT] = type(before)(before.key, before.values, partition[keys.CHECKPOINT].etag)

    house.sweep()

    assert house.checkpoints.blobs[owed.name + SIGNATURE] == blob
    assert pointer(house).owed == {}


def test_a_pointer_that_was_written_before_there_were_seals_is_read() -> None:
    house = sealing_house()
    old = pointer(house)
    row = house.ledger.partitions[keys.partition(CHAT.parent)][keys.CHECKPOINT]
    body = row.values["body"]
    assert isinstance(body, bytes)
    bare = body.replace(b',"owed":{},"failed":{}', b"")
    assert bare != body

    assert ledger.read(type(row)(row.key, {"v": 1, "body": bare}), Pointer) == old


@pytest.mark.parametrize(
    ("keys_", "authorities", "what"),
    [
        ([b"no PEM"], [], "a public key in PEM"),
        ([], [b"no PEM"], "certificates in PEM"),
        ([b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"], [], "a public key in PEM"),
    ],
)
def test_whom_to_trust_must_be_named_in_pem(keys_: list[bytes], authorities: list[bytes], what: str) -> None:
    with pytest.raises(BadInput, match=what):
        read_trust(keys_, authorities)


def test_a_seal_is_never_taken_for_a_checkpoint() -> None:
    house = sealing_house(FakeSeal())

    assert [each.checkpoint.name for each in verified(house, Trust()).witnesses] == checkpoints_of(house)


def test_a_signature_says_when_it_was_made() -> None:
    house = sealing_house(FakeSeal())
    name = checkpoints_of(house)[0]

    sealed = seals.check_signature(house.checkpoints.blobs[name], house.checkpoints.blobs[name + SIGNATURE], ())

    assert sealed.at == house.clock.now() - timedelta()
    assert sealed.by == "key https://vault.test/keys/k/1"


WIRED = """
import json, sys
from audit import wiring
wiring.checkpointer()
print(json.dumps([[type(each).__name__, each.suffix] for each in wiring.checkpointer().seals]))
print(json.dumps(sorted(each for each in ("azure.keyvault.keys", "rfc3161_client") if each in sys.modules)))
"""


@pytest.mark.parametrize(
    ("turned_on", "seals_"),
    [
        ({}, []),
        ({"MODEL_AUDIT_TSA_URL": "http://tsa.test"}, [["TimeStampSeal", ".tsr"]]),
        (
            {
                "MODEL_AUDIT_TSA_URL": "http://tsa.test",
                "MODEL_AUDIT_SIGNING_KEY": "https://v.vault.azure.net/keys/k",
            },
            [["KeyVaultSeal", ".sig"], ["TimeStampSeal", ".tsr"]],
        ),
    ],
)
def test_a_setting_turns_a_seal_on_and_nothing_is_imported_before_one_is_made(
    turned_on: dict[str, str], seals_: list[list[str]]
) -> None:
    needed = {"MODEL_AUDIT_STORAGE": "UseDevelopmentStorage=true", "MODEL_AUDIT_PRIVACY_KEY": "k" * 32}

    done = subprocess.run(
        [sys.executable, "-c", WIRED], env=needed | turned_on, capture_output=True, text=True, check=True
    )

    assert [json.loads(line) for line in done.stdout.splitlines()] == [seals_, []]
