"""`rules`: what can be found, what it means, and what to do about it."""

import click
import msgspec

from audit.cli.output import show
from audit.errors import BadInput
from audit.rules import RULES, Rule
from audit.rules.page import page

MARKDOWN = "markdown"


@click.command()
@click.argument("rule_id", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "tsv", MARKDOWN]),
    default="table",
    show_default=True,
    help=f"{MARKDOWN} is the page docs/rules.md.",
)
def rules(rule_id: str | None, output: str) -> None:
    """Print every rule, or all about the rule RULE_ID."""
    if rule_id is not None and rule_id.upper() not in RULES:
        raise BadInput(f"expected the id of a rule such as MA102, got {rule_id!r}: `model-audit rules` lists them")
    if output == MARKDOWN:
        click.echo(page(), nl=False)
    elif rule_id and output == "table":
        _explain(RULES[rule_id.upper()])
    else:
        chosen = [RULES[rule_id.upper()]] if rule_id else list(RULES.values())
        columns = ("id", "severity", "title", "meaning", "remedy") if rule_id else ("id", "severity", "title")
        show([msgspec.to_builtins(rule) for rule in chosen], columns, output, "No rules.")


def _explain(rule: Rule) -> None:
    """Print all about a rule, for reading."""
    told = f"{rule.id}  {rule.title} ({rule.severity})\n\n{rule.meaning}\n\nWhat to do: {rule.remedy}"
    click.echo(click.wrap_text(told, width=100, preserve_paragraphs=True))
