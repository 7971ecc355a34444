"""Read from host.json what the local host honours, with Azure's defaults for the rest."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})")
MOST_MESSAGES_AT_ONCE = 32  # what the queue service gives in one answer
ENCODINGS = ("base64", "none")


class HostJsonError(ValueError):
    """host.json holds a value that Azure would refuse."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """How queue triggers take, repeat and give up messages; the defaults are Azure's.

    `visibility_timeout` is how long a message stays hidden after a failed run.
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: timedelta = timedelta()
    is_base64: bool = True


@dataclass(frozen=True, slots=True)
class HostOptions:
    """The options of one app; the route prefix has no slash at its ends and may be empty."""

    route_prefix: str = "api"
    queues: QueueOptions = QueueOptions()


def read_host_json(app_dir: Path) -> HostOptions:
    """Return the options in the app's host.json, or Azure's defaults where there is no such file."""
    path = app_dir / "host.json"
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    extensions = document.get("extensions", {})
    prefix = extensions.get("http", {}).get("routePrefix", "api")
    return HostOptions(prefix.strip("/"), _read_queues(extensions.get("queues", {})))


def _read_queues(section: Mapping[str, Any]) -> QueueOptions:
    batch_size = section.get("batchSize", 16)
    if not 1 <= batch_size <= MOST_MESSAGES_AT_ONCE:
        raise HostJsonError(f"host.json: batchSize is {batch_size}, expected 1 to {MOST_MESSAGES_AT_ONCE}")
    max_dequeue_count = section.get("maxDequeueCount", 5)
    if max_dequeue_count < 1:
        raise HostJsonError(f"host.json: maxDequeueCount is {max_dequeue_count}, expected 1 or more")
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=section.get("newBatchThreshold", batch_size // 2),
        max_dequeue_count=max_dequeue_count,
        visibility_timeout=_read_time_span(section.get("visibilityTimeout", "00:00:00")),
        is_base64=_read_encoding(section.get("messageEncoding", "base64")) == "base64",
    )


def _read_encoding(text: str) -> str:
    if text.lower() not in ENCODINGS:
        raise HostJsonError(f"host.json: messageEncoding is {text!r}, expected one of {', '.join(ENCODINGS)}")
    return text.lower()


def _read_time_span(text: str) -> timedelta:
    parts = TIME_SPAN.fullmatch(text)
    if parts is None:
        raise HostJsonError(f"host.json: visibilityTimeout is {text!r}, expected hh:mm:ss")
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
