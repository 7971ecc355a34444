"""MA8xx: what will happen on a known day unless somebody acts before."""

from audit.model import Severity
from audit.rules.rule import Rule

ROWS = (
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
        "MA803",
        "Azure has moved the model's retirement date",
        Severity.MEDIUM,
        "The day on which the model is withdrawn is another one than when the release was approved.",
        "Plan the change to a successor by the new date, and approve the release anew with it in view.",
    ),
    Rule(
        "MA804",
        "The model that Azure will put in its place is not approved",
        Severity.HIGH,
        "Azure has named the successor, and the change is near; nobody has tested and approved that successor yet.",
        "Test and approve the successor, or deploy another approved model before the change.",
    ),
    Rule(
        "MA805",
        "The approval ends on a known day",
        Severity.LOW,
        "The approval was given until a day that comes near. Afterwards nothing covers what serves.",
        "Review the release and approve it anew before that day.",
    ),
    Rule(
        "MA806",
        "A waiver ends on a known day",
        Severity.LOW,
        "A finding that somebody accepted for a while is reported again after that day.",
        "Mend the finding before that day, or have the waiver renewed.",
    ),
    Rule(
        "MA807",
        "A review is due on a known day",
        Severity.LOW,
        "The release is to be looked at again by a day that comes near.",
        "Review the release, and set the next review date by approving it anew.",
    ),
)
