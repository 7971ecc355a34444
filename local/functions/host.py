"""Host a function app on this machine as Azure does: Microsoft's worker, its triggers and its doors.

What runs the functions is the very library that runs them on Azure (`worker.py`); what stands around it
there, the .NET host, is imitated: the Event Grid webhook (`webhook.py`), queue triggers (`queues.py`), timers
on the stack's clock (`timers.py`), HTTP routes with access keys (`routes.py`, `access_keys.py`), the
administrative door (`admin.py`) and queue outputs (`outputs.py`). What is not imitated is refused at the start.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from starlette.applications import Starlette
from starlette.routing import Route

from local.clock import Clock
from local.functions.access_keys import Keys
from local.functions.admin import Admin
from local.functions.bindings import QUEUE, TIMER, Function
from local.functions.host_json import HostOptions, read_host_json
from local.functions.invoker import Invocation, Invoker
from local.functions.outputs import QueueOutputs
from local.functions.queues import QueueTrigger
from local.functions.routes import http_routes, ignore_case
from local.functions.storage import QueueClients
from local.functions.timers import TimerTrigger
from local.functions.webhook import METHODS, PATH, EventGridWebhook
from local.functions.worker import Worker
from local.serving import serve

LOOK_SECONDS = 0.02  # between two looks at whether the host is quiet


class FunctionsHost:
    """A host for the app in `app_dir`; use it as a context manager, or start and stop it.

    `settings` are put into the environment before the app is imported, except where the environment has them
    already: it wins, as it does over local.settings.json. `on_invocation` hears of every finished run, on the
    host's own thread. Without `timers` no schedule runs; `POST /admin/functions/<name>` still does.

    The worker keeps its app in a global of the process, so there is **one app per process**: starting a host of
    a second app raises `AppNotLoaded`. The same app may be hosted again after a stop.
    """

    def __init__(
        self,
        app_dir: Path,
        settings: Mapping[str, str],
        clock: Clock,
        on_invocation: Callable[[Invocation], None] | None = None,
        *,
        keys: Keys | None = None,
        timers: bool = True,
        port: int = 0,
    ) -> None:
        self.keys = keys or Keys()
        self.url = ""
        self._app_dir = app_dir
        self._settings = settings
        self._clock = clock
        self._on_invocation = on_invocation
        self._keeps_time = timers
        self._port = port
        self._open = contextlib.ExitStack()
        self._worker = Worker(app_dir)
        self._queues: list[QueueTrigger] = []
        self._timers: dict[str, TimerTrigger] = {}
        self._scheduled: list[TimerTrigger] = []
        self._invoker: Invoker

    def __enter__(self) -> "FunctionsHost":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def functions(self) -> Mapping[str, Function]:
        """Return the app's functions by name."""
        return self._worker.functions

    def webhook_url(self, function: str) -> str:
        """Return the URL, key included, to which Event Grid delivers the events of a function."""
        return f"{self.url}/runtime/webhooks/EventGrid?functionName={function}&code={self.keys.event_grid}"

    def start(self) -> None:
        """Load the app, and open the triggers and the doors.

        Raises `AppNotLoaded`, `NotImitated`, `SettingMissing`, `ScheduleError` or `HostJsonError` where the app
        is at fault; then nothing is left running.
        """
        with contextlib.ExitStack() as opened:
            self._start(opened)
            self._open = opened.pop_all()

    def stop(self) -> None:
        """Close the doors, wait for the runs under way, however long they take, and stop the worker."""
        self._open.close()

    def wait_until_quiet(self, timeout: timedelta) -> None:
        """Return when no function runs, no timer is due, and every trigger queue is empty.

        Messages that are hidden for now count, as they will run. Raises `TimeoutError` saying what is left.
        """
        deadline = time.monotonic() + timeout.total_seconds()
        while (left := self._left()) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        if left:
            raise TimeoutError(f"the host was not quiet after {timeout}: {', '.join(left)}")

    def _start(self, opened: contextlib.ExitStack) -> None:
        options = read_host_json(self._app_dir)
        opened.enter_context(_environment(self._settings))
        settings = dict(os.environ)
        clients = QueueClients(settings)
        opened.callback(clients.close)
        outputs = QueueOutputs(clients, is_base64=options.queues.is_base64)
        self._invoker = Invoker(self._worker, outputs, self._on_invocation)
        opened.enter_context(self._invoker.running())
        self._make_triggers(clients, settings, options)
        triggers: list[QueueTrigger | TimerTrigger] = [*self._queues, *self._scheduled]
        for trigger in triggers:
            opened.enter_context(trigger.running())
        self.url = opened.enter_context(serve(Starlette(routes=self._routes(options)), port=self._port))

    def _make_triggers(self, clients: QueueClients, settings: Mapping[str, str], options: HostOptions) -> None:
        functions = self.functions.values()
        queued = [function for function in functions if function.trigger.type == QUEUE]
        timed = [function for function in functions if function.trigger.type == TIMER]
        self._queues = [QueueTrigger(function, clients, options.queues, self._invoker) for function in queued]
        self._timers = {function.name: self._timer(function, settings) for function in timed}
        self._scheduled = list(self._timers.values()) if self._keeps_time else []

    def _timer(self, function: Function, settings: Mapping[str, str]) -> TimerTrigger:
        return TimerTrigger(function, function.trigger.text("schedule", settings), self._clock, self._invoker)

    def _routes(self, options: HostOptions) -> list[Route]:
        webhook = EventGridWebhook(self.functions, self.keys, self._invoker)
        admin = Admin(self.functions, self._timers, self.keys, self._invoker, self._clock)
        return [
            ignore_case(Route(PATH, webhook.answer, methods=METHODS)),
            *admin.routes(),
            *http_routes(self.functions.values(), options.route_prefix, self.keys, self._invoker),
        ]

    def _left(self) -> list[str]:
        """Return what keeps the host from being quiet, in words.

        A run that both begins and ends between two looks may have queued a message behind our back, so a look
        counts only if no run has begun since it started.
        """
        begun = self._invoker.started_count
        left = [f"{name} running" for name in self._invoker.running_now()]
        left += [f"timer {timer.function.name} due" for timer in self._scheduled if timer.is_due()]
        counts = {queue.queue_name: queue.count_messages() for queue in self._queues}
        left += [f"{count} in queue {name}" for name, count in counts.items() if count]
        if not left and begun != self._invoker.started_count:
            left.append("a function just ran")
        return left


@contextlib.contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    added = {name: value for name, value in settings.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
