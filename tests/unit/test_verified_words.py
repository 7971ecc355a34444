"""What `journal verify` says, as the auditor reads it."""

from datetime import timedelta

import pytest

from audit.cli.verified import conclusions, show_chains, show_checkpoints
from audit.errors import Unavailable
from audit.record.seals import Trust, read_trust
from audit.service.verify import Verified, Verifier
from tests.fakes import FakeSeal
from tests.house import House
from tests.unit.test_seals import move_on, sealing_house
from tests.unit.test_tamper import checks, edit, run_house


def verified(house: House, trust: Trust | None = None) -> Verified:
    verifier = Verifier(house.ledger, house.releases, house.blobs, house.checkpoints)
    return verifier.verify([], (), trust or Trust())


def said(house: House, trust: Trust | None = None, **later: float) -> str:
    return "\n".join(conclusions(verified(house, trust), house.clock.now() + timedelta(**later)))


def test_a_whole_record_says_what_holds_and_by_whose_word() -> None:
    house, _ = run_house()

    text = said(house)

    assert "All 5 chains hold together." in text
    assert "5 of them are vouched for by 1 checkpoint, the newest of 2026-11-21 09:09:00 UTC." in text
    assert "Signatures: none." in text
    assert "BROKEN" not in text


def test_what_is_broken_is_said_first_with_expected_and_got() -> None:
    house, past = run_house()
    edit(checks(house), 4, past)

    first, second, *_ = said(house).splitlines()

    assert first.startswith("BROKEN checks of /subscriptions/")
    assert "at entry 5 expected entry 4 with digest" in first
    assert "which it names, got" in first
    assert second == "4 of 5 chains hold together."


def test_without_a_checkpoint_it_says_what_would_not_show() -> None:
    house, _ = run_house()
    house.checkpoints.blobs.clear()

    assert "There is no checkpoint: a tail that was cut off" in said(house)


def test_a_checkpoint_that_is_overdue_is_a_question_about_the_app() -> None:
    house, _ = run_house()

    assert "No checkpoint was written for 3 days" in said(house, days=3, minutes=30)
    assert "No checkpoint was written" not in said(house, hours=20)


@pytest.mark.parametrize(
    ("is_trusted", "words"),
    [(True, "Signatures: 3 of 3 checkpoints; 3 hold."), (False, "3 not checked (no public key was given).")],
)
def test_signatures_are_counted_by_what_they_are_worth(is_trusted: bool, words: str) -> None:
    seal = FakeSeal()
    house = sealing_house(seal)
    move_on(house, 2)

    assert words in said(house, read_trust([seal.public_pem], []) if is_trusted else None)


def test_a_signature_by_somebody_else_is_broken_and_counted() -> None:
    house = sealing_house(FakeSeal())

    text = said(house, read_trust([FakeSeal().public_pem], []))

    assert "BROKEN signature of checkpoint p-" in text
    assert "Signatures: 1 of 1 checkpoint; 1 does not hold." in text


def test_what_waits_for_a_seal_is_said() -> None:
    text = said(sealing_house(FakeSeal(errors=[Unavailable("the vault is down")])))

    assert "Owed: 1 of /subscriptions/" in text
    assert text.endswith("the vault is down")


def test_the_table_tells_from_when_and_up_to_where(capsys: pytest.CaptureFixture[str]) -> None:
    house, past = run_house()
    edit(checks(house), 11, past)

    show_chains(verified(house), "tsv")

    lines = capsys.readouterr().out.splitlines()
    assert "approvals\taoai-prod/chat\t2026-11-21 09:00:00\t12\t9\t2026-11-21 09:08:00\tholds" in lines
    assert any(
        line.startswith("checks\taoai-prod/chat\t") and line.endswith("\tBROKEN at entry 12") for line in lines
    )
    assert any(line.startswith("policies\t\t") for line in lines)


def test_each_checkpoint_says_by_which_version_of_a_key_it_is_signed(capsys: pytest.CaptureFixture[str]) -> None:
    seal = FakeSeal()
    house = sealing_house(seal)

    show_checkpoints(verified(house, read_trust([seal.public_pem], [])), "tsv")

    (line,) = capsys.readouterr().out.splitlines()
    assert "signed by key https://vault.test/keys/k/1 at 2026-11-21 09:00:00 UTC: holds\tno" in line
