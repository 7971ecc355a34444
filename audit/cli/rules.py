"""`rules`: what can be found, what it means, and what to do about it."""

import click
import msgspec

from audit.cli.output import output_option, show
from audit.errors import BadInput
from audit.rules import RULES


@click.command()
@click.argument("rule_id", required=False)
@output_option
def rules(rule_id: str | None, output: str) -> None:
    """Print every rule, or all about the rule RULE_ID."""
    if rule_id is not None and rule_id.upper() not in RULES:
        raise BadInput(f"expected the id of a rule such as MA102, got {rule_id!r}: `model-audit rules` lists them")
    chosen = [RULES[rule_id.upper()]] if rule_id else list(RULES.values())
    columns = ("id", "severity", "title", "meaning", "remedy") if rule_id else ("id", "severity", "title")
    show([msgspec.to_builtins(rule) for rule in chosen], columns, output, "No rules.")
