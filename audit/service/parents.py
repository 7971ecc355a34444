"""The workspaces and accounts that a table has ever met, so that a sweep can go through all of them."""

import contextlib

from audit.errors import Conflict
from audit.ports import Create, Table
from audit.record import keys, ledger

_PARTITION = "parents"


def remember(table: Table, parent: str) -> None:
    """Note a parent; noting it twice changes nothing."""
    with contextlib.suppress(Conflict):
        table.commit(_PARTITION, [Create(ledger.row(keys.partition(parent), parent))])


def known(table: Table) -> list[str]:
    """Return the ids of the parents of a table, sorted."""
    return sorted(ledger.read(row, str) for row in table.rows(_PARTITION, "p-", "p."))
