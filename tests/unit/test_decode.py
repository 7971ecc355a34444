import subprocess
import sys

# In a process of its own each: a type is learnt once, and the fault that this is about ends the process.
PROGRAM = """
import sys, threading
from audit.record import evidence, ledger
from audit.record.decode import convert
from audit.record.journal import body_of
from audit.record.ledger import Head, Seen
from audit.model import Episode, Event, Notice, Release
from audit.ports import Row

sys.setswitchinterval(1e-6)
barrier = threading.Barrier(24)
entry = evidence.append("s", evidence.EMPTY, "check", {}, evidence.EMPTY.at).raw

def read_everything():
    barrier.wait()
    body_of(entry)
    for type_ in (Head, Seen, Episode, Event, Notice):
        try:
            ledger.read(Row("k", {"v": 1, "body": b"{}"}), type_)
        except Exception:
            pass
    try:
        convert({}, Release)
    except Exception:
        pass

threads = [threading.Thread(target=read_everything) for _ in range(24)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_many_threads_that_read_their_first_rows_at_once_end_no_process() -> None:
    codes = [subprocess.run([sys.executable, "-c", PROGRAM], check=False).returncode for _ in range(8)]

    assert codes == [0] * 8
