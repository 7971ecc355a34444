"""The page that lets a stranger verify the record: its program is run as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from audit import keys
from audit.cli.evidence import write_chains
from audit.service.verify import Verifier
from tests.house import House
from tests.unit.test_tamper import checks, edit, run_house

PAGE = Path(__file__).parents[2] / "docs" / "verify.md"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert code is not None
    file = tmp_path / "verify.py"
    file.write_text(code[1], "utf-8")
    return file


def verify(house: House, program: Path) -> "subprocess.CompletedProcess[str]":
    folder = program.parent / "export"
    write_chains(Verifier(house.ledger, house.releases, house.blobs, house.checkpoints).chains(), folder)
    return subprocess.run([sys.executable, program, folder], capture_output=True, text=True, check=False)


def test_the_program_on_the_page_verifies_an_export(program: Path) -> None:
    house, _ = run_house()

    answer = verify(house, program)

    assert answer.returncode == 0, answer.stderr
    assert "12 entries hold together" in answer.stdout
    assert f"{keys.ALERTS} of " in answer.stdout


def test_the_program_on_the_page_finds_an_edited_entry(program: Path) -> None:
    house, past = run_house()
    edit(checks(house), 4, past)

    answer = verify(house, program)

    assert answer.returncode == 1
    assert "entry 5 does not follow entry 4" in answer.stderr
