"""Signing in to the stand-in: tokens of people, and the real azure-identity as on App Service."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.azure import ControlPlane

# Run in a process of its own, as the function app is: that is where the two settings come from.
ASK_AS_APP = """
import json, sys
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
kind, base_url, ca_path = sys.argv[1:]
credential = {"default": DefaultAzureCredential, "managed": ManagedIdentityCredential}[kind]()
client = CognitiveServicesManagementClient(
    credential, "00000000-0000-4000-8000-000000000001", base_url=base_url,
    credential_scopes=[base_url + "/.default"], connection_verify=ca_path,
)
print(json.dumps([each.name for each in client.accounts.list()]))
"""


@pytest.mark.stack
@pytest.mark.parametrize("kind", ["default", "managed"])
def test_the_real_azure_identity_signs_in_as_the_apps_managed_identity(still: ControlPlane, kind: str) -> None:
    settings = {"IDENTITY_ENDPOINT": still.identity_endpoint, "IDENTITY_HEADER": still.identity_header}

    done = subprocess.run(
        [sys.executable, "-c", ASK_AS_APP, kind, still.base_url, str(still.ca_path)],
        env={"PATH": str(Path(sys.executable).parent), **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stderr == ""
    assert json.loads(done.stdout) == ["aoai-prod", "aoai-support"]
    assert still.requests[-1].who == "model-audit"


def test_the_endpoint_wants_the_apps_own_secret(still: ControlPlane) -> None:
    assert _token(still, header="guessed").status_code == 401
    assert _token(still, header=still.identity_header_of("model-audit")).status_code == 200


def test_the_endpoint_answers_with_the_fields_that_msal_reads(still: ControlPlane) -> None:
    answer = _token(still, header=still.identity_header).json()

    assert set(answer) == {"access_token", "client_id", "expires_on", "resource", "token_type"}
    assert answer["expires_on"].isdigit()


@pytest.mark.parametrize(
    "change", [{"api-version": "2017-09-01"}, {"resource": ""}, {"client_id": "someone-else"}]
)
def test_the_endpoint_refuses_what_app_service_would(still: ControlPlane, change: dict[str, str]) -> None:
    assert _token(still, header=still.identity_header, **change).status_code == 400


def test_only_managed_identities_have_a_secret(still: ControlPlane) -> None:
    with pytest.raises(KeyError):
        still.identity_header_of("jo")


def test_a_persons_credential_speaks_both_of_azure_cores_ways(still: ControlPlane) -> None:
    credential = still.credential("jo")
    scope = f"{still.base_url}/.default"

    assert credential.get_token(scope, claims=None).expires_on == credential.get_token_info(scope).expires_on


def _token(plane: ControlPlane, header: str, **change: Any) -> httpx.Response:
    query = {"api-version": "2019-08-01", "resource": plane.base_url} | change
    return httpx.get(plane.identity_endpoint, params=query, headers={"X-IDENTITY-HEADER": header})
