"""Who acts: the name that a token of Microsoft Entra carries."""

import base64
import json

_NAMES = ("upn", "preferred_username", "unique_name", "email", "app_displayname")
_IDS = ("appid", "azp", "oid", "sub")


def identity_of(token: str) -> str:
    """Return the name and the object id in a token that our own credential has just given us.

    It is not verified here: storage verifies the same token before it lets anybody write.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        name = next((str(claims[claim]) for claim in (*_NAMES, *_IDS) if claims.get(claim)), "")
        id_ = str(claims.get("oid") or "")
    except (IndexError, ValueError, AttributeError):
        return "an identity whose token cannot be read"
    return f"{name} ({id_})" if id_ and id_ != name else name or "an identity without a name"
