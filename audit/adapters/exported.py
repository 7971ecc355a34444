"""The live state as a folder of `az` output shows it: what is not in the folder was not looked at."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from audit.model import Kind, Look, Outcome, Target
from audit.ports import Listing, every
from audit.sight.catalogue import Catalogue, Unread
from audit.sight.exports import Export

_MISSING = Look(Outcome.UNREADABLE, reason="it is not in the export, which cannot show that it is gone")
_ONLY_PRINTED = "an export holds the models that somebody printed"
_NO_MODELS = Unread("the export holds no models of a region: add `az cognitiveservices model list -l REGION`")


@dataclass(frozen=True, slots=True)
class ExportedLive:
    """See `audit.ports.Live`. `approved` are the targets that ought to be in the folder."""

    export: Export
    approved: Collection[Target]

    def parents(self) -> list[str]:
        """Return the parents of everything that is in the folder or ought to be."""
        return sorted({target.parent for target in (*self.export.looks, *self.approved)})

    def look(self, target: Target) -> Look:
        """Return what the folder holds of a target."""
        return self.export.looks.get(target, _MISSING)

    def list_targets(
        self,
        parent: str,
        known: Mapping[Target, str] | None = None,  # noqa: ARG002 - the port's shape; a folder has no index
    ) -> Listing:
        """Return what the folder holds of a parent, and what it lacks."""
        held = {*self.export.looks, *self.approved}
        looks = {target: self.look(target) for target in held if target.parent == parent}
        return Listing(looks, skipped={every(Kind.MODEL): _ONLY_PRINTED})

    def catalogue(self, parent: str, max_age: timedelta) -> Catalogue | Unread:  # noqa: ARG002 - the port's shape
        """Return the retirement dates of the region of an account, as far as the folder tells."""
        found = self.export.catalogue_for(parent)
        return found if found is not None else _NO_MODELS
