import random

import pytest

from audit.adapters.pace import Pace


class FakeTime:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def asked_at(pace: Pace, time: FakeTime, count: int, pauses: random.Random | None = None) -> list[float]:
    asked = []
    for _ in range(count):
        pace.take()
        asked.append(time.now)
        time.now += pauses.choice([0, 0, 0, 0.3, 2]) if pauses else 0
    return asked


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_no_second_sees_more_than_25_reads(seed: int | None) -> None:
    time = FakeTime()
    pauses = random.Random(seed) if seed else None  # noqa: S311 - the same pauses every time
    asked = asked_at(Pace(clock=time.clock, sleep=time.sleep), time, 300, pauses)

    assert max(sum(1 for other in asked if 0 <= other - each < 1) for each in asked) <= 25


def test_what_is_asked_without_a_pause_goes_at_20_a_second() -> None:
    time = FakeTime()

    asked = asked_at(Pace(clock=time.clock, sleep=time.sleep), time, 205)

    assert asked[-1] - asked[0] == pytest.approx(10)


def test_a_rest_lets_only_a_burst_through_at_once() -> None:
    time = FakeTime()
    pace = Pace(clock=time.clock, sleep=time.sleep)
    time.now += 3600

    asked = asked_at(pace, time, 6)

    assert asked[4] == pytest.approx(asked[0])
    assert asked[5] == pytest.approx(asked[0] + 0.05)


def test_nobody_asks_while_azure_wants_to_be_left_alone() -> None:
    time = FakeTime()
    pace = Pace(clock=time.clock, sleep=time.sleep)
    pace.take()
    pace.hold(3)

    pace.take()

    assert time.now == 103
