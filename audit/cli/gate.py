"""`gate`: may this model be deployed there? The question of a pipeline, asked before it deploys."""

import json
import sys

import click
import msgspec

from audit import wiring
from audit.approvals.gate import Candidate, Decision, decide
from audit.approvals.marks import mark_value
from audit.approvals.policy import policy_of
from audit.cli.annotations import Note, github, junit
from audit.cli.output import EXIT_FINDINGS, show
from audit.cli.targets import resolve
from audit.errors import BadInput
from audit.model import Stage


@click.command()
@click.option("--target", required=True, help="Its id, or a name such as 'mlw-prod/churn'.")
@click.option("--model", required=True, help="What is about to be deployed: azureml:churn:3, gpt-4o:2024-11-20.")
@click.option("--deployment", default="", help="The deployment of the endpoint, or the alias in MLflow.")
@click.option("--stage", type=click.Choice(["staging", "production"]), default="production", show_default=True)
@click.option("--deployer", default="", help="Object or application id of the pipeline.")
@click.option("--fact", "facts", multiple=True, metavar="NAME=VALUE", help="A further value that it will have.")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json", "github", "junit"]), default="table", show_default=True
)
def gate(
    target: str, model: str, deployment: str, stage: str, deployer: str, facts: tuple[str, ...], output: str
) -> None:
    """Say whether a model is approved for a target, why not, and what would make it pass.

    Exit: 0 approved, 1 not approved, 2 the call is wrong, 3 the approvals could not be read.
    """
    approver, now = wiring.approver(), wiring.now()
    demands, said = approver.policies(), [_fact(each) for each in facts]
    given = {name: str(mark_value(name, value, approver.privacy)) for name, value in said}
    decisions = []
    for each in resolve((target,)):
        release = approver.approvals(each).release
        demanded = policy_of(each, {**given, **(release.facts if release else {})}, demands)
        candidate = Candidate(each, model, Stage(stage), deployment, deployer, given)
        decisions.append(decide(candidate, release, demanded, now))
    _print(decisions, output)
    sys.exit(0 if all(each.is_approved for each in decisions) else EXIT_FINDINGS)


def _fact(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise BadInput(f"expected NAME=VALUE in --fact, got {text!r}")
    return name.strip(), value


def _print(decisions: list[Decision], output: str) -> None:
    match output:
        case "json":
            click.echo(json.dumps([_data(each) for each in decisions], indent=2, default=str))
        case "github":
            click.echo(github(note for each in decisions for note in _notes(each) or [_approved(each)]))
        case "junit":
            click.echo(junit("model-audit gate", [(_title(each), _notes(each)) for each in decisions]))
        case _:
            rows = [
                {"where": _where(each), **msgspec.to_builtins(reason)}
                for each in decisions
                for reason in each.reasons
            ]
            passed = "\n".join(_approved(each).words for each in decisions)
            show(rows, ("where", "check", "expected", "got", "remedy"), output, passed)


def _where(decision: Decision) -> str:
    return f"{decision.candidate.target.parent_name}/{decision.candidate.target.name}"


def _title(decision: Decision) -> str:
    return f"{decision.candidate.model} for {_where(decision)}"


def _approved(decision: Decision) -> Note:
    release = decision.release
    by = f" by release {release.id}, {release.approved_by}" if release else ""
    return Note("notice", "Approved", f"{_title(decision)} is approved{by}.")


def _notes(decision: Decision) -> list[Note]:
    return [
        Note(
            "error",
            f"{_title(decision)} is not approved: {reason.check}",
            f"Expected {reason.expected}, got {reason.got}. To pass: {reason.remedy}.",
        )
        for reason in decision.reasons
    ]


def _data(decision: Decision) -> dict[str, object]:
    release = decision.release
    return {
        "target": decision.candidate.target.id,
        "model": decision.candidate.model,
        "stage": str(decision.candidate.stage),
        "approved": decision.is_approved,
        "release": release.id if release else None,
        "approved_by": release.approved_by if release else None,
        "reasons": [msgspec.to_builtins(reason) for reason in decision.reasons],
    }
