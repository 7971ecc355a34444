"""The rows of the table `releases`: what is approved, waived and demanded, and the chains of those acts.

Only approvers write them; the detector's identity may read them and nothing more. Every act is an entry of a
hash chain, of its target or of the policies, and names the identity that did it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from audit.approvals import waivers
from audit.approvals.policy import ScopedPolicy
from audit.model import Release, Waiver
from audit.ports import Create, Delete, Replace, Row, Write
from audit.record import evidence, keys
from audit.record.decode import convert
from audit.record.evidence import Link
from audit.record.journal import at_of, body_of
from audit.record.ledger import entry_row, read, row


@dataclass(frozen=True, slots=True)
class Approvals:
    """What is approved and waived for one target, and where its chain of approvals stands.

    `rollback` is a copy of the earlier release that `release` names to go back to, where one was approved.
    """

    release: Release | None = None
    link: Link = evidence.EMPTY
    head_row: Row | None = None
    release_row: Row | None = None
    waivers: tuple[Waiver, ...] = ()
    waiver_rows: Mapping[str, Row] = field(default_factory=dict)
    rollback: Release | None = None
    rollback_row: Row | None = None


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies in force, and where their chain stands."""

    policies: tuple[ScopedPolicy, ...] = ()
    link: Link = evidence.EMPTY
    head_row: Row | None = None
    rows: Mapping[str, Row] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody does to what is approved: what the chain says of it, and the rows it changes."""

    kind: str
    body: Mapping[str, Any]
    writes: tuple[Write, ...]


NONE = Approvals()


def read_approvals(rows: Iterable[Row]) -> Approvals:
    """Return what the hot rows of one target approve; at most one release is in force."""
    head_row = release_row = rollback_row = None
    waiver_rows: dict[str, Row] = {}
    for each in rows:
        _, _, suffix, *rest = each.key.split("-", 3)
        if suffix == "h":
            head_row = each
        elif suffix == "a":
            release_row = each
        elif suffix == "b":
            rollback_row = each
        elif suffix == "w":
            waiver_rows[f"w-{rest[0]}"] = each
    return Approvals(
        release=read(release_row, Release) if release_row else None,
        link=read(head_row, Link) if head_row else evidence.EMPTY,
        head_row=head_row,
        release_row=release_row,
        waivers=tuple(read(each, Waiver) for each in waiver_rows.values()),
        waiver_rows=waiver_rows,
        rollback=read(rollback_row, Release) if rollback_row else None,
        rollback_row=rollback_row,
    )


def read_policies(rows: Iterable[Row]) -> Policies:
    """Return what the hot rows of the partition `policy` demand."""
    head_row, found = None, {}
    for each in rows:
        if each.key == keys.head(keys.POLICY):
            head_row = each
        else:
            found[each.key] = each
    return Policies(
        policies=tuple(read(each, ScopedPolicy) for each in found.values()),
        link=read(head_row, Link) if head_row else evidence.EMPTY,
        head_row=head_row,
        rows=found,
    )


def approve(known: Approvals, release: Release, identity: str, now: datetime) -> list[Write]:
    """Return the one transaction that puts a release in force and journals who did it.

    It is empty where exactly this release is in force already, so that applying twice changes nothing.
    """
    stream = keys.target_hash(release.target)
    return enact(stream, known.link, known.head_row, grant(known, release), identity, now)


def grant(known: Approvals, release: Release, earlier: Release | None = None) -> list[Act]:
    """Return the act that puts a release in force, or nothing where exactly this one is.

    `earlier` is the release that it names to go back to: a copy stands beside it, so that one read shows both.
    """
    if (known.release, known.rollback) == (release, earlier):
        return []
    body = {
        "release": msgspec.to_builtins(release),
        "replaces": known.release.id if known.release else "",
    }
    stream = keys.target_hash(release.target)
    writes = [*_put_release(stream, known, release), *_put_rollback(stream, known, earlier)]
    return [Act("granted", body, tuple(writes))]


def revoke(known: Approvals, reason: str) -> list[Act]:
    """Return the act that takes the release out of force, or nothing where none is."""
    if known.release is None or known.release_row is None:
        return []
    body = {"revokes": known.release.id, "target": known.release.target.id, "reason": reason}
    write = Delete(known.release_row.key, known.release_row.etag)
    return [Act("revoked", body, (write, *_put_rollback("", known, None)))]


def waive(known: Approvals, waiver: Waiver) -> list[Act]:
    """Return the act that puts a waiver in force or renews it, or nothing where exactly this one is."""
    if waiver in known.waivers:
        return []
    id_ = waivers.id_of(waiver)
    write = _put(known.waiver_rows.get(id_), keys.waiver_row(keys.target_hash(waiver.target), id_), waiver)
    return [Act("waived", {"id": id_, "waiver": msgspec.to_builtins(waiver)}, (write,))]


def withdraw(known: Approvals, waiver: Waiver, reason: str) -> list[Act]:
    """Return the act that ends a waiver before its time."""
    id_ = waivers.id_of(waiver)
    old = known.waiver_rows[id_]
    body = {"id": id_, "waiver": msgspec.to_builtins(waiver), "reason": reason}
    return [Act("waiver withdrawn", body, (Delete(old.key, old.etag),))]


def demand(known: Policies, policy: ScopedPolicy) -> list[Act]:
    """Return the act that puts a policy in force, or nothing where exactly this one is."""
    if policy in known.policies:
        return []
    key = keys.policy_row(policy.scope)
    write = _put(known.rows.get(key), key, policy, scope=policy.scope)
    return [Act("policy set", {"policy": msgspec.to_builtins(policy)}, (write,))]


def lift(known: Policies, scope: str, reason: str) -> list[Act]:
    """Return the act that takes the policy of a scope out of force, or nothing where there is none."""
    old = known.rows.get(keys.policy_row(scope))
    if old is None:
        return []
    return [Act("policy removed", {"scope": scope, "reason": reason}, (Delete(old.key, old.etag),))]


def granted(entries: Iterable[bytes]) -> dict[str, Release]:
    """Return every release that was ever in force, by its id, from the entries of a chain; the latest wins."""
    bodies = (evidence.read(raw).get("body", {}).get("release") for raw in entries)
    found = (convert(body, Release) for body in bodies if body)
    return {release.id: release for release in found}


def in_force(entries: Iterable[bytes], at: datetime) -> Release | None:
    """Return the release that was in force at a moment, from the entries of a target's chain of approvals."""
    found = None
    for raw in entries:
        if at_of(raw) > at:
            break
        body = body_of(raw)
        if release := body.get("release"):
            found = convert(release, Release)
        elif "revokes" in body:
            found = None
    return found


