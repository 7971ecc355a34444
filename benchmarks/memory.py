"""How much memory a process has held at most; Linux keeps it for each process by itself."""

import re
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_mb(status: str = "") -> float:
    """Return the peak of resident memory in MB, of this process or of the one whose status this is."""
    found = re.search(r"VmHWM:\s+(\d+) kB", status or STATUS.read_text())
    return int(found[1]) / 1024 if found else 0.0
