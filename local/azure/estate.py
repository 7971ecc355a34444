"""Everything the stand-in's subscription holds at this moment: documents by id, and the models on offer."""

import threading
from dataclasses import replace
from datetime import date

from local.azure.account_documents import catalogue_model, catalogue_models
from local.azure.documents import Document
from local.azure.fleet import CatalogueRow, Fleet
from local.azure.from_fleet import authors_of, documents_of
from local.azure.ids import AI, Address, collection_of, name_of
from local.azure.to_fleet import FleetReader
from local.azure.workspace_documents import REGISTRY


class Estate:
    """The state behind the stand-in. Documents in it are never changed, only replaced by newer ones.

    Whoever reads and then writes holds `lock` from the one to the other.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.authors = authors_of(fleet)
        self.identities = self.authors.identities
        self.catalogue = fleet.catalogue
        self.lock = threading.RLock()
        self._collections: dict[str, dict[str, Document]] = {}

    def find(self, id_: str) -> Document | None:
        """Return the document with this id, in whatever case it is spelt."""
        return self._collections.get(collection_of(id_), {}).get(name_of(id_).lower())

    def put(self, document: Document) -> None:
        """Keep a document under its id, in place of an older one."""
        with self.lock:
            below = self._collections.setdefault(collection_of(document["id"]), {})
            below[name_of(document["id"]).lower()] = document

    def remove(self, id_: str) -> None:
        """Forget a document and everything below it."""
        with self.lock:
            self._collections.get(collection_of(id_), {}).pop(name_of(id_).lower(), None)
            prefix = f"{id_.lower()}/"
            for path in [path for path in self._collections if path.startswith(prefix)]:
                del self._collections[path]

    def registry(self, name: str) -> Document | None:
        """Return the registry of this name: unlike all else, its name alone is unique."""
        wanted = f"/{REGISTRY}/{name}".lower()
        return next((each for each in self.every() if str(each["id"]).lower().endswith(wanted)), None)

    def listed(self, address: Address, today: date) -> list[Document]:
        """Return the documents of a list, in no order."""
        with self.lock:
            if address.type == f"{AI}/locations/models".lower():
                return self.catalogue_of(address.names[0], today)
            if address.type == f"{AI}/accounts/models".lower():
                return self._account_models(address, today)
            if address.group is None:
                return self._everywhere(address)
            return list(self._collections.get(address.path.lower(), {}).values())

    def every(self) -> list[Document]:
        """Return every document there is."""
        with self.lock:
            return [each for below in self._collections.values() for each in below.values()]

    def below(self, id_: str, kind: str) -> list[Document]:
        """Return the documents of one type below a resource."""
        with self.lock:
            return list(self._collections.get(f"{id_}/{kind}".lower(), {}).values())

    def offers(self, location: str) -> list[CatalogueRow]:
        """Return the models on offer in a region."""
        homes = tuple(account.location for account in self.fleet.openai_accounts.values())
        return [row for row in self.catalogue if location.lower() in (row.locations or homes)]

    def catalogue_of(self, location: str, today: date) -> list[Document]:
        """Return the region's list of models."""
        return [each for row in self.offers(location) for each in catalogue_models(row, today)]

    def retire(self, model: str, version: str, on: date) -> None:
        """Move the retirement date of a model; raise `KeyError` where nothing of that name is on offer."""
        if not any((row.model, row.version) == (model, version) for row in self.catalogue):
            raise KeyError(f"expected a model in the catalogue; got {model} {version}")
        self.catalogue = tuple(
            replace(row, retires=on) if (row.model, row.version) == (model, version) else row
            for row in self.catalogue
        )

    def told(self) -> Fleet:
        """Return the present state as a fleet, to be written down."""
        with self.lock:
            reader = FleetReader(self._collections, self.authors, self.fleet.tenant)
            return reader.fleet(self.fleet.subscription, self.fleet.people, self.catalogue)

    def _everywhere(self, address: Address) -> list[Document]:
        head = f"/subscriptions/{address.subscription}/resourcegroups/".lower()
        tail = f"/providers/{address.type}"
        paths = [path for path in self._collections if path.startswith(head) and path.endswith(tail)]
        return [each for path in paths for each in self._collections[path].values()]

    def _account_models(self, address: Address, today: date) -> list[Document]:
        account = self.find(str(address.parent))
        location = str(account["location"]) if account else ""
        return [catalogue_model(row, today) for row in self.offers(location)]


def estate_of(fleet: Fleet) -> Estate:
    """Return the estate that a fleet describes."""
    estate = Estate(fleet)
    for document in documents_of(fleet):
        estate.put(document)
    return estate
