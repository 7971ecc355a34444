"""MA2xx: whether the model stays the approved one until somebody changes it."""

from audit.model import Severity
from audit.rules.rule import Rule

ROWS = (
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
        "MA203",
        "The platform seems to have changed the model by itself",
        Severity.HIGH,
        "The model is another one than before, yet nobody wrote to the deployment: Azure has probably upgraded it.",
        "Test the model that serves now and approve it, or deploy the approved one. Then set NoAutoUpgrade.",
    ),
    Rule(
        "MA204",
        "The model is no registered version",
        Severity.HIGH,
        "The deployment serves files that never went through the registry, so nobody can say what they are.",
        "Register the model and deploy the registered version.",
    ),
    Rule(
        "MA205",
        "A router chooses the model",
        Severity.MEDIUM,
        "Each request may be answered by another model, chosen by Azure. The approval does not say which ones.",
        "Approve the router's mode and its list of models in the release, or deploy one exact model.",
    ),
    Rule(
        "MA206",
        "The upgrade option differs from what was approved",
        Severity.MEDIUM,
        "When Azure may replace the model, and whether at all, is not as approved.",
        "Set the approved upgrade option again, or approve the one that is live.",
    ),
)
