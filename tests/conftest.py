"""What all tests share: how hypothesis runs, and one Azurite for those that need it."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from local.azurite import azurite

# The same examples on every machine and every day; a failure is then a failure of the code, not of the dice.
# How fast examples are made says something of the machine's load only.
settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")

# `make test` stays short; this one is for `pytest --hypothesis-profile thorough tests/unit/test_intake.py`.
settings.register_profile("thorough", settings.get_profile("house"), max_examples=10_000)


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Leave the environment as it was: the command line puts there what a `local.settings.json` says."""
    before = dict(os.environ)
    yield
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def storage_connection() -> Iterator[str]:
    """Start Azurite once, and yield the connection string of its account."""
    with azurite() as running:
        yield running.connection_string