def enact(
    stream: str, link: Link, head_row: Row | None, acts: Sequence[Act], identity: str, now: datetime
) -> list[Write]:
    """Return the one transaction that does these acts in their order, each with an entry in the chain."""
    if not acts:
        return []
    writes: list[Write] = []
    for act in acts:
        entry = evidence.append(stream, link, act.kind, {**act.body, "identity": identity}, now)
        link = entry.link
        writes += [*act.writes, Create(entry_row(stream, entry))]
    return [*writes, _put(head_row, keys.head(stream), link)]


def _put_release(stream: str, known: Approvals, release: Release) -> list[Write]:
    key, old = keys.release_row(stream, release.id), known.release_row
    columns = {"target": release.target.id[:1024], "approved_by": release.approved_by}
    if old is None or old.key == key:
        return [_put(old, key, release, **columns)]
    return [Delete(old.key, old.etag), _put(None, key, release, **columns)]


def _put_rollback(stream: str, known: Approvals, earlier: Release | None) -> list[Write]:
    old = known.rollback_row
    if earlier is None:
        return [Delete(old.key, old.etag)] if old else []
    return [] if known.rollback == earlier else [_put(old, keys.rollback_row(stream), earlier)]


def _put(old: Row | None, key: str, value: Any, **columns: str) -> Write:
    return Replace(row(key, value, old.etag, **columns)) if old else Create(row(key, value, **columns))
