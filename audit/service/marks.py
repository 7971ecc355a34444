"""What an index said of a parent's endpoints when they were last read: one row, which only sweeps use.

It is no evidence. Where it is missing or lost, the next sweep reads everything.
"""

import contextlib
from collections.abc import Mapping

from audit.errors import Conflict
from audit.ports import Create, Replace, Table, Write
from audit.record import keys, ledger
from audit.record.index import Marked, Remembered


def read(table: Table, parent: str) -> Remembered:
    """Return what is remembered of a parent."""
    rows = table.rows(keys.partition(parent), keys.MARKS, keys.MARKS + "-", 1)
    return Remembered(ledger.read(rows[0], dict[str, Marked]), rows[0].etag) if rows else Remembered({})


def write(table: Table, parent: str, old: Remembered, marks: Mapping[str, Marked]) -> None:
    """Remember this instead of what was read; where another sweep was first, what it remembers is as good."""
    if marks == old.marks:
        return
    row = ledger.row(keys.MARKS, marks, old.etag)
    change: Write = Replace(row) if old.etag else Create(row)
    with contextlib.suppress(Conflict):
        table.commit(keys.partition(parent), [change])
