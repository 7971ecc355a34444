"""Who can sign in to the stand-in, the bearer tokens that say so, and a credential for the real SDKs."""

import base64
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.credentials import AccessToken, AccessTokenInfo

from local.azure.fleet import Fleet, Person
from local.azure.ids import guid

TOKEN_SECONDS = 3600  # azure-core asks again in the last five minutes, so anything above that will do
AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")

# Application ids that Microsoft publishes for its own clients: a person's token names the tool it came through.
TOOLS = {
    "portal": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
    "cli": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    "powershell": "1950a258-227b-4e31-a9cf-717495945fc2",
    "foundry": "cb2ff863-7f30-4ced-ab89-a00194bcf6d9",
    "studio": "d7304df8-741f-47d3-9bc2-df0e24e2071f",
    "openai-studio": "dc807dec-d211-4b3f-bc8a-43b3443c4874",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """A person or program of the fleet with every id filled in; `key` is its name in the fleet file."""

    key: str
    kind: str
    name: str
    upn: str | None
    tool: str
    app_id: str
    object_id: str
    tenant: str
    resource: str | None
    group: str | None
    roles: tuple[str, ...]

    @property
    def is_person(self) -> bool:
        """Whether a human being stands behind the token."""
        return self.kind == "person"

    @property
    def author(self) -> str:
        """The name that `systemData.createdBy` gives: an e-mail address of people, an app id of programs."""
        return (self.upn or self.name) if self.is_person else self.app_id

    @property
    def author_type(self) -> str:
        """The word that `systemData.createdByType` gives."""
        return {"person": "User", "service-principal": "Application"}.get(self.kind, "ManagedIdentity")


class BadToken(Exception):
    """A bearer token does not name anybody who may speak to this service; `code` is ARM's word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def identities_of(fleet: Fleet) -> dict[str, Identity]:
    """Return everybody in the fleet by name, with ids made up where the file gives none."""
    return {key: _identity(fleet, key, person) for key, person in fleet.people.items()}


def _identity(fleet: Fleet, key: str, person: Person) -> Identity:
    own_app = person.app_id or guid(fleet.tenant, "application", key)
    return Identity(
        key=key,
        kind=person.kind,
        name=person.name or key,
        upn=person.upn,
        tool=person.tool,
        app_id=TOOLS[person.tool] if person.kind == "person" else own_app,
        object_id=person.object_id or guid(fleet.tenant, "object", key),
        tenant=fleet.tenant,
        resource=person.resource,
        group=guid(fleet.tenant, "group", person.group) if person.group else None,
        roles=person.roles,
    )


def make_token(identity: Identity, audience: str) -> AccessTokenInfo:
    """Return a bearer token of the identity for an audience: the shape of a JWT, signed by nobody."""
    # Real time, not the stack's: azure-core and msal cache tokens by the machine's clock.
    issued = int(time.time())
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{identity.tenant}/",
        "iat": issued,
        "exp": issued + TOKEN_SECONDS,
        "oid": identity.object_id,
        "tid": identity.tenant,
        "appid": identity.app_id,
        "idtyp": "user" if identity.is_person else "app",
        "ver": "1.0",
    }
    token = f"{_encode({'alg': 'none', 'typ': 'JWT'})}.{_encode(claims)}."
    return AccessTokenInfo(token, issued + TOKEN_SECONDS)


def read_token(header: str | None, identities: Iterable[Identity], audiences: Iterable[str]) -> Identity:
    """Return whose token an `Authorization` header carries; raise `BadToken` where it is nobody's."""
    if not header:
        raise BadToken("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    claims = _claims(header)
    if str(claims.get("aud", "")).rstrip("/") not in audiences:
        message = f"The access token has been obtained for wrong audience or resource '{claims.get('aud')}'."
        raise BadToken("InvalidAuthenticationTokenAudience", message)
    if claims.get("exp", 0) <= time.time():
        raise BadToken("ExpiredAuthenticationToken", "The access token expiry UTC time has passed.")
    who = (claims.get("tid"), claims.get("oid"))
    found = [each for each in identities if (each.tenant, each.object_id) == who]
    if not found:
        raise BadToken("InvalidAuthenticationToken", f"Nobody here has object id {who[1]} in tenant {who[0]}.")
    return found[0]


def _encode(part: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _claims(header: str) -> dict[str, Any]:
    scheme, _, token = header.partition(" ")
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        claims = None
    if scheme.lower() != "bearer" or not isinstance(claims, dict):
        raise BadToken("InvalidAuthenticationToken", "The access token is invalid.")
    return claims


class Credential:
    """A credential of azure-core's kind that signs in as one person of the fleet."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """Return a token for the first scope, which every Azure SDK client gives."""
        made = make_token(self.identity, _audience(scopes))
        return AccessToken(made.token, made.expires_on)

    def get_token_info(self, *scopes: str, **_: Any) -> AccessTokenInfo:
        """Return the same, for clients that ask in azure-core's newer way."""
        return make_token(self.identity, _audience(scopes))


def _audience(scopes: tuple[str, ...]) -> str:
    return scopes[0].removesuffix("/.default") if scopes else AUDIENCES[0]
