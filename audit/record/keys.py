"""Row keys, partition keys and other identities; they are made here and nowhere else.

Every part that comes from outside is hashed first, so keys hold only `[0-9a-z-]` and stay short (< 120):
a hostile or a long name cannot reach a key, a filter or a URL (Table storage forbids `/ \\ # ?` and control
characters in keys, and limits them to 1 KiB).
"""

import hashlib
from datetime import UTC, datetime

from audit.model import Finding, Target

ALERTS = "alerts"  # the chain of what was told; no target's hash can be this short
POLICY = "policy"  # the chain, and in the table `releases` the partition, of the policies
APPROVALS = "releases-"  # stands before a target's hash where its chain of approvals is meant
PROPOSALS = "proposals"  # the partition of what dropped release files propose
_MAX_TICKS = 3155378975999999999  # .NET's DateTime.MaxValue, the log-tail pattern of Table storage
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)


def digest(*parts: str) -> str:
    """Return 32 hex characters that stand for these texts, unambiguously and for ever."""
    joined = b"".join(b"%d:" % len(raw) + raw for raw in (p.encode("utf-8", "surrogatepass") for p in parts))
    return hashlib.sha256(joined).hexdigest()[:32]


def partition(parent: str) -> str:
    """Return the partition of a workspace or account, given its normalised id."""
    return "p-" + digest(parent)[:24]


def target_hash(target: Target) -> str:
    """Return what stands for the target in row keys."""
    return digest(target.id)


def finding_key(finding: Finding) -> str:
    """Return the identity of a problem; it leaves out what was observed, so the same problem stays one."""
    return digest(finding.target.id, finding.rule, finding.subject)


def event_key(source: str, id_: str, type_: str, subject: str, time: str) -> str:
    """Return what is equal for all deliveries of one event; the id alone is not safe (azure-docs#77475)."""
    return digest(source, id_, type_, subject, time)


def notice_id(finding: str, number: int, kind: str, revision: int) -> str:
    """Return the identity of one thing owed to on-call; it can be created only once."""
    return digest(finding, str(number), kind, str(revision))


def head(stream: str) -> str:
    """Return the key of a target's head, whose ETag is the lock of its commits."""
    return f"0-{stream}-h"


def hot(stream: str) -> tuple[str, str]:
    """Return the range that holds all that a check needs of a target: head, memory, inbox, findings; releases."""
    return f"0-{stream}-", f"0-{stream}."  # '.' follows '-'


ALL_HOT = ("0-", "0.")
ALL_ENTRIES = ("j-", "j.")
ALL_OBSERVATIONS = ("o-", "o.")
CHECKPOINT = "0-checkpoint-p"  # among the hot rows, so that a sweep reads it with them
MARKS = "m-resource-graph"  # what an index said of endpoints; no evidence, so no part of the hot rows
OUTBOX = ("1-", "1.")
OUTBOX_HEAD = "1-h"
OUTBOX_BATCH = "1-b"


def inbox(stream: str, event: str) -> str:
    """Return the key of an event that waits to be folded in."""
    return f"0-{stream}-i-{event}"


def memory(stream: str) -> str:
    """Return the key of what is remembered of a target beside its head."""
    return f"0-{stream}-n"


def finding_row(stream: str, finding: str) -> str:
    """Return the key of a finding's row."""
    return f"0-{stream}-f-{finding}"


def release_row(stream: str, release: str) -> str:
    """Return the key of the release in force."""
    return f"0-{stream}-a-{digest(release)}"


def rollback_row(stream: str) -> str:
    """Return the key of the copy of the release to go back to."""
    return f"0-{stream}-b"


def waiver_id(target: Target, rule: str, subject: str) -> str:
    """Return the identity of a waiver; there is one for a rule at a target and subject, and it is renewed."""
    return "w-" + digest(target.id, rule, subject)[:12]


def waiver_row(stream: str, waiver: str) -> str:
    """Return the key of a waiver's row."""
    return f"0-{stream}-{waiver}"


def policy_row(scope: str) -> str:
    """Return the key of the policy of a scope."""
    return f"0-{POLICY}-p-{digest(scope)}"


def proposal(file: str) -> str:
    """Return the key of what a dropped release file came to."""
    return f"p-{digest(file)}"


def outbox(notice: str) -> str:
    """Return the key of a notice that waits to be told."""
    return f"1-x-{notice}"


def intake(stream: str, event: str, time: datetime) -> str:
    """Return the key that marks an event as taken in; by month first, so that old ones are one range."""
    return f"e-{time:%Y%m}-{stream}-{event}"


def intake_range(start: datetime, end: datetime) -> tuple[str, str]:
    """Return the range that holds what was taken in of the events of some months, the first and the last whole."""
    return f"e-{start:%Y%m}-", f"e-{end:%Y%m}."


def journal(stream: str, seq: int) -> str:
    """Return the key of a journal entry."""
    return f"j-{stream}-{seq:012d}"


def journal_range(stream: str) -> tuple[str, str]:
    """Return the range that holds one chain."""
    return f"j-{stream}-", f"j-{stream}."


def observation(stream: str, at: datetime) -> str:
    """Return the key of an observation; newer ones sort first."""
    return f"o-{stream}-{_inverted(at)}"


def observations(stream: str, until: datetime | None = None) -> tuple[str, str]:
    """Return the range that holds a target's observations made at `until` or before, the newest first."""
    return observation(stream, until) if until else f"o-{stream}-", f"o-{stream}."


def run(at: datetime) -> str:
    """Return the key of what one sweep of a parent came to; newer ones sort first."""
    return f"r-{_inverted(at)}"


def runs(until: datetime) -> tuple[str, str]:
    """Return the range that holds the sweeps that began at `until` or before, the newest first."""
    return run(until), "r."


def _inverted(at: datetime) -> str:
    since = at.astimezone(UTC) - _EPOCH
    ticks = (since.days * 86400 + since.seconds) * 10_000_000 + since.microseconds * 10
    return f"{_MAX_TICKS - ticks:019d}"
