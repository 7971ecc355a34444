"""Put the parts together: the one place with a clock, credentials and clients.

Everything is made when it is first needed and kept for the life of the process. Imports stand inside the
functions where they are heavy, so that taking an event in never pays for a look at Azure ML.
"""

from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from audit import settings as settings_
from audit.adapters.cloud import Cloud
from audit.adapters.storage import AzureQueue, AzureTable
from audit.errors import SettingsError
from audit.events.actors import Identities
from audit.ports import Channel
from audit.privacy import Privacy
from audit.record import keys
from audit.service.check import Checker
from audit.service.checkpoint import Checkpointer
from audit.service.intake import Intake
from audit.service.sweep import Sweeper
from audit.service.tell import Notifier

if TYPE_CHECKING:
    from collections.abc import Collection

    from audit.adapters.blobs import AzureBlobs
    from audit.adapters.mlflow_server import MlflowServer
    from audit.approvals.policy import ScopedPolicy
    from audit.model import Target
    from audit.ports import Live, Seal
    from audit.service.approve import Approver
    from audit.service.history import Historian
    from audit.service.prune import Pruner
    from audit.service.rehearse import Rehearsal
    from audit.service.report import Reporter
    from audit.service.verify import Verifier
    from audit.service.webhooks import Webhooks
    from audit.sight.exports import Export

LEDGER, RELEASES = "ledger", "releases"
CHECKS, ALERTS = "checks", "alerts"
EVIDENCE, CHECKPOINTS, REPORTS = "evidence", "checkpoints", "reports"

STORAGE_SCOPE = "https://storage.azure.com/.default"

# Storage is close by: a few quick tries, then the platform's own redelivery. Tables take azure-core's word for the
# pauses; queues and blobs have words of their own, and without them first wait for 15 s.
_STORAGE_RETRIES: dict[str, Any] = {
    "retry_total": 3,
    "retry_backoff_factor": 0.2,
    "initial_backoff": 0.2,
    "increment_base": 1,
    "random_jitter_range": 0.2,
}


def now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


@cache
def intake() -> Intake:
    """Return what takes events in."""
    container = settings().releases_container
    return Intake(table(LEDGER), queue(CHECKS), identities(), now, table(RELEASES), container)


@cache
def webhooks() -> "Webhooks":
    """Return what takes MLflow's webhooks in."""
    from audit.service.webhooks import Webhooks

    return Webhooks(intake(), settings().webhook_secrets, now)


@cache
def sweeper() -> Sweeper:
    """Return what checks targets and sweeps parents."""
    return Sweeper(checker(), queue(CHECKS), checkpointer(), settings().index_age, propose)


@cache
def checkpointer() -> Checkpointer:
    """Return what writes checkpoints."""
    return Checkpointer(table(LEDGER), table(RELEASES), blobs(CHECKPOINTS), now, seals())


def seals() -> "list[Seal]":
    """Return those who vouch for checkpoints; none by default, and then nothing of it is imported."""
    chosen = settings()
    if not (chosen.signing_key or chosen.tsa_url):
        return []
    from audit.adapters.seals import KeyVaultSeal, TimeStampSeal

    found: list[Seal] = [KeyVaultSeal(chosen.signing_key, credential(), now)] if chosen.signing_key else []
    return [*found, TimeStampSeal(chosen.tsa_url)] if chosen.tsa_url else found


def propose(file: str, at: datetime) -> None:
    """Plan a release file that was dropped; what reads YAML is imported when the first one comes."""
    from audit.service.propose import Proposer

    dropped = blobs(settings().releases_container)
    Proposer(table(LEDGER), table(RELEASES), dropped, queue(CHECKS), identities(), now).run(file, at)


@cache
def checker() -> Checker:
    """Return what checks one target."""
    chosen = settings()
    cloud = Cloud(chosen.arm_endpoint, chosen.arm_ca_file)
    return Checker(
        ledger=table(LEDGER),
        releases=table(RELEASES),
        alerts=queue(ALERTS),
        evidence=blobs(EVIDENCE),
        live=_everywhere(cloud, chosen.subscriptions, chosen.mlflow),
        identities=identities(),
        now=now,
        group_wait=chosen.group_wait,
        catalogue_age=chosen.catalogue_age,
        policies=policies,
    )


def policies() -> tuple["ScopedPolicy", ...]:
    """Return what the owner demands of releases, as of at most a minute ago: a check costs no further read."""
    return _policies_of(now().replace(second=0, microsecond=0))


@lru_cache(maxsize=1)
def _policies_of(minute: datetime) -> tuple["ScopedPolicy", ...]:  # noqa: ARG001 - the key of the cache
    from audit.approvals.releases import read_policies

    return read_policies(table(RELEASES).rows(keys.POLICY, *keys.ALL_HOT)).policies


def live(subscriptions: tuple[str, ...] = ()) -> "Live":
    """Return the live state of these subscriptions, or of all that is watched; it needs no storage and no secret.

    Raises `SettingsError` where there is nothing to look at.
    """
    cloud, watched = settings_.read_watched()
    registries = () if subscriptions else settings_.read_registries()
    if not (subscriptions or watched or registries):
        raise SettingsError(
            "expected a subscription to look at, got none: say --subscription ID (`az account show --query id`), "
            "or set MODEL_AUDIT_SUBSCRIPTIONS"
        )
    return _everywhere(cloud, subscriptions or watched, registries)


