"""What the tests of the stand-in share: where things lie, the day they happen, and the form of a call."""

import ssl
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from local.azure import ControlPlane

ROOT = Path(__file__).resolve().parents[3]
FLEET = ROOT / "local" / "fleet.yaml"
WHOLE = Path(__file__).with_name(
    "whole_fleet.yaml"
)  # one of everything, where the demo's fleet is enough for its story
SHARED = ROOT.parent / "shared" / "data"
ELSEWHERE = "Microsoft's files lie in ../shared of the workshop, which is not here"
TODAY = date(2026, 11, 21)
API = {"api-version": "2025-09-01"}

SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-ml-prod/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/mlw-prod"
ACCOUNT = f"{GROUP}/Microsoft.CognitiveServices/accounts/aoai-prod"
CHAT = f"{ACCOUNT}/deployments/chat"

Ask = Callable[..., httpx.Response]
Asking = Callable[[ControlPlane], Ask]


def client_of(plane: ControlPlane) -> httpx.Client:
    """Return a plain HTTP client that trusts the stand-in."""
    return httpx.Client(base_url=plane.base_url, verify=ssl.create_default_context(cafile=plane.ca_path))


def ask_of(plane: ControlPlane, client: httpx.Client) -> Ask:
    """Return a function that asks the stand-in as somebody of the fleet: `ask(method, path, who)`."""

    def ask(method: str, path: str, who: str | None = "jo", **options: Any) -> httpx.Response:
        if "api-version" not in path:
            options.setdefault("params", API)
        headers = options.pop("headers", {})
        if who:
            token = plane.credential(who).get_token(f"{plane.base_url}/.default").token
            headers = {"Authorization": f"Bearer {token}", **headers}
        return client.request(method, path, headers=headers, **options)

    return ask
