"""One MLflow server, asked over its REST API with azure-core's pipeline: pages, errors, sign-in and pace."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from azure.core import PipelineClient
from azure.core.exceptions import AzureError, DecodeError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest

from audit.adapters.mlflow_server import MlflowServer
from audit.adapters.pace import Pace
from audit.adapters.reader import Hints, error_status, meaning
from audit.adapters.recorder import Recorder, Refused
from audit.errors import Throttled, Unavailable
from audit.model import Document, Outcome

API = "/api/2.0/mlflow/"

_MISSING = "RESOURCE_DOES_NOT_EXIST"
_HINTS: Hints = {401: " (is the token or the login good?)", 403: " (is the permission READ missing?)"}
_SIGN_IN = "(a page to sign in at?)"


class MlflowReader:
    """Asks one server; its token goes nowhere else, because redirects are not followed.

    Raises `Refused` for a final answer, `Throttled` or `Unavailable` for one from which nothing follows; `what`
    says in an error what was tried.
    """

    def __init__(self, server: MlflowServer, pace: Pace):
        self._server, self._base = server, server.place.endpoint + API
        self._recorder = Recorder(server.place, pace)
        self._client: PipelineClient[Any, Any] = PipelineClient(
            base_url=server.place.endpoint,
            policies=[RetryPolicy(**server.place.http_options)],
            per_retry_policies=[self._recorder],
            **server.place.http_options,
        )

    def get(self, what: str, path: str, query: Mapping[str, str]) -> Document:
        """Return the answer to a question."""
        asked = urlencode(query, errors="surrogatepass")  # azure-core leaves `%` and `&` as they are
        return self._ask(what, HttpRequest("GET", f"{self._base}{path}?{asked}"))

    def post(self, what: str, path: str, body: Document) -> Document:
        """Return the answer to a question that is too long for an URL."""
        return self._ask(what, HttpRequest("POST", self._base + path, json=body))

    def pages(self, path: str, member: str, query: Mapping[str, str]) -> Iterator[Any]:
        """Yield the items of all pages, which need not be documents."""
        token, seen = "", set[str]()
        while token not in seen:
            seen.add(token)
            page = {"page_token": token} if token else {}
            asked = {**query, **page, "max_results": str(self._server.page_size)}
            answer = self.get(f"list {member}", path, asked)
            items, token = answer.get(member, []), str(answer.get("next_page_token") or "")
            if not isinstance(items, list):
                raise Refused(Outcome.UNREADABLE, f"expected a list of {member}, got {type(items).__name__}")
            yield from items
            if not token:
                return
        raise Refused(Outcome.UNREADABLE, f"the pages of {member} link in a circle")

    def _ask(self, what: str, request: HttpRequest) -> Document:
        request.headers.update(self._server.headers)
        with self._recorder.recording() as answers:
            try:
                answer = self._client.send_request(request)
                answer.raise_for_status()
            except AzureError as error:
                raise _meaning(f"{what} of {self._server.name}", error) from error
        if not answers:
            raise Refused(Outcome.UNREADABLE, f"expected HTTP 200, got {answer.status_code} {_SIGN_IN}")
        return answers[0].body


def _meaning(what: str, error: AzureError) -> Refused | Throttled | Unavailable:
    if isinstance(error, DecodeError):
        return Refused(Outcome.UNREADABLE, f"expected JSON, got another answer {_SIGN_IN}")
    code = _code(error)
    is_absent = error_status(error) == 404 and code == _MISSING
    return meaning(what, error, code, _HINTS, is_absent=is_absent)


def _code(error: AzureError) -> str:
    """Return MLflow's own word for an error; a proxy or another service has none."""
    try:
        said = error.response.json()["error_code"]  # type: ignore[attr-defined]
    except (AttributeError, KeyError, TypeError, ValueError):
        return ""
    return said if isinstance(said, str) else ""
