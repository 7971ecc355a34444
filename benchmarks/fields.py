"""What the benchmark's releases approve: each setting by our name, by Azure's, and with values to drift between.

Only the standard library is imported here, because the peers run in an environment of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Steps = tuple[str | int, ...]
Key = tuple[str, str, str]
"""One finding, as far as every engine can tell it: rule, subject, target id."""

DEPLOYMENT, ENDPOINT = "deployment", "endpoint"


@dataclass(frozen=True, slots=True)
class Field:
    """A setting that releases approve: the fact's name, the rule it breaks, and where Azure has it.

    `{parent}` in a value stands for the id of the account or workspace, `{number}` for that of the target.
    """

    subject: str
    rule: str
    path: Steps
    values: tuple[Any, ...]

    @property
    def slot(self) -> str:
        """Return the subject as a name that needs no quotes in a JMESPath expression."""
        return self.subject.replace(".", "_")

    @property
    def jmespath(self) -> str:
        """Return the path as a JMESPath expression."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).lstrip(".")


def _field(subject: str, rule: str, path: str, *values: Any) -> Field:
    return Field(subject, rule, tuple(int(step) if step.isdigit() else step for step in path.split("/")), values)


# The first value is the usual one. Two of gpt-4o's versions stand in the catalogue as retired or soon to be.
_OPENAI = (
    _field("model.name", "MA105", "deployment/properties/model/name", "gpt-4o", "gpt-4.1", "gpt-4o-mini"),
    _field(
        "model.version", "MA102", "deployment/properties/model/version", "2024-11-20", "2024-08-06", "2024-05-13"
    ),
    _field("sku.name", "MA402", "deployment/sku/name", "GlobalStandard", "Standard", "ProvisionedManaged"),
    _field("sku.capacity", "MA403", "deployment/sku/capacity", 50, 100, 10),
    _field(
        "upgrade_option",
        "MA206",
        "deployment/properties/versionUpgradeOption",
        "NoAutoUpgrade",
        "OnceNewDefaultVersionAvailable",
    ),
    _field(
        "content_filter",
        "MA417",
        "deployment/properties/raiPolicyName",
        "Microsoft.DefaultV2",
        "lenient",
        "strict",
    ),
    _field("tags.release", "MA501", "deployment/tags/release", "r-12", "r-13"),
)
_BLUE = "deployments.blue."
_ENDPOINT = (
    _field("auth_mode", "MA414", "endpoint/properties/authMode", "AADToken", "Key"),
    _field("public_network_access", "MA413", "endpoint/properties/publicNetworkAccess", "Disabled", "Enabled"),
    _field("traffic", "MA301", "endpoint/properties/traffic/blue", 100, 90, 50),
    _field("tags.release", "MA501", "endpoint/tags/release", "r-7", "r-8"),
    _field(
        _BLUE + "model.version",
        "MA102",
        "deployments/0/properties/model",
        "{parent}/models/churn-{number}/versions/3",
        "{parent}/models/churn-{number}/versions/4",
    ),
    _field(
        _BLUE + "environment",
        "MA407",
        "deployments/0/properties/environmentId",
        "{parent}/environments/churn-env/versions/12",
        "{parent}/environments/churn-env/versions/13",
    ),
    _field(
        _BLUE + "code",
        "MA408",
        "deployments/0/properties/codeConfiguration/codeId",
        "{parent}/codes/0b3c/versions/1",
        "{parent}/codes/9f4e/versions/1",
    ),
    _field(
        _BLUE + "instance_type",
        "MA404",
        "deployments/0/properties/instanceType",
        "Standard_DS3_v2",
        "Standard_F4s",
    ),
    _field(_BLUE + "instance_count", "MA405", "deployments/0/sku/capacity", 3, 1),
    _field(_BLUE + "egress", "MA412", "deployments/0/properties/egressPublicNetworkAccess", "Disabled", "Enabled"),
)
FIELDS: Mapping[str, tuple[Field, ...]] = {DEPLOYMENT: _OPENAI, ENDPOINT: _ENDPOINT}
"""The fields by the name under which a line of the corpus holds the resource that bears the target's id."""

# Differences that a plain comparison of two objects shows; the other rules need dates or the catalogue.
STRUCTURAL = frozenset({"MA101", *(field.rule for fields in FIELDS.values() for field in fields)})


def kind_of(document: Mapping[str, Any]) -> str:
    """Return which of the two kinds of document this is."""
    return DEPLOYMENT if DEPLOYMENT in document else ENDPOINT


def id_of(document: Mapping[str, Any]) -> str:
    """Return the target's id as ARM compares it."""
    return str(document[kind_of(document)]["id"]).lower()
