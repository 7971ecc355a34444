"""A fleet in ARM JSON with about one drift in twenty settings, and what was approved for it.

The documents are those of the stand-in of Azure's control plane, complete with the service's own noise.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from audit.model import Document, Facts, Release
from audit.sight.facts import facts_of
from audit.targets import parse_target
from benchmarks.fields import DEPLOYMENT, ENDPOINT, FIELDS, Field, Steps, id_of, kind_of
from benchmarks.files import APPROVED, CATALOGUE, LIVE, RELEASES
from local.azure import account_documents, workspace_documents
from local.azure.ids import AI, ML

SEED = 12
DRIFT = 0.05  # of all approved settings
UNUSUAL = 0.1  # of the approved values are not the first of their field
UNAPPROVED = 0.02  # of the deployments
EXPIRED = 0.05  # of the approvals
TARGETS_A_PARENT = 50
TENANT = "00000000-0000-4000-8000-000000000099"

_GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-{number}/providers"
_STAMP = {
    "createdBy": "release-pipeline",
    "createdByType": "Application",
    "createdAt": "2026-10-02T08:00:00.0000000Z",
    "lastModifiedBy": "release-pipeline",
    "lastModifiedByType": "Application",
    "lastModifiedAt": "2026-11-02T08:00:00.0000000Z",
}
# Days until gpt-4o's versions retire: far from every step of the ladder, so that minutes change no finding.
_RETIRES_IN_DAYS = {"2024-05-13": -30, "2024-08-06": 45, "2024-11-20": 400}


@dataclass(frozen=True, slots=True)
class Approval:
    """What one target was approved with, as the service writes it, and how it is live."""

    target: str
    approved: Document
    live: Document
    values: dict[str, Any]
    is_approved: bool
    expires_at: datetime


def write_corpus(folder: Path, count: int, now: datetime) -> None:
    """Write the live documents and, in the forms that the engines read, what is approved for them."""
    dice = random.Random(SEED)  # noqa: S311 - the same fleet each time, and no secret
    with (
        (folder / LIVE).open("w") as live,
        (folder / APPROVED).open("w") as approved,
        (folder / RELEASES).open("wb") as releases,
    ):
        for number in range(count):
            each = _approval(number, dice, now)
            live.write(json.dumps(each.live) + "\n")
            if each.is_approved:
                row = {"id": each.target, "values": each.values, "expires_at": each.expires_at.isoformat()}
                approved.write(json.dumps(row) + "\n")
                releases.write(msgspec.json.encode(_release(each, now)) + b"\n")
    (folder / CATALOGUE).write_text(json.dumps(list(_catalogue(now))))


def _approval(number: int, dice: random.Random, now: datetime) -> Approval:
    approved = _endpoint(number) if number % 2 else _deployment(number)
    fields = FIELDS[kind_of(approved)]
    values = {field.subject: _value(field, number, dice) for field in fields}
    for field in fields:
        _put(approved, field.path, values[field.subject])
    live = json.loads(json.dumps(approved))
    for field in fields:
        if dice.random() < DRIFT:
            others = [each for each in _values(field, number) if each != values[field.subject]]
            _put(live, field.path, dice.choice(others))
    return Approval(
        target=id_of(approved),
        approved=approved,
        live=live,
        values=values,
        is_approved=dice.random() >= UNAPPROVED,
        expires_at=now + timedelta(days=-10 if dice.random() < EXPIRED else 100),
    )


def _deployment(number: int) -> Document:
    id_ = f"{_parent(number)}/deployments/chat-{number}"
    sent = {
        "sku": {"name": "", "capacity": 1},
        "properties": {"model": {"format": "OpenAI"}},
        "tags": {"team": "a"},
    }
    return {DEPLOYMENT: account_documents.complete_deployment(id_, sent) | {"systemData": _STAMP}}


def _endpoint(number: int) -> Document:
    id_ = f"{_parent(number)}/onlineEndpoints/churn-{number}"
    code = {"codeId": "", "scoringScript": "score.py"}
    sent = {"properties": {"codeConfiguration": code}, "tags": {"team": "a"}}
    endpoint = workspace_documents.complete_endpoint(id_, "westeurope", {"tags": {"team": "a"}}, TENANT)
    blue = workspace_documents.complete_deployment(f"{id_}/deployments/blue", "westeurope", sent)
    return {ENDPOINT: endpoint | {"systemData": _STAMP}, "deployments": [blue | {"systemData": _STAMP}]}


def _parent(number: int) -> str:
    group = _GROUP.format(number=number // TARGETS_A_PARENT)
    return f"{group}/{ML}/workspaces/mlw-prod" if number % 2 else f"{group}/{AI}/accounts/aoai-prod"


def _value(field: Field, number: int, dice: random.Random) -> Any:
    values = _values(field, number)
    return dice.choice(values) if dice.random() < UNUSUAL else values[0]


def _values(field: Field, number: int) -> list[Any]:
    parent = _parent(number)
    return [
        value.format(parent=parent, number=number) if isinstance(value, str) else value for value in field.values
    ]


def _put(document: Any, path: Steps, value: Any) -> None:
    *steps, last = path
    for step in steps:
        document = document[step]
    document[last] = value


def _release(each: Approval, now: datetime) -> Release:
    target = parse_target(each.target)
    facts = dict(_approved_facts(facts_of(target.kind, each.approved), each.values))
    return Release(
        "r-12", target, facts, "ada@contoso.example", now - timedelta(days=20), expires_at=each.expires_at
    )


def _approved_facts(facts: Facts, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the facts that stand for the approved values; `traffic` stands for the share of each deployment."""
    for name, fact in facts.items():
        if name in values or name.partition(".")[0] in values:
            yield name, fact


def _catalogue(now: datetime) -> Iterator[Document]:
    for version, days in _RETIRES_IN_DAYS.items():
        yield {
            "model": {
                "format": "OpenAI",
                "name": "gpt-4o",
                "version": version,
                "lifecycleStatus": "GenerallyAvailable",
                "deprecation": {"inference": (now + timedelta(days=days)).isoformat()},
            }
        }
