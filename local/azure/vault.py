"""A stand-in of Azure Key Vault's keys, as far as signing needs it: read a key, sign, verify, rotate.

Shapes and words are those of the REST reference (learn.microsoft.com, rest/api/keyvault/keys). As the real one, it
answers the first call of a client with a challenge that says where to sign in and for what.
"""

import base64
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local import serving
from local.azure.answers import Refusal
from local.azure.identity import BadToken, Identity, read_token
from local.bodies import UNREADABLE, read_json
from local.clock import Clock

RESOURCE = "https://vault.azure.net"
DIGESTS = {"ES256": 32, "PS256": 32, "RS256": 32, "ES384": 48}  # bytes that each algorithm signs

Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass
class Key:
    """A key with its versions, the newest last."""

    make: Callable[[], Private]
    is_enabled: bool = True
    versions: dict[str, Private] = field(default_factory=dict)

    def rotate(self) -> str:
        """Make a new version, which is the one that signs from now on, and return it."""
        version = secrets.token_hex(16)
        self.versions[version] = self.make()
        return version


class Vault:
    """The keys of one vault. `signers` are the identities with the role Key Vault Crypto User."""

    def __init__(self, identities: Iterable[Identity], signers: Iterable[str], clock: Clock) -> None:
        self._identities, self._signers, self._clock = list(identities), set(signers), clock
        self.url, self.ca_path = "", Path()
        self.keys: dict[str, Key] = {}
        self.is_down = False
        self.calls: list[str] = []

    def reset(self, signers: Iterable[str]) -> None:
        """Be as a new vault is."""
        self.is_down = False
        self.admit(*signers)
        self.keys.clear()
        self.calls.clear()

    def admit(self, *signers: str) -> None:
        """Give the role to these identities, and take it from all others."""
        self._signers = set(signers)

    def create(self, name: str, kind: str = "EC") -> str:
        """Make a key, on the curve P-256 or RSA of 2048 bits, and return its id without a version."""
        make: dict[str, Callable[[], Private]] = {
            "EC": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EC-384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "RSA": lambda: rsa.generate_private_key(65537, 2048),
        }
        self.keys[name] = Key(make[kind])
        self.keys[name].rotate()
        return f"{self.url}/keys/{name}"

    def public_pem(self, name: str, version: str = "") -> bytes:
        """Return a public key as `az keyvault key download --encoding PEM` writes it."""
        _, private = self._version(name, version)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return private.public_key().public_bytes(serialization.Encoding.PEM, form)

    def app(self) -> Starlette:
        """Return the vault as an application to serve."""
        return Starlette(
            routes=[
                Route("/keys/{name}/", self._get),
                Route("/keys/{name}", self._get),
                Route("/keys/{name}/{version}", self._get),
                Route("/keys/{name}/{version}/sign", self._sign, methods=["POST"]),
                Route("/keys/{name}/{version}/verify", self._verify, methods=["POST"]),
            ],
            exception_handlers={Refusal: _refused},
        )

    @contextmanager
    def serve(self, directory: Path) -> Iterator["Vault"]:
        """Serve the vault over TLS while the block runs; the authority to trust is written to `directory`."""
        authority, self.ca_path = trustme.CA(), directory / "vault-ca.pem"
        authority.cert_pem.write_to_path(self.ca_path)
        certificate = directory / "vault.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
        with serving.serve(self.app(), certificate=certificate) as self.url:
            yield self

    async def _get(self, request: Request) -> JSONResponse:
        self._admit(request)
        version, private = self._version(request.path_params["name"], request.path_params.get("version", ""))
        return JSONResponse(self._bundle(request.path_params["name"], version, private))

    async def _sign(self, request: Request) -> JSONResponse:
        self._admit(request)
        name, version = request.path_params["name"], request.path_params["version"]
        version, private = self._version(name, version)
        if not self.keys[name].is_enabled:
            raise Refusal(403, "Forbidden", "Operation sign is not allowed on a disabled key.")
        algorithm, digest, _ = await _asked(request, "value", private)
        return JSONResponse(
            {"kid": self._id(name, version), "value": _encode(_signature(private, algorithm, digest))}
        )

    async def _verify(self, request: Request) -> JSONResponse:
        self._admit(request)
        _, private = self._version(request.path_params["name"], request.path_params["version"])
        algorithm, digest, value = await _asked(request, "digest", private)
        return JSONResponse({"value": _is_signature(private, algorithm, digest, value)})

    def _admit(self, request: Request) -> None:
        self.calls.append(f"{request.method} {request.url.path}")
        if self.is_down:
            raise Refusal(503, "ServiceUnavailable", "The service is down.")
        try:
            identity = read_token(request.headers.get("authorization"), self._identities, [RESOURCE])
        except BadToken as error:
            tenant = self._identities[0].tenant
            challenge = f'Bearer authorization="https://login.microsoftonline.com/{tenant}", resource="{RESOURCE}"'
            headers = {"WWW-Authenticate": challenge}
            raise Refusal(401, "Unauthorized", f"AKV10000: {error}", headers) from error
        if not request.query_params.get("api-version"):
            raise Refusal(400, "BadParameter", "api-version must be specified")
        if identity.key not in self._signers:
            raise Refusal(
                403, "Forbidden", "Caller is not authorized to perform action on resource. ForbiddenByRbac"
            )

    def _version(self, name: str, version: str) -> tuple[str, Private]:
        key = self.keys.get(name)
        found = version or next(reversed(key.versions), "") if key else ""
        if key is None or found not in key.versions:
            said = f"{name}/{version}" if version else name
            raise Refusal(404, "KeyNotFound", f"A key with (name/id) {said} was not found in this key vault.")
        return found, key.versions[found]

    def _id(self, name: str, version: str) -> str:
        return f"{self.url}/keys/{name}/{version}"

    def _bundle(self, name: str, version: str, private: Private) -> dict[str, Any]:
        made = int(self._clock.now().timestamp())
        common = {"kid": self._id(name, version), "key_ops": ["sign", "verify"], **_jwk(private)}
        attributes = {
            "enabled": self.keys[name].is_enabled,
            "created": made,
            "updated": made,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
            "exportable": False,
        }
        return {"key": common, "attributes": attributes, "tags": {}}


