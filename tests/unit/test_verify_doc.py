"""The page that lets a stranger verify the record: its programs and commands are run as they stand there."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from audit.adapters.seals import TimeStampSeal
from audit.cli.evidence import write_chains
from audit.record import keys, seals
from audit.service.verify import Verifier
from tests.fakes import FakeSeal
from tests.house import House
from tests.tsa import Authority, authority
from tests.unit.test_tamper import checks, edit, policies, rewrite_from, run_house

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "verify.md").read_text("utf-8")
CHAINS, CHECKPOINTS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
BY_CURVE, BY_RSA, STAMPED = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def export(house: House, folder: Path) -> Path:
    write_chains(Verifier(house.ledger, house.releases, house.blobs, house.checkpoints).chains(), folder)
    return folder


def copy(house: House, folder: Path) -> Path:
    for name, content in house.checkpoints.blobs.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def run(program: str, *arguments: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_on_the_page_verifies_an_export(tmp_path: Path) -> None:
    house, _ = run_house()

    answer = run(CHAINS, export(house, tmp_path))

    assert answer.returncode == 0, answer.stderr
    for chain in ("checks of /subscriptions", "approvals of /subscriptions", "policies"):
        assert re.search(rf"^{chain}.*: 12 entries hold together", answer.stdout, re.MULTILINE)
    assert f"{keys.ALERTS} of /subscriptions" in answer.stdout


def test_the_program_on_the_page_finds_an_edited_entry(tmp_path: Path) -> None:
    house, past = run_house()
    edit(checks(house), 4, past)

    answer = run(CHAINS, export(house, tmp_path))

    assert answer.returncode == 1
    assert "entry 5 does not follow entry 4" in answer.stderr


def test_the_second_program_holds_an_export_against_checkpoints(tmp_path: Path) -> None:
    house, _ = run_house()
    house.sweep()

    answer = run(CHECKPOINTS, export(house, tmp_path / "e"), copy(house, tmp_path / "c"))

    assert answer.returncode == 0, answer.stderr
    assert "chains are as it has seen them" in answer.stdout


@pytest.mark.parametrize("of", [checks, policies])
def test_the_second_program_finds_a_chain_that_was_written_anew(of: object, tmp_path: Path) -> None:
    house, past = run_house()
    rewrite_from(of(house), 4, past)  # type: ignore[operator]

    folder = export(house, tmp_path / "e")

    assert run(CHAINS, folder).returncode == 0
    answer = run(CHECKPOINTS, folder, copy(house, tmp_path / "c"))
    assert answer.returncode == 1
    assert "entry 9 is not the one" in answer.stderr


def test_the_second_program_finds_a_checkpoint_that_was_changed(tmp_path: Path) -> None:
    house, _ = run_house()
    house.sweep()
    folder = copy(house, tmp_path / "c")
    oldest = sorted(folder.rglob("*.json"))[0]
    oldest.write_bytes(oldest.read_bytes() + b" ")

    answer = run(CHECKPOINTS, export(house, tmp_path / "e"), folder)

    assert answer.returncode == 1
    assert "its predecessor is another one" in answer.stderr


CONTENT = b'{"heads":{}}'


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with authority(tmp_path_factory.mktemp("tsa")) as running:
        yield running


def shell(script: str, folder: Path, content: bytes = CONTENT) -> "subprocess.CompletedProcess[str]":
    (folder / "c.json").write_bytes(content)
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env={"C": "c.json"}, capture_output=True, text=True, check=False)


def test_openssl_verifies_a_signature_by_a_curve_as_the_page_says(tmp_path: Path) -> None:
    seal = FakeSeal()
    (tmp_path / "key.pem").write_bytes(seal.public_pem)
    (tmp_path / "c.json.sig").write_bytes(seal.seal(CONTENT))

    assert "Verified OK" in shell(BY_CURVE, tmp_path).stdout
    assert shell(BY_CURVE, tmp_path, CONTENT + b" ").returncode != 0


def test_openssl_verifies_a_signature_by_rsa_as_the_page_says(tmp_path: Path) -> None:
    key, sha = rsa.generate_private_key(65537, 2048), hashes.SHA256()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    (tmp_path / "key.pem").write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    signature = key.sign(CONTENT, padding.PSS(padding.MGF1(sha), padding.PSS.DIGEST_LENGTH), sha)
    blob = seals.write_signature(
        "https://vault.test/keys/k/1", "PS256", signature, datetime(2026, 11, 21, tzinfo=UTC)
    )
    (tmp_path / "c.json.sig").write_bytes(blob)

    assert "Verified OK" in shell(BY_RSA, tmp_path).stdout
    assert shell(BY_RSA, tmp_path, CONTENT + b" ").returncode != 0


def test_openssl_verifies_a_stamp_as_the_page_says(tmp_path: Path, tsa: Authority) -> None:
    (tmp_path / "tsa.pem").write_bytes(tsa.root.read_bytes())
    (tmp_path / "c.json.tsr").write_bytes(TimeStampSeal(tsa.url).seal(CONTENT))

    answer = shell(STAMPED, tmp_path)

    assert "Verification: OK" in answer.stdout + answer.stderr
    assert "Time stamp:" in answer.stdout
    assert shell(STAMPED, tmp_path, CONTENT + b" ").returncode != 0


def test_the_packages_on_the_page_are_those_of_the_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (block,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)

    assert block.splitlines() == project["optional-dependencies"]["seals"]
