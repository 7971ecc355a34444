"""The command line `model-audit`, for engineers and pipelines.

Exit codes: 0 clean or done, 1 findings, 2 the call or the configuration is wrong, 3 could not look or failed.
"""

import logging
import sys
from pathlib import Path

import click

from audit.cli.adopt import adopt
from audit.cli.approve import releases
from audit.cli.evidence import journal, report
from audit.cli.gate import gate
from audit.cli.look import check, findings
from audit.cli.output import EXIT_FAILED, EXIT_USAGE
from audit.cli.past import history, serving
from audit.cli.replay import replay
from audit.cli.rules import rules
from audit.cli.scan import scan
from audit.cli.waive import waivers
from audit.errors import AuditError, BadInput, SettingsError
from audit.settings import load_settings_file

SETTINGS_FILES = (Path("local.settings.json"), Path(".local/local.settings.json"))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="model-audit")
@click.option(
    "--settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A local.settings.json; by default the one here, or the one `make run` writes. The environment wins.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say on stderr what is read and written.")
def cli(settings: Path | None, verbose: bool) -> None:
    """Compare what serves on Azure with what was approved, and answer for it later."""
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR, stream=sys.stderr)
    found = settings or next((path for path in SETTINGS_FILES if path.is_file()), None)
    if found is not None:
        load_settings_file(found)


for command in (scan, check, findings, serving, history, releases, waivers, gate, report, journal, rules, replay):
    cli.add_command(command)

releases.add_command(adopt)


def main() -> None:
    """Run the command line and turn our errors into one line and an exit code."""
    try:
        cli.main(prog_name="model-audit", standalone_mode=True)
    except (BadInput, SettingsError) as error:
        click.echo(f"model-audit: {error}", err=True)
        sys.exit(EXIT_USAGE)
    except AuditError as error:
        click.echo(f"model-audit: {error}", err=True)
        sys.exit(EXIT_FAILED)
