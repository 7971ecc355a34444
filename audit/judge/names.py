"""The names of facts: which part of a target each belongs to, and which rule its change breaks.

People name tags, variables and deployments as they like (`tags.model.version` is a tag, and no model), so a
name is taken apart from its beginning. Fleets repeat the same few names, so what was found is kept.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from audit.model import Approved, ApprovedFacts, Outcome

MODEL_VERSION, MODEL, FILES, LABEL = "MA102", "MA105", "MA106", "MA202"
VARIABLE, OTHER = "MA421", "MA401"

# Names of versions may hold dots, so a version ends before the first name that `audit.sight.facts` gives.
_VERSION = re.compile(
    r"(versions\..+?)\.((?:anonymous|archived|datasets|description|flavors|job|origin|path|properties|provisioning_state|stage|tags|type)(?:\..*)?)",
    re.DOTALL,
)

_EXACT = {
    "model.version": MODEL_VERSION,
    "model.label": LABEL,
    "model.path": FILES,
    "model.asset_path": FILES,
    "path": FILES,
    "model.anonymous": "MA204",
    "anonymous": "MA204",
    "upgrade_option": "MA206",
    "default_deployment": "MA308",
    "sku.capacity": "MA403",
    "instance_type": "MA404",
    "compute_type": "MA404",
    "instance_count": "MA405",
    "environment": "MA407",
    "code": "MA408",
    "scoring_script": "MA409",
    "egress": "MA412",
    "public_network_access": "MA413",
    "private_network_connection": "MA413",
    "auth_mode": "MA414",
    "content_filter": "MA417",
    "content_safety": "MA417",
    "app_insights": "MA420",
    "spillover": "MA422",
    "compute": "MA423",
    "mini_batch_size": "MA423",
    "error_threshold": "MA423",
    "output_action": "MA423",
    "max_concurrency": "MA423",
    "flavors": "MA507",
    "type": "MA507",
    "datasets": "MA506",
    "description": "MA503",
    "job": "MA509",
    "job.data": "MA506",
    "job.feature_retrieval_spec": "MA510",
    "archived": "MA602",
    "model.archived": "MA602",
    "stage": "MA604",
    "model.stage": "MA604",
    "account.local_auth_disabled": "MA415",
    "account.network_default": "MA413",
    "account.public_network_access": "MA413",
    "origin.data": "MA506",
    "origin.git_commit": "MA509",
    "origin.run": "MA509",
    "provisioning_state": "MA907",
    "state": "MA908",
    "endpoint_state": "MA908",
}

_FAMILIES = {
    "traffic": "MA301",
    "mirror_traffic": "MA306",
    "aliases": MODEL_VERSION,
    "model": MODEL,
    "routing": "MA205",
    "sku": "MA402",
    "service_tier": "MA402",
    "capacity": "MA403",
    "resources": "MA404",
    "scale": "MA406",
    "liveness": "MA410",
    "readiness": "MA410",
    "startup": "MA410",
    "request": "MA411",
    "retry": "MA423",
    "identity": "MA416",
    "content_filter": "MA418",
    "data_collection": "MA419",
    "data_sampling": "MA419",
    "env": VARIABLE,
    "job": "MA509",
    "origin": "MA503",
}

# What teams call the same thing in tags and properties; MLflow's and Azure ML's own names are among them.
_MEANINGS = {
    "MA505": ("metric", "metrics"),
    "MA506": (
        "data_version",
        "dataset",
        "dataset_id",
        "dataset_version",
        "training_data",
        "training_data_version",
    ),
    "MA507": ("framework", "framework_name", "framework_version"),
    "MA508": ("task", "task_type"),
    "MA509": ("commit", "git_commit", "run", "run_id", "azureml_git_commit", "mlflow_source_git_commit"),
}
_RULE_OF_WORD = {word: rule for rule, words in _MEANINGS.items() for word in words}
_SEPARATORS = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=65_536)
def split(name: str) -> tuple[str, str]:
    """Return the part of the target that a fact belongs to (empty: the target itself), and the rest."""
    if name.startswith("deployments."):
        _, deployment, rest = [*name.split(".", 2), "", ""][:3]
        return f"deployments.{deployment}", rest
    if name.startswith("versions.") and (found := _VERSION.fullmatch(name)):
        return found[1], found[2]
    return "", name


@lru_cache(maxsize=65_536)
def rule_of(name: str) -> str:
    """Return the id of the rule that is broken where this fact differs from the release."""
    _, rest = split(name)
    family, _, below = rest.partition(".")
    if family in ("tags", "properties") and below:
        return rule_of_word(below) or ("MA501" if family == "tags" else "MA503")
    return _EXACT.get(rest) or _FAMILIES.get(family, OTHER)


def rule_of_word(name: str) -> str:
    """Return the rule of a tag or a property whose meaning is known, else nothing."""
    found = word(name)
    return _RULE_OF_WORD.get(found) or _RULE_OF_WORD.get(found.partition("_")[0] if "." in name else "", "")


def word(name: str) -> str:
    """Return a name as it is compared: `Task-Type` and `task_type` are one."""
    return _SEPARATORS.sub("_", name.lower()).strip("_")


# What was looked up elsewhere for a version, and what says how that went: Azure ML's job, MLflow's run.
_LOOKED_UP = {"job": "job", "origin": "run"}
_KNOWN_ANYHOW = "origin.run"  # its id stands on the version


def unseen(name: str, facts: ApprovedFacts) -> str:
    """Return why a fact of a version, by its name there, is not known; nothing where it could be seen."""
    family, _, rest = name.partition(".")
    outcome = facts.get(f"{family}.outcome", Outcome.PRESENT) if rest and family in _LOOKED_UP else Outcome.PRESENT
    is_known = outcome == Outcome.PRESENT or name == _KNOWN_ANYHOW
    return "" if is_known else f"the {_LOOKED_UP[family]} is {outcome}"


TRAFFIC, MIRROR, ALIASES = "traffic.", "mirror_traffic.", "aliases."

# Facts that a rule looks at although no release names them.
_TELLING = frozenset(
    {
        *("model.label", "model.path", "model.anonymous", "routing.mode", "archived", "model.archived"),
        *("model.stage", "provisioning_state", "state", "endpoint_state"),
    }
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Which parts facts speak of, which names are shares of traffic, and which tell something by themselves.

    `traffic` and `mirror` hold deployments, each with the name of the fact that is its share; `telling` holds
    names, each with its part and the rest.
    """

    deployments: frozenset[str]
    versions: frozenset[str]
    traffic: tuple[tuple[str, str], ...]
    mirror: tuple[tuple[str, str], ...]
    telling: tuple[tuple[str, str, str], ...]


