"""Those who vouch for a checkpoint from outside: a key in Azure Key Vault, and a time-stamping authority.

Their libraries are not installed where nothing is sealed, so they are imported when something is.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest

from audit.errors import Unavailable
from audit.record import seals

# A sweep waits for these, and what is not sealed now is sealed by the next one.
PATIENCE: dict[str, Any] = {"retry_total": 2, "connection_timeout": 10, "read_timeout": 20}
MAX_STAMP = 64 * 1024  # bytes; an answer with all its certificates has some ten kilobytes


class KeyVaultSeal:
    """Signs by a key that never leaves Azure Key Vault; `key` is its id, with or without a version."""

    suffix = seals.SIGNATURE
    is_daily = False

    def __init__(
        self,
        key: str,
        credential: TokenCredential,
        now: Callable[[], datetime],
        options: Mapping[str, Any] = PATIENCE,
    ):
        self._key, self._credential, self._now, self._options = key, credential, now, options

    def seal(self, content: bytes) -> bytes:
        """Return the blob of a signature over the content by the newest version of the key."""
        try:
            return self._seal(content)
        except ImportError as error:
            raise _missing(error) from error
        except (AzureError, ValueError) as error:
            raise Unavailable(
                f"tried to sign a checkpoint by {self._key}; got {_said(error)}. It is tried again at the next "
                "sweep; if it goes on, look at MODEL_AUDIT_SIGNING_KEY, the role Key Vault Crypto User and the "
                "vault's firewall"
            ) from error

    def _seal(self, content: bytes) -> bytes:
        from azure.keyvault.keys import KeyClient, KeyVaultKeyIdentifier
        from azure.keyvault.keys.crypto import CryptographyClient

        named = KeyVaultKeyIdentifier(self._key)
        with KeyClient(named.vault_url, self._credential, **self._options) as client:
            key = client.get_key(named.name, named.version)  # anew each time, so that a rotation is followed
        algorithm, as_openssl_has_it = _algorithm(key)
        with CryptographyClient(key, self._credential, **self._options) as signer:
            signed = signer.sign(algorithm, hashlib.sha256(content).digest())
        return seals.write_signature(
            str(signed.key_id), str(algorithm.value), as_openssl_has_it(signed.signature), self._now()
        )


def _algorithm(key: Any) -> tuple[Any, Callable[[bytes], bytes]]:
    from azure.keyvault.keys import KeyCurveName, KeyType
    from azure.keyvault.keys.crypto import SignatureAlgorithm

    if key.key_type in (KeyType.ec, KeyType.ec_hsm) and key.key.crv == KeyCurveName.p_256:
        return SignatureAlgorithm.es256, _as_der
    if key.key_type in (KeyType.rsa, KeyType.rsa_hsm):
        return SignatureAlgorithm.ps256, bytes
    raise ValueError("expected an RSA key or one on the curve P-256, got a key of another kind")


def _as_der(both: bytes) -> bytes:
    """Return a signature of Key Vault's form, two numbers in a row, as openssl and most libraries want it."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    half = len(both) // 2
    return encode_dss_signature(int.from_bytes(both[:half], "big"), int.from_bytes(both[half:], "big"))


class TimeStampSeal:
    """Asks an authority to say when the content was there (RFC 3161).

    Once a day is enough for that, and public authorities ask not to be asked too often.
    """

    suffix = seals.STAMP
    is_daily = True

    def __init__(self, url: str, options: Mapping[str, Any] = PATIENCE):
        self._url, self._options = url, options

    def seal(self, content: bytes) -> bytes:
        """Return the authority's answer as it came, once it is certain that it speaks of this content."""
        try:
            return self._seal(content)
        except ImportError as error:
            raise _missing(error) from error
        except (AzureError, ValueError) as error:
            host = urlsplit(self._url).hostname  # of the whole address, some have a password in them
            raise Unavailable(
                f"tried to have a checkpoint time-stamped by {host}; got {_said(error)}. It is tried again at the "
                "next sweep; if it goes on, look at MODEL_AUDIT_TSA_URL"
            ) from None

    def _seal(self, content: bytes) -> bytes:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response

        asked = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        request = HttpRequest("POST", self._url, content=asked.as_bytes(), headers=headers)
        # The SDK's usual policies would decode the answer as a text.
        with PipelineClient(self._url, policies=[RetryPolicy(**self._options)], **self._options) as client:
            answer = client.send_request(request)
            answer.raise_for_status()
        if len(answer.content) > MAX_STAMP:
            raise ValueError(f"expected a time stamp of at most {MAX_STAMP} bytes, got {len(answer.content)}")
        stamp = decode_timestamp_response(answer.content)
        if stamp.status != 0:
            raise ValueError(f"expected a stamp that is granted, got status {stamp.status} {stamp.status_string}")
        imprint = stamp.tst_info.message_imprint.message
        if (imprint, stamp.tst_info.nonce) != (hashlib.sha256(content).digest(), asked.nonce):
            raise ValueError("expected a stamp of what was sent, got one of something else")
        return bytes(answer.content)


def _said(error: Exception) -> str:
    """Return what went wrong, without addresses: those of the SDK's errors may hold secrets."""
    if isinstance(error, HttpResponseError) and error.status_code:
        return f"{type(error).__name__} HTTP {error.status_code}"
    return type(error).__name__ if isinstance(error, AzureError) else str(error)[:300]


def _missing(error: ImportError) -> Unavailable:
    return Unavailable(
        f"expected {seals.PACKAGES} to seal checkpoints, got no {error.name}: append their lines to "
        "requirements.txt and deploy again; docs/verify.md has them"
    )
