"""What an approved fact admits: one value, one of several, a range, or whatever comes."""

import math
import re

from audit.model import Approved, Scalar

_DURATION = re.compile(r"p(?:(\d{1,6})d)?(?:t(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?)?")
_UNITS = (86_400, 3_600, 60, 1)  # days, hours, minutes, seconds


def admits(expected: Scalar | Approved, got: Scalar | None) -> bool:
    """Say whether a release that names `expected` for a fact approves `got`; None is a fact that is not there."""
    if not isinstance(expected, Approved):
        return got is not None and is_same(expected, got)
    if expected.because:
        return True
    if got is None:
        return False
    if expected.one_of:
        return any(is_same(value, got) for value in expected.one_of)
    return _is_within(expected, got)


def is_same(expected: Scalar, got: Scalar) -> bool:
    """Say whether two values mean the same: services answer `"3"` for 3 and `1106-Preview` in either case."""
    if expected == got:
        return True
    one, other = str(expected).casefold(), str(got).casefold()
    return one == other or (one.startswith("p") and _seconds(one) == _seconds(other) is not None)


def _seconds(duration: str) -> float | None:
    """Return the length of an ISO 8601 duration: services answer `PT1M` for `PT60S`, and `PT5S` for `PT5.0S`."""
    found = _DURATION.fullmatch(duration)
    if found is None or not any(found.groups()):
        return None
    return sum(float(number) * unit for number, unit in zip(found.groups(), _UNITS, strict=True) if number)


def _is_within(expected: Approved, got: Scalar) -> bool:
    number = None if isinstance(got, bool) else as_number(str(got))
    if number is None or (expected.at_least is None and expected.at_most is None):
        return False
    least = -math.inf if expected.at_least is None else expected.at_least
    most = math.inf if expected.at_most is None else expected.at_most
    return least <= number <= most


def as_number(text: str) -> float | None:
    """Return the finite number that a text is, or None."""
    try:
        number = float(text)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
