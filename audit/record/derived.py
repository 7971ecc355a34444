"""Hold the rows that questions are answered from against the chains that vouch for them.

Rows of findings, states and releases are read far more often than the journal, and no chain runs through them.
Each was written in one transaction with an entry that says the same, so an edited, planted or deleted one shows.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import msgspec

from audit.approvals import waivers
from audit.approvals.policy import ScopedPolicy
from audit.approvals.releases import Approvals, Policies
from audit.model import Episode, Release, Status, Waiver
from audit.record import evidence, keys
from audit.record.decode import convert
from audit.record.evidence import Broken
from audit.record.journal import at_of
from audit.record.ledger import Head, Hot, Seen, memory_digest, state_digest

Lie = tuple[str, Broken]
"""A row that does not say what its chain says: what it is, the entry's number, and both versions."""

Said = tuple[int, Any]
"""What a chain says of a row, and in which entry; None where there must be no such row."""

NOTHING: Said = (0, None)


class _Finding(TypedDict):
    """What the entry of a check says of a finding that its row says as well."""

    key: str
    change: str
    number: int
    rule: str
    subject: str
    severity: str
    expected: str
    got: str
    waiver: str


class _Named(TypedDict):
    id: str


class _Check(TypedDict):
    """What the entry of a check says that rows say as well."""

    outcome: str
    state: str
    snapshot: str
    changed: bool
    remembered: NotRequired[str]  # not in entries of versions that remembered nothing
    release: _Named
    findings: list[_Finding]


def of_target(stream: str, hot: Hot, states: Mapping[str, Seen], entries: Sequence[bytes]) -> Iterator[Lie]:
    """Return the rows of a target that do not say what the chain of its checks says; `states` are by row key."""
    checks = [(seq, check) for seq, check in map(_check, entries) if check is not None]
    is_pruned = evidence.first_of(entries)[0] > 1
    if hot.head is not None and checks:
        seq, last = checks[-1]
        yield from _compare("head", (seq, _state_said(last)), _head_shown(hot.head, last))
        if "remembered" in last:
            yield from _compare("what is remembered", (seq, last["remembered"]), memory_digest(hot.memory))
    findings = {each["key"]: (seq, _finding_said(each)) for seq, check in checks for each in check["findings"]}
    episodes = {key: _finding_shown(e) for key, e in hot.episodes.items() if key in findings or not is_pruned}
    yield from _compare_all("finding", findings, episodes)
    yield from _of_states(stream, states, entries, is_pruned=is_pruned)


def of_approvals(approvals: Approvals, entries: Sequence[bytes]) -> Iterator[Lie]:
    """Return the rows in force for a target that do not say what the chain of its approvals says."""
    release, waived, rollback = NOTHING, {}, NOTHING
    granted: dict[str, Any] = {}
    for seq, kind, body in map(_read, entries):
        if kind in ("granted", "revoked"):
            release = (seq, _as(Release, body.get("release")))
            rollback = (seq, granted.get(_text_of(release[1], "rollback")))
            granted[_text_of(release[1], "id")] = release[1]
        elif kind in ("waived", "waiver withdrawn"):
            waived[str(body.get("id"))] = (seq, _as(Waiver, body.get("waiver")) if kind == "waived" else None)
    yield from _compare("release in force", release, _plain(approvals.release))
    yield from _compare("release to go back to", rollback, _plain(approvals.rollback))
    yield from _compare_all("waiver", waived, {waivers.id_of(each): _plain(each) for each in approvals.waivers})


def of_policies(policies: Policies, entries: Sequence[bytes]) -> Iterator[Lie]:
    """Return the policies in force that are not what their chain says."""
    said: dict[str, Said] = {}
    for seq, kind, body in map(_read, entries):
        if kind == "policy set" and isinstance(body.get("policy"), dict):
            said[str(body["policy"].get("scope"))] = (seq, _as(ScopedPolicy, body["policy"]))
        elif kind == "policy removed":
            said[str(body.get("scope"))] = (seq, None)
    yield from _compare_all("policy of", said, {each.scope: _plain(each) for each in policies.policies})


