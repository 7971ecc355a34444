"""The stand-in's answers held against Microsoft's own swagger, where the shared data folder is at hand."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from local.azure import ControlPlane
from tests.local.azure.asking import ELSEWHERE, SHARED, Asking

SPECS = SHARED / "azure-rest-api-specs" / "specification"
ML_FILES = "machinelearningservices/resource-manager/Microsoft.MachineLearningServices/stable/2024-04-01"
AI_FILES = "cognitiveservices/resource-manager/Microsoft.CognitiveServices/preview/2024-06-01-preview"
MFE, WORKSPACES = f"{ML_FILES}/mfe.json", f"{ML_FILES}/machineLearningServices.json"
AI = f"{AI_FILES}/cognitiveservices.json"

S = "/subscriptions/{subscriptionId}"
G = S + "/resourceGroups/{resourceGroupName}"
W = G + "/providers/Microsoft.MachineLearningServices/workspaces/{workspaceName}"
E = W + "/onlineEndpoints/{endpointName}"
A = G + "/providers/Microsoft.CognitiveServices/accounts/{accountName}"

PATHS = [
    (WORKSPACES, S + "/providers/Microsoft.MachineLearningServices/workspaces"),
    (WORKSPACES, G + "/providers/Microsoft.MachineLearningServices/workspaces"),
    (WORKSPACES, W),
    (MFE, W + "/models"),
    (MFE, W + "/models/{name}"),
    (MFE, W + "/models/{name}/versions"),
    (MFE, W + "/models/{name}/versions/{version}"),
    (MFE, W + "/onlineEndpoints"),
    (MFE, E),
    (MFE, E + "/deployments"),
    (MFE, E + "/deployments/{deploymentName}"),
    (AI, S + "/providers/Microsoft.CognitiveServices/accounts"),
    (AI, G + "/providers/Microsoft.CognitiveServices/accounts"),
    (AI, A),
    (AI, A + "/deployments"),
    (AI, A + "/deployments/{deploymentName}"),
    (AI, A + "/raiPolicies"),
    (AI, A + "/raiPolicies/{raiPolicyName}"),
    (AI, A + "/models"),
    (AI, S + "/providers/Microsoft.CognitiveServices/locations/{location}/models"),
]
R = G + "/providers/Microsoft.MachineLearningServices/registries/{registryName}"
REGISTRIES = f"{ML_FILES}/registries.json"
WHOLE_PATHS = [
    (MFE, W + "/batchEndpoints"),
    (MFE, W + "/batchEndpoints/{endpointName}"),
    (MFE, W + "/batchEndpoints/{endpointName}/deployments"),
    (MFE, W + "/batchEndpoints/{endpointName}/deployments/{deploymentName}"),
    (MFE, W + "/jobs"),
    (MFE, W + "/jobs/{id}"),
    (MFE, W + "/serverlessEndpoints"),
    (MFE, W + "/serverlessEndpoints/{name}"),
    (MFE, W + "/marketplaceSubscriptions"),
    (REGISTRIES, S + "/providers/Microsoft.MachineLearningServices/registries"),
    (REGISTRIES, G + "/providers/Microsoft.MachineLearningServices/registries"),
    (REGISTRIES, R),
    (MFE, R + "/models"),
    (MFE, R + "/models/{modelName}"),
    (MFE, R + "/models/{modelName}/versions"),
    (MFE, R + "/models/{modelName}/versions/{version}"),
]
WHOLE_NAMES = {
    "subscriptionId": "00000000-0000-4000-8000-000000000002",
    "resourceGroupName": "rg-one",
    "workspaceName": "mlw-one",
    "endpointName": "nightly",
    "deploymentName": "v2",
    "name": "llama",
    "registryName": "reg-shared",
    "modelName": "churn",
    "version": "7",
    "id": "churn_train_0142",
}
ML_NAMES = {"endpointName": "fraud", "deploymentName": "green", "name": "churn", "version": "3"}
AI_NAMES = {"accountName": "aoai-prod", "deploymentName": "chat", "raiPolicyName": "contoso-strict"}
NAMES = {
    "subscriptionId": "00000000-0000-4000-8000-000000000001",
    "resourceGroupName": "rg-ml-prod",
    "workspaceName": "mlw-prod",
    "location": "westeurope",
}

pytestmark = pytest.mark.skipif(not SPECS.exists(), reason=ELSEWHERE)


@pytest.mark.parametrize(("file", "template"), PATHS)
def test_an_answer_fits_the_official_schema(still: ControlPlane, asking: Asking, file: str, template: str) -> None:
    names = NAMES | (AI_NAMES if file == AI else ML_NAMES)

    answer = asking(still)("GET", template.format(**names))

    assert answer.status_code == 200
    schema = _load(file)["paths"][template]["get"]["responses"]["200"]["schema"]
    jsonschema.validate(_without_nulls(answer.json()), _resolved(schema, SPECS / file))


@pytest.mark.parametrize(("file", "template"), WHOLE_PATHS)
def test_an_answer_of_a_rarer_kind_fits_the_official_schema(
    whole: ControlPlane, asking: Asking, file: str, template: str
) -> None:
    names = WHOLE_NAMES | ({"resourceGroupName": "rg-shared"} if "registr" in template else {})

    answer = asking(whole)("GET", template.format(**names), "auditor")

    assert answer.status_code == 200
    schema = _load(file)["paths"][template]["get"]["responses"]["200"]["schema"]
    jsonschema.validate(_without_nulls(answer.json()), _resolved(schema, SPECS / file))


@pytest.mark.parametrize(
    ("recorded", "path"),
    [
        ("cognitiveservices-deployments-list-2025-06-01", A + "/deployments"),
        ("ml-modelversions-list-2022-05-01", W + "/models/{name}/versions"),
        ("ml-modelcontainers-list-2022-05-01", W + "/models"),
        ("ml-onlinedeployment-get-2022-02-01-preview", E + "/deployments/{deploymentName}"),
    ],
)
def test_an_answer_has_every_field_that_a_recorded_one_has(
    still: ControlPlane, asking: Asking, recorded: str, path: str
) -> None:
    real = json.loads((SPECS.parent / "real-shapes" / f"{recorded}.json").read_text("utf-8"))
    # Embeddings, because that deployment is the demo's only one of the recorded one's SKU.
    names = NAMES | ML_NAMES | AI_NAMES | {"deploymentName": "green"}

    answer = asking(still)("GET", path.format(**names)).json()

    assert _fields(_first(real)) - _fields(_first(answer)) <= {"properties.versionUpgradeOption"}


def _first(answer: Any) -> Any:
    return answer["value"][0] if "value" in answer else answer


def _fields(document: Any, prefix: str = "") -> set[str]:
    fields = set()
    for key, value in document.items():
        fields.add(prefix + key)
        # Names inside these are the deployment's own and not the service's.
        if isinstance(value, dict) and key not in ("tags", "capabilities", "flavors"):
            fields |= _fields(value, f"{prefix}{key}.")
    return fields


@cache
def _load(path: str) -> Any:
    return json.loads((SPECS / path).read_text("utf-8"))


def _resolved(schema: Any, file: Path, seen: tuple[str, ...] = ()) -> Any:
    """Return a schema without references, taken as lightly as Azure itself takes it.

    `additionalProperties: false` beside `allOf` would refuse what the parent type has, and subtypes are named by
    discriminators that jsonschema does not know, so neither is held against an answer.
    """
    if isinstance(schema, list):
        return [_resolved(each, file, seen) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        where, _, pointer = schema["$ref"].partition("#/")
        target = (file.parent / where).resolve() if where else file
        key = f"{target}#{pointer}"
        if key in seen:
            return {}
        return _resolved(_at(target, pointer), target, (*seen, key))
    kept = {key: value for key, value in schema.items() if key != "additionalProperties" or value is not False}
    return {
        key: value if key in ("enum", "example") else _resolved(value, file, seen) for key, value in kept.items()
    }


def _at(file: Path, pointer: str) -> Any:
    found = _load(str(file.resolve().relative_to(SPECS.resolve())))
    for part in pointer.split("/"):
        found = found[part]
    return found


def _without_nulls(document: Any) -> Any:
    """Return a document without its nulls, which `x-nullable` allows nearly everywhere."""
    if isinstance(document, dict):
        return {key: _without_nulls(value) for key, value in document.items() if value is not None}
    return [_without_nulls(each) for each in document] if isinstance(document, list) else document
