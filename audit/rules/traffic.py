"""MA3xx: which deployment gets which share of the requests."""

from audit.model import Severity
from audit.rules.rule import Rule

ROWS = (
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
        "MA304",
        "Traffic does not add up to 100 percent",
        Severity.HIGH,
        "The shares of the requests do not make a whole, so nobody can say who answers the rest.",
        "Set shares that add up to 100, and approve them in the release.",
    ),
    Rule(
        "MA305",
        "Traffic goes to a deployment that does not exist",
        Severity.CRITICAL,
        "A share of the requests is sent to something that is not there, and fails.",
        "Send that share to a deployment that exists, or deploy the missing one.",
    ),
    Rule(
        "MA306",
        "Mirrored traffic differs from what was approved",
        Severity.MEDIUM,
        "Copies of people's requests go to another deployment, or in another share, than approved.",
        "Set the approved mirroring again, or approve the one that is live.",
    ),
    Rule(
        "MA307",
        "A trial deployment has been on trial for too long",
        Severity.MEDIUM,
        "A new version gets a small share of the requests to be tried out, and the time for trying is over.",
        "Decide: give it all traffic, or delete it. Extend the trial only by a new approval.",
    ),
    Rule(
        "MA308",
        "Another deployment answers by default than was approved",
        Severity.HIGH,
        "Jobs that name no deployment are answered by another model than the approved one.",
        "Set the approved default deployment again, or approve the one that is live.",
    ),
)