def _of_states(
    stream: str, states: Mapping[str, Seen], entries: Sequence[bytes], *, is_pruned: bool
) -> Iterator[Lie]:
    changes = {
        keys.observation(stream, at_of(raw)): (seq, check)
        for raw in entries
        for seq, check in [_check(raw)]
        if check is not None and check["changed"]
    }
    oldest = keys.observation(stream, at_of(entries[0])) if is_pruned else ""  # newer ones sort first
    shown = {
        key: _state_shown(state, changes[key][1] if key in changes else None)
        for key, state in states.items()
        if not is_pruned or key <= oldest
    }
    yield from _compare_all("state", {key: (seq, _state_said(c)) for key, (seq, c) in changes.items()}, shown)


def _text_of(release: Any, name: str) -> str:
    """Return a text of a release that an entry grants; nothing where it grants none."""
    return str(release.get(name, "")) if isinstance(release, dict) else ""


def _read(raw: bytes) -> tuple[int, str, dict[str, Any]]:
    """Return number, kind and body of an entry, whatever somebody has made of it."""
    entry = evidence.read(raw)
    seq, body = entry.get("seq"), entry.get("body")
    return seq if isinstance(seq, int) else 0, str(entry.get("kind")), body if isinstance(body, dict) else {}


def _check(raw: bytes) -> tuple[int, _Check | None]:
    """Return number and body of the entry of a check; no body where it is another one, or none any more."""
    seq, kind, body = _read(raw)
    try:
        return seq, convert(body, _Check) if kind == "check" else None
    except msgspec.ValidationError:
        return seq, None


def _compare_all(what: str, said: Mapping[str, Said], shown: Mapping[str, Any]) -> Iterator[Lie]:
    for name in sorted({*said, *shown}):
        yield from _compare(f"{what} {name}", said.get(name, NOTHING), shown.get(name))


def _compare(what: str, said: Said, shown: Any) -> Iterator[Lie]:
    seq, value = said
    if value != shown:
        expected, got = _difference(value, shown)
        yield what, Broken(seq, f"{expected}, as entry {seq} says" if seq else expected, got)


def _difference(said: Any, shown: Any) -> tuple[str, str]:
    """Return both sides as texts; of two mappings only the values that differ."""
    if isinstance(said, dict) and isinstance(shown, dict):
        names = sorted(name for name in {*said, *shown} if said.get(name) != shown.get(name))
        said, shown = ({name: side.get(name) for name in names} for side in (said, shown))
    return _text(said), _text(shown)


def _text(value: Any) -> str:
    return "no such row" if value is None else evidence.canonical(value).decode()[:500]


def _as(type_: type[Any], said: Any) -> Any:
    """Return what an entry says with all that a value of today has, whichever version wrote the entry."""
    try:
        return None if said is None else _plain(convert(said, type_))
    except msgspec.ValidationError:
        return said


def _plain(value: Any) -> Any:
    """Return a value as it comes back out of an entry, so that both sides are alike."""
    return None if value is None else evidence.read(evidence.canonical(msgspec.to_builtins(value)))


def _state_said(check: _Check) -> dict[str, str]:
    shown = {name: check[name] for name in ("outcome", "state", "snapshot")}
    return {**shown, "release": check["release"]["id"], "facts": check["state"]}


def _head_shown(head: Head, last: _Check) -> dict[str, str]:
    return _shown(head, last) | {"state": head.state}


def _state_shown(seen: Seen, change: _Check | None) -> dict[str, str]:
    return _shown(seen, change) | {"state": change["state"] if change else ""}


def _shown(row: Head | Seen, said: _Check | None) -> dict[str, str]:
    """Return what a row says; facts that it leaves to the snapshot are those of the entry, which names it too."""
    facts = state_digest(row.outcome, row.facts) if row.facts or said is None else said["state"]
    return {"outcome": str(row.outcome), "snapshot": row.snapshot, "release": row.release, "facts": facts}


def _finding_said(found: _Finding) -> dict[str, Any]:
    status = Status.RESOLVED if found["change"] == "resolved" else Status.OPEN
    return {name: value for name, value in found.items() if name not in ("key", "change")} | {"status": status}


def _finding_shown(episode: Episode) -> dict[str, Any]:
    finding = episode.finding
    return {
        "number": episode.number,
        "rule": finding.rule,
        "subject": finding.subject,
        "severity": str(finding.severity),
        "expected": finding.expected,
        "got": finding.got,
        "waiver": episode.waiver,
        "status": episode.status,
    }
