"""Plain classes in place of the protobuf messages that Microsoft's Python worker exchanges with its host.

`azure_functions_runtime` imports no protobuf: its host hands it a module of message classes, and this module
can be that one. Names and fields are those of FunctionRpc.proto, as far as the library reads or writes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

Bytes = bytes  # the message TypedData has a field of that name, which hides the type inside its class


@dataclass
class TypedData:
    """One value on the wire; exactly one field is set, or none for nothing."""

    string: str | None = None
    json: str | None = None
    bytes: Bytes | None = None
    http: "RpcHttp | None" = None
    int: Any = None
    double: float | None = None

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's own name
        """Return the name of the field that is set."""
        return next((name for name, value in vars(self).items() if value is not None), None)


@dataclass
class RpcHttp:
    """An HTTP request on its way in, or a response on its way out."""

    method: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: TypedData = field(default_factory=TypedData)
    status_code: str = ""
    cookies: list["RpcHttpCookie"] | None = None
    enable_content_negotiation: bool = False


@dataclass
class RpcHttpCookie:
    """A cookie that a function sets."""

    SameSite = SimpleNamespace(**{"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})

    name: str
    value: str
    domain: "NullableString | None" = None
    path: "NullableString | None" = None
    expires: "NullableTimestamp | None" = None
    secure: "NullableBool | None" = None
    http_only: "NullableBool | None" = None
    same_site: int = 0
    max_age: "NullableDouble | None" = None


@dataclass
class NullableString:
    """A text that may be missing."""

    value: str | None = None


@dataclass
class NullableBool:
    """A truth value that may be missing."""

    value: bool | None = None


@dataclass
class NullableDouble:
    """A number that may be missing."""

    value: float | None = None


@dataclass
class NullableTimestamp:
    """A moment that may be missing."""

    value: datetime | None = None


@dataclass
class ParameterBinding:
    """A parameter's name and value."""

    name: str
    data: TypedData | None = None

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's own name
        """Return `data` where there is a value."""
        return "data" if self.data is not None else None


@dataclass
class RpcException:
    """An exception as the worker reports it; `message` opens with the exception's class name."""

    message: str = ""
    stack_trace: str = ""


@dataclass
class StatusResult:
    """Whether a request succeeded."""

    Failure, Success, Cancelled = range(3)

    status: int = Failure
    exception: RpcException | None = None


@dataclass
class BindingInfo:
    """A binding's type and direction; the raw JSON beside it says the rest."""

    inout, out, undefined = 2, 1, 0

    type: str = ""
    direction: int = 0
    data_type: int | None = None


@dataclass
class RpcRetryOptions:
    """A function's own retry policy, which the host is to carry out."""

    max_retry_count: int = 0
    retry_strategy: str = ""
    delay_interval: timedelta | None = None
    minimum_interval: timedelta | None = None
    maximum_interval: timedelta | None = None


@dataclass
class RpcFunctionMetadata:
    """A function as the worker found it in the app."""

    name: str = ""
    function_id: str = ""
    directory: str = ""
    script_file: str = ""
    entry_point: str = ""
    language: str = ""
    is_proxy: bool = False
    managed_dependency_enabled: bool = False
    bindings: Mapping[str, BindingInfo] = field(default_factory=dict)
    raw_bindings: list[str] = field(default_factory=list)
    retry_options: RpcRetryOptions | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass
class WorkerMetadata:
    """Which Python and which library answered."""

    runtime_name: str = ""
    runtime_version: str = ""
    worker_version: str = ""
    worker_bitness: str = ""
    custom_properties: Mapping[str, str] = field(default_factory=dict)


@dataclass
class WorkerInitResponse:
    """The answer to message 1: the app was imported and indexed, or why not."""

    result: StatusResult
    capabilities: Mapping[str, str] = field(default_factory=dict)
    worker_metadata: WorkerMetadata | None = None


@dataclass
class FunctionMetadataResponse:
    """The answer to message 2: the functions found."""

    result: StatusResult
    function_metadata_results: list[RpcFunctionMetadata] | None = None
    use_default_metadata_indexing: bool = False


@dataclass
class FunctionLoadResponse:
    """The answer to message 3: one function is ready."""

    result: StatusResult
    function_id: str = ""


@dataclass
class InvocationResponse:
    """The answer to message 4: what one run gave back."""

    invocation_id: str
    result: StatusResult
    return_value: TypedData | None = None
    output_data: list[ParameterBinding] = field(default_factory=list)
