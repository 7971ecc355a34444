"""Settings are read from what is given, and a wrong one says what was expected, what came, and what to do."""

import json
import os
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from audit.adapters.cloud import PUBLIC
from audit.errors import SettingsError
from audit.privacy import PersonalData
from audit.settings import (
    MOST_SECONDS,
    PREFIX,
    SETTINGS,
    StorageAccount,
    load_settings_file,
    read_privacy,
    read_registries,
    read_settings,
    read_watched,
)

CONNECTION = "DefaultEndpointsProtocol=https;AccountName=audit;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net"
KEY = "a privacy key that is long enough"
NEEDED = {"MODEL_AUDIT_STORAGE": CONNECTION, "MODEL_AUDIT_PRIVACY_KEY": KEY}
URIS = {
    f"MODEL_AUDIT_STORAGE__{service}ServiceUri": f"https://audit.{service}.core.windows.net"
    for service in ("table", "queue", "blob")
}


def given(**changes: str) -> dict[str, str]:
    """Return good settings with these changed, named without their prefix."""
    return NEEDED | {PREFIX + name: value for name, value in changes.items()}


def test_two_settings_are_enough() -> None:
    settings = read_settings(NEEDED)

    assert settings.storage == StorageAccount(CONNECTION)
    assert (settings.subscriptions, settings.pipelines) == ((), ())
    assert (settings.signing_key, settings.tsa_url) == ("", "")
    assert (settings.personal_data, settings.arm_endpoint) == (PersonalData.HASH, PUBLIC)
    assert (settings.group_wait, settings.group_interval) == (timedelta(seconds=30), timedelta(minutes=5))


def test_every_setting_is_read() -> None:
    settings = read_settings(
        given(
            SUBSCRIPTIONS=" A-1, b-2,,",
            PIPELINES="C-3",
            PERSONAL_DATA="redact",
            TOPIC_ENDPOINT="https://t.westeurope-1.eventgrid.azure.net/api/events",
            TOPIC_KEY="k",
            GROUP_WAIT_SECONDS="1",
            GROUP_INTERVAL_SECONDS="0",
            CATALOGUE_AGE_SECONDS="60",
            SIGNING_KEY="https://v.vault.azure.net/keys/checkpoints/0123abcd/",
            TSA_URL="http://timestamp.contoso.example",
            ARM_ENDPOINT="https://management.usgovcloudapi.net/",
            ARM_CA_FILE="/ca.pem",
        )
    )

    assert (settings.subscriptions, settings.pipelines) == (("a-1", "b-2"), ("c-3",))
    assert settings.personal_data is PersonalData.REDACT
    assert settings.topic_endpoint == "https://t.westeurope-1.eventgrid.azure.net/api/events"
    assert (settings.topic_key, settings.arm_ca_file) == ("k", "/ca.pem")
    assert (settings.group_wait, settings.group_interval) == (timedelta(seconds=1), timedelta())
    assert settings.catalogue_age == timedelta(minutes=1)
    assert settings.signing_key == "https://v.vault.azure.net/keys/checkpoints/0123abcd"
    assert settings.tsa_url == "http://timestamp.contoso.example"
    assert settings.arm_endpoint == "https://management.usgovcloudapi.net"


def test_an_identity_needs_three_addresses_and_no_secret() -> None:
    settings = read_settings({"MODEL_AUDIT_PRIVACY_KEY": KEY, **URIS})

    assert settings.storage == StorageAccount("", *URIS.values())


@pytest.mark.parametrize("missing", URIS)
def test_an_address_that_is_missing_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"got none of {missing}"):
        read_settings({"MODEL_AUDIT_PRIVACY_KEY": KEY, **URIS, missing: ""})


def test_names_without_our_prefix_are_not_ours() -> None:
    strangers = {
        "STORAGE": CONNECTION,
        "PRIVACY_KEY": KEY,
        "SUBSCRIPTIONS": "s",
        "PIPELINES": "p",
        "TOPIC_KEY": "t",
    }

    assert read_settings(NEEDED | strangers) == read_settings(NEEDED)
    with pytest.raises(SettingsError):
        read_settings(strangers)


