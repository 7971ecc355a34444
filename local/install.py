"""Install what the project needs into its own folder: a virtual environment and Azurite. Needs only Python.

Run as `python3 -m local.install [FOLDER]`, before any package is there; FOLDER is the virtual environment's, by
default `.venv`. A second run notices that nothing changed, and ends at once.
"""

import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE_MODULES = ROOT / "local" / "node_modules"
STAMP = "installed"  # the file that says of what a folder was made
PYTHON_INPUTS = ("pyproject.toml", "requirements.txt", "local/install.py")
NODE_INPUTS = ("local/package-lock.json", "local/.npmrc")
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20

# Microsoft's worker library says it wants Python 3.13, and gives the same results on 3.11 and 3.12; its two
# dependencies are in the extra `local`.
WORKER = "azure-functions-runtime==1.3.0"


def main() -> None:
    """Install whatever is missing, and show what goes on meanwhile."""
    folder = ROOT / (sys.argv[1] if len(sys.argv) > 1 else ".venv")
    _once(folder, f"{sys.version} {_digest(PYTHON_INPUTS)}", lambda: _install_python(folder))
    _once(NODE_MODULES, _digest(NODE_INPUTS), _install_node)


def _once(folder: Path, wanted: str, install: Callable[[], None]) -> None:
    """Fill a folder, unless it was made of the same things before."""
    stamp = folder / STAMP
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    _check_tools()
    print(f"Installing into {folder.relative_to(ROOT)}; the first time takes a minute or two.", flush=True)
    install()
    stamp.write_text(wanted)


def _install_python(folder: Path) -> None:
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.is_file():
        _step("virtual environment", lambda: venv.create(folder, with_pip=True))
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    _run("Python packages", [*pip, "--editable", ".[cli,seals,local,dev]"])
    _run("the Functions worker", [*pip, "--ignore-requires-python", "--no-deps", WORKER])


def _install_node() -> None:
    npm = shutil.which("npm") or "npm"
    _run("Azurite", [npm, "ci", "--prefix", "local", "--ignore-scripts", "--omit=dev"])


def _digest(inputs: tuple[str, ...]) -> str:
    return hashlib.sha256(b"\0".join((ROOT / name).read_bytes() for name in inputs)).hexdigest()


def _check_tools() -> None:
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"expected CPython 3.11 or later, got {sys.version.split()[0]}: set PYTHON=python3.11")
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        sys.exit(f"expected Node {OLDEST_NODE} or later with npm on the PATH, found none: Azurite runs on it")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        sys.exit(f"expected Node {OLDEST_NODE} or later, got {version}")


def _step(title: str, action: Callable[[], None]) -> None:
    began = time.monotonic()
    action()
    print(f"  {title}: {time.monotonic() - began:.0f} s", flush=True)


def _run(title: str, command: list[str]) -> None:
    """Run a command with one live line of what it does; its whole output is shown only if it fails."""
    _step(title, lambda: _follow(title, command))


def _follow(title: str, command: list[str]) -> None:
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    said: list[str] = []
    spinner = itertools.cycle("|/-\\")
    for line in process.stdout or ():
        said.append(line)
        if sys.stdout.isatty():
            print(f"\r\033[K  {next(spinner)} {title}: {line.strip()[:90]}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    if process.wait():
        sys.exit("".join(said[-40:]) + f"\n{title} failed, see above: {' '.join(command)}")


if __name__ == "__main__":
    main()
