"""Seals: the fake that unit tests use, a key in Key Vault's stand-in, and a real time-stamping authority."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from audit.adapters.seals import KeyVaultSeal, TimeStampSeal
from audit.errors import Unavailable
from audit.ports import Seal
from audit.record import seals
from audit.record.seals import Kept, Sealed, State, Trust, read_trust
from audit.wiring import now
from local.azure.fleet import read_fleet
from local.azure.identity import Credential, identities_of
from local.azure.vault import Vault
from local.clock import Clock
from local.stack import FLEET
from tests.fakes import FakeSeal
from tests.tsa import Authority, authority

CONTENT = b'{"at":"2026-11-21T09:00:00.000000+00:00","heads":{},"parent":"p","previous":"","previous_digest":"0"}'
QUICKLY = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 5}


@dataclass
class Place:
    """Somebody who seals, whom to trust for it, and how to let them fail."""

    seal: Seal
    trust: Trust
    stranger: Trust
    fail: Callable[[], None]

    def check(self, content: bytes, blob: bytes, trust: Trust | None = None) -> Sealed:
        witness = seals.read_kept(Kept("p-0/c.json", content, {self.seal.suffix: blob}), trust or self.trust)
        return witness.stamp if self.seal.suffix == seals.STAMP else witness.signature


PEOPLE = identities_of(read_fleet(FLEET, today=Clock().now().date()))


@pytest.fixture(scope="module")
def running_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with Vault(PEOPLE.values(), [], Clock()).serve(tmp_path_factory.mktemp("vault")) as running:
        yield running


@pytest.fixture
def vault(running_vault: Vault) -> Vault:
    running_vault.reset(["model-audit"])
    return running_vault


def key_vault_seal(vault: Vault, key: str) -> KeyVaultSeal:
    # The real client wants the challenge's domain to be the vault's own, which a loopback address cannot have.
    options = {**QUICKLY, "connection_verify": str(vault.ca_path), "verify_challenge_resource": False}
    return KeyVaultSeal(key, Credential(PEOPLE["model-audit"]), now, options)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Authority, Authority]]:
    one, other = tmp_path_factory.mktemp("tsa"), tmp_path_factory.mktemp("other")
    with authority(one) as trusted, authority(other) as stranger:
        yield trusted, stranger


@pytest.fixture
def tsa(authorities: tuple[Authority, Authority]) -> Authority:
    authorities[0].status, authorities[0].answer = 200, None
    return authorities[0]


@pytest.fixture(params=["fake", "a curve's key in the vault", "an RSA key in the vault", "openssl ts"])
def place(request: pytest.FixtureRequest) -> Place:
    another = FakeSeal()
    if request.param == "fake":
        fake = FakeSeal()
        trust, stranger = (read_trust([each.public_pem], []) for each in (fake, another))
        return Place(fake, trust, stranger, lambda: fake.errors.append(Unavailable("down")))
    if request.param == "openssl ts":
        running: Authority = request.getfixturevalue("tsa")
        _, other = request.getfixturevalue("authorities")
        stranger = read_trust([], [other.root.read_bytes()])

        def fail() -> None:
            running.status = 503

        return Place(
            TimeStampSeal(running.url, QUICKLY), read_trust([], [running.root.read_bytes()]), stranger, fail
        )
    vault: Vault = request.getfixturevalue("vault")
    key = vault.create("checkpoints", "RSA" if "RSA" in request.param else "EC")

    def go_down() -> None:
        vault.is_down = True

    trust, stranger = read_trust([vault.public_pem("checkpoints")], []), read_trust([another.public_pem], [])
    return Place(key_vault_seal(vault, key), trust, stranger, go_down)


def test_a_seal_holds_over_what_was_sealed(place: Place) -> None:
    sealed = place.check(CONTENT, place.seal.seal(CONTENT))

    assert (sealed.state, bool(sealed.by)) == (State.HOLDS, True)


def test_a_seal_does_not_hold_over_anything_else(place: Place) -> None:
    blob = place.seal.seal(CONTENT)

    assert place.check(CONTENT.replace(b"2026", b"2027"), blob).state is State.BROKEN


def test_a_seal_by_somebody_else_does_not_hold(place: Place) -> None:
    assert place.check(CONTENT, place.seal.seal(CONTENT), place.stranger).state is State.BROKEN


def test_whom_nobody_trusts_nothing_is_concluded_from(place: Place) -> None:
    sealed = place.check(CONTENT, place.seal.seal(CONTENT), Trust())

    assert (sealed.state, bool(sealed.by), "was given" in sealed.why) == (State.UNCHECKED, True, True)


@pytest.mark.parametrize("blob", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_seal_do_not_hold(place: Place, blob: bytes) -> None:
    assert place.check(CONTENT, blob).state is State.BROKEN


def test_an_altered_seal_does_not_hold(place: Place) -> None:
    blob = bytearray(place.seal.seal(CONTENT))
    middle = blob.index(b'"signature":"') + 40 if place.seal.suffix == seals.SIGNATURE else len(blob) - 8
    blob[middle] = blob[middle] ^ 1

    assert place.check(CONTENT, bytes(blob)).state is State.BROKEN


def test_whoever_cannot_seal_now_says_so_and_says_what_to_do(place: Place) -> None:
    place.fail()

    with pytest.raises(Unavailable):
        place.seal.seal(CONTENT)


def test_a_signature_names_the_version_of_the_key_and_follows_a_rotation(vault: Vault) -> None:
    key = vault.create("checkpoints")
    seal = key_vault_seal(vault, key)
    before = vault.public_pem("checkpoints")
    first = seal.seal(CONTENT)

    version = vault.keys["checkpoints"].rotate()
    second = seal.seal(CONTENT)

    both = read_trust([before, vault.public_pem("checkpoints")], []).keys
    found = [seals.check_signature(CONTENT, blob, both) for blob in (first, second)]
    assert [each.state for each in found] == [State.HOLDS, State.HOLDS]
    assert found[1].by == f"key {key}/{version}"
    assert found[0].by != found[1].by


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda vault: setattr(vault.keys["checkpoints"], "is_enabled", False), "HTTP 403"),
        (lambda vault: vault.keys.clear(), "HTTP 404"),
        (lambda vault: vault.admit(), "HTTP 403"),
        (lambda vault: vault.create("checkpoints", "EC-384"), "one on the curve P-256, got a key of another kind"),
    ],
)
def test_what_the_vault_refuses_is_said(vault: Vault, damage: Callable[[Vault], None], what: str) -> None:
    seal = key_vault_seal(vault, vault.create("checkpoints"))
    damage(vault)

    with pytest.raises(Unavailable, match=what) as refused:
        seal.seal(CONTENT)

    assert "Key Vault Crypto User" in str(refused.value)


def test_a_stamp_says_when_and_by_whom(tsa: Authority) -> None:
    blob = TimeStampSeal(tsa.url, QUICKLY).seal(CONTENT)

    stamp = seals.check_stamp(CONTENT, blob, read_trust([], [tsa.root.read_bytes()]).authorities)

    assert stamp.by == "O=Contoso,CN=Test-TSA"
    assert stamp.at is not None
    assert abs(datetime.now(UTC) - stamp.at) < timedelta(minutes=1)


@pytest.mark.parametrize("what", ["something else", "an old answer", "garbage", "too much"])
def test_an_answer_that_is_not_about_what_was_sent_is_refused(tsa: Authority, what: str) -> None:
    seal = TimeStampSeal(tsa.url, QUICKLY)
    old = seal.seal(CONTENT)
    tsa.answer = {
        "something else": seal.seal(b"x"),
        "an old answer": old,
        "garbage": b"no",
        "too much": b"0" * 70_000,
    }[what]

    with pytest.raises(Unavailable, match="MODEL_AUDIT_TSA_URL"):
        seal.seal(CONTENT)


def test_no_password_of_an_authoritys_address_is_said(tsa: Authority) -> None:
    tsa.status = 500

    with pytest.raises(Unavailable) as refused:
        TimeStampSeal(tsa.url.replace("http://", "http://me:secret@"), QUICKLY).seal(CONTENT)

    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None
