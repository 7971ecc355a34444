"""The limit: the approved settings picked out by hand and compared as plain dicts, one document at a time.

It knows exactly the settings of this corpus, normalises nothing and survives no odd document.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.engines import Engine
from benchmarks.fields import DEPLOYMENT, ENDPOINT, FIELDS, Key
from benchmarks.files import LIVE, Plain, read_approved, read_retirements

UPGRADED_SKUS = frozenset({"Standard", "GlobalStandard"})
NO_UPGRADE = "NoAutoUpgrade"
WARNED = timedelta(days=91)  # the first step of Model Audit's ladder ends 90 days and a bit before

Found = tuple[str, str, str, Any, Any]
"""Rule, subject, target id, expected, got."""

_RULES = {kind: {field.subject: field.rule for field in fields} for kind, fields in FIELDS.items()}


def with_json(folder: Path, now: datetime) -> Engine:
    """Parse by the standard library and compare."""
    return _engine(folder, now, json.loads)


def with_msgspec(folder: Path, now: datetime) -> Engine:
    """Parse by msgspec, untyped, and compare."""
    import msgspec

    return _engine(folder, now, msgspec.json.decode)


def _engine(folder: Path, now: datetime, parse: Callable[[bytes], Any]) -> Engine:
    approved, retirements = read_approved(folder), read_retirements(folder)

    def run() -> Sequence[Found]:
        with (folder / LIVE).open("rb") as lines:
            documents = map(parse, lines)
            return [found for document in documents for found in _compare(document, approved, retirements, now)]

    return Engine(run, _keys)


def _keys(records: Sequence[Found]) -> Iterable[Key]:
    return (found[:3] for found in records)


def _compare(
    document: Any, approved: Mapping[str, Plain], retirements: Mapping[tuple[str, str], datetime], now: datetime
) -> Iterator[Found]:
    if DEPLOYMENT in document:
        kind, id_, live = DEPLOYMENT, document[DEPLOYMENT]["id"].lower(), project_deployment(document)
        at = retirements.get((live["model.name"], live["model.version"]))
        if at is not None and at - now < WARNED:
            yield (_rule_of(at, live, now), "retirement", id_, "a successor", at)
    else:
        kind, id_, live = ENDPOINT, document[ENDPOINT]["id"].lower(), project_endpoint(document)
    plain = approved.get(id_)
    if plain is None:
        yield ("MA101", "target", id_, "an approved release", live)
        return
    if plain.expires_at <= now:
        yield ("MA104", "approval", id_, plain.expires_at, now)
    for subject, value in plain.values.items():
        if live[subject] != value:
            yield (_RULES[kind][subject], subject, id_, value, live[subject])


def _rule_of(at: datetime, live: Mapping[str, Any], now: datetime) -> str:
    if at <= now:
        return "MA601"
    is_upgraded = live["sku.name"] in UPGRADED_SKUS and live["upgrade_option"] != NO_UPGRADE
    return "MA801" if is_upgraded else "MA802"


def project(document: Any) -> dict[str, Any]:
    """Return the settings that releases of this corpus approve, as Azure writes them."""
    return project_deployment(document) if DEPLOYMENT in document else project_endpoint(document)


def project_deployment(document: Any) -> dict[str, Any]:
    """Return the settings of an Azure OpenAI deployment."""
    deployment = document["deployment"]
    properties, sku = deployment["properties"], deployment["sku"]
    model = properties["model"]
    return {
        "model.name": model["name"],
        "model.version": model["version"],
        "sku.name": sku["name"],
        "sku.capacity": sku["capacity"],
        "upgrade_option": properties["versionUpgradeOption"],
        "content_filter": properties["raiPolicyName"],
        "tags.release": deployment["tags"]["release"],
    }


def project_endpoint(document: Any) -> dict[str, Any]:
    """Return the settings of an online endpoint and its one deployment."""
    endpoint, blue = document["endpoint"], document["deployments"][0]
    outer, inner = endpoint["properties"], blue["properties"]
    return {
        "auth_mode": outer["authMode"],
        "public_network_access": outer["publicNetworkAccess"],
        "traffic": outer["traffic"]["blue"],
        "tags.release": endpoint["tags"]["release"],
        "deployments.blue.model.version": inner["model"],
        "deployments.blue.environment": inner["environmentId"],
        "deployments.blue.code": inner["codeConfiguration"]["codeId"],
        "deployments.blue.instance_type": inner["instanceType"],
        "deployments.blue.instance_count": blue["sku"]["capacity"],
        "deployments.blue.egress": inner["egressPublicNetworkAccess"],
    }
