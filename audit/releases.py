"""The rows of the table `releases`: what is approved, and the chain of the approvals themselves.

Only approvers write them; the detector's identity may read them and nothing more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from audit import evidence, keys
from audit.evidence import Link
from audit.ledger import entry_row, read, row
from audit.model import Release
from audit.ports import Create, Delete, Replace, Row, Write


@dataclass(frozen=True, slots=True)
class Approvals:
    """What is approved for one target, and where its chain of approvals stands."""

    release: Release | None = None
    link: Link = evidence.EMPTY
    head_row: Row | None = None
    release_row: Row | None = None


NONE = Approvals()


def read_approvals(rows: Iterable[Row]) -> Approvals:
    """Return what the hot rows of one target approve; at most one release is in force."""
    head_row = release_row = None
    for each in rows:
        if each.key.endswith("-h"):
            head_row = each
        else:
            release_row = each
    return Approvals(
        release=read(release_row, Release) if release_row else None,
        link=read(head_row, Link) if head_row else evidence.EMPTY,
        head_row=head_row,
        release_row=release_row,
    )


def approve(known: Approvals, release: Release, identity: str, now: datetime) -> list[Write]:
    """Return the one transaction that puts a release in force and journals who did it.

    It is empty where exactly this release is in force already, so that applying twice changes nothing.
    """
    if known.release == release:
        return []
    stream = keys.target_hash(release.target)
    body: dict[str, Any] = {
        "release": msgspec.to_builtins(release),
        "replaces": known.release.id if known.release else "",
        "identity": identity,
    }
    entry = evidence.append(stream, known.link, "granted", body, now)
    return [
        *_put_release(stream, known, release),
        Create(entry_row(stream, entry)),
        _put_head(stream, known, entry.link),
    ]


def _put_release(stream: str, known: Approvals, release: Release) -> list[Write]:
    key, old = keys.release_row(stream, release.id), known.release_row
    columns = {"target": release.target.id, "approved_by": release.approved_by}
    if old is not None and old.key == key:
        return [Replace(row(key, release, old.etag, **columns))]
    deleted: list[Write] = [Delete(old.key, old.etag)] if old else []
    return [*deleted, Create(row(key, release, **columns))]


def _put_head(stream: str, known: Approvals, link: Link) -> Write:
    key, old = keys.head(stream), known.head_row
    return Replace(row(key, link, old.etag)) if old else Create(row(key, link))
