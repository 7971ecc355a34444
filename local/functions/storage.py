"""Queue clients for the connections and the names that bindings speak of."""

from collections.abc import Mapping

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.queue import QueueClient
from requests.adapters import HTTPAdapter

from local.functions.bindings import Binding, setting

DEFAULT_CONNECTION = "AzureWebJobsStorage"
POISON_SUFFIX = "-poison"
# More threads than connections make urllib3 warn and reconnect; the largest batch, twice, has room in this.
CONNECTIONS = 64


class QueueClients:
    """Makes the client of each queue once, over one pool of connections; close it when done.

    The clients do not repeat a failed request: a queue's own redelivery is the retry.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._session = _session()
        self._clients: dict[tuple[str, str], QueueClient] = {}

    def of(self, binding: Binding, suffix: str = "") -> QueueClient:
        """Return the client of the binding's queue, or of the one whose name has `suffix` added.

        Raises `SettingMissing` where the connection or a `%SETTING%` in the queue's name is not set.
        """
        name = binding.text("queueName", self._settings) + suffix
        connection = setting(self._settings, binding.properties.get("connection") or DEFAULT_CONNECTION)
        if (connection, name) not in self._clients:
            self._clients[connection, name] = self._make(connection, name)
        return self._clients[connection, name]

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _make(self, connection: str, name: str) -> QueueClient:
        transport = RequestsTransport(session=self._session, session_owner=False, use_env_settings=False)
        return QueueClient.from_connection_string(connection, name, transport=transport, retry_total=0)


def _session() -> requests.Session:
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=CONNECTIONS))
    session.mount("https://", HTTPAdapter(pool_maxsize=CONNECTIONS))
    return session
