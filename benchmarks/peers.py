"""Where the heavy peers are installed, and what to do where they are not."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# An environment of their own: 700 MB and 120 packages that must never meet the project's.
PEER_PYTHON = ROOT / ".bench" / "bin" / "python"
ADVICE = "not run; `make bench-peers` installs it (700 MB) and runs it"
