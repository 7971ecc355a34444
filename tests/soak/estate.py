"""A fleet of Azure OpenAI deployments that people change, and what must be found of it in the end."""

from datetime import datetime
from typing import Any

from audit.approvals import releases
from audit.model import Approved, ApprovedFacts, Release, Target
from audit.ports import Table
from audit.record import keys
from audit.service import parents
from audit.targets import parse_target
from tests.checker import Problem
from tests.house import APPROVED_AT, GROUP

PER_ACCOUNT = 10
APPROVED: ApprovedFacts = {
    "model.name": "gpt-4o",
    "model.version": "1",
    "sku.capacity": 50,
    "upgrade_option": "NoAutoUpgrade",
    "tags.generation": Approved(because="it counts the changes"),
}
VERSIONS = ("1", "2", "3")
CAPACITIES = (50, 50, 80)

Document = dict[str, Any]


def fleet(count: int) -> list[Target]:
    """Return `count` deployments, ten an account."""
    accounts = [
        f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/a{n // PER_ACCOUNT}" for n in range(count)
    ]
    return [parse_target(f"{account}/deployments/d{n}") for n, account in enumerate(accounts)]


def is_approved(target: Target) -> bool:
    """Say whether anything is approved for a target; one of each account serves without."""
    return not target.name.endswith("9")


def approve_all(table: Table, targets: list[Target], now: datetime) -> None:
    """Put the releases in force."""
    for target in filter(is_approved, targets):
        release = Release(f"r-{target.name}", target, APPROVED, "ada@contoso.example", APPROVED_AT)
        writes = releases.approve(releases.NONE, release, "ada", now)
        table.commit(keys.partition(target.parent), writes)
    for parent in sorted({target.parent for target in targets}):
        parents.remember(table, parent)


def document(target: Target, version: str, capacity: int, generation: int) -> Document:
    """Return what Azure says of a deployment that has been changed `generation` times."""
    return {
        "deployment": {
            "name": target.name,
            "sku": {"name": "GlobalStandard", "capacity": capacity},
            "tags": {"generation": str(generation)},
            "properties": {
                "model": {"format": "OpenAI", "name": "gpt-4o", "version": version},
                "versionUpgradeOption": "NoAutoUpgrade",
                "provisioningState": "Succeeded",
            },
        }
    }


def problems(target: Target, document_: Document) -> set[Problem]:
    """Return what must be open for a document, by the estate's own knowledge of what it changed."""
    if not is_approved(target):
        return {(target.id, "MA101", "target")}
    deployment, found = document_["deployment"], set()
    if deployment["properties"]["model"]["version"] != APPROVED["model.version"]:
        found.add((target.id, "MA102", "model.version"))
    if deployment["sku"]["capacity"] != APPROVED["sku.capacity"]:
        found.add((target.id, "MA403", "sku.capacity"))
    return found


def write_event(target: Target, id_: str, time: datetime) -> Document:
    """Return the event by which Event Grid announces a change."""
    return {
        "id": id_,
        "topic": f"/subscriptions/{target.subscription}",
        "subject": target.id,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": time.isoformat(),
        "dataVersion": "2",
        "metadataVersion": "1",
        "data": {
            "resourceUri": target.id,
            "operationName": "Microsoft.CognitiveServices/accounts/deployments/write",
            "status": "Succeeded",
            "claims": {"name": "Jo Bloggs", "appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46"},
        },
    }