@pytest.mark.usefixtures("environment")
def test_no_settings_at_all_are_not_those_of_the_environment() -> None:
    os.environ.update(NEEDED)

    assert read_settings().privacy_key == KEY
    with pytest.raises(SettingsError):
        read_settings({})


# name, value, what the error says was expected, what to do
BAD = [
    ("STORAGE", "", "a connection string", "local.settings.json"),
    ("STORAGE", "c2VjcmV0", "a connection string", "access keys"),
    ("PRIVACY_KEY", "", "at least 16 characters", "openssl rand"),
    ("PRIVACY_KEY", "too short", "at least 16 characters", "openssl rand"),
    ("PERSONAL_DATA", "hide", "hash, redact or keep", "default"),
    ("GROUP_WAIT_SECONDS", "half a minute", "whole seconds", "default is 30"),
    ("GROUP_WAIT_SECONDS", "-1", "whole seconds", "default is 30"),
    ("GROUP_INTERVAL_SECONDS", "1.5", "whole seconds", "default is 300"),
    ("GROUP_INTERVAL_SECONDS", str(MOST_SECONDS + 1), f"0 to {MOST_SECONDS}", "default is 300"),
    ("CATALOGUE_AGE_SECONDS", "9" * 100, f"0 to {MOST_SECONDS}", "default is 21600"),
    ("SIGNING_KEY", "https://v.vault.azure.net/secrets/checkpoints", "the id of a key", "az keyvault key show"),
    ("SIGNING_KEY", "checkpoints", "the id of a key", "az keyvault key show"),
    ("TSA_URL", "timestamp.contoso.example", "a URL such as http://timestamp", "overview"),
    ("TOPIC_ENDPOINT", "a-topic", "a URL such as https://TOPIC", "overview"),
    ("ARM_ENDPOINT", "management.azure.com", f"a URL such as {PUBLIC}", "overview"),
]


@pytest.mark.parametrize(("name", "value", "expected", "advice"), BAD)
def test_a_bad_value_says_what_was_expected_what_came_and_what_to_do(
    name: str, value: str, expected: str, advice: str
) -> None:
    with pytest.raises(SettingsError) as wrong:
        read_settings(given(**{name: value}))

    said = str(wrong.value)
    assert PREFIX + name in said
    assert expected in said
    assert "got " in said
    assert advice in said


@pytest.mark.parametrize("name", ["STORAGE", "PRIVACY_KEY", "TOPIC_ENDPOINT", "ARM_ENDPOINT", *URIS])
def test_an_error_shows_no_secret_not_even_in_the_wrong_place(name: str) -> None:
    secret = "hunter2"
    values = {"MODEL_AUDIT_PRIVACY_KEY": KEY, **URIS, PREFIX + name.removeprefix(PREFIX): secret}

    with pytest.raises(SettingsError) as wrong:
        read_settings(values)

    told = "".join(traceback.format_exception(wrong.value))
    assert not [each for each in (secret, KEY) if each in told]


def test_a_look_without_a_ledger_needs_no_secret() -> None:
    cloud, subscriptions = read_watched({"MODEL_AUDIT_SUBSCRIPTIONS": "s-1,s-2"})

    assert (cloud.endpoint, subscriptions) == (PUBLIC, ("s-1", "s-2"))


def test_without_a_key_marks_are_made_by_one_that_nobody_keeps() -> None:
    first, second = (read_privacy({}).redact_text("AccountKey=c2VjcmV0") for _ in range(2))

    assert first != second
    assert "c2VjcmV0" not in first


