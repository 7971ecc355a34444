"""Who did it: a conclusion from the claims of the token that an ARM event carries.

The order of the tests and the trust in each claim follow what was found in real events: `principalType` tells
of the role assignment and not of the actor (cloud-custodian#3172), `appidacr` is 2 for portal users as well.
Claims are as trustworthy as the delivery path; nothing here ever counts as an approval.

(1) an app-only token of a listed pipeline: the pipeline; with a person behind it, the same id is a tool
(2) `xms_mirid`: the managed identity that it names
(3) an app-only token: a service of Azure by its published id, else a service principal
(4) a delegated token, or a claim that only people have: a person, through the tool that `appid` names
(5) else nobody knows, and unknown never counts as approved
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from audit.model import Actor, ActorKind
from audit.privacy import Privacy

_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_SCOPE = "http://schemas.microsoft.com/identity/claims/scope"
_PERSON_CLAIMS = (
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "emailaddress",
    "email",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "unique_name",
    "name",
)

# What only the token of a person has: how they signed in, and what they are called. A guest with a Microsoft
# account has `altsecid` and often neither scope nor upn (cloud-custodian#3172).
_SIGNS_OF_A_PERSON = (
    *_PERSON_CLAIMS,
    "altsecid",
    "puid",
    "http://schemas.microsoft.com/claims/authnmethodsreferences",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
)
_IDENTITY_PROVIDER = "http://schemas.microsoft.com/identity/claims/identityprovider"
_GUESTS = "live.com"

# Application ids that Microsoft publishes for its own first-party clients.
TOOLS = {
    "c44b4083-3bb0-49c1-b47d-974e53cbdf3c": "the Azure portal",
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46": "the Azure CLI",
    "1950a258-227b-4e31-a9cf-717495945fc2": "Azure PowerShell",
    "cb2ff863-7f30-4ced-ab89-a00194bcf6d9": "the Foundry portal",
    "d7304df8-741f-47d3-9bc2-df0e24e2071f": "Azure ML studio",
    "dc807dec-d211-4b3f-bc8a-43b3443c4874": "Azure OpenAI Studio",
}

# Application ids of the services themselves, which act on a tenant's resources without anybody's token.
SERVICES = {
    "0736f41a-0425-4b46-bdb5-1563eff02385": "Azure Machine Learning",
    "18a66f5f-dbdf-4c17-9dd7-1634712a9cbe": "Azure Machine Learning Services",
    "7d312290-28c8-473c-a0ed-8e53749b6d6d": "Microsoft Cognitive Services",
}


@dataclass(frozen=True, slots=True)
class Identities:
    """What turns claims into an actor: the approved pipelines' object or app ids, and how names are kept."""

    pipelines: Collection[str]
    privacy: Privacy

    def actor(self, claims: Mapping[str, str]) -> Actor:
        """Return who the claims speak of; `unknown` where they do not tell."""
        app_id = claims.get("appid", "").lower()
        object_id = (claims.get(_OBJECT_ID) or claims.get("oid") or "").lower()
        is_delegated = bool(claims.get(_SCOPE) or claims.get("scp")) or claims.get("idtyp", "").lower() == "user"
        is_person = is_delegated or _is_like_a_person(claims)
        is_app = claims.get("idtyp", "").lower() == "app"
        is_app_only = not is_delegated and (is_app or (bool(app_id) and not is_person))

        if is_app_only and self._is_pipeline(app_id, object_id):  # (1)
            return Actor(ActorKind.PIPELINE, object_id or app_id, why="app-only token of an approved pipeline")
        if identity := claims.get("xms_mirid", ""):  # (2)
            name = identity.rsplit("/", 1)[-1]
            return Actor(ActorKind.MANAGED_IDENTITY, object_id, name, why="claim xms_mirid")
        if is_app_only and app_id in SERVICES:  # (3)
            why = "app-only token of a service of Azure"
            return Actor(ActorKind.PLATFORM, object_id or app_id, SERVICES[app_id], why=why)
        if is_app_only:
            why = "claim idtyp is app" if is_app else "a token with an application and nobody behind it"
            return Actor(ActorKind.SERVICE_PRINCIPAL, object_id or app_id, why=why)
        if is_person:  # (4)
            return self._person(claims, app_id, object_id, is_delegated=is_delegated)
        return Actor(ActorKind.UNKNOWN, why="the event carries no usable claims")  # (5)

    def _is_pipeline(self, *ids: str) -> bool:
        return not {id_ for id_ in ids if id_}.isdisjoint(each.lower() for each in self.pipelines)

    def _person(self, claims: Mapping[str, str], app_id: str, object_id: str, *, is_delegated: bool) -> Actor:
        tool = TOOLS.get(app_id, f"application {app_id}" if app_id else "an unnamed tool")
        name = next((claims[claim] for claim in _PERSON_CLAIMS if claims.get(claim)), "")
        why = "delegated token" if is_delegated else "claims that only people have"
        if self._is_pipeline(app_id):
            why += ", of a pipeline's application: a person used it"
        return Actor(ActorKind.PERSON, self.privacy.person(object_id), self.privacy.person(name), tool, why)


def _is_like_a_person(claims: Mapping[str, str]) -> bool:
    is_guest = claims.get(_IDENTITY_PROVIDER, "").lower() == _GUESTS
    return is_guest or any(claims.get(claim) for claim in _SIGNS_OF_A_PERSON)


def describe(actor: Actor) -> str:
    """Return the actor as a phrase for people: `jo@contoso.example through the Azure portal`."""
    match actor.kind:
        case ActorKind.PERSON:
            return f"{actor.name or actor.id or 'a person'} through {actor.tool}"
        case ActorKind.PIPELINE:
            return f"approved pipeline {actor.name or actor.id}"
        case ActorKind.MANAGED_IDENTITY:
            return f"managed identity {actor.name or actor.id}"
        case ActorKind.SERVICE_PRINCIPAL:
            return f"service principal {actor.id}, which is no approved pipeline"
        case ActorKind.PLATFORM:
            return f"Azure itself ({actor.name})"
    return "an unknown actor"
