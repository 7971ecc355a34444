"""Queue triggers, timers, and the start and stop of the host, with the real worker behind them."""

import subprocess
from pathlib import Path

import pytest

from local.azurite import Azurite
from tests.local.conftest import Queue
from tests.local.host_process import APP, ROOT, HostProcess, command, hosted

pytestmark = [pytest.mark.azurite, pytest.mark.stack]


def test_a_queue_message_runs_its_function_with_what_the_service_says_of_it(
    host: HostProcess, queue: Queue
) -> None:
    work, done = queue("work"), queue("done")

    sent = work.send_message("hello")
    host.wait_until_quiet()

    said = [message.content for message in done.receive_messages(messages_per_page=5)]
    assert said == ["hello after 1", str(sent.inserted_on and sent.inserted_on.year)]


def test_a_message_that_keeps_failing_moves_to_the_poison_queue_after_five_runs(
    host: HostProcess, queue: Queue
) -> None:
    work, poison = queue("work"), queue("work-poison")
    before = len(host.runs("on_message"))

    work.send_message("fail")
    host.wait_until_quiet()

    runs = host.runs("on_message")[before:]
    assert [(run["ok"], run["dequeue_count"]) for run in runs] == [(False, count) for count in range(1, 6)]
    assert [message.content for message in poison.receive_messages()] == ["fail"]


def test_many_messages_run_side_by_side_and_each_of_them_once(host: HostProcess, queue: Queue) -> None:
    work, done = queue("work"), queue("done")

    for number in range(60):
        work.send_message(f"m{number}")
    host.wait_until_quiet()

    answers = [
        message.content for message in done.receive_messages(messages_per_page=32) if "after" in message.content
    ]
    assert sorted(answers) == sorted(f"m{number} after 1" for number in range(60))


def test_a_hidden_message_keeps_the_host_from_being_quiet(host: HostProcess, queue: Queue) -> None:
    queue("work").send_message("later", visibility_timeout=2)

    assert "1 in queue work" in host.what_is_left(seconds=0.2)
    host.wait_until_quiet()


def test_a_timer_fires_when_the_clock_passes_its_moment(
    settings: dict[str, str], queue: Queue, tmp_path: Path
) -> None:
    ticks = queue("ticks")

    with hosted(tmp_path, settings) as host:
        host.advance(24 * 3600)
        host.wait_until_quiet()
        said = [message.content for message in ticks.receive_messages()]

        assert said in (["late"], ["on time"])  # on time only within a minute of three o'clock
        assert len(host.runs("nightly")) == 1
        assert len(host.runs("at_startup")) == 1


def test_without_timers_a_function_still_runs_by_hand(
    settings: dict[str, str], queue: Queue, tmp_path: Path
) -> None:
    ticks = queue("ticks")

    with hosted(tmp_path, settings, "--no-timers") as host:
        host.advance(24 * 3600)
        host.wait_until_quiet()
        assert host.runs("at_startup") == []

        by_hand = host.http.post(
            "/admin/functions/nightly", headers={"x-functions-key": host.keys["master"]}, json={"input": ""}
        )

        assert by_hand.status_code == 202
        host.wait_until_quiet()
        assert [message.content for message in ticks.receive_messages()] == ["on time"]


def test_the_host_stops_when_whoever_started_it_closes_its_input(settings: dict[str, str], tmp_path: Path) -> None:
    with hosted(tmp_path, settings) as host:
        assert host.stop() == 0


ON_BLOB = """
import azure.functions as func
app = func.FunctionApp()
@app.blob_trigger(arg_name="blob", path="c", connection="AzureWebJobsStorage")
def on_blob(blob: func.InputStream) -> None: ...
"""
ON_TIMER = """
import azure.functions as func
app = func.FunctionApp()
@app.timer_trigger(arg_name="timer", schedule="SCHEDULE")
def tick(timer: func.TimerRequest) -> None: ...
"""


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        (ON_BLOB, "NotImitated: the function on_blob has the input binding blobTrigger"),
        (ON_TIMER.replace("SCHEDULE", "%ABSENT%"), "SettingMissing: the setting ABSENT is not set"),
        (ON_TIMER.replace("SCHEDULE", "00:05:00"), "ScheduleError: the schedule '00:05:00' is a time span"),
    ],
    ids=["cannot be imported", "binding not imitated", "setting missing", "time span"],
)
def test_an_app_at_fault_stops_the_start_with_the_reason(tmp_path: Path, code: str, complaint: str) -> None:
    (tmp_path / "function_app.py").write_text(code)
    settings = tmp_path / "local.settings.json"
    settings.write_text('{"Values": {}}')

    ended = subprocess.run(
        command(tmp_path, settings), cwd=ROOT, input="", capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert complaint in ended.stderr


SECOND_APP = """
import sys
from datetime import timedelta
from pathlib import Path
from local.clock import Clock
from local.functions.host import FunctionsHost
from local.functions.worker import AppNotLoaded
settings = {"AzureWebJobsStorage": sys.argv[1], "WORK_QUEUE": "work", "NIGHT": "0 0 0 * * *", "GREETING": "hi"}
for _ in range(2):
    with FunctionsHost(Path(sys.argv[2]), settings, Clock()) as host:
        host.wait_until_quiet(timedelta(seconds=10))
        print(sorted(host.functions)[0])
try:
    FunctionsHost(Path(sys.argv[3]), settings, Clock()).start()
except AppNotLoaded as error:
    print("one app per process" in str(error))
"""


def test_a_process_hosts_one_app_again_but_no_second_one(storage: Azurite, tmp_path: Path) -> None:
    (tmp_path / "function_app.py").touch()
    arguments = [storage.connection_string, str(APP), str(tmp_path)]

    ended = subprocess.run(
        [*command(APP, tmp_path)[:1], "-c", SECOND_APP, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stdout.split() == ["at_startup", "at_startup", "True"], ended.stderr


def test_the_first_line_of_the_help_says_what_it_does() -> None:
    ended = subprocess.run(
        [*command(APP, APP)[:3], "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert "Host a function app in a process of its own" in ended.stdout
