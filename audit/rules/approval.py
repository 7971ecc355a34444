"""MA1xx: whether what serves is what somebody approved, and whether that approval is worth anything."""

from audit.model import Severity
from audit.rules.rule import Rule

ROWS = (
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
        "MA106",
        "The model's files differ though its version is the same",
        Severity.CRITICAL,
        "The version number is the approved one, but it points to other files than those that were tested. "
        "This hides a change behind an unchanged name.",
        "Find out who replaced the files. Register them as a version of their own, and deploy the approved files.",
    ),
    Rule(
        "MA107",
        "The approval lacks evidence that the policy demands",
        Severity.HIGH,
        "Somebody approved the release without all the tests and reviews that this place requires beforehand.",
        "Hand in the missing evidence and approve the release anew, or take it out of service.",
    ),
    Rule(
        "MA108",
        "Whoever deployed the release approved it as well",
        Severity.HIGH,
        "Two people should look at each release. Here one person decided and acted alone.",
        "Let somebody else review the release and approve it anew.",
    ),
    Rule(
        "MA109",
        "The review of the release is overdue",
        Severity.MEDIUM,
        "The release was to be looked at again by a day that has passed. Whether it is still good is not known.",
        "Review the release, and set the next review date by approving it anew.",
    ),
    Rule(
        "MA110",
        "A waiver has ended, and what it accepted is still there",
        Severity.HIGH,
        "Somebody accepted a finding until a day. That day has passed, and nothing was mended.",
        "Mend the finding, or let somebody with the right to do so accept it anew until a later day.",
    ),
)
