"""The roles that an identity of the stand-in can hold on the subscription, and what each allows."""

from collections.abc import Iterable
from dataclasses import dataclass

from local.azure.ids import AI, ML


@dataclass(frozen=True, slots=True)
class Role:
    """A built-in role: the id of its definition (as Microsoft publishes it), and whose resources it may write."""

    definition: str
    writes: tuple[str, ...] = ()


ROLES = {
    "Reader": Role("acdd72a7-3385-48ef-bd42-f606fba81ae7"),
    "Contributor": Role("b24988ac-6180-42a0-ab88-20f7382dd24c", (ML, AI)),
    "Owner": Role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", (ML, AI)),
    "Cognitive Services Contributor": Role("25fbc0a9-bd7c-42a3-aa1a-3b75d497ee68", (AI,)),
    "AzureML Data Scientist": Role("f6c7c914-8db3-469d-8ca1-694a8f32e121", (ML,)),
    # A classic administrator has no role assignment, so its evidence names no definition.
    "Subscription Admin": Role("", (ML, AI)),
}


def granting_role(roles: Iterable[str], method: str, provider: str) -> str | None:
    """Return the first role that allows `method` on a provider's resources; None where none does."""
    if method == "GET":
        return next(iter(roles), None)
    wanted = provider.lower()
    return next((role for role in roles if wanted in map(str.lower, ROLES[role].writes)), None)
