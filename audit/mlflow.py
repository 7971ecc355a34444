"""Ids of what lives in MLflow registries: `mlflow://prod`, and `mlflow://prod/models/Churn Model` in it.

A registry is called as the settings call it, in lower case. The name of a model is MLflow's own, in its own case:
`Churn` and `churn` are two models there. What would be read as something else stands percent-encoded (`%` itself,
a slash, what cannot be printed, blanks at either end): each model has one id, and its id leads back to its name.
"""

import re
from urllib.parse import quote, unquote_to_bytes

from audit.errors import BadInput

SCHEME = "mlflow://"
MAX_ID = 2048  # MLflow's SQL stores take names of 256 characters
REGISTRY = re.compile(r"[a-z][a-z0-9-]{0,39}")

_EDGES = re.compile(r"\A +| +\Z")
_ID = re.compile(r"(?P<registry>[^/]+)(?:/models/(?P<name>[^/]+))?", re.IGNORECASE | re.DOTALL)


def is_mlflow(id_: str) -> bool:
    """Say whether an id, in any spelling, is one of MLflow's."""
    return id_.lstrip()[: len(SCHEME)].lower() == SCHEME


def registry_id(name: str) -> str:
    """Return the id of a registry; raise `BadInput` where nothing may be called so."""
    if not REGISTRY.fullmatch(name.lower()):
        raise BadInput(
            f"expected the name of an MLflow registry, of letters, digits and hyphens, got {name[:80]!r}"
        )
    return SCHEME + name.lower()


def model_id(registry: str, name: str) -> str:
    """Return the id of a model, given its registry's id and its name as MLflow has it."""
    return f"{registry}/models/{_encoded(name)}"


def normalise(id_: str) -> tuple[str, str] | None:
    """Return the registry's id and the model's, which is empty where only the registry is meant.

    None where the id is none of MLflow's.
    """
    said = id_.strip().rstrip("/")
    match = _ID.fullmatch(said[len(SCHEME) :]) if is_mlflow(said) and len(said) <= MAX_ID else None
    if match is None or not REGISTRY.fullmatch(match["registry"].lower()):
        return None
    registry = SCHEME + match["registry"].lower()
    if match["name"] is None:
        return registry, ""
    model = model_id(registry, _decoded(match["name"]))
    return (registry, model) if name_of(model) and len(model) <= MAX_ID else None


def name_of(model: str) -> str:
    """Return the name of a model as MLflow has it, given the model's id."""
    return _decoded(model.rpartition("/")[2])


def shown(model: str) -> str:
    """Return the name of a model for people: what cannot be printed stays encoded."""
    name = name_of(model)
    return name if name.isprintable() else model.rpartition("/")[2]


def _encoded(name: str) -> str:
    inner = "".join(each if each.isprintable() and each not in "%/" else _percent(each) for each in name)
    return _EDGES.sub(lambda blanks: "%20" * len(blanks[0]), inner)


def _percent(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _decoded(text: str) -> str:
    """Return what a percent-encoded text says; it is empty where that is no text."""
    try:
        return unquote_to_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return ""
