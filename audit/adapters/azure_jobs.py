"""The jobs behind model versions, read once: what is taken of a finished job cannot change any more.

They are asked for by plain REST. The SDK's `jobs.get` goes on to ask for more, at places of their own.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from audit.adapters.reader import Reader
from audit.adapters.recorder import Refused
from audit.model import Document, Outcome
from audit.sight import jobs

# Tags of a finished job can still be edited, so even that is read again after a day. What is running, missing or
# forbidden may soon be otherwise.
FINISHED_AGE, OTHER_AGE = 24 * 3600.0, 3600.0  # seconds
MAX_KEPT = 20_000  # jobs; some kilobytes each at most
_VERSION = {"api-version": "2024-04-01"}


class Jobs:
    """What is taken of the jobs of workspaces, kept for the life of the process."""

    def __init__(self, reader: Reader, clock: Callable[[], float] = time.monotonic):
        self._reader, self._clock = reader, clock
        self._kept: dict[str, tuple[float, Document]] = {}
        self._turn = threading.Lock()

    def behind(self, workspace: str, versions: list[Any]) -> list[Document]:
        """Return what is taken of the job of each version that names one.

        A job that cannot be read says so and hides nothing else; being throttled rises, as it does everywhere.
        """
        named = jobs.named_by(versions)
        taken = [{"version": version, **self._job(workspace, name)} for version, name in named[: jobs.NEWEST]]
        left = [{"version": version, **jobs.missing(jobs.NOT_LOOKED_AT)} for version, _ in named[jobs.NEWEST :]]
        return taken + left

    def _job(self, workspace: str, name: str) -> Document:
        if not jobs.can_be_asked_for(name):
            return jobs.missing(Outcome.UNREADABLE)
        path = f"{workspace}/jobs/{name}"
        until, taken = self._kept.get(path, (0.0, {}))
        if self._clock() < until:
            return taken
        taken = self._read(path)
        self._keep(path, taken)
        return taken

    def _read(self, path: str) -> Document:
        try:
            return jobs.take(self._reader.read_at(f"look at the job {path}", path, _VERSION)[0].body)
        except Refused as refused:
            return jobs.missing(refused.look.outcome)

    def _keep(self, path: str, taken: Document) -> None:
        age = FINISHED_AGE if jobs.is_finished(taken) else OTHER_AGE
        with self._turn:
            self._kept.pop(path, None)
            self._kept[path] = (self._clock() + age, taken)
            if len(self._kept) > MAX_KEPT:
                del self._kept[next(iter(self._kept))]
