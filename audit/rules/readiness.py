"""MA9xx: whether we can see what serves, and whether there is a way back from it."""

from audit.model import Severity
from audit.rules.rule import Rule

ROWS = (
    Rule(
        "MA901",
        "We could not look",
        Severity.HIGH,
        "The service did not let us see what serves, or answered something we cannot understand. Until that is mended "
        "nothing is known: earlier findings stay open.",
        "Give Model Audit's identity the role Reader on the resource (in MLflow the permission READ), or report the answer that we could not read.",
    ),
    Rule(
        "MA902",
        "It has not been seen for too long",
        Severity.HIGH,
        "For longer than the policy allows nobody knows what serves here. The approval is unchecked all that time.",
        "Mend what keeps us from looking (see the finding `We could not look`), and check the target.",
    ),
    Rule(
        "MA903",
        "There is no release to go back to",
        Severity.MEDIUM,
        "If the model fails, on-call has no approved version that could take over at once.",
        "Name a rollback release that was approved and can still be deployed.",
    ),
    Rule(
        "MA904",
        "The release to go back to is archived",
        Severity.MEDIUM,
        "What should take over in an emergency, the release or a model version that it names, was put away, and "
        "cannot be deployed as it is.",
        "Restore that model version, or name another rollback release.",
    ),
    Rule(
        "MA905",
        "The release to go back to cannot be deployed any more",
        Severity.HIGH,
        "The version that should take over in an emergency was deleted or withdrawn.",
        "Name another rollback release, and deploy it once to be sure.",
    ),
    Rule(
        "MA906",
        "The release to go back to is the one that serves",
        Severity.MEDIUM,
        "Going back would change nothing: the fallback is the same model as the one that may have failed.",
        "Name an earlier release as rollback.",
    ),
    Rule(
        "MA907",
        "The last change of the deployment failed",
        Severity.HIGH,
        "The service could not finish the change. What answers now may be the old state, half of the new one, or nothing.",
        "Read the deployment's log, mend the cause, and deploy the approved release again.",
    ),
    Rule(
        "MA908",
        "The deployment is paused",
        Severity.HIGH,
        "Somebody has stopped the deployment; whoever calls it gets an error until it is resumed.",
        "Resume the deployment, or approve that it is paused.",
    ),
    Rule(
        "MA909",
        "The retirement dates could not be read",
        Severity.MEDIUM,
        "Azure did not show us when models of this region retire. Until that is mended nobody is warned of a day on "
        "which the model stops answering or is replaced; earlier warnings stay open.",
        "Give Model Audit's identity the role Reader on the subscription: the model catalogue belongs to it, and not "
        "to the account.",
    ),
)