def _everywhere(cloud: Cloud, subscriptions: tuple[str, ...], registries: "tuple[MlflowServer, ...]") -> "Live":
    from audit.adapters.everywhere import Everywhere
    from audit.adapters.live import AzureLive
    from audit.adapters.mlflow import MlflowLive

    return Everywhere(AzureLive(credential(), cloud, subscriptions), MlflowLive(registries))


def exported(export: "Export", approved: "Collection[Target]") -> "Live":
    """Return the live state as a folder of `az` output shows it; `approved` ought to be in it."""
    from audit.adapters.exported import ExportedLive

    return ExportedLive(export, approved)


def rehearsal() -> "Rehearsal":
    """Return what judges on storage that lasts as long as the process."""
    from audit.adapters.volatile import VolatileBlobs, VolatileTable
    from audit.service.rehearse import Rehearsal

    return Rehearsal(VolatileTable(), VolatileTable(), VolatileBlobs(), settings_.read_privacy(), now)


@cache
def notifier() -> Notifier:
    """Return what tells on-call."""
    return Notifier(table(LEDGER), queue(ALERTS), channels(), settings().group_interval, now)


@cache
def reporter() -> "Reporter":
    """Return what answers questions and writes reports."""
    from audit.service.report import Reporter

    return Reporter(table(LEDGER), table(RELEASES), blobs(REPORTS), now)


@cache
def historian() -> "Historian":
    """Return what answers what served, and when."""
    from audit.service.history import Historian

    return Historian(table(LEDGER), table(RELEASES), blobs(EVIDENCE))


@cache
def verifier() -> "Verifier":
    """Return what recomputes the record."""
    from audit.service.verify import Verifier

    return Verifier(table(LEDGER), table(RELEASES), blobs(EVIDENCE), blobs(CHECKPOINTS))


@cache
def pruner() -> "Pruner":
    """Return what forgets what need not be kept."""
    from audit.service.prune import Pruner

    return Pruner(table(LEDGER), now)


@cache
def approver() -> "Approver":
    """Return what puts releases in force, in the name of whoever runs this."""
    from audit.service.approve import Approver

    return Approver(table(RELEASES), identity, now, identities().privacy)


@cache
def identity() -> str:
    """Return who acts: the identity that is signed in to Azure, or with a connection string the local user."""
    if settings().storage.connection:
        import getpass

        return getpass.getuser()
    from audit.identity import identity_of

    return identity_of(credential().get_token(STORAGE_SCOPE).token)


@cache
def settings() -> settings_.Settings:
    """Return the settings of this process."""
    return settings_.read_settings()


@cache
def identities() -> Identities:
    """Return what turns claims into actors."""
    chosen = settings()
    return Identities(chosen.pipelines, Privacy(chosen.privacy_key.encode(), chosen.personal_data))


@cache
def credential() -> Any:
    """Return the identity we act as: the function app's own on Azure, `az login`'s on a person's machine."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


@cache
def channels() -> dict[str, Channel]:
    """Return where alerts go, by name; raise `SettingsError` where there is no channel at all."""
    chosen = settings()
    if not chosen.topic_endpoint:
        raise SettingsError(
            "expected a channel for alerts, got none: set MODEL_AUDIT_TOPIC_ENDPOINT to an Event Grid "
            "custom topic. Findings stay in the outbox until there is one"
        )
    from azure.core.credentials import AzureKeyCredential

    from audit.adapters.topic import TopicChannel

    key = AzureKeyCredential(chosen.topic_key) if chosen.topic_key else credential()
    return {"topic": TopicChannel(chosen.topic_endpoint, key)}


@cache
def table(name: str) -> AzureTable:
    """Return a table of the audit's storage account."""
    return AzureTable(_table_client(name))


@cache
def queue(name: str) -> AzureQueue:
    """Return a queue of the audit's storage account."""
    return AzureQueue(_queue_client(name))


@cache
def blobs(name: str) -> "AzureBlobs":
    """Return a blob container of the audit's storage account."""
    from audit.adapters.blobs import AzureBlobs

    return AzureBlobs(_container_client(name))


def create_storage() -> None:
    """Create the tables, queues and containers that are missing; on Azure the deployment template does this."""
    import contextlib

    from azure.core.exceptions import ResourceExistsError

    dropped = settings().releases_container
    creates = [
        *(_table_client(name).create_table for name in (LEDGER, RELEASES)),
        *(_queue_client(name).create_queue for name in (CHECKS, ALERTS)),
        *(_container_client(name).create_container for name in (EVIDENCE, CHECKPOINTS, REPORTS, dropped)),
    ]
    for create in creates:
        with contextlib.suppress(ResourceExistsError):
            create()


def _table_client(name: str) -> Any:
    from azure.data.tables import TableClient

    account = settings().storage
    if account.connection:
        return TableClient.from_connection_string(account.connection, name, **_STORAGE_RETRIES)
    return TableClient(account.tables, name, credential=credential(), **_STORAGE_RETRIES)


def _queue_client(name: str) -> Any:
    from azure.storage.queue import QueueClient

    account = settings().storage
    if account.connection:
        return QueueClient.from_connection_string(account.connection, name, **_STORAGE_RETRIES)
    return QueueClient(account.queues, name, credential=credential(), **_STORAGE_RETRIES)


def _container_client(name: str) -> Any:
    from azure.storage.blob import ContainerClient

    account = settings().storage
    if account.connection:
        return ContainerClient.from_connection_string(account.connection, name, **_STORAGE_RETRIES)
    return ContainerClient(account.blobs, name, credential=credential(), **_STORAGE_RETRIES)
