"""Every rule: its id, what it means for a reader who is no engineer, and what to do about it.

Families: MA1xx approval, MA2xx pinning, MA3xx traffic, MA4xx configuration, MA5xx metadata, MA6xx lifecycle,
MA8xx deadlines, MA9xx sight. A rule's judgement stands in `audit/judge.py`.
"""

from dataclasses import dataclass

from audit.model import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which what serves can differ from what was approved."""

    id: str
    title: str
    severity: Severity
    meaning: str
    remedy: str


_ROWS = (
    Rule(
        "MA101",
        "Nothing approves this deployment",
        Severity.HIGH,
        "Something serves requests that nobody has approved. Whoever uses it relies on an unreviewed model.",
        "Approve it by a release that somebody signs, or delete it.",
    ),
    Rule(
        "MA102",
        "Another model version serves than was approved",
        Severity.CRITICAL,
        "The tests and reviews behind the approval were made with another version; they say nothing of this one.",
        "Go back to the approved version, or approve the one that serves.",
    ),
    Rule(
        "MA103",
        "What was approved is gone",
        Severity.HIGH,
        "An approved deployment does not exist any more. Whoever calls it gets errors, or another answer.",
        "Deploy the approved release again, or revoke the approval.",
    ),
    Rule(
        "MA104",
        "The approval has expired",
        Severity.HIGH,
        "The approval was given until a day that has passed, and nobody has renewed it.",
        "Review the release and approve it anew, or take it out of service.",
    ),
    Rule(
        "MA105",
        "Another model serves than was approved",
        Severity.CRITICAL,
        "Not only the version: the model itself is a different one.",
        "Go back to the approved model, or approve the one that serves.",
    ),
    Rule(
        "MA201",
        "The platform may change the model by itself",
        Severity.MEDIUM,
        "The approval names an exact version, but the deployment lets Azure replace it without asking.",
        "Set the upgrade option to NoAutoUpgrade, or approve the option in the release.",
    ),
    Rule(
        "MA202",
        "The model is named by a label that can move",
        Severity.MEDIUM,
        "The deployment follows a label such as `latest`. Whoever moves the label changes what serves.",
        "Deploy an exact version.",
    ),
    Rule(
        "MA301",
        "Traffic is split differently than approved",
        Severity.HIGH,
        "Another share of the requests than approved reaches each version.",
        "Set the approved traffic again, or approve the split that is live.",
    ),
    Rule(
        "MA302",
        "An approved deployment is missing from the endpoint",
        Severity.HIGH,
        "The endpoint was approved with a deployment that is not there.",
        "Deploy it again, or approve the endpoint without it.",
    ),
    Rule(
        "MA303",
        "The endpoint has a deployment that nobody approved",
        Severity.HIGH,
        "A further model stands behind the approved endpoint; a change of traffic is enough to make it serve.",
        "Delete the deployment, or approve it.",
    ),
    Rule(
        "MA401",
        "A setting differs from what was approved",
        Severity.MEDIUM,
        "The model may be the right one, but how it runs (size, environment, filter, network) is not as approved.",
        "Set the approved value again, or approve the one that is live.",
    ),
    Rule(
        "MA501",
        "A tag differs from what was approved",
        Severity.LOW,
        "A label that people and tools rely on to recognise the release is missing or says something else.",
        "Set the approved tag again, or approve the one that is live.",
    ),
    Rule(
        "MA601",
        "The model is retired",
        Severity.CRITICAL,
        "Azure has withdrawn this model version; requests to it fail or will fail at any moment.",
        "Move to an approved successor now.",
    ),
    Rule(
        "MA801",
        "Azure will replace the model on a known day",
        Severity.MEDIUM,
        "The version retires, and the deployment's upgrade option makes Azure put another one in its place. "
        "From that day on an unapproved model serves.",
        "Test and approve a successor, and deploy it before that day.",
    ),
    Rule(
        "MA802",
        "The model will stop answering on a known day",
        Severity.MEDIUM,
        "The version retires and nothing takes its place. From that day on every request fails.",
        "Test and approve a successor, and deploy it before that day.",
    ),
    Rule(
        "MA901",
        "We could not look",
        Severity.HIGH,
        "Azure did not let us see what serves, or answered something we cannot understand. Until that is mended "
        "nothing is known: earlier findings stay open.",
        "Give Model Audit's identity the role Reader on the resource, or report the answer that we could not read.",
    ),
)

RULES = {rule.id: rule for rule in _ROWS}
