"""Every type of resource that the stand-in knows, and how it takes writes.

A type without rules can be listed and read only; a new type is one row here.
"""

from local.azure import account_documents as ai
from local.azure import account_rules, workspace_rules
from local.azure import hosted_documents as hosted
from local.azure import job_documents as jobs
from local.azure import workspace_documents as ml
from local.azure.drafts import Rules
from local.azure.ids import AI

_RULES: dict[str, Rules | None] = {
    ml.WORKSPACE: None,
    ml.MODEL: workspace_rules.MODEL_RULES,
    ml.MODEL_VERSION: workspace_rules.VERSION_RULES,
    jobs.JOB: None,
    ml.ENDPOINT: workspace_rules.ENDPOINT_RULES,
    ml.DEPLOYMENT: workspace_rules.DEPLOYMENT_RULES,
    hosted.BATCH_ENDPOINT: None,
    hosted.BATCH_DEPLOYMENT: None,
    hosted.SERVERLESS_ENDPOINT: None,
    ml.REGISTRY: None,
    f"{ml.REGISTRY}/models": None,
    f"{ml.REGISTRY}/models/versions": None,
    # Known so that their lists are empty rather than refused; documents of them can be placed by hand.
    f"{ml.WORKSPACE}/marketplaceSubscriptions": None,
    f"{ml.WORKSPACE}/connections": None,
    ai.ACCOUNT: None,
    ai.DEPLOYMENT: account_rules.DEPLOYMENT_RULES,
    ai.CONTENT_FILTER: account_rules.CONTENT_FILTER_RULES,
    f"{ai.ACCOUNT}/models": None,
    f"{AI}/locations/models": None,
}

RULES = {type_.lower(): rules for type_, rules in _RULES.items()}
SPELLING = {type_.lower(): type_ for type_ in _RULES}
