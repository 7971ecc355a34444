"""MA7xx: who changed what serves, and when."""

from audit.model import Severity
from audit.rules.rule import Rule

ROWS = (
    Rule(
        "MA701",
        "Somebody changed it who is not allowed to",
        Severity.HIGH,
        "Changes are to come from approved pipelines only, because these test first. This one did not.",
        "Deploy the approved release again through its pipeline, or allow the identity in the release or the policy.",
    ),
    Rule(
        "MA702",
        "Somebody changed it by hand in a portal",
        Severity.MEDIUM,
        "A person clicked the change together. No review came before it, and nobody can repeat it exactly.",
        "Deploy the approved release again through its pipeline, or approve what is live now.",
    ),
    Rule(
        "MA703",
        "It was changed outside working hours",
        Severity.LOW,
        "The change was made at a time when the team that could notice a fault is not at work.",
        "Check with whoever made the change that it was meant; approve the release anew when it was.",
    ),
)
