"""Who did it: a conclusion from the claims of the token that an ARM event carries.

The order of the tests and the trust in each claim follow what was found in real events: `principalType` tells
of the role assignment and not of the actor (cloud-custodian#3172), `appidacr` is 2 for portal users as well.
Claims are as trustworthy as the delivery path; nothing here ever counts as an approval.
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
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "unique_name",
    "name",
)

# Application ids that Microsoft publishes for its own first-party clients.
TOOLS = {
    "c44b4083-3bb0-49c1-b47d-974e53cbdf3c": "the Azure portal",
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46": "the Azure CLI",
    "1950a258-227b-4e31-a9cf-717495945fc2": "Azure PowerShell",
    "cb2ff863-7f30-4ced-ab89-a00194bcf6d9": "the Foundry portal",
    "d7304df8-741f-47d3-9bc2-df0e24e2071f": "Azure ML studio",
    "dc807dec-d211-4b3f-bc8a-43b3443c4874": "Azure OpenAI Studio",
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
        person = next((claims[claim] for claim in _PERSON_CLAIMS if claims.get(claim)), "")
        is_delegated = bool(claims.get(_SCOPE)) or claims.get("idtyp") == "user"
        is_app_only = not is_delegated and (claims.get("idtyp") == "app" or (bool(app_id) and not person))

        if is_app_only and {app_id, object_id} & {each.lower() for each in self.pipelines}:
            return Actor(ActorKind.PIPELINE, object_id or app_id, why="app-only token of an approved pipeline")
        if identity := claims.get("xms_mirid", ""):
            name = identity.rsplit("/", 1)[-1]
            return Actor(ActorKind.MANAGED_IDENTITY, object_id, name, why="claim xms_mirid")
        if is_app_only:
            return Actor(ActorKind.SERVICE_PRINCIPAL, object_id or app_id, why="app-only token")
        if is_delegated or person:
            tool = TOOLS.get(app_id, f"application {app_id}" if app_id else "an unnamed tool")
            name = self.privacy.person(person)
            return Actor(ActorKind.PERSON, self.privacy.person(object_id), name, tool, "delegated token")
        return Actor(ActorKind.UNKNOWN, why="the event carries no usable claims")


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
    return "an unknown actor"
