"""Cloud Custodian offline: one policy a rule and resource type, as it reports per policy.

It has no lookup by resource, so what is approved is joined onto each resource first. Its annotations and its
results are resources; the records here name the policy that matched beside them.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.engines import Engine
from benchmarks.engines.streaming import NO_UPGRADE, UPGRADED_SKUS, WARNED
from benchmarks.fields import DEPLOYMENT, ENDPOINT, FIELDS, Field, Key, id_of, kind_of
from benchmarks.files import LIVE, read_approved, read_retirements

RESOURCES = {
    DEPLOYMENT: "azure.cognitiveservice-deployment",
    ENDPOINT: "azure.machine-learning-online-endpoint",
}
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"

Found = tuple[str, str, Any]
"""Rule, subject, and the resource that a policy matched."""


def policies(folder: Path, now: datetime) -> Engine:  # noqa: ARG001 - it reads the clock itself
    """Parse, join what is approved onto each resource, and run every policy over all of them."""
    loaded = [(each, _load(each)) for each in _POLICIES]
    approved = {id_: _joined(plain) for id_, plain in read_approved(folder).items()}
    retirements = {key: at.isoformat() for key, at in read_retirements(folder).items()}

    def run() -> Sequence[Found]:
        resources: dict[str, list[Any]] = {DEPLOYMENT: [], ENDPOINT: []}
        with (folder / LIVE).open("rb") as lines:
            for document in map(json.loads, lines):
                document["id"] = id_of(document)  # some filters keep resources by it
                document["approved"] = approved.get(document["id"])
                if DEPLOYMENT in document:
                    model = document[DEPLOYMENT]["properties"]["model"]
                    document["retires_at"] = retirements.get((model["name"], model["version"]))
                resources[kind_of(document)].append(document)
        return [
            (policy["rule"], policy["subject"], found)
            for policy, manager in loaded
            for found in manager.filter_resources(resources[policy["kind"]])
        ]

    return Engine(run, _keys)


def _keys(records: Sequence[Found]) -> Iterable[Key]:
    return ((rule, subject, id_of(resource)) for rule, subject, resource in records)


def _joined(plain: Any) -> dict[str, Any]:
    slots = {subject.replace(".", "_"): value for subject, value in plain.values.items()}
    return slots | {"expires_at": plain.expires_at.isoformat()}


def _load(policy: dict[str, Any]) -> Any:
    """Return the resource manager of a policy, as `custodian run` makes it, but with no session and no network."""
    from c7n.config import Config
    from c7n.policy import PolicyCollection
    from c7n.resources import load_resources

    name = f"{policy['rule']}-{policy['subject']}-{policy['kind']}".replace(".", "-").replace("_", "-").lower()
    load_resources((RESOURCES[policy["kind"]],))
    options = Config.empty(account_id=SUBSCRIPTION, region="global", output_dir="", cache=None, cache_period=0)
    source = {"name": name, "resource": RESOURCES[policy["kind"]], "filters": policy["filters"]}
    return next(iter(PolicyCollection.from_data({"policies": [source]}, options))).resource_manager


def _policy(rule: str, kind: str, subject: str, *filters: Any) -> dict[str, Any]:
    return {"rule": rule, "kind": kind, "subject": subject, "filters": list(filters)}


def _difference(kind: str, field: Field) -> dict[str, Any]:
    differs = {"type": "value", "key": field.jmespath, "op": "ne", "value_path": f"approved.{field.slot}"}
    return _policy(field.rule, kind, field.subject, {"approved": "not-null"}, differs)


def _before(key: str, days: int) -> dict[str, Any]:
    return {"type": "value", "key": key, "value_type": "expiration", "op": "lt", "value": days}


_DUE = ({"retires_at": "not-null"}, {"not": [_before("retires_at", 0)]}, _before("retires_at", WARNED.days))
_UPGRADES = {
    "and": [
        {"type": "value", "key": "deployment.sku.name", "op": "in", "value": sorted(UPGRADED_SKUS)},
        {
            "type": "value",
            "key": "deployment.properties.versionUpgradeOption",
            "op": "ne",
            "value": NO_UPGRADE,
        },
    ]
}
_POLICIES = [
    *(_difference(kind, field) for kind, fields in FIELDS.items() for field in fields),
    *(_policy("MA101", kind, "target", {"approved": "absent"}) for kind in RESOURCES),
    *(
        _policy("MA104", kind, "approval", {"approved": "not-null"}, _before("approved.expires_at", 0))
        for kind in RESOURCES
    ),
    _policy("MA601", DEPLOYMENT, "retirement", {"retires_at": "not-null"}, _before("retires_at", 0)),
    _policy("MA801", DEPLOYMENT, "retirement", *_DUE, _UPGRADES),
    _policy("MA802", DEPLOYMENT, "retirement", *_DUE, {"not": [_UPGRADES]}),
]
