"""MA6xx: whether a model is in the stage of its life in which it may serve."""

from audit.model import Severity
from audit.rules.rule import Rule

ROWS = (
    Rule(
        "MA601",
        "The model is retired",
        Severity.CRITICAL,
        "Azure has withdrawn this model version; requests to it fail or will fail at any moment.",
        "Move to an approved successor now.",
    ),
    Rule(
        "MA602",
        "An archived model serves",
        Severity.HIGH,
        "The model was put away in the registry, and still answers requests or is still approved.",
        "Restore the version if it is to serve; else deploy its successor.",
    ),
    Rule(
        "MA603",
        "A release that was archived still serves",
        Severity.HIGH,
        "The team has declared the release to be out of use, yet it answers requests.",
        "Delete the deployment, or bring the release back by a new approval.",
    ),
    Rule(
        "MA604",
        "The stage of the release or the model does not allow this",
        Severity.HIGH,
        "What serves was approved for trying out, or is marked with another stage, and not for use in this place.",
        "Promote the release through its gates, or deploy one that has passed them.",
    ),
    Rule(
        "MA605",
        "The model has too many active versions",
        Severity.LOW,
        "So many versions are in use at once that nobody can keep an eye on all of them.",
        "Archive the versions that are no longer needed.",
    ),
    Rule(
        "MA606",
        "A version was deleted inside its retention time",
        Severity.HIGH,
        "Evidence of what served must be kept for years. A model version has been deleted before that time.",
        "Restore it from a copy, or register the same files again; note why it was deleted. Archive, do not delete.",
    ),
)
