"""Queue triggers: take messages, run the function, and settle each message by how the run ended.

The rules are those of the queue listener of the .NET host: a message is hidden for ten minutes while its
function runs; a success deletes it; a failure shows it again after `visibilityTimeout`; the failure of its
`maxDequeueCount`-th run moves it to `<queue>-poison`. A poison queue has none of its own. The host renews the
ten minutes of a longer run; that is not imitated.
"""

import base64
import binascii
import contextlib
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from local.functions.bindings import Function
from local.functions.host_json import QueueOptions
from local.functions.invoker import Invoker
from local.functions.outputs import create_if_missing
from local.functions.payloads import QueueFacts, queue_payload
from local.functions.storage import POISON_SUFFIX, QueueClients
from local.functions.worker import InvocationFailed

logger = logging.getLogger(__name__)

LEASE_SECONDS = 600  # QueueListener's own; a crash therefore costs a message ten minutes
NEVER = datetime.max.replace(tzinfo=UTC)  # what .NET says of a time that the service left out
# The .NET host slows down to a look a minute. Here somebody waits at the screen, and only spares the processor.
POLL_SECONDS = 0.05
IDLE_POLL_SECONDS = 0.25
OUTAGE_SECONDS = 1.0  # between tries while storage does not answer


class QueueTrigger:
    """One function that messages of one queue start."""

    def __init__(self, function: Function, clients: QueueClients, options: QueueOptions, invoker: Invoker) -> None:
        self._function = function
        self._queue = clients.of(function.trigger)
        self._poison = clients.of(function.trigger, POISON_SUFFIX)
        self._options = options
        self._invoker = invoker
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._in_flight = 0

    @property
    def queue_name(self) -> str:
        """Return the name of the queue, with its settings filled in."""
        return self._queue.queue_name

    def count_messages(self) -> int:
        """Return how many messages the queue holds, hidden ones included."""
        try:
            return self._queue.get_queue_properties().approximate_message_count or 0
        except ResourceNotFoundError:
            return 0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Take messages while the block runs; leaving it waits for the runs under way."""
        listener = threading.Thread(target=self._listen, name=f"queue-{self.queue_name}", daemon=True)
        listener.start()
        try:
            yield
        finally:
            self._stopping.set()
            listener.join()
            self._wait_until_at_most(0)

    def _listen(self) -> None:
        while not self._stopping.is_set():
            messages = self._receive()
            for message in messages:
                self._count(+1)
                threading.Thread(target=self._handle, args=(message,), daemon=True).start()
            if not messages:
                self._stopping.wait(IDLE_POLL_SECONDS if self._invoker.is_idle() else POLL_SECONDS)
            self._wait_until_at_most(self._options.new_batch_threshold)

    def _receive(self) -> list[QueueMessage]:
        try:
            pages = self._queue.receive_messages(
                messages_per_page=self._options.batch_size, visibility_timeout=LEASE_SECONDS
            )
            return list(next(pages.by_page(), []))  # further pages are further requests
        except ResourceNotFoundError:
            return []  # nobody has made the queue yet
        except AzureError as error:
            logger.warning("the queue %s cannot be read: %s", self.queue_name, error)
            self._stopping.wait(OUTAGE_SECONDS)
            return []

    def _wait_until_at_most(self, count: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight <= count)

    def _count(self, by: int) -> None:
        with self._changed:
            self._in_flight += by
            self._changed.notify_all()

    def _handle(self, message: QueueMessage) -> None:
        try:
            self._run_and_settle(message)
        except AzureError as error:
            # Not settled, so the message comes back when its lease ends; as it would in Azure.
            logger.warning("the queue %s did not take a message's outcome: %s", self.queue_name, error)
        finally:
            self._count(-1)

    def _run_and_settle(self, message: QueueMessage) -> None:
        body = self._decode(message)
        if body is None or _dequeue_count(message) > self._options.max_dequeue_count:
            self._give_up(message)
        elif self._run(message, body):
            _delete(self._queue, message)
        elif _dequeue_count(message) >= self._options.max_dequeue_count:
            self._give_up(message)
        else:
            self._show_again(message)

    def _decode(self, message: QueueMessage) -> bytes | None:
        text = str(message.content)
        if not self._options.is_base64:
            return text.encode()
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            logger.warning("a message in %s is not base64, as host.json says it is", self.queue_name)
            return None

    def _run(self, message: QueueMessage, body: bytes) -> bool:
        payload = queue_payload(body, _facts(message))
        try:
            self._invoker.submit(self._function, payload, _dequeue_count(message)).result()
        except InvocationFailed:
            return False
        return True

    def _give_up(self, message: QueueMessage) -> None:
        if self.queue_name.endswith(POISON_SUFFIX):
            return  # stays hidden for its lease, then runs again
        create_if_missing(self._poison)
        self._poison.send_message(message.content)
        _delete(self._queue, message)

    def _show_again(self, message: QueueMessage) -> None:
        seconds = int(self._options.visibility_timeout.total_seconds())
        with contextlib.suppress(ResourceNotFoundError):  # taken by another host, or cleared
            self._queue.update_message(message, visibility_timeout=seconds)


def _delete(queue: QueueClient, message: QueueMessage) -> None:
    with contextlib.suppress(ResourceNotFoundError):  # taken by another host, or cleared
        queue.delete_message(message)


def _dequeue_count(message: QueueMessage) -> int:
    return message.dequeue_count or 0


def _facts(message: QueueMessage) -> QueueFacts:
    return QueueFacts(
        id=message.id,
        pop_receipt=str(message.pop_receipt),
        dequeue_count=_dequeue_count(message),
        inserted_at=message.inserted_on or NEVER,
        expires_at=message.expires_on or NEVER,
        next_visible_at=message.next_visible_on or NEVER,
    )
