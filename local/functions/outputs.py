"""Write what functions give out to the queues they are bound to."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.functions.bindings import Binding, Function
from local.functions.protos import RpcException, TypedData
from local.functions.storage import QueueClients
from local.functions.worker import InvocationFailed


class QueueOutputs:
    """Sends to the queues of `queue` output bindings, making those that are missing, as Azure does."""

    def __init__(self, clients: QueueClients, *, is_base64: bool) -> None:
        self._clients = clients
        self._is_base64 = is_base64

    def write(self, function: Function, outputs: Mapping[str, TypedData]) -> None:
        """Send what the function set. Raises `InvocationFailed` where storage refuses: the run then failed."""
        bound = [binding for binding in function.outputs if binding.type == "queue" and binding.name in outputs]
        try:
            for binding in bound:
                self._send(binding, outputs[binding.name])
        except AzureError as error:
            message = f"{type(error).__name__}: a queue output of {function.name} was refused: {error}"
            raise InvocationFailed(RpcException(message)) from error

    def _send(self, binding: Binding, value: TypedData) -> None:
        queue = self._clients.of(binding)
        for body in _bodies(value):
            text = base64.b64encode(body).decode() if self._is_base64 else body.decode("utf-8")
            _send_or_make(queue, text)


def _send_or_make(queue: QueueClient, text: str) -> None:
    try:
        queue.send_message(text)
    except ResourceNotFoundError:
        create_if_missing(queue)
        queue.send_message(text)


def create_if_missing(queue: QueueClient) -> None:
    """Make the queue; that somebody else made it in the meantime is as good."""
    try:
        queue.create_queue()
    except ResourceExistsError:
        return


def _bodies(value: TypedData) -> list[bytes]:
    if value.bytes is not None:
        return [value.bytes]
    if value.json is None:
        return [(value.string or "").encode()]
    document = json.loads(value.json)
    return [_body(message) for message in (document if isinstance(document, list) else [document])]


def _body(message: Any) -> bytes:
    """Return the body of one message of a list, or of a `func.QueueMessage`, which arrives as an object."""
    if isinstance(message, dict) and "body" in message:
        return str(message["body"]).encode()
    return (message if isinstance(message, str) else json.dumps(message)).encode()
