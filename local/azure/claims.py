"""What an event tells about its author: the claims of the token, and the role assignment that let it through.

The keys are those of real events (sources in the notes on events); values that nobody needs are "scrubbed", as
they are in every capture that was ever published.
"""

from datetime import datetime, timedelta

from local.azure.identity import TOKEN_SECONDS, Identity
from local.azure.ids import guid
from local.azure.roles import ROLES, granting_role

SCRUBBED = "scrubbed"
PERSON_ADDRESS, PROGRAM_ADDRESS = "203.0.113.20", "198.51.100.7"  # from the ranges kept for documentation

_MICROSOFT = "http://schemas.microsoft.com/identity/claims/"
_AUTHENTICATION = "http://schemas.microsoft.com/claims/"
_SOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"


def claims_of(identity: Identity, now: datetime) -> dict[str, str]:
    """Return the claims that an event of this identity carries."""
    issued = now.replace(microsecond=0)
    claims = {
        "aud": "https://management.core.windows.net/",
        "iss": _issuer(identity),
        "iat": _seconds(issued),
        "nbf": _seconds(issued),
        "exp": _seconds(issued + timedelta(seconds=TOKEN_SECONDS)),
        "aio": SCRUBBED,
        "appid": identity.app_id,
        "ver": "1.0",
        "uti": SCRUBBED,
        "rh": SCRUBBED,
        f"{_MICROSOFT}objectidentifier": identity.object_id,
        f"{_MICROSOFT}tenantid": identity.tenant,
        f"{_SOAP}nameidentifier": SCRUBBED,
        # Not a sign of a program: portal users show 2 as well, and only the CLI is a public client (0).
        "appidacr": "0" if identity.is_person and identity.tool in ("cli", "powershell") else "2",
    }
    return claims | (_person_claims(identity) if identity.is_person else _program_claims(identity))


def evidence_of(identity: Identity, method: str, provider: str, subscription: str) -> dict[str, str]:
    """Return the role assignment by which this identity was let through."""
    role = granting_role(identity.roles, method, provider) or "Reader"
    definition = ROLES[role].definition
    if not definition:
        return {"role": role}
    holder = identity.group or identity.object_id
    scope = f"/subscriptions/{subscription}"
    return {
        "role": role,
        "roleAssignmentScope": scope,
        "roleAssignmentId": _bare(guid(scope, role, holder)),
        "roleDefinitionId": _bare(definition),
        "principalId": _bare(holder),
        # The type of whoever holds the role, which for people is often a group: not the author's type.
        "principalType": _holder_type(identity),
    }


def address_of(identity: Identity) -> str:
    """Return the address that the identity's calls seem to come from."""
    return PERSON_ADDRESS if identity.is_person else PROGRAM_ADDRESS


def _person_claims(identity: Identity) -> dict[str, str]:
    given, _, surname = identity.name.partition(" ")
    upn = identity.upn or identity.name
    return {
        "idtyp": "user",
        "name": identity.name,
        "ipaddr": PERSON_ADDRESS,
        "puid": SCRUBBED,
        f"{_AUTHENTICATION}authnclassreference": "1",
        f"{_AUTHENTICATION}authnmethodsreferences": "pwd,mfa",
        f"{_MICROSOFT}scope": "user_impersonation",
        f"{_SOAP}surname": surname,
        f"{_SOAP}givenname": given,
        f"{_SOAP}name": upn,
        f"{_SOAP}upn": upn,
        "groups": SCRUBBED,
        "wids": SCRUBBED,
    }


def _program_claims(identity: Identity) -> dict[str, str]:
    claims = {"idtyp": "app", f"{_MICROSOFT}identityprovider": _issuer(identity)}
    if identity.resource:
        claims |= {"xms_mirid": identity.resource, "xms_tcdt": SCRUBBED}
    return claims


def _issuer(identity: Identity) -> str:
    return f"https://sts.windows.net/{identity.tenant}/"


def _holder_type(identity: Identity) -> str:
    if identity.group:
        return "Group"
    return "User" if identity.is_person else "ServicePrincipal"


def _seconds(moment: datetime) -> str:
    return str(int(moment.timestamp()))


def _bare(id_: str) -> str:
    return id_.replace("-", "")
