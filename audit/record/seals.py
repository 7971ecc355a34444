"""Seals of checkpoints: signatures and time stamps that stand beside them, and what each is worth.

A seal is a blob of its own, named as its checkpoint with a suffix. It covers the checkpoint's bytes, and with
them, because each checkpoint names its predecessor's digest, every earlier one. Whom to trust comes from outside:
a public key, or the certificates of a time-stamping authority; without those nothing is concluded from a seal.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from audit.errors import BadInput, SettingsError
from audit.record import evidence
from audit.record.checkpoints import Checkpoint, read_checkpoint

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

VERSION = 1
SIGNATURE, STAMP = ".sig", ".tsr"  # the second is what openssl and others call a time-stamp response
SUFFIXES = (SIGNATURE, STAMP)
PACKAGES = "azure-keyvault-keys and rfc3161-client (the extra `seals`)"


class State(StrEnum):
    """What a seal is worth."""

    HOLDS = "holds"
    BROKEN = "does not hold"
    UNCHECKED = "not checked"
    MISSING = "none"


@dataclass(frozen=True, slots=True)
class Sealed:
    """What can be said of one seal: by whom it claims to be and of when, whether it holds, and if not why."""

    state: State
    by: str = ""
    at: datetime | None = None
    why: str = ""


NONE = Sealed(State.MISSING)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a reader trusts: public keys, and certificates of time-stamping authorities."""

    keys: "tuple[PublicKeyTypes, ...]" = ()
    authorities: "tuple[Certificate, ...]" = ()


def read_trust(keys: Iterable[bytes], authorities: Iterable[bytes]) -> Trust:
    """Return whom these PEM texts name; raise `BadInput` where one names nobody, `SettingsError` without packages.

    Those of an authority may hold several certificates, as its own site gives them.
    """
    return Trust(
        tuple(_load_key(pem) for pem in keys),
        tuple(certificate for pem in authorities for certificate in _load_certificates(pem)),
    )


@dataclass(frozen=True, slots=True)
class Witness:
    """A checkpoint as it was read, and what its seals are worth."""

    checkpoint: Checkpoint
    signature: Sealed = NONE
    stamp: Sealed = NONE


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint's bytes with those of its seals, by suffix, as they stand in a container or a folder."""

    name: str
    content: bytes
    seals: Mapping[str, bytes]


def read_kept(kept: Kept, trust: Trust) -> Witness:
    """Return a checkpoint with what its seals are worth; raise `BadInput` where it is none."""
    signature, stamp = kept.seals.get(SIGNATURE), kept.seals.get(STAMP)
    return Witness(
        read_checkpoint(kept.name, kept.content),
        check_signature(kept.content, signature, trust.keys) if signature is not None else NONE,
        check_stamp(kept.content, stamp, trust.authorities) if stamp is not None else NONE,
    )


def write_signature(key: str, algorithm: str, signature: bytes, now: datetime) -> bytes:
    """Return the bytes of a signature's blob. `key` is the id of a version of a key, as Key Vault has it.

    `signature` is in the form that openssl verifies: of an elliptic curve as DER, and not as two numbers in a row.
    """
    return evidence.canonical(
        {
            "v": VERSION,
            "key": key,
            "algorithm": algorithm,
            "at": now.isoformat(timespec="seconds"),
            "signature": base64.b64encode(signature).decode(),
        }
    )


def check_signature(content: bytes, blob: bytes, keys: "Sequence[PublicKeyTypes]") -> Sealed:
    """Return what a signature's blob is worth over a checkpoint's bytes, given the public keys to trust."""
    try:
        said = json.loads(blob)
        by, at = f"key {said['key']}", datetime.fromisoformat(said["at"])
        signature = base64.b64decode(said["signature"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return Sealed(State.BROKEN, why=f"expected a signature, got {type(error).__name__}: {error}"[:200])
    if not keys:
        return Sealed(State.UNCHECKED, by, at, "no public key was given")
    if any(_is_signed(content, signature, key) for key in keys):
        return Sealed(State.HOLDS, by, at)
    return Sealed(State.BROKEN, by, at, "none of the given keys has signed these bytes")


def _is_signed(content: bytes, signature: bytes, key: Any) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    sha256 = hashes.SHA256()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(sha256))
        else:
            pss = padding.PSS(padding.MGF1(sha256), padding.PSS.DIGEST_LENGTH)
            key.verify(signature, content, pss, sha256)
    except InvalidSignature:
        return False
    return True


def check_stamp(content: bytes, blob: bytes, authorities: "Sequence[Certificate]") -> Sealed:
    """Return what a time stamp is worth over a checkpoint's bytes, given the certificates that are trusted."""
    try:
        library = _library("rfc3161_client")
        response = library.decode_timestamp_response(blob)
        by, at = _authority(response), response.tst_info.gen_time
    except SettingsError as error:
        return Sealed(State.UNCHECKED, why=str(error))
    except ValueError as error:
        return Sealed(State.BROKEN, why=f"expected a time stamp (RFC 3161), got {error}"[:200])
    if not authorities:
        return Sealed(State.UNCHECKED, by, at, "no certificate of the authority was given")
    try:
        library.VerifierBuilder(roots=list(authorities)).build().verify_message(response, content)
    except library.VerificationError as error:
        return Sealed(State.BROKEN, by, at, str(error)[:200])
    return Sealed(State.HOLDS, by, at)


def _authority(response: "TimeStampResponse") -> str:
    """Return whose stamp it claims to be: the name in it, or else the issuer and number of the certificate."""
    name: Any = response.tst_info.name
    if name is not None:
        return str(getattr(name.value, "rfc4514_string", lambda: name.value)())
    signers = response.signed_data.signer_infos
    return ", ".join(f"{each.issuer.rfc4514_string()} number {each.serial_number:x}" for each in signers)


def _load_key(pem: bytes) -> "PublicKeyTypes":
    try:
        key: PublicKeyTypes = _library("cryptography.hazmat.primitives.serialization").load_pem_public_key(pem)
    except ValueError as error:
        raise BadInput(
            "expected a public key in PEM (-----BEGIN PUBLIC KEY-----), got another text: download it with "
            "`az keyvault key download --encoding PEM`"
        ) from error
    if not hasattr(key, "verify"):
        raise BadInput(f"expected an elliptic-curve or RSA key, got {type(key).__name__}")
    return key


def _load_certificates(pem: bytes) -> "list[Certificate]":
    try:
        found: list[Certificate] = _library("cryptography.x509").load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BadInput(
            "expected certificates in PEM (-----BEGIN CERTIFICATE-----), got another text: take those of the "
            "authority from its own site, the root's last"
        ) from error
    return found


def _library(name: str) -> Any:
    """Return a library that only seals need, and that is therefore not always installed."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SettingsError(
            f"expected {PACKAGES} to look at the seals of checkpoints, got no {error.name}: install them beside "
            "Model Audit; docs/verify.md has the versions"
        ) from error
