"""The stand-in of Key Vault, asked by Azure's own client of keys."""

import base64
import hashlib
import ssl
from collections.abc import Iterator

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm

from local.azure.fleet import read_fleet
from local.azure.identity import Credential, Identity, identities_of
from local.azure.vault import Vault
from local.clock import Clock
from local.stack import FLEET

DIGEST = hashlib.sha256(b"a checkpoint").digest()


@pytest.fixture(scope="module")
def people() -> dict[str, Identity]:
    clock = Clock()
    return identities_of(read_fleet(FLEET, today=clock.now().date()))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, people: dict[str, Identity]) -> Iterator[Vault]:
    with Vault(people.values(), [], Clock()).serve(tmp_path_factory.mktemp("vault")) as running:
        yield running


@pytest.fixture
def vault(running: Vault) -> Vault:
    running.reset(["model-audit"])
    return running


@pytest.fixture
def options(vault: Vault) -> dict[str, object]:
    # The real client wants the challenge's domain to be the vault's own, which a loopback address cannot have.
    return {"connection_verify": str(vault.ca_path), "verify_challenge_resource": False, "retry_total": 0}


@pytest.fixture
def credential(people: dict[str, Identity]) -> Credential:
    return Credential(people["model-audit"])


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("EC", SignatureAlgorithm.es256), ("RSA", SignatureAlgorithm.ps256), ("RSA", SignatureAlgorithm.rs256)],
)
def test_what_a_key_signs_the_client_and_the_vault_verify(
    vault: Vault, credential: Credential, options: dict, kind: str, algorithm: SignatureAlgorithm
) -> None:
    vault.create("checkpoints", kind)
    with KeyClient(vault.url, credential, **options) as client:
        key = client.get_key("checkpoints")

    with CryptographyClient(key, credential, **options) as signer:
        signed = signer.sign(algorithm, DIGEST)
        by_client = signer.verify(algorithm, DIGEST, signed.signature)  # locally, by the public key it has read
        by_vault = signer._client.verify(  # and by the service
            "checkpoints",
            key.properties.version,
            {"alg": algorithm.value, "digest": _encode(DIGEST), "value": _encode(signed.signature)},
        )
        of_another = signer.verify(algorithm, hashlib.sha256(b"x").digest(), signed.signature)

    assert signed.key_id == key.id
    assert (by_client.is_valid, by_vault.value, of_another.is_valid) == (True, True, False)


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def test_a_key_without_a_version_is_its_newest_one(vault: Vault, credential: Credential, options: dict) -> None:
    vault.create("checkpoints")
    newest = vault.keys["checkpoints"].rotate()

    with KeyClient(vault.url, credential, **options) as client:
        assert client.get_key("checkpoints").properties.version == newest


def test_a_call_without_a_token_is_answered_by_a_challenge(vault: Vault) -> None:
    trusting = ssl.create_default_context(cafile=str(vault.ca_path))

    answer = httpx.get(vault.create("checkpoints"), verify=trusting)

    assert answer.status_code == 401
    assert 'resource="https://vault.azure.net"' in answer.headers["www-authenticate"]
    assert answer.json()["error"]["code"] == "Unauthorized"


def test_who_has_no_role_may_not_even_look(vault: Vault, people: dict[str, Identity], options: dict) -> None:
    vault.create("checkpoints")

    with (
        KeyClient(vault.url, Credential(people["jo"]), **options) as client,
        pytest.raises(HttpResponseError, match="ForbiddenByRbac") as refused,
    ):
        client.get_key("checkpoints")

    assert refused.value.status_code == 403


def test_a_token_for_another_service_is_none(vault: Vault, credential: Credential, options: dict) -> None:
    vault.create("checkpoints")

    class OfStorage(Credential):
        def get_token_info(self, *_: str, **__: object) -> object:
            return super().get_token_info("https://storage.azure.com/.default")

        def get_token(self, *_: str, **__: object) -> object:
            return super().get_token("https://storage.azure.com/.default")

    with (
        KeyClient(vault.url, OfStorage(credential.identity), **options) as client,
        pytest.raises((ClientAuthenticationError, HttpResponseError)) as refused,
    ):
        client.get_key("checkpoints")

    assert refused.value.status_code == 401


@pytest.mark.parametrize("path", ["checkpoints", "checkpoints/0123456789abcdef"])
def test_a_key_or_a_version_that_is_not_there_is_not_found(
    vault: Vault, credential: Credential, options: dict, path: str
) -> None:
    if "/" in path:
        vault.create("checkpoints")

    with (
        KeyClient(vault.url, credential, **options) as client,
        pytest.raises(ResourceNotFoundError, match="KeyNotFound"),
    ):
        client.get_key(*path.split("/"))


def test_a_disabled_key_signs_nothing(vault: Vault, credential: Credential, options: dict) -> None:
    vault.create("checkpoints")
    vault.keys["checkpoints"].is_enabled = False
    with KeyClient(vault.url, credential, **options) as client:
        key = client.get_key("checkpoints")

    with (
        CryptographyClient(key, credential, **options) as signer,
        pytest.raises(HttpResponseError, match="disabled key"),
    ):
        signer.sign(SignatureAlgorithm.es256, DIGEST)


@pytest.mark.parametrize(("algorithm", "digest"), [("PS256", DIGEST), ("ES256", b"short"), ("HS256", DIGEST)])
def test_what_a_key_cannot_sign_is_refused(
    vault: Vault, credential: Credential, options: dict, algorithm: str, digest: bytes
) -> None:
    vault.create("checkpoints")
    with KeyClient(vault.url, credential, **options) as client:
        key = client.get_key("checkpoints")

        with pytest.raises(HttpResponseError, match="BadParameter"):
            client._client.sign(
                "checkpoints", key.properties.version, {"alg": algorithm, "value": _encode(digest)}
            )
