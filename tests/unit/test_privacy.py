import base64
import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.privacy import MARK, PersonalData, Privacy
from tests.house import chat_document, churn_document
from tests.strategies import json_values
from tests.unit.test_facts import paths, with_value

PRIVACY = Privacy(b"k" * 32)
BASE64 = base64.b64encode(bytes(range(64))).decode()  # the shape of a storage account's key
PEM_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"

# A text as it may stand in a field, and the part of it that must not survive.
SECRETS = {
    "storage connection string": (f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={BASE64};", BASE64),
    "storage key in lower case": (f"accountkey={BASE64}", BASE64),
    "bare storage key": (BASE64, BASE64),
    "bare topic key": (
        "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MDA=",
        "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MDA=",
    ),
    "service bus": ("Endpoint=sb://b/;SharedAccessKeyName=n;SharedAccessKey=c2VjcmV0IQ", "c2VjcmV0IQ"),
    "sas url": ("https://a.blob.core.windows.net/c/b?sv=2024-01-01&sig=aB%2BcD%3D&se=2027", "aB%2BcD%3D"),
    "short sas": ("?sig=aB3", "aB3"),
    "sas as a connection string": ("SharedAccessSignature=sv=2024&sig=Zm9vYmFy", "Zm9vYmFy"),
    "sql connection string": ("Server=db;User Id=sa;Password=hunter2;", "hunter2"),
    "short password": ("pwd=hunter2", "hunter2"),
    "password with blanks around the sign": ("password = hunter2", "hunter2"),
    "url with a user": ("postgres://app:hunter2@db:5432/x", "hunter2"),
    "mongo url": ("mongodb+srv://app:hunter2@cluster/x", "hunter2"),
    "function key": ("https://f.azurewebsites.net/api/x?code=aGVsbG8td29ybGQ", "aGVsbG8td29ybGQ"),
    "bearer token": ("Authorization: Bearer aGVsbG8td29ybGQ", "aGVsbG8td29ybGQ"),
    "basic authorization": ("Authorization: Basic aGVsbG86d29ybGQ", "aGVsbG86d29ybGQ"),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "eyJzdWIiOiIxMjM0In0"),
    "pem key": (f"-----BEGIN PRIVATE KEY-----\n{PEM_BODY}\n-----END PRIVATE KEY-----", PEM_BODY),
    "pem key cut off": (f"-----BEGIN RSA PRIVATE KEY-----\n{PEM_BODY}", PEM_BODY),
    "pem key with escaped line ends": (rf"-----BEGIN EC PRIVATE KEY-----\n{PEM_BODY}", PEM_BODY),
    "openai": ("sk-proj-abcdefghijklmnop0123", "abcdefghijklmnop0123"),
    "github": ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz0123456789"),
    "github, fine-grained": ("github_pat_11ABCDEFG0abcdefghijkl_mnop", "11ABCDEFG0abcdefghijkl_mnop"),
    "gitlab": ("glpat-abcdefghijklmnopqrst", "abcdefghijklmnopqrst"),
    "slack token": ("xoxb-123456789012-abcdefghijkl", "123456789012-abcdefghijkl"),
    "slack webhook without a scheme": ("hooks.slack.com/services/T0/B0/abcdefghijkl", "abcdefghijkl"),
    "slack webhook": ("https://hooks.slack.com/services/T0/B0/abcdefghijkl", "abcdefghijkl"),
    "aws access key": ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    "google api key": ("AIza" + "SyA0123456789abcdefghijklmnopqrstuv", "SyA0123456789abcdefghijklmnopqrstuv"),
    "entra client secret": ("abc8Q~abcdefghijklmnopqrstuvwxyz0123456_-", "abcdefghijklmnopqrstuvwxyz0123456_-"),
    "hugging face": ("hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "abcdefghijklmnopqrstuvwxyzABCDEFGH"),
    "databricks": ("dapi0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
    "stripe": ("sk_live_abcdefghijklmnop0123", "abcdefghijklmnop0123"),
    "api key by its name": ("api-key: 0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
    "client secret by its name": ("client_secret=hunter2&x=1", "hunter2"),
}

HARMLESS = (
    "azureml://subscriptions/s/resourceGroups/r/workspaces/w/datastores/d/paths/LocalUpload/0123456789abcdef/m",
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/x/models/churn/versions/3",
    "https://management.azure.com/subscriptions/s/od:1?api-version=2022-02-01-preview",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "Standard_DS3_v2",
    "2026-11-02T08:00:00.0000000Z",
    "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "task-force: the basic plan, bearer of good news",
)


@pytest.mark.parametrize("name", SECRETS)
def test_no_field_lets_a_secret_through(name: str) -> None:
    text, secret = SECRETS[name]
    for document in (chat_document(), churn_document()):
        for path in paths(document)[1:]:
            for value in (text, f"see {text} there", [text], {"x": text}):
                kept = json.dumps(PRIVACY.redact(with_value(document, path, value)))

                assert secret not in kept, path


@pytest.mark.parametrize("name", SECRETS)
def test_no_name_of_a_tag_lets_a_secret_through(name: str) -> None:
    text, secret = SECRETS[name]

    assert secret not in json.dumps(PRIVACY.redact({"tags": {text: "x"}}))


@pytest.mark.parametrize("name", SECRETS)
def test_equal_secrets_give_equal_marks(name: str) -> None:
    text, secret = SECRETS[name]
    again, other = PRIVACY.redact_text(text), PRIVACY.redact_text(text.replace(secret, secret[::-1] + "x"))

    assert PRIVACY.redact_text(text) == again
    assert other != again


@pytest.mark.parametrize("name", SECRETS)
def test_what_was_redacted_once_stays_as_it_is(name: str) -> None:
    once = PRIVACY.redact_text(SECRETS[name][0])

    assert PRIVACY.redact_text(once) == once


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert PRIVACY.redact_text(text) == text


def test_the_mark_depends_on_the_key_so_that_nobody_can_find_a_secret_by_trying() -> None:
    assert Privacy(b"other").mark("hunter2") != PRIVACY.mark("hunter2")


def test_values_of_environment_variables_are_marks_and_their_names_stay() -> None:
    kept = PRIVACY.redact({"environmentVariables": {"LOG_LEVEL": "debug", "WORKERS": 4}})

    assert kept == {"environmentVariables": {"LOG_LEVEL": PRIVACY.mark("debug"), "WORKERS": PRIVACY.mark("4")}}


def test_an_environment_variable_given_as_a_list_is_hidden_too() -> None:
    kept = PRIVACY.redact({"environmentVariables": [{"name": "PLAIN", "value": "hunter2"}]})

    assert "hunter2" not in json.dumps(kept)


@pytest.mark.parametrize(
    "name", ["secret", "clientSecret", "PASSWORD", "accessToken", "connection_string", "apiKey", "primaryKey"]
)
@pytest.mark.parametrize("value", ["hunter2", ["hunter2"], {"value": "hunter2"}, {"a": {"b": ["hunter2"]}}])
def test_what_is_called_a_secret_is_hidden_however_deep(name: str, value: object) -> None:
    assert "hunter2" not in json.dumps(PRIVACY.redact({name: value}))


@pytest.mark.parametrize("name", ["tokenizer", "max_tokens", "secretary", "keyboard"])
def test_a_name_that_only_resembles_a_secret_hides_nothing(name: str) -> None:
    assert PRIVACY.redact({name: "cl100k"}) == {name: "cl100k"}


def test_switches_and_numbers_under_a_telling_name_stay() -> None:
    assert PRIVACY.redact({"tokenLimit": 5, "usesSecrets": True}) == {"tokenLimit": 5, "usesSecrets": True}


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        (PersonalData.KEEP, "jo@contoso.example"),
        (PersonalData.REDACT, "(redacted)"),
        (PersonalData.HASH, "person-" + PRIVACY.mark("jo@contoso.example").removeprefix(MARK)[:8]),
    ],
)
def test_people_are_named_as_the_settings_allow(setting: PersonalData, name: str) -> None:
    kept = Privacy(b"k" * 32, setting).redact({"systemData": {"lastModifiedBy": "jo@contoso.example"}})

    assert kept == {"systemData": {"lastModifiedBy": name}}


def test_nobody_stays_nobody() -> None:
    assert PRIVACY.person("") == ""


@given(json_values)
def test_redaction_never_raises_and_keeps_the_shape(value: object) -> None:
    kept = PRIVACY.redact(value)

    assert type(kept) is type(value)


def test_a_document_that_is_nested_too_deep_is_cut_off() -> None:
    deep: object = "bottom"
    for _ in range(5000):
        deep = {"x": [deep]}

    kept = PRIVACY.redact(deep)

    assert "nested too deep" in json.dumps(kept)


@pytest.mark.parametrize(
    "piece", ["eyJ-", "://", "a:", "sk-", "-----BEGIN ", "A", "password=", "eyJaaaaaaaa.", "a="]
)
def test_a_hostile_text_is_searched_in_no_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    start = time.perf_counter()

    PRIVACY.redact_text(text)

    assert time.perf_counter() - start < 1.0


# What secrets are made of and stand among, so that generated texts come near to them.
PIECES = (
    *(
        "eyJ",
        "aGVsbG8td29ybGQ.",
        "Q~",
        "sk-",
        "rk_test_",
        "gho_",
        "glpat-",
        "npm_",
        "pypi-",
        "xoxp-",
        "ASIA",
        "AIza",
    ),
    *("dapi", "-----BEGIN ", "RSA PRIVATE KEY-----", "-----END ", BASE64, "0123456789abcdef" * 2, "ABCDEFGH" * 2),
    *("=", ":", "://", "@", "'", '"', " ", "\n", "\u2003", ";", "?", "&", "/", "pwd", "TOKEN", "api_key", "sig"),
    *(
        "code",
        "Bearer ",
        "authorization",
        "Basic ",
        "hooks.slack.com/services/",
        "HOOK\u017f.\u017flack.com/Service\u017f/",
    ),
    *("webhook.office.com/webhookb2/", "hidden:", "\ud800", "\u0130", "8"),
)


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join))
def test_the_first_look_at_a_text_misses_nothing_that_a_search_finds(text: str) -> None:
    searched = PRIVACY.redact_text(f"= : {text}")  # what stands in front makes the first look find a reason

    assert f"= : {PRIVACY.redact_text(text)}" == searched


def test_what_a_name_tells_is_kept_for_few_and_short_names_only() -> None:
    tracemalloc.start()
    for number in range(10_000):
        PRIVACY.redact({f"{number:01000}": "x", f"{number:0100}": "y"})
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 3_000_000  # of 11 million characters


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_marks_are_equal_exactly_where_values_are(one: str, other: str) -> None:
    assert (PRIVACY.mark(one) == PRIVACY.mark(other)) == (one == other)
