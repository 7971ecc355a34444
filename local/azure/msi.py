"""The managed-identity endpoint that App Service gives its apps, so that the real azure-identity works unchanged.

As on App Service it is plain HTTP on loopback: `IDENTITY_ENDPOINT` names it, and the secret in
`IDENTITY_HEADER`, which differs for each app, tells whose token is asked for.
"""

import secrets
from collections.abc import Iterable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.azure.identity import Identity, make_token

PATH = "/msi/token"
API_VERSION = "2019-08-01"
# The names under which azure-identity picks one of several identities that an app has.
_PICKERS = ("client_id", "object_id", "principal_id", "mi_res_id")


class ManagedIdentities:
    """Every managed identity of the fleet, each the system-assigned identity of an app with its own secret."""

    def __init__(self, by_header: Mapping[str, Identity]) -> None:
        self._by_header = by_header

    def app(self) -> Starlette:
        """Return the endpoint as an application to serve."""
        return Starlette(routes=[Route(PATH, self._token)])

    def header_of(self, key: str | None = None) -> str:
        """Return the secret of the app that runs as this identity; of the fleet's first one without a key.

        Raises `KeyError` where the fleet has no such managed identity.
        """
        for header, identity in self._by_header.items():
            if key in (None, identity.key):
                return header
        raise KeyError(f"expected a managed identity of the fleet; got {key!r}")

    async def _token(self, request: Request) -> JSONResponse:
        identity = self._by_header.get(request.headers.get("x-identity-header", ""))
        resource = request.query_params.get("resource")
        if identity is None:
            return _error(401, "The header X-IDENTITY-HEADER is missing or wrong.")
        if request.query_params.get("api-version") != API_VERSION or not resource:
            return _error(400, f"Expected the parameters resource and api-version={API_VERSION}.")
        wanted = {request.query_params[name] for name in _PICKERS if name in request.query_params}
        if wanted - {identity.app_id, identity.object_id, identity.resource}:
            return _error(400, f"No identity of this app is {', '.join(sorted(wanted))}.")
        return JSONResponse(_grant(identity, resource.removesuffix("/.default")))


def managed_identities(identities: Iterable[Identity]) -> ManagedIdentities:
    """Return the endpoint's state for those of the identities that are managed, with a new secret for each."""
    managed = [each for each in identities if each.kind == "managed-identity"]
    return ManagedIdentities({secrets.token_hex(16): each for each in managed})


def _grant(identity: Identity, resource: str) -> dict[str, str]:
    token = make_token(identity, resource)
    return {
        "access_token": token.token,
        "client_id": identity.app_id,
        "expires_on": str(token.expires_on),
        "resource": resource,
        "token_type": "Bearer",
    }


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"statusCode": status, "message": message}, status)
