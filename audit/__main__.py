"""Run the command line: `python -m audit` is `model-audit`."""

from audit.cli import main

main()
