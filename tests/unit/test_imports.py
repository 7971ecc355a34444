"""Imports point one way (DESIGN.md section 5), and taking an event in pays for nothing heavy."""

import ast
import graphlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ["azure.ai.ml", "azure.mgmt.core", "azure.storage.blob", "jinja2", "yaml", "click"]

MODEL = {"audit.model", "audit.errors", "audit.texts"}
# What each layer may import of the others, besides itself. Everything else in `audit` is pure.
ALLOWED = {
    "model": set(),
    "pure": {"model", "ports"},
    "ports": {"model", "pure"},
    "service": {"model", "pure", "ports"},
    "adapters": {"model", "pure", "ports"},
    "settings": {"model", "pure", "adapters"},
    "wiring": {"model", "pure", "ports", "service", "adapters", "settings"},
    "entry": {"model", "pure", "ports", "service", "settings", "wiring"},
}
# The ledger's rows are made by pure modules; these are values and promise nothing about storage.
VALUES_OF_PORTS = {"Create", "Delete", "Replace", "Row", "Value", "Write"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in [*sorted((ROOT / "audit").rglob("*.py")), ROOT / "function_app.py"]}


def layer_of(module: str) -> str:
    if module in MODEL:
        return "model"
    top = module.split(".")[1] if "." in module else module
    if top in ("ports", "service", "adapters", "settings", "wiring"):
        return top
    return "entry" if top in ("cli", "__main__", "function_app") else "pure"


def imports_of(path: Path) -> set[tuple[str, str]]:
    """Return the modules that a file imports, each with the name that is taken from it, wherever they stand."""
    found: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {(_module(node.module, alias.name), alias.name) for alias in node.names}
    return found


def _module(package: str, name: str) -> str:
    return f"{package}.{name}" if f"{package}.{name}" in MODULES else package


OURS = {
    module: {(imported, name) for imported, name in imports_of(path) if imported in MODULES and imported != module}
    for module, path in MODULES.items()
}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    layer = layer_of(module)
    wrong = {imported for imported, _ in OURS[module] if layer_of(imported) not in ALLOWED[layer] | {layer}}

    assert wrong == set()


@pytest.mark.parametrize("module", [module for module in MODULES if layer_of(module) == "pure"])
def test_what_is_pure_knows_only_the_values_of_the_ports(module: str) -> None:
    assert {name for imported, name in OURS[module] if imported == "audit.ports"} <= VALUES_OF_PORTS


def test_no_two_modules_import_each_other() -> None:
    graph = {module: {imported for imported, _ in found} for module, found in OURS.items()}

    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_nothing_that_is_deployed_imports_the_local_stack_or_the_tests(module: str) -> None:
    tops = {imported.split(".")[0] for imported, _ in imports_of(MODULES[module])}

    assert not tops & {"local", "tests", "benchmarks"}


@pytest.mark.parametrize(
    "module", [each for each in MODULES if layer_of(each) in ("model", "pure", "ports", "service")]
)
def test_the_core_talks_to_no_network(module: str) -> None:
    tops = {imported.split(".")[0] for imported, _ in imports_of(MODULES[module])}

    assert not tops & {"azure", "http", "httpx", "requests", "socket", "urllib3"}


def test_taking_an_event_in_imports_nothing_heavy() -> None:
    imported = "function_app, audit.service.webhooks"  # the second with the first webhook that comes
    program = f"import json, sys, {imported}; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == []
