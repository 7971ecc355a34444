"""What the host takes from host.json, and what it says of values that Azure would refuse."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.functions.host_json import HostJsonError, HostOptions, QueueOptions, read_host_json


def write(folder: Path, **extensions: Any) -> Path:
    (folder / "host.json").write_text(json.dumps({"version": "2.0", "extensions": extensions}))
    return folder


def test_without_a_file_azures_defaults_hold(tmp_path: Path) -> None:
    assert read_host_json(tmp_path) == HostOptions("api", QueueOptions(16, 8, 5, timedelta(), is_base64=True))


def test_every_value_that_is_honoured_is_read(tmp_path: Path) -> None:
    queues = {
        "batchSize": 4,
        "newBatchThreshold": 1,
        "maxDequeueCount": 3,
        "visibilityTimeout": "1.00:00:30",
        "messageEncoding": "None",
    }

    options = read_host_json(write(tmp_path, http={"routePrefix": "/v1/"}, queues=queues))

    assert options == HostOptions("v1", QueueOptions(4, 1, 3, timedelta(days=1, seconds=30), is_base64=False))


def test_the_threshold_follows_the_batch_size_unless_given(tmp_path: Path) -> None:
    assert read_host_json(write(tmp_path, queues={"batchSize": 6})).queues.new_batch_threshold == 3


@pytest.mark.parametrize(
    ("queues", "complaint"),
    [
        ({"batchSize": 33}, "batchSize is 33, expected 1 to 32"),
        ({"maxDequeueCount": 0}, "maxDequeueCount is 0, expected 1 or more"),
        ({"visibilityTimeout": "30"}, "visibilityTimeout is '30', expected hh:mm:ss"),
        ({"messageEncoding": "utf8"}, "messageEncoding is 'utf8', expected one of base64, none"),
    ],
)
def test_a_value_that_azure_refuses_is_refused(tmp_path: Path, queues: dict[str, Any], complaint: str) -> None:
    with pytest.raises(HostJsonError, match=complaint):
        read_host_json(write(tmp_path, queues=queues))
