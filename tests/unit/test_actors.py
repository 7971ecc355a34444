import pytest

from audit.events.actors import SERVICES, TOOLS, Identities, describe
from audit.model import Actor, ActorKind
from audit.privacy import PersonalData, Privacy
from tests.house import PIPELINE

OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
SCOPE = "http://schemas.microsoft.com/identity/claims/scope"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
EMAIL = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
PROVIDER = "http://schemas.microsoft.com/identity/claims/identityprovider"
METHODS = "http://schemas.microsoft.com/claims/authnmethodsreferences"
PORTAL = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
OTHER = "66666666-6666-4666-8666-666666666666"
IDENTITY = "/subscriptions/s/resourcegroups/r/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-ops"

KEEP = Identities({PIPELINE}, Privacy(b"k" * 32, PersonalData.KEEP))


@pytest.mark.parametrize(
    ("claims", "kind"),
    [
        ({"idtyp": "app", "appid": PIPELINE}, ActorKind.PIPELINE),
        ({"idtyp": "app", "appid": OTHER, OID: PIPELINE.upper()}, ActorKind.PIPELINE),
        ({"appid": PIPELINE}, ActorKind.PIPELINE),
        ({"appid": PIPELINE, SCOPE: "user_impersonation"}, ActorKind.PERSON),
        ({"appid": PIPELINE, "idtyp": "user"}, ActorKind.PERSON),
        ({"appid": PIPELINE, UPN: "jo@contoso.example"}, ActorKind.PERSON),
        ({"idtyp": "app", "appid": OTHER, "xms_mirid": IDENTITY}, ActorKind.MANAGED_IDENTITY),
        ({"idtyp": "app", "appid": PIPELINE, "xms_mirid": IDENTITY}, ActorKind.PIPELINE),
        ({"idtyp": "app", "appid": OTHER}, ActorKind.SERVICE_PRINCIPAL),
        ({"appid": OTHER, "appidacr": "2"}, ActorKind.SERVICE_PRINCIPAL),
        ({"appid": PORTAL, "appidacr": "2", SCOPE: "user_impersonation"}, ActorKind.PERSON),
        ({"name": "Jo Bloggs"}, ActorKind.PERSON),
        ({}, ActorKind.UNKNOWN),
        ({"aud": "https://management.core.windows.net/"}, ActorKind.UNKNOWN),
        ({"appid": OTHER, "altsecid": "1:live.com:0003", "appidacr": "0", PROVIDER: "live.com"}, ActorKind.PERSON),
        ({"appid": OTHER, EMAIL: "jo@live.example", PROVIDER: "live.com"}, ActorKind.PERSON),
        ({"appid": PIPELINE, PROVIDER: "live.com"}, ActorKind.PERSON),
        ({"appid": PIPELINE, "puid": "1003"}, ActorKind.PERSON),
        ({"appid": OTHER, METHODS: "rsa,mfa"}, ActorKind.PERSON),
        ({"appid": PIPELINE, "scp": "user_impersonation"}, ActorKind.PERSON),
        ({"appid": PIPELINE, "idtyp": "App"}, ActorKind.PIPELINE),
        ({"appid": "", OID: ""}, ActorKind.UNKNOWN),
        ({"idtyp": "app", "xms_mirid": IDENTITY, SCOPE: "user_impersonation"}, ActorKind.MANAGED_IDENTITY),
    ],
)
def test_the_claims_say_who_it_was(claims: dict, kind: ActorKind) -> None:
    assert KEEP.actor(claims).kind is kind


def test_a_person_is_named_with_the_tool() -> None:
    actor = KEEP.actor({"appid": PORTAL, SCOPE: "user_impersonation", "name": "Jo Bloggs", OID: OTHER})

    assert (actor.name, actor.id, actor.tool) == ("Jo Bloggs", OTHER, "the Azure portal")


def test_a_persons_name_and_object_id_are_kept_as_the_settings_allow() -> None:
    hashing = Identities((), Privacy(b"k" * 32))

    actor = hashing.actor({SCOPE: "user_impersonation", UPN: "jo@contoso.example", OID: OTHER})

    assert actor.name.startswith("person-")
    assert actor.id.startswith("person-")


def test_nobody_is_a_pipeline_where_none_is_listed() -> None:
    assert Identities((), KEEP.privacy).actor({"idtyp": "app"}).kind is ActorKind.SERVICE_PRINCIPAL


@pytest.mark.parametrize("app_id", TOOLS)
def test_every_known_tool_is_named_whatever_the_case_of_its_id(app_id: str) -> None:
    actor = KEEP.actor({"appid": app_id.upper(), SCOPE: "user_impersonation"})

    assert actor.tool == TOOLS[app_id]


@pytest.mark.parametrize(
    ("actor", "text"),
    [
        (Actor(ActorKind.PERSON, "oid", "Jo", "the Azure CLI"), "Jo through the Azure CLI"),
        (Actor(ActorKind.PERSON, "", "", "an unnamed tool"), "a person through an unnamed tool"),
        (Actor(ActorKind.PIPELINE, "oid"), "approved pipeline oid"),
        (Actor(ActorKind.MANAGED_IDENTITY, "oid", "id-ops"), "managed identity id-ops"),
        (Actor(ActorKind.SERVICE_PRINCIPAL, "oid"), "service principal oid, which is no approved pipeline"),
        (Actor(ActorKind.PLATFORM, "oid", "Azure Machine Learning"), "Azure itself (Azure Machine Learning)"),
        (Actor(ActorKind.UNKNOWN), "an unknown actor"),
    ],
)
def test_an_actor_reads_as_a_phrase(actor: Actor, text: str) -> None:
    assert describe(actor) == text


@pytest.mark.parametrize("app_id", SERVICES)
def test_a_service_of_azure_is_the_platform_and_never_a_pipeline(app_id: str) -> None:
    actor = KEEP.actor({"appid": app_id.upper(), "idtyp": "app", OID: OTHER})

    assert (actor.kind, actor.name, actor.id) == (ActorKind.PLATFORM, SERVICES[app_id], OTHER)


@pytest.mark.parametrize("app_id", SERVICES)
def test_a_person_behind_a_service_of_azure_is_a_person(app_id: str) -> None:
    assert KEEP.actor({"appid": app_id, SCOPE: "user_impersonation"}).kind is ActorKind.PERSON


def test_a_person_who_used_a_pipelines_application_is_told_apart() -> None:
    actor = KEEP.actor({"appid": PIPELINE, SCOPE: "user_impersonation", "name": "Jo"})

    assert actor.kind is ActorKind.PERSON
    assert actor.why == "delegated token, of a pipeline's application: a person used it"


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_among_the_pipelines_approves_nobody(blank: str) -> None:
    careless = Identities({blank}, KEEP.privacy)

    assert careless.actor({"idtyp": "app"}).kind is ActorKind.SERVICE_PRINCIPAL
    assert careless.actor({"idtyp": "app", "appid": ""}).kind is ActorKind.SERVICE_PRINCIPAL


@pytest.mark.parametrize("personal", [PersonalData.HASH, PersonalData.REDACT])
def test_nothing_of_a_guest_is_kept_as_it_came(personal: PersonalData) -> None:
    claims = {"appid": PORTAL, "altsecid": "1:live.com:0003", EMAIL: "jo@live.example", OID: OTHER, "puid": "77"}

    actor = Identities((), Privacy(b"k" * 32, personal)).actor(claims)

    assert not any(said in str(actor) for said in ("jo@", "live.example", OTHER, "0003", "77"))