@pytest.fixture
def environment() -> Iterator[None]:
    """Give the test an environment without settings of ours, and put the old one back."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.usefixtures("environment")
def test_a_file_fills_in_what_the_environment_leaves_open(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    values = NEEDED | {"MODEL_AUDIT_PIPELINES": "of-the-file", "MODEL_AUDIT_GROUP_WAIT_SECONDS": 7}
    file.write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    os.environ["MODEL_AUDIT_PIPELINES"] = "of-the-environment"

    load_settings_file(file)

    settings = read_settings()
    assert settings.pipelines == ("of-the-environment",)
    assert (settings.privacy_key, settings.group_wait) == (KEY, timedelta(seconds=7))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '"hunter2"',
        '{"Values": null}',
        '{"Values": ["hunter2"]}',
        '{"hunter2": 1}',
        '{"Values": {"A": "hunter2"',
        '{"IsEncrypted": true, "Values": {"A": "hunter2"}}',
        '{"Values": {"A": "hunter2\\u0000"}}',
    ],
)
@pytest.mark.usefixtures("environment")
def test_a_file_of_another_form_is_told_without_what_is_in_it(tmp_path: Path, content: str) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text(content)

    with pytest.raises(SettingsError) as wrong:
        load_settings_file(file)

    assert str(file) in str(wrong.value)
    assert "got " in str(wrong.value)
    assert "hunter2" not in str(wrong.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.json"):
        load_settings_file(tmp_path / "missing.json")


def test_every_setting_is_named_and_explained_in_one_sentence() -> None:
    assert all(name.isupper() and text.endswith((".", ").")) for name, text in SETTINGS.items())


def test_registries_are_read_with_what_signs_in_at_each() -> None:
    named = " Prod = https://mlflow.contoso.example/base/ , lab-2=http://127.0.0.1:5000"
    settings = read_settings(
        given(
            MLFLOW=named,
            MLFLOW_TOKEN__PROD="secret-token",
            MLFLOW_LOGIN__lab_2="ada:secret-word",
            MLFLOW_WEBHOOK_SECRET__prod="a secret of enough length",
            MLFLOW_CA_FILE="/ca.pem",
        )
    )

    prod, lab = settings.mlflow
    assert (prod.name, prod.place.endpoint, prod.token) == (
        "prod",
        "https://mlflow.contoso.example/base",
        "secret-token",
    )
    assert (lab.name, lab.place.endpoint, lab.login) == ("lab-2", "http://127.0.0.1:5000", "ada:secret-word")
    assert {each.place.ca_file for each in settings.mlflow} == {"/ca.pem"}
    assert settings.webhook_secrets == {"prod": "a secret of enough length"}
    assert "secret" not in repr(settings).replace("webhook_secrets", "")
    assert read_registries(given(MLFLOW=named))[0].name == "prod"


@pytest.mark.parametrize(
    "text",
    [
        "https://mlflow.contoso.example",
        "prod",
        "prod=",
        "prod=mlflow.contoso.example",
        "prod=http://mlflow.contoso.example",
        "prod=http://127.0.0.1.contoso.example",
        "prod=http://localhost@contoso.example",
        "prod=https://ada:secret@mlflow.contoso.example",
        "prod=https://mlflow.contoso.example?token=secret",
        "prod=https://mlflow.contoso.example#x",
        "prod=https://mlflow contoso",
        "prod_2=https://mlflow.contoso.example",
        "2nd=https://mlflow.contoso.example",
        "prod=https://one.example,PROD=https://two.example",
        "prod=ftp://mlflow.contoso.example",
    ],
)
def test_registries_that_cannot_be_meant_are_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(SettingsError, match="expected registries such as") as refused:
        read_settings(given(MLFLOW=text))

    assert "secret" not in str(refused.value)


def test_a_webhook_secret_that_could_be_guessed_is_refused_without_being_quoted() -> None:
    with pytest.raises(SettingsError, match="WEBHOOK_SECRET") as refused:
        read_settings(given(MLFLOW="prod=https://mlflow.contoso.example", MLFLOW_WEBHOOK_SECRET__PROD="hunter2"))

    assert "hunter2" not in str(refused.value)
