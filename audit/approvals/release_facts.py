"""The facts of a release file: flat or nested, by reference or in parts, exact or as what is admitted."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from audit.approvals.approved import as_number
from audit.approvals.marks import is_variable
from audit.approvals.strict_files import Content, did_you_mean
from audit.errors import BadInput
from audit.model import Approved, ApprovedFacts, Scalar
from audit.sight.references import parse_reference

MAX_FACT = 1000  # characters of a fact's name or value, so that a release fits into its row
MAX_CHOICES = 50  # values of a `one_of`; who approves more than these approves anything
WHOLE_SPLIT = 100  # percent

EXPRESSIONS = ("one_of", "at_least", "at_most", "not_audited")

# Names of deployments and versions are compared in lower case, as `audit.sight.facts` writes them.
_NAMED = re.compile(r"\A(?:deployments|mirror_traffic|traffic|versions)\.[^.]+")
_SHARE = re.compile(r"(?:mirror_)?traffic\.[^.]+")
_WHOLE = re.compile(r"(?:mirror_)?traffic\..+|sku\.capacity|deployments\.[^.]+\.instance_count")
_MODEL = re.compile(r"(?P<prefix>(?:deployments\.[^.]+\.)?model)")
_VERSION = re.compile(r"(?:deployments\.[^.]+\.)?model\.version")
_LABEL = re.compile(r"(?:deployments\.[^.]+\.)?model\.label")
_ASSET = re.compile(r"deployments\.[^.]+\.(?:environment|code)")
_INNER = re.compile(r"\A(?:deployments|versions)\.[^.]+\.")

# Families whose names people choose, and the names that `audit.sight.facts` gives. A name that is neither and not
# like any of them is let through: a newer fact is no misspelling.
_FREE = (
    "tags",
    "env",
    "scale",
    "data_collection",
    "data_sampling",
    "properties",
    "traffic",
    "mirror_traffic",
    "aliases",
)
_FAMILIES = frozenset({*_FREE, "deployments", "versions", "model", "sku", "account", "content_filter", "routing"})
_KNOWN = frozenset(
    {
        *("model.format", "model.name", "model.version", "model.registry", "model.path"),
        *("model.asset_path", "model.archived", "model.anonymous", "model.stage"),
        *("sku.name", "sku.capacity", "upgrade_option", "content_filter", "spillover", "dynamic_throttling"),
        *("provisioning_state", "auth_mode", "public_network_access", "identity", "environment", "code"),
        *("scoring_script", "compute_type", "instance_type", "instance_count", "app_insights", "egress"),
        *("path", "type", "stage", "archived", "anonymous", "job", "description", "flavors", "service_tier"),
        *("account.location", "account.public_network_access", "account.local_auth_disabled"),
        *("account.network_default", "default_deployment", "compute", "content_safety", "model_mount_path"),
        *("mini_batch_size", "error_threshold", "output_action", "private_network_connection"),
    }
)

_LIKELY = 0.85  # stricter than for fields, which are all known


def read_facts(written: Mapping[str, Any], content: Content, path: str) -> ApprovedFacts:
    """Return the facts by their names; a release that names none would approve whatever serves."""
    facts: dict[str, Scalar | Approved] = {}
    for written_name, value in _flat(written, content, path):
        name = _NAMED.sub(lambda found: found[0].lower(), written_name)
        where = content.where(f"{path}.{written_name}")
        for each, expected in _facts(name, value, where):
            if each in facts:
                raise BadInput(f"{where}: expected each fact once, got {each} twice")
            facts[each] = expected
    if not facts:
        raise BadInput(f"{content.where(path)}: expected at least one fact to compare, got none")
    for split in ("traffic", "mirror_traffic"):
        _check_split(facts, split, content.where(f"{path}.{split}"))
    return dict(sorted(facts.items()))


def _flat(
    facts: Mapping[str, Any], content: Content, path: str, prefix: str = ""
) -> Iterator[tuple[str, str | dict[str, Any]]]:
    """Return `deployments: {blue: {model: ...}}` as `deployments.blue.model...`, however deep it is written."""
    for name, value in facts.items():
        if isinstance(value, list):
            where = content.where(f"{path}.{prefix}{name}")
            raise BadInput(
                f"{where}: expected one value for the fact {prefix}{name}, got a list: "
                "write {one_of: [...]} where several are approved"
            )
        if isinstance(value, dict) and not set(value) & set(EXPRESSIONS):
            yield from _flat(value, content, path, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _facts(name: str, value: str | dict[str, Any], where: str) -> Iterator[tuple[str, Scalar | Approved]]:
    if len(name) > MAX_FACT:
        raise BadInput(f"{where}: expected at most {MAX_FACT} characters in the fact {name[:80]}")
    _refuse_misspelling(name, where)
    if isinstance(value, dict):
        yield name, _expression(name, value, where)
    elif _MODEL.fullmatch(name):
        yield from _pinned(name, value, where)
    else:
        yield name, _value(name, _asset(name, value), where)


def _value(name: str, value: str, where: str) -> str:
    if len(value) > MAX_FACT:
        raise BadInput(f"{where}: expected at most {MAX_FACT} characters in the fact {name[:80]}")
    if _WHOLE.fullmatch(name) and not re.fullmatch(r"[0-9]{1,15}", value):
        raise BadInput(f"{where}: expected a whole number in the fact {name}, got {value!r}")
    if _LABEL.fullmatch(name) or (_VERSION.fullmatch(name) and value.casefold() == "latest"):
        raise BadInput(
            f"{where}: expected a model pinned to a version, got {value!r} in {name}: "
            "a label can be moved to a version that nobody has approved"
        )
    return value


def _pinned(name: str, value: str, where: str) -> Iterator[tuple[str, str]]:
    """Return name, version and registry of a reference such as `azureml:churn:3`."""
    found = parse_reference(value)
    if not found.version or found.version.casefold() == "latest":
        raise BadInput(
            f"{where}: expected a model pinned to a version in {name}, such as azureml:churn:3 "
            f"or {{name: churn, version: 3}}, got {value[:200]!r}"
        )
    yield f"{name}.name", _value(name, found.name.lower(), where)
    yield f"{name}.version", _value(name, found.version.lower(), where)
    if found.registry:
        yield f"{name}.registry", _value(name, found.registry, where)


def _asset(name: str, value: str) -> str:
    return str(parse_reference(value)) if _ASSET.fullmatch(name) else value


def _expression(name: str, value: dict[str, Any], where: str) -> Approved:
    unknown = [key for key in value if key not in EXPRESSIONS]
    if unknown:
        hint = did_you_mean(unknown[0], EXPRESSIONS)
        raise BadInput(
            f"{where}: expected {', '.join(EXPRESSIONS)} in the fact {name}, got {unknown[0][:80]!r}{hint}"
        )
    if _SHARE.fullmatch(name):
        raise BadInput(
            f"{where}: expected a whole number in the fact {name}, got an expression: a split is approved as a "
            "whole; `traffic: {not_audited: the reason}` leaves it open"
        )
    if set(value) not in ({"one_of"}, {"not_audited"}) and not set(value) <= {"at_least", "at_most"}:
        raise BadInput(f"{where}: expected one_of, a range or not_audited in the fact {name}, got several of them")
    if "not_audited" in value:
        return Approved(because=_reason(name, value["not_audited"], where))
    if is_variable(name) and "one_of" not in value:
        raise BadInput(
            f"{where}: expected a value, one_of or not_audited in the fact {name}, got a range: the value of an "
            "environment variable is kept as a mark, and marks have no order"
        )
    if "one_of" in value:
        return Approved(one_of=_choices(name, value["one_of"], where))
    return _range(name, value, where)


def _reason(name: str, reason: Any, where: str) -> str:
    if not isinstance(reason, str) or not reason.strip() or len(reason) > MAX_FACT:
        raise BadInput(f"{where}: expected the reason why {name} is not audited, got {str(reason)[:80]!r}")
    return reason.strip()


def _choices(name: str, choices: Any, where: str) -> tuple[str, ...]:
    are_texts = isinstance(choices, list) and all(isinstance(each, str) for each in choices)
    if not are_texts or not 0 < len(choices) <= MAX_CHOICES:
        raise BadInput(f"{where}: expected a list of 1 to {MAX_CHOICES} values in {name}.one_of")
    return tuple(_value(name, _asset(name, each), where) for each in choices)


def _range(name: str, value: dict[str, Any], where: str) -> Approved:
    bounds: dict[str, float] = {}
    for key, text in value.items():
        number = as_number(text) if isinstance(text, str) else None
        if number is None:
            raise BadInput(f"{where}: expected a number in {name}.{key}, got {str(text)[:80]!r}")
        bounds[key] = number
    least, most = bounds.get("at_least"), bounds.get("at_most")
    if least is not None and most is not None and least > most:
        raise BadInput(f"{where}: expected at_least below at_most in {name}, got {least:g} and {most:g}")
    return Approved(at_least=least, at_most=most)


def _check_split(facts: ApprovedFacts, split: str, where: str) -> None:
    shares = [int(str(value)) for name, value in facts.items() if name.startswith(f"{split}.")]
    if split == "traffic" and shares and sum(shares) != WHOLE_SPLIT:
        raise BadInput(f"{where}: expected shares of traffic that sum to {WHOLE_SPLIT}, got {sum(shares)}")
    # An endpoint mirrors to one deployment at most half of its traffic (learn.microsoft.com, "safe rollout").
    if split == "mirror_traffic" and sum(shares) > WHOLE_SPLIT // 2:
        raise BadInput(f"{where}: expected at most 50 percent of mirrored traffic, got {sum(shares)}")


def _refuse_misspelling(name: str, where: str) -> None:
    """Refuse a name that is not known but like a known one: it would never be met by what is live."""
    tail = _INNER.sub("", name)
    family, _, leaf = tail.rpartition(".")
    first = tail.partition(".")[0]
    if tail in _KNOWN or first in _FREE:
        return
    hint = did_you_mean(tail, _KNOWN, _LIKELY)
    hint = hint or ("" if first in _FAMILIES else did_you_mean(first, _FAMILIES, _LIKELY))
    hint = hint or (did_you_mean(leaf, EXPRESSIONS, _LIKELY) if family else "")
    if hint:
        raise BadInput(f"{where}: expected the name of a fact, got {name[:200]}{hint}")
