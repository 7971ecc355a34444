"""ARM's throttling: a token bucket for each principal, for reads and for writes."""

import threading
import time
from dataclasses import dataclass, field

from local.azure.answers import Refusal


@dataclass(frozen=True, slots=True)
class Limit:
    """How many calls a bucket holds and how many flow in each second."""

    size: int
    per_second: int


# Per subscription, service principal and region, as Microsoft documents them.
READS, WRITES = Limit(250, 25), Limit(200, 10)
GLOBAL_FACTOR = 15  # over all service principals of a subscription together


@dataclass(slots=True)
class _Bucket:
    limit: Limit
    left: float
    at: float


@dataclass(slots=True)
class Limits:
    """The buckets of everybody who calls. They count always and refuse only where `are_enforced`."""

    are_enforced: bool = False
    _buckets: dict[tuple[str, bool], _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, who: str, *, is_read: bool) -> dict[str, int]:
        """Take one call out of the caller's bucket and return what is left, as ARM's headers name it.

        Raises `Refusal` (429, with `Retry-After` in seconds) where the bucket is empty and limits are enforced.
        """
        limit = READS if is_read else WRITES
        now = time.monotonic()
        with self._lock:
            bucket = self._buckets.setdefault((who, is_read), _Bucket(limit, limit.size, now))
            bucket.left = min(limit.size, bucket.left + (now - bucket.at) * limit.per_second)
            bucket.at = now
            if self.are_enforced and bucket.left < 1:
                raise Refusal(429, "SubscriptionRequestsThrottled", "Too many requests.", {"Retry-After": "1"})
            bucket.left = max(0.0, bucket.left - 1)
            left = int(bucket.left)
        kind = "reads" if is_read else "writes"
        return {kind: left, f"global-{kind}": limit.size * GLOBAL_FACTOR - limit.size + left}
