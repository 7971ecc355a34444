"""The commands for MLflow registries, run by a real shell with a `curl` that only says what it was given."""

import json
import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import mlflow
from audit.model import Finding, Severity, Target
from audit.rules import RULES
from audit.targets import find_target, parse_target
from audit.told.commands import commands_for, look
from tests.house import release
from tests.strategies import HOSTILE_TEXTS, any_text

CHURN = parse_target("mlflow://ml-prod/models/Churn Model")
ADDRESS = "https://mlflow.contoso.example"
FACTS = {
    "aliases.champion": "3",
    "description": "finds who leaves",
    "tags.owner": "growth",
    "versions.3.path": "s3://models/3",
    "versions.3.stage": "Production",
    "versions.3.tags.task": "binary",
    "versions.3.tags.token": "hidden:0123456789abcdef",
}

needs_shell = pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")


def run(command: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    curl = folder / "curl"
    curl.write_text("#!/bin/sh\nfor each; do printf '%s\\0' \"$each\"; done\n")
    curl.chmod(0o755)
    given_ = {"PATH": f"{folder}:/usr/bin:/bin", **variables}
    return subprocess.run(["/bin/sh", "-c", command], env=given_, capture_output=True, text=True, check=False)


def words(command: str, folder: Path) -> list[str]:
    done = run(command, folder, MLFLOW_ML_PROD=ADDRESS, MLFLOW_ML_PROD_TOKEN="t 1")
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\0")[:-1]


def finding(rule: str, subject: str, target: Target = CHURN) -> Finding:
    return Finding(rule, target, subject, Severity.HIGH, "", "")


def roll_back(subject: str, target: Target = CHURN, facts: dict | None = None) -> list[str]:
    _, *rest = commands_for(finding("MA102", subject, target), release(target, facts=facts or FACTS), {})
    return rest


@needs_shell
def test_the_first_command_shows_the_model(tmp_path: Path) -> None:
    said = words(look(CHURN), tmp_path)

    assert said[:3] == ["--fail-with-body", "--request", "GET"]
    assert said[-3:-1] == ["--oauth2-bearer", "t 1"]
    assert said[-1] == f"{ADDRESS}/api/2.0/mlflow/registered-models/get?name=Churn+Model"


@needs_shell
@pytest.mark.parametrize(
    ("subject", "path", "body"),
    [
        ("aliases.champion", "registered-models/alias", {"alias": "champion", "version": "3"}),
        ("versions.3.stage", "model-versions/transition-stage", {"version": "3", "stage": "Production"}),
        ("versions.3.tags.task", "model-versions/set-tag", {"version": "3", "key": "task", "value": "binary"}),
        ("tags.owner", "registered-models/set-tag", {"key": "owner", "value": "growth"}),
        ("description", "registered-models/update", {"description": "finds who leaves"}),
    ],
)
def test_each_fact_that_can_be_set_has_the_request_that_sets_it(
    tmp_path: Path, subject: str, path: str, body: dict[str, str]
) -> None:
    (command,) = roll_back(subject)

    said = words(command, tmp_path)

    assert said[-1] == f"{ADDRESS}/api/2.0/mlflow/{path}"
    assert json.loads(said[said.index("--data") + 1]) == {"name": "Churn Model", **body}


@pytest.mark.parametrize("subject", ["versions.3.path", "versions.3.tags.token", "aliases.other", "versions.4"])
def test_what_cannot_be_set_or_is_not_known_has_none(subject: str) -> None:
    assert roll_back(subject) == []


@needs_shell
def test_without_the_address_the_shell_says_so_and_asks_nobody(tmp_path: Path) -> None:
    done = run(look(CHURN), tmp_path)

    assert done.returncode != 0
    assert "set it to the address of mlflow://ml-prod" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_prints_a_command_of_azure_for_mlflow(rule: str) -> None:
    for target in (CHURN, parse_target("mlflow://ml-prod")):
        for subject in ("versions.3.archived", "versions.3.stage", "sight", "aliases.champion", "model.version"):
            shown = commands_for(finding(rule, subject, target), release(target, facts=FACTS), {})

            assert all(command.startswith("curl ") for command in shown)


@needs_shell
@pytest.mark.parametrize("name", [*HOSTILE_TEXTS[:20], "$(touch x)", "`id`", "'; rm -rf /; '", '"$HOME"', "a\nb"])
def test_a_hostile_name_stays_one_word(tmp_path: Path, name: str) -> None:
    target = find_target(mlflow.model_id("mlflow://ml-prod", name))
    if target is None or "\0" in name or "\ud800" in name:  # which no word of a shell can hold
        return
    (command,) = roll_back(f"tags.{name}", target, {f"tags.{name}": name})

    shown, set_ = words(look(target), tmp_path), words(command, tmp_path)

    assert parse_qs(urlsplit(shown[-1]).query, keep_blank_values=True) == {"name": [name]}
    assert json.loads(set_[set_.index("--data") + 1]) == {"name": name, "key": name, "value": name}


@given(any_text | st.sampled_from(HOSTILE_TEXTS), st.sampled_from(sorted(FACTS)))
def test_no_name_is_too_odd_for_a_command(name: str, subject: str) -> None:
    if target := find_target(mlflow.model_id("mlflow://ml-prod", name)):
        commands_for(finding("MA102", subject, target), release(target, facts=FACTS), {})
