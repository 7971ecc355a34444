"""The settings of the function app and of the command line; nothing else reads the environment.

`docs/settings.md` lists them all. On Azure they are the function app's settings; on an engineer's machine they
come from the environment or from a `local.settings.json`, as `func` reads it: the environment wins.
"""

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from audit.adapters.cloud import PUBLIC, Cloud
from audit.adapters.mlflow_server import MlflowServer
from audit.errors import SettingsError
from audit.mlflow import REGISTRY
from audit.privacy import PersonalData, Privacy

PREFIX = "MODEL_AUDIT_"
SHORTEST_KEY = 16  # characters; a shorter privacy key could be found by trying
MOST_SECONDS = 7 * 24 * 3600  # a storage queue keeps no message back for longer

_REGISTRY = re.compile(
    rf"(?P<name>{REGISTRY.pattern})\s*=\s*"
    r"(?P<url>(?:https://(?:[\w.-]+|\[[\da-f:]+\])|http://(?:127\.0\.0\.1|localhost|\[::1\]))"
    r"(?::\d{1,5})?(?:/[\w./~-]*)?)",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")
_KEY = re.compile(r"https://[^\s/]+/keys/[0-9A-Za-z-]+(/[0-9a-f]+)?")
_CONTAINER = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*")
_EXAMPLES = {
    "ARM_ENDPOINT": PUBLIC,
    "TSA_URL": "http://timestamp.AUTHORITY.com",
    "TOPIC_ENDPOINT": "https://TOPIC.REGION.eventgrid.azure.net/api/events",
    "STORAGE__tableServiceUri": "https://ACCOUNT.table.core.windows.net",
    "STORAGE__queueServiceUri": "https://ACCOUNT.queue.core.windows.net",
    "STORAGE__blobServiceUri": "https://ACCOUNT.blob.core.windows.net",
}

SETTINGS: dict[str, str] = {
    "STORAGE": "Connection string of the audit's own storage account; or, for a managed identity, "
    "`MODEL_AUDIT_STORAGE__tableServiceUri`, `__queueServiceUri` and `__blobServiceUri`.",
    "SUBSCRIPTIONS": "Ids of the subscriptions to sweep, separated by commas.",
    "PRIVACY_KEY": f"Secret of at least {SHORTEST_KEY} characters; keys the marks of secrets and people.",
    "PERSONAL_DATA": "What becomes of people's names: `hash` (default), `redact` or `keep`.",
    "PIPELINES": "Object ids or application ids of the pipelines that may deploy, separated by commas.",
    "TOPIC_ENDPOINT": "Endpoint of the Event Grid custom topic that alerts go to.",
    "TOPIC_KEY": "Access key of that topic; without it the function app's identity is used.",
    "GROUP_WAIT_SECONDS": "How long an alert waits for more findings of the same parent (default 30).",
    "GROUP_INTERVAL_SECONDS": "Least time between two alerts of the same parent (default 300).",
    "CATALOGUE_AGE_SECONDS": "How old the retirement dates may be that a check judges by (default 21600).",
    "SIGNING_KEY": "Id of the Key Vault key that signs checkpoints; without one they are not signed.",
    "TSA_URL": "URL of the authority that time-stamps a checkpoint a day (RFC 3161); without one none is.",
    "INDEX_AGE_SECONDS": "How long Resource Graph may vouch that nothing changed (default 21600; 0: never).",
    "RELEASES_CONTAINER": "Container of that account where release files may be dropped (default releases).",
    "ARM_ENDPOINT": "Base URL of the control plane, for other clouds than the public one.",
    "ARM_CA_FILE": "CA certificate of that control plane, where it is not a public one.",
    "MLFLOW": "MLflow registries to sweep, as `NAME=https://HOST`, separated by commas.",
    "MLFLOW_TOKEN__NAME": "Bearer token for the registry of that name.",
    "MLFLOW_LOGIN__NAME": "`USER:PASSWORD` for the registry of that name, where it has no tokens.",
    "MLFLOW_WEBHOOK_SECRET__NAME": "Secret that the registry of that name signs its webhooks with.",
    "MLFLOW_CA_FILE": "CA certificate of the registries, where theirs are not public ones.",
}


@dataclass(frozen=True, slots=True)
class StorageAccount:
    """Where tables, queues and blobs are: a connection string, or three service addresses for an identity."""

    connection: str = ""
    tables: str = ""
    queues: str = ""
    blobs: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, parsed; `docs/settings.md` says what each means."""

    storage: StorageAccount
    subscriptions: tuple[str, ...]
    privacy_key: str
    personal_data: PersonalData
    pipelines: tuple[str, ...]
    topic_endpoint: str
    topic_key: str
    group_wait: timedelta
    group_interval: timedelta
    catalogue_age: timedelta
    signing_key: str
    tsa_url: str
    index_age: timedelta
    releases_container: str
    arm_endpoint: str
    arm_ca_file: str
    mlflow: tuple[MlflowServer, ...]
    webhook_secrets: Mapping[str, str] = field(repr=False)


def read_settings(values: Mapping[str, str] | None = None) -> Settings:
    """Return the settings from these values, by default from the environment; raise `SettingsError`."""
    given = _given(values)
    return Settings(
        storage=_storage(given),
        subscriptions=_words(given, "SUBSCRIPTIONS"),
        privacy_key=_privacy_key(given),
        personal_data=_personal_data(given),
        pipelines=_words(given, "PIPELINES"),
        topic_endpoint=_url(given, "TOPIC_ENDPOINT", ""),
        topic_key=given.get("TOPIC_KEY", ""),
        group_wait=_seconds(given, "GROUP_WAIT_SECONDS", 30),
        group_interval=_seconds(given, "GROUP_INTERVAL_SECONDS", 300),
        catalogue_age=_seconds(given, "CATALOGUE_AGE_SECONDS", 6 * 3600),
        signing_key=_signing_key(given),
        tsa_url=_url(given, "TSA_URL", ""),
        index_age=_seconds(given, "INDEX_AGE_SECONDS", 6 * 3600),
        releases_container=_container(given, "RELEASES_CONTAINER", "releases"),
        arm_endpoint=_url(given, "ARM_ENDPOINT", PUBLIC),
        arm_ca_file=given.get("ARM_CA_FILE", ""),
        mlflow=_registries(given),
        webhook_secrets=_webhook_secrets(given),
    )


def read_registries(values: Mapping[str, str] | None = None) -> tuple[MlflowServer, ...]:
    """Return the MLflow registries to look at, which a look without a ledger needs as well."""
    return _registries(_given(values))


def read_watched(values: Mapping[str, str] | None = None) -> tuple[Cloud, tuple[str, ...]]:
    """Return the cloud and the subscriptions to look at, which is all that a look without a ledger needs."""
    given = _given(values)
    endpoint = _url(given, "ARM_ENDPOINT", PUBLIC)
    return Cloud(endpoint, given.get("ARM_CA_FILE", "")), _words(given, "SUBSCRIPTIONS")


def read_privacy(values: Mapping[str, str] | None = None) -> Privacy:
    """Return how secrets and people are hidden; a run without a key marks them by one that nobody keeps."""
    given = _given(values)
    key = _privacy_key(given) if given.get("PRIVACY_KEY") else secrets.token_hex()
    return Privacy(key.encode(), _personal_data(given))


def load_settings_file(path: Path) -> None:
    """Put the values of a `local.settings.json` into the environment, as `func` does: what is set stays."""
    try:
        content: Any = json.loads(path.read_text("utf-8"))
        if content.get("IsEncrypted"):
            raise SettingsError(
                f"expected values in plain text, got encrypted ones: say `func settings decrypt` at {path}"
            )
        for name, value in content["Values"].items():
            os.environ.setdefault(name, str(value))
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise SettingsError(
            f'expected a file like {{"IsEncrypted": false, "Values": {{...}}}} at {path}, got '
            f"{type(error).__name__}: {error}"
        ) from error


def _given(values: Mapping[str, str] | None) -> dict[str, str]:
    """Return our own settings by their short names; an empty one counts as not set."""
    found = os.environ if values is None else values
    return {name.removeprefix(PREFIX): value for name, value in found.items() if name.startswith(PREFIX) and value}


# The errors below never quote a setting that may hold a secret: not even one that was put into the wrong place.


def _storage(given: Mapping[str, str]) -> StorageAccount:
    names = [f"STORAGE__{service}ServiceUri" for service in ("table", "queue", "blob")]
    missing = [PREFIX + name for name in names if name not in given]
    if "STORAGE" in given:
        return StorageAccount(_connection(given["STORAGE"]))
    if missing:
        raise SettingsError(
            f"expected {PREFIX}STORAGE (a connection string) or, for an identity, "
            f"{', '.join(PREFIX + name for name in names)}; got none of {', '.join(missing)}. Set them in the "
            "function app's settings, in the environment or in local.settings.json (`make run` writes one)"
        )
    return StorageAccount("", *(_url(given, name, "") for name in names))


def _connection(text: str) -> str:
    if not any(part in text for part in ("AccountName=", "SharedAccessSignature=", "UseDevelopmentStorage=true")):
        raise SettingsError(
            f"expected a connection string (...;AccountName=...;AccountKey=...) in {PREFIX}STORAGE, got another "
            "text: copy it from the storage account's access keys, or set, for an identity, the addresses "
            f"{PREFIX}STORAGE__tableServiceUri, __queueServiceUri and __blobServiceUri instead"
        )
    return text


def _privacy_key(given: Mapping[str, str]) -> str:
    key = given.get("PRIVACY_KEY", "")
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"expected {PREFIX}PRIVACY_KEY of at least {SHORTEST_KEY} characters, got {len(key)}: set it to a "
            "random text (`openssl rand -hex 32`) and keep it, because marks of another key cannot be compared"
        )
    return key


def _personal_data(given: Mapping[str, str]) -> PersonalData:
    word = given.get("PERSONAL_DATA", PersonalData.HASH)
    try:
        return PersonalData(word)
    except ValueError as error:
        raise SettingsError(
            f"expected hash, redact or keep in {PREFIX}PERSONAL_DATA, got {word!r}: hash is the default"
        ) from error


def _signing_key(given: Mapping[str, str]) -> str:
    key = given.get("SIGNING_KEY", "").rstrip("/")
    if key and not _KEY.fullmatch(key):
        raise SettingsError(
            f"expected the id of a key (https://VAULT.vault.azure.net/keys/NAME) in {PREFIX}SIGNING_KEY, got "
            "another text: `az keyvault key show --query key.kid` prints it; without a version the newest signs"
        )
    return key


def _words(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip().lower() for word in given.get(name, "").split(",") if word.strip())


def _url(given: Mapping[str, str], name: str, default: str) -> str:
    text = given.get(name, default).rstrip("/")
    if text and not _URL.fullmatch(text):
        raise SettingsError(
            f"expected a URL such as {_EXAMPLES.get(name, 'https://...')} in {PREFIX}{name}, got another text: "
            "copy the endpoint from the resource's overview"
        )
    return text


def _registries(given: Mapping[str, str]) -> tuple[MlflowServer, ...]:
    named = [_REGISTRY.fullmatch(each.strip()) for each in given.get("MLFLOW", "").split(",") if each.strip()]
    found = {match["name"].lower(): match["url"].rstrip("/") for match in named if match}
    if len(found) < len(named):
        raise SettingsError(
            f"expected registries such as prod=https://mlflow.contoso.example in {PREFIX}MLFLOW, separated by "
            "commas, each name once, got another text: a name holds letters, digits and hyphens, the address "
            "begins with https:// (with http:// only on loopback), and how to sign in stands in "
            f"{PREFIX}MLFLOW_TOKEN__NAME or {PREFIX}MLFLOW_LOGIN__NAME"
        )
    ca_file = given.get("MLFLOW_CA_FILE", "")
    return tuple(
        MlflowServer(
            name, Cloud(url, ca_file), _own(given, "MLFLOW_TOKEN", name), _own(given, "MLFLOW_LOGIN", name)
        )
        for name, url in found.items()
    )


def _webhook_secrets(given: Mapping[str, str]) -> dict[str, str]:
    named = {server.name: _own(given, "MLFLOW_WEBHOOK_SECRET", server.name) for server in _registries(given)}
    for name, secret in named.items():
        if secret and len(secret) < SHORTEST_KEY:
            raise SettingsError(
                f"expected a secret of at least {SHORTEST_KEY} characters in {PREFIX}MLFLOW_WEBHOOK_SECRET__NAME "
                f"for {name}, got {len(secret)}: whoever guesses it can post webhooks (`openssl rand -hex 32`)"
            )
    return {name: secret for name, secret in named.items() if secret}


def _own(given: Mapping[str, str], setting: str, registry: str) -> str:
    """Return a setting of one registry, whatever its case; a hyphen of the name is an underscore there."""
    wanted = f"{setting}__{registry.replace('-', '_')}".upper()
    return next((value for name, value in given.items() if name.upper() == wanted), "")


def _container(given: Mapping[str, str], name: str, default: str) -> str:
    text = given.get(name, default)
    if not _CONTAINER.fullmatch(text):
        raise SettingsError(
            f"expected the name of a blob container (3 to 63 of a-z, 0-9 and single hyphens) in {PREFIX}{name}, "
            f"got another text: the default is {default}"
        )
    return text


def _seconds(given: Mapping[str, str], name: str, default: int) -> timedelta:
    text = given.get(name, str(default))
    if not text.isdecimal() or int(text) > MOST_SECONDS:
        raise SettingsError(
            f"expected whole seconds from 0 to {MOST_SECONDS} in {PREFIX}{name}, got {text!r}: "
            f"the default is {default}"
        )
    return timedelta(seconds=int(text))
