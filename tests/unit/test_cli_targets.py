"""Which targets a person means on the command line."""

import pytest

from audit.cli.targets import matching
from audit.errors import BadInput
from audit.model import Target
from audit.targets import parse_target
from tests.house import CHAT, CHURN, WORKSPACE

MODEL = parse_target(f"{WORKSPACE}/models/churn")
OTHER_MODEL = parse_target(f"{WORKSPACE}/models/fraud")
KNOWN = {CHAT, CHURN, MODEL, OTHER_MODEL}


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("mlw-prod/churn", [CHURN]),  # an endpoint and a model have this name
        ("mlw-prod/fraud", [OTHER_MODEL]),
        ("MLW-PROD/Churn", [CHURN]),
        ("model:mlw-prod/churn", [MODEL]),
        ("online-endpoint:*/churn", [CHURN]),
        ("mlw-prod/*", [MODEL, OTHER_MODEL, CHURN]),
        ("*/chat", [CHAT]),
    ],
)
def test_a_pattern_means(pattern: str, meant: list[Target]) -> None:
    assert matching(pattern, KNOWN) == meant


@pytest.mark.parametrize("pattern", ["chat", "mlw-prod/chat", "model:aoai-prod/chat", "nonsense:*/churn", ""])
def test_a_pattern_that_means_nothing_says_so(pattern: str) -> None:
    with pytest.raises(BadInput, match="among 4 known ones"):
        matching(pattern, KNOWN)
