"""Drive Microsoft's own Python worker, `azure_functions_runtime`, without the .NET host around it.

In Azure a closed proxy stands between the host's gRPC stream and this library, and hands it five messages in
turn, each with the module of message classes to answer in. We hand it the same messages:

(1) `worker_init_request` imports the app and indexes its functions,
(2) `functions_metadata_request` lists them,
(3) `function_load_request` readies one,
(4) `invocation_request` runs one,
(5) `stop_threadpool_executor` ends the threads of the functions that are not `async`.

The library keeps its functions in a global of the process: **one app per process**. The same app may be
started again after a stop; its modules, and whatever they hold, stay as they were.
"""

import secrets
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime

from local.functions import protos
from local.functions.bindings import Function, read_function
from local.functions.payloads import Payload
from local.functions.protos import RpcException, StatusResult, TypedData

SCRIPT = "function_app.py"
HOST_VERSION = "4.1038.0"  # some 4.x; the library only logs it

_loaded: dict[Path, Mapping[str, Function]] = {}


class AppNotLoaded(RuntimeError):
    """The worker could not import or index the app."""


class InvocationFailed(Exception):
    """A function raised; its class name, message and stack trace are those that the worker reported."""

    def __init__(self, error: RpcException) -> None:
        super().__init__(error.message)
        self.type, _, self.message = error.message.partition(": ")
        self.stack_trace = error.stack_trace


@dataclass(frozen=True, slots=True)
class Reply:
    """What a run gave back: the return value, and the output bindings it set by name."""

    returned: TypedData | None
    outputs: Mapping[str, TypedData]


class Worker:
    """The worker with the app of one folder loaded; all its coroutines belong in one event loop."""

    def __init__(self, app_dir: Path) -> None:
        self._app_dir = app_dir.resolve()
        self.functions: Mapping[str, Function] = {}

    async def start(self) -> None:
        """Load the app. Raises `AppNotLoaded` with the worker's own words where that fails."""
        if self._app_dir not in _loaded:
            _refuse_second_app(self._app_dir)
            _loaded[self._app_dir] = await self._load()
        self.functions = _loaded[self._app_dir]
        runtime.start_threadpool_executor()

    async def invoke(self, name: str, payload: Payload) -> Reply:
        """Run a function. Raises `InvocationFailed` where it raises."""
        function = self.functions[name]
        request = _request(  # (4)
            "invocation_request",
            invocation_id=str(uuid.uuid4()),
            function_id=function.id,
            input_data=[protos.ParameterBinding(name=function.trigger.name, data=payload.value)],
            trigger_metadata=payload.metadata,
            trace_context=_trace_context(),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        answer: protos.InvocationResponse = await runtime.invocation_request(request)
        if answer.result.status != StatusResult.Success:
            raise InvocationFailed(answer.result.exception or RpcException("Unknown: the worker gave no reason"))
        outputs = {output.name: output.data for output in answer.output_data if output.data is not None}
        return Reply(answer.return_value, outputs)

    async def stop(self) -> None:
        """Wait for the functions that run in threads, and end the threads."""
        runtime.stop_threadpool_executor()  # (5)

    async def _load(self) -> Mapping[str, Function]:
        folder = str(self._app_dir)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        await self._index(folder)
        request = _request("functions_metadata_request", function_app_directory=folder)  # (2)
        listed: protos.FunctionMetadataResponse = await runtime.functions_metadata_request(request)
        functions = {found.name: read_function(found) for found in listed.function_metadata_results or []}
        for function in functions.values():
            await runtime.function_load_request(_request("function_load_request", function_id=function.id))  # (3)
        return functions

    async def _index(self, folder: str) -> None:
        request = _request(  # (1)
            "worker_init_request",
            capabilities={},
            function_app_directory=folder,
            worker_directory="",
            log_categories={},
            host_version=HOST_VERSION,
        )
        answer: protos.WorkerInitResponse = await runtime.worker_init_request(request)
        if answer.result.status != StatusResult.Success:
            error = answer.result.exception or RpcException("the worker gave no reason")
            raise AppNotLoaded(f"the worker refused {folder}/{SCRIPT}: {error.message}\n{error.stack_trace}")


def _refuse_second_app(app_dir: Path) -> None:
    if not (app_dir / SCRIPT).is_file():
        raise AppNotLoaded(f"there is no {SCRIPT} in {app_dir}")
    imported = getattr(sys.modules.get(Path(SCRIPT).stem), "__file__", None)
    others = [*_loaded, *([Path(imported).resolve().parent] if imported else [])]
    other = next((other for other in others if other != app_dir), None)
    if other is not None:
        raise AppNotLoaded(
            f"the app of {app_dir} cannot be loaded: this process holds the one of {other}, and the worker keeps "
            f"one app per process; start the second host in a process of its own"
        )


def _request(kind: str, **fields: Any) -> SimpleNamespace:
    message = SimpleNamespace(request_id=str(uuid.uuid4()), **{kind: SimpleNamespace(**fields)})
    return SimpleNamespace(request=message, properties={"host": "127.0.0.1", "protos": protos})


def _trace_context() -> SimpleNamespace:
    parent = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    return SimpleNamespace(trace_parent=parent, trace_state="", attributes={})