def _jwk(private: Private) -> dict[str, str]:
    if isinstance(private, ec.EllipticCurvePrivateKey):
        numbers, size = private.public_key().public_numbers(), private.key_size // 8
        curve = {256: "P-256", 384: "P-384"}[private.key_size]
        return {"kty": "EC", "crv": curve, "x": _number(numbers.x, size), "y": _number(numbers.y, size)}
    public = private.public_key().public_numbers()
    return {"kty": "RSA", "n": _number(public.n, 256), "e": _number(public.e, 3)}


async def _asked(request: Request, what: str, private: Private) -> tuple[str, bytes, bytes]:
    """Return the algorithm, the digest and the value of a request, refused as the service does."""
    try:
        body = await read_json(request)
        algorithm, digest, value = str(body["alg"]), _decode(body[what]), _decode(body["value"])
    except UNREADABLE as error:
        raise Refusal(400, "BadParameter", f"Property has invalid value: {error}") from error
    is_elliptic = isinstance(private, ec.EllipticCurvePrivateKey)
    if algorithm not in DIGESTS or algorithm.startswith("ES") is not is_elliptic:
        raise Refusal(400, "BadParameter", f"Key and signing algorithm are incompatible: {algorithm}.")
    if len(digest) != DIGESTS[algorithm]:
        raise Refusal(400, "BadParameter", f"Invalid length of 'value': {len(digest)} bytes.")
    return algorithm, digest, value


def _signature(private: Private, algorithm: str, digest: bytes) -> bytes:
    """Return a signature in the form of JSON Web Algorithms: of a curve, both numbers in a row."""
    sha = Prehashed(hashes.SHA384() if algorithm == "ES384" else hashes.SHA256())
    if isinstance(private, ec.EllipticCurvePrivateKey):
        size = private.key_size // 8
        return b"".join(n.to_bytes(size, "big") for n in decode_dss_signature(private.sign(digest, ec.ECDSA(sha))))
    return private.sign(digest, _padding(algorithm), sha)


def _is_signature(private: Private, algorithm: str, digest: bytes, signature: bytes) -> bool:
    sha = Prehashed(hashes.SHA384() if algorithm == "ES384" else hashes.SHA256())
    try:
        if isinstance(private, ec.EllipticCurvePrivateKey):
            half = len(signature) // 2
            numbers = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
            private.public_key().verify(encode_dss_signature(*numbers), digest, ec.ECDSA(sha))
        else:
            private.public_key().verify(signature, digest, _padding(algorithm), sha)
    except InvalidSignature:
        return False
    return True


def _padding(algorithm: str) -> padding.PSS | padding.PKCS1v15:
    if algorithm == "PS256":
        return padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    return padding.PKCS1v15()


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)  # noqa: S101 - that is what it is registered for
    answer = error.answer()
    return JSONResponse(answer.body, answer.status, dict(answer.headers))


def _number(value: int, size: int) -> str:
    return _encode(value.to_bytes(size, "big"))


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
