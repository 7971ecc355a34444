"""The stand-in of Azure's control plane as one thing to start, to point clients at, and to play tricks with."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import trustme

from local import serving
from local.azure import clients, msi
from local.azure.arm import Arm, Call
from local.azure.documents import Document
from local.azure.estate import Estate, estate_of
from local.azure.events import Publish
from local.azure.faults import Faults
from local.azure.fleet import Fleet
from local.azure.from_fleet import account_id, registry_id, workspace_id
from local.azure.identity import Credential
from local.azure.limits import Limits
from local.azure.operations import Operations
from local.azure.resource_graph import Quota, ResourceGraph
from local.azure.writes import Writer
from local.clock import Clock

if TYPE_CHECKING:
    from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

HOSTS = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Options:
    """How the stand-in behaves: its port (0 takes a free one), page size, pace and strictness.

    `operation_seconds` is how long an accepted write takes; with 0 it is over before its answer is sent.
    """

    port: int = 0
    page_size: int = 30
    operation_seconds: float = 0.0
    are_limits_enforced: bool = False


class ControlPlane:
    """Serves a fleet over TLS while its block runs.

    `publish` is called with each Event Grid event, in the thread of the write that caused it. The certificate
    of the authority to trust is written to `directory`.
    """

    def __init__(
        self, fleet: Fleet, clock: Clock, publish: Publish, directory: Path, options: Options | None = None
    ) -> None:
        self.base_url = ""
        self.identity_endpoint = ""
        self.ca_path = directory / "ca.pem"
        self._options = options or Options()
        self._estate: Estate = estate_of(fleet)
        self._operations = Operations(self._options.operation_seconds)
        writer = Writer(self._estate, self._operations, clock, publish)
        limits = Limits(self._options.are_limits_enforced)
        graph = ResourceGraph(self._estate, Quota(self._options.are_limits_enforced))
        self._arm = Arm(self._estate, self._operations, writer, clock, limits, graph)
        self._arm.page_size = self._options.page_size
        self._managed = msi.managed_identities(self._estate.identities.values())
        self._stack = ExitStack()

    def __enter__(self) -> "ControlPlane":
        """Start serving."""
        certificate = _write_certificates(self.ca_path)
        serve = serving.serve(self._arm, port=self._options.port, certificate=certificate)
        self.base_url = self._arm.base_url = self._stack.enter_context(serve)
        self.identity_endpoint = self._stack.enter_context(serving.serve(self._managed.app())) + msi.PATH
        self._stack.callback(self._operations.close)
        # Last in, first out: hanging calls are let go before the server waits for them.
        self._stack.callback(self.faults.clear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self._stack.close()

    @property
    def faults(self) -> Faults:
        """The faults in force, to add to and to clear."""
        return self._arm.faults

    @property
    def requests(self) -> list[Call]:
        """Every call since the start, oldest first."""
        return self._arm.requests

    @property
    def graph(self) -> ResourceGraph:
        """Resource Graph, to let it lag and lie."""
        return self._arm.graph

    @property
    def page_size(self) -> int:
        """How many items a page of a list holds."""
        return self._arm.page_size

    @page_size.setter
    def page_size(self, size: int) -> None:
        self._arm.page_size = size

    @property
    def identity_header(self) -> str:
        """The value for `IDENTITY_HEADER` of the app that runs as the fleet's first managed identity."""
        return self.identity_header_of(None)

    def identity_header_of(self, person: str | None) -> str:
        """Return the value for `IDENTITY_HEADER` of the app that runs as this managed identity."""
        return self._managed.header_of(person)

    def credential(self, person: str) -> Credential:
        """Return a credential that signs in as somebody of the fleet."""
        return Credential(self._estate.identities[person])

    def ml_client(self, person: str, workspace: str) -> Any:
        """Return a real `MLClient` that acts as somebody of the fleet in one of its workspaces."""
        fleet = self._estate.fleet
        scope = (fleet.subscription, fleet.workspaces[workspace].resource_group, workspace)
        return clients.ml_client(self.credential(person), self.base_url, self.ca_path, scope, self._stack)

    def openai_client(self, person: str) -> "CognitiveServicesManagementClient":
        """Return a real management client that acts as somebody of the fleet on its accounts."""
        subscription = self._estate.fleet.subscription
        return clients.openai_client(
            self.credential(person), self.base_url, self.ca_path, subscription, self._stack
        )

    def workspace_id(self, name: str) -> str:
        """Return the ARM id of a workspace of the fleet."""
        return workspace_id(self._estate.fleet, name)

    def registry_id(self, name: str) -> str:
        """Return the ARM id of a registry of the fleet."""
        return registry_id(self._estate.fleet, name)

    def account_id(self, name: str) -> str:
        """Return the ARM id of an account of the fleet."""
        return account_id(self._estate.fleet, name)

    def document(self, id_: str) -> Document | None:
        """Return a document as it is now, without a call; None where there is none."""
        return self._estate.find(id_)

    def place(self, document: Document) -> None:
        """Put a document there as it is, without a check and without an event."""
        self._estate.put(document)

    def platform_upgrade(self, deployment_id: str, version: str) -> None:
        """Move a deployment to another version of its model as the platform does: no event, no new stamp."""
        with self._estate.lock:
            document = self._estate.find(deployment_id)
            if document is None:
                raise KeyError(f"expected the id of an Azure OpenAI deployment; got {deployment_id!r}")
            properties = document["properties"]
            model = properties["model"] | {"version": version}
            self._estate.put(document | {"properties": properties | {"model": model}})

    def announce_retirement(self, model: str, version: str, on: date) -> None:
        """Move the day on which a model of the catalogue retires."""
        self._estate.retire(model, version, on)

    def fleet(self) -> Fleet:
        """Return the present state as a fleet, for `dump_fleet`."""
        return self._estate.told()


def _write_certificates(ca_path: Path) -> Path:
    """Make an authority and a certificate of its own, and return the file with the certificate and its key."""
    authority = trustme.CA()
    certificate = ca_path.with_name("server.pem")
    ca_path.parent.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(str(ca_path))
    authority.issue_cert(*HOSTS).private_key_and_cert_chain_pem.write_to_path(str(certificate))
    certificate.chmod(0o600)
    return certificate
