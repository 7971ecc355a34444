"""MA5xx: what is written on the model, and whether it could be made again."""

from audit.model import Severity
from audit.rules.rule import Rule

ROWS = (
    Rule(
        "MA501",
        "A tag differs from what was approved",
        Severity.LOW,
        "A label that people and tools rely on to recognise the release is missing or says something else.",
        "Set the approved tag again, or approve the one that is live.",
    ),
    Rule(
        "MA502",
        "A required tag is missing",
        Severity.LOW,
        "The policy of this place demands a label, such as the owner, that is not there.",
        "Set the tag, and name it in the release.",
    ),
    Rule(
        "MA503",
        "A property differs from what was approved",
        Severity.LOW,
        "What the registry records about the model is missing or says something else than when it was approved.",
        "Set the approved property again, or approve the one that is live.",
    ),
    Rule(
        "MA504",
        "A required property is missing",
        Severity.LOW,
        "The policy of this place demands a statement about the model that is not there.",
        "Register the model with the property, or set it, and name it in the release.",
    ),
    Rule(
        "MA505",
        "A quality metric is missing or differs",
        Severity.MEDIUM,
        "The measured quality of the model is not there, or not the one on which the approval rests.",
        "Evaluate the model again and record the result; approve it if the result is good.",
    ),
    Rule(
        "MA506",
        "The data version is missing or differs",
        Severity.MEDIUM,
        "The model was trained on other data than approved, or nobody recorded on which.",
        "Record the right data version, or train and approve a model on the approved data.",
    ),
    Rule(
        "MA507",
        "The framework is missing or differs",
        Severity.LOW,
        "The model was made with another tool than approved, or nobody recorded with which.",
        "Record the right framework, or approve the one that is recorded.",
    ),
    Rule(
        "MA508",
        "The task type is missing or differs",
        Severity.MEDIUM,
        "What the model is meant for is not recorded, or is not what was approved.",
        "Record the right task type, or approve the one that is recorded.",
    ),
    Rule(
        "MA509",
        "The model cannot be reproduced as approved",
        Severity.MEDIUM,
        "Code, data or training run are not recorded. Nobody could make this model again, or explain it later.",
        "Record git commit, data version and run in the release's evidence or on the model version.",
    ),
    Rule(
        "MA510",
        "The feature retrieval spec is missing",
        Severity.MEDIUM,
        "It is not recorded which features the model is fed, so training and serving may differ unnoticed.",
        "Package feature_retrieval_spec.yaml with the model, and name it in the release's evidence.",
    ),
    Rule(
        "MA511",
        "Metadata was changed after the approval",
        Severity.LOW,
        "Somebody altered what is written on the model after it had been approved. The approval did not cover it.",
        "Find out why it was changed; set it back, or approve the release anew.",
    ),
)
