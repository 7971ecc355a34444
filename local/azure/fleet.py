"""The fleet file: everything the stand-in's subscription holds, in a form that a person reads and writes.

The dataclasses below are the file's grammar (`local/fleet.yaml` is an example). `more` holds whatever ARM
`properties` the terse form has no word for, exactly as the service spells them.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml

from local.azure.fleetcheck import check_fleet
from local.azure.yamlfile import FleetError, Sheet, Stamp, read_entry, write_entry

__all__ = ["Fleet", "FleetError", "Stamp", "dump_fleet", "load_fleet", "read_fleet"]

LINE_WIDTH = 110  # about what the repository allows its code

Switch = Literal["Enabled", "Disabled"]
Tool = Literal["portal", "cli", "powershell", "foundry", "studio", "openai-studio"]
Upgrade = Literal["OnceNewDefaultVersionAvailable", "OnceCurrentVersionExpired", "NoAutoUpgrade"]
Lifecycle = Literal["Preview", "GenerallyAvailable", "Stable", "Legacy", "Deprecating", "Deprecated"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody or something that signs in. Ids that are left out are made up from the name, always the same."""

    kind: Literal["person", "service-principal", "managed-identity"]
    name: str = ""
    upn: str | None = None
    tool: Tool = "cli"
    app_id: str | None = None
    object_id: str | None = None
    resource: str | None = None
    group: str | None = None
    roles: tuple[str, ...] = ("Reader",)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a registered model."""

    stage: str | None = None
    archived: bool = False
    anonymous: bool = False
    type: str = "custom_model"
    path: str | None = None
    job: str | None = None
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model: a name and its versions."""

    versions: dict[str, ModelVersion]
    archived: bool = False
    description: str | None = None
    created: Stamp | None = None
    modified: Stamp | None = None


@dataclass(frozen=True, slots=True)
class OnlineDeployment:
    """One deployment behind an online endpoint. `model` and the others are `name:version`, or whole ids."""

    model: str | None = None
    environment: str | None = None
    instance_type: str = "Standard_DS3_v2"
    capacity: int = 1
    code: str | None = None
    script: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OnlineEndpoint:
    """An online endpoint: who gets which share of the traffic."""

    traffic: dict[str, int] = field(default_factory=dict)
    mirror: dict[str, int] = field(default_factory=dict)
    auth: Literal["Key", "AMLToken", "AADToken"] = "Key"
    public_network: Switch = "Enabled"
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    deployments: dict[str, OnlineDeployment] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchDeployment:
    """One deployment behind a batch endpoint. `model` and `environment` are `name:version`, or whole ids."""

    model: str | None = None
    environment: str | None = None
    compute: str | None = None
    instances: int = 1
    code: str | None = None
    script: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchEndpoint:
    """A batch endpoint: `default` is the deployment that a job without a name of its own runs on."""

    default: str | None = None
    auth: Literal["Key", "AMLToken", "AADToken"] = "AADToken"
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    deployments: dict[str, BatchDeployment] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServerlessEndpoint:
    """A serverless endpoint: a model of a registry that Azure hosts, with or without a version."""

    model: str
    auth: Literal["Key", "AAD", "KeyAndAAD"] = "Key"
    content_safety: Switch = "Enabled"
    tags: dict[str, str] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """A training job. `data` and the others are `name:version`, or whole references; `parameters` are values."""

    type: Literal["Command", "Pipeline"] = "Command"
    status: Literal["Running", "Completed", "Failed", "Canceled"] = "Completed"
    repository: str | None = None
    branch: str | None = None
    commit: str | None = None
    dirty: str | None = None
    data: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    environment: str | None = None
    code: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registry:
    """An Azure Machine Learning registry, whose models several workspaces share."""

    resource_group: str
    location: str
    tags: dict[str, str] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workspace:
    """An Azure Machine Learning workspace."""

    resource_group: str
    location: str
    tags: dict[str, str] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    online_endpoints: dict[str, OnlineEndpoint] = field(default_factory=dict)
    batch_endpoints: dict[str, BatchEndpoint] = field(default_factory=dict)
    serverless_endpoints: dict[str, ServerlessEndpoint] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenAIDeployment:
    """An Azure OpenAI deployment. Without `upgrade` the service sends no `versionUpgradeOption` at all."""

    model: str
    version: str
    format: str = "OpenAI"
    sku: str = "Standard"
    capacity: int = 1
    upgrade: Upgrade | None = None
    content_filter: str = "Microsoft.DefaultV2"
    tags: dict[str, str] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContentFilter:
    """A content filter of an account's own; every category blocks at `Medium` unless `thresholds` differ."""

    base: str = "Microsoft.DefaultV2"
    mode: Literal["Default", "Deferred", "Blocking", "Asynchronous_filter"] = "Blocking"
    thresholds: dict[str, Literal["Low", "Medium", "High"]] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """An Azure OpenAI or Foundry account."""

    resource_group: str
    location: str
    kind: Literal["OpenAI", "AIServices"] = "OpenAI"
    public_network: Switch = "Enabled"
    tags: dict[str, str] = field(default_factory=dict)
    deployments: dict[str, OpenAIDeployment] = field(default_factory=dict)
    content_filters: dict[str, ContentFilter] = field(default_factory=dict)
    created: Stamp | None = None
    modified: Stamp | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a model is upgraded to, from `starts` on, and how many days before it retires at the latest."""

    model: str
    version: str
    lead_days: int = 7
    starts: date | None = None


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """A model the region offers, and until when. `locations` left out means wherever an account stands."""

    model: str
    version: str
    retires: date
    format: str = "OpenAI"
    status: Lifecycle = "GenerallyAvailable"
    planned: Literal["Planned", "Tentative"] = "Planned"
    skus: tuple[str, ...] = ("Standard",)
    default: bool = False
    max_capacity: int = 1000
    replacement: Replacement | None = None
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fleet:
    """One subscription. `since` says when, and by whom, everything without a stamp of its own was made."""

    subscription: str
    tenant: str
    since: Stamp
    people: dict[str, Person]
    workspaces: dict[str, Workspace] = field(default_factory=dict)
    registries: dict[str, Registry] = field(default_factory=dict)
    openai_accounts: dict[str, Account] = field(default_factory=dict)
    catalogue: tuple[CatalogueRow, ...] = ()


def load_fleet(text: str, *, today: date, name: str = "fleet") -> Fleet:
    """Return the fleet that the YAML `text` describes; relative dates in it count from `today`.

    Raises `FleetError` with file, line, what was expected and what came.
    """
    sheet = Sheet(name, today)
    fleet = read_entry(sheet, text, Fleet)
    check_fleet(fleet, sheet)
    return fleet


def read_fleet(path: Path, *, today: date) -> Fleet:
    """Return the fleet in the file at `path`, as `load_fleet` does."""
    return load_fleet(path.read_text("utf-8"), today=today, name=path.name)


def dump_fleet(fleet: Fleet) -> str:
    """Return the fleet as YAML, which `load_fleet` reads back to an equal fleet."""
    plain = write_entry(fleet)
    # No flow style asked for or ruled out: the innermost entries go on one line, as people write them.
    return yaml.safe_dump(plain, default_flow_style=None, sort_keys=False, allow_unicode=True, width=LINE_WIDTH)