def shape_of(facts: Iterable[str]) -> Shape:
    """Return the shape of facts in one pass over their names; every rule that needs it shares it."""
    return _shape(tuple(facts))


# Most targets of a fleet have the names of facts that another one has; 4,096 kept ones are some 10 MB.
@lru_cache(maxsize=4096)
def _shape(names: tuple[str, ...]) -> Shape:
    places = [(name, *split(name)) for name in names]
    parts = {part for _, part, _ in places}
    return Shape(
        deployments=frozenset(part[12:] for part in parts if part.startswith("deployments.")),
        versions=frozenset(part[9:] for part in parts if part.startswith("versions.")),
        traffic=tuple((name.removeprefix(TRAFFIC), name) for name in names if name.startswith(TRAFFIC)),
        mirror=tuple((name.removeprefix(MIRROR), name) for name in names if name.startswith(MIRROR)),
        telling=tuple(place for place in places if place[2] in _TELLING),
    )


def below(facts: ApprovedFacts, part: str) -> ApprovedFacts:
    """Return the facts of one part by the rest of their names."""
    return {split(name)[1]: value for name, value in facts.items() if split(name)[0] == part}


def phrase(facts: ApprovedFacts) -> str:
    """Return the models that facts name, as a phrase."""
    prefixes = sorted(name.removesuffix("name") for name in facts if split(name)[1] == "model.name")
    return ", ".join(dict.fromkeys(_model(facts, prefix) for prefix in prefixes)) or "no model"


def _model(facts: ApprovedFacts, prefix: str) -> str:
    version = facts.get(prefix + "version") or f"@{facts.get(prefix + 'label', '?')}"
    return f"{facts[prefix + 'name']} {version}"


def aliased(facts: ApprovedFacts) -> set[str]:
    """Return the versions that aliases point to, which is what consumers of an MLflow registry load."""
    pointed = [value for name, value in facts.items() if name.startswith(ALIASES)]
    return {str(each) for to in pointed for each in (to.one_of if isinstance(to, Approved) else (to,))}


def versions_of(facts: ApprovedFacts) -> set[str]:
    """Return the versions of a model that facts name, themselves or by an alias."""
    return {*shape_of(facts).versions, *aliased(facts)}


def pointers(facts: ApprovedFacts) -> list[str]:
    """Return where the aliases of a model point, one phrase each: `@champion: version 3`."""
    names = sorted(name for name in facts if name.startswith(ALIASES))
    return [f"@{name.removeprefix(ALIASES)}: version {facts[name]}" for name in names]


def serving(facts: ApprovedFacts) -> list[str]:
    """Return what serves, one phrase a deployment or alias: `blue: churn 3 (90 %)`, or the model alone."""
    if aliases := pointers(facts):
        return aliases
    deployments = sorted(shape_of(facts).deployments)
    if not deployments:
        return [phrase(facts)]
    return [
        f"{name}: {phrase(below(facts, f'deployments.{name}'))} ({facts.get(f'traffic.{name}', 0)} %)"
        for name in deployments
    ]
