"""What an online endpoint's traffic may be, for the fleet file and for writes alike."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

MAX_MIRROR_PERCENT = 50  # the service's limit; mirrored calls cost the endpoint's bandwidth quota


@dataclass(frozen=True, slots=True)
class TrafficFlaw:
    """Why a split of traffic cannot be: what it should have been, and what it is."""

    expected: str
    got: str


def traffic_flaw(
    traffic: Mapping[str, int], mirror: Mapping[str, int], deployments: Collection[str]
) -> TrafficFlaw | None:
    """Return what is wrong with a split; None where the service takes it."""
    served = {name for shares in (traffic, mirror) for name, share in shares.items() if share}
    if strangers := sorted(served - set(deployments)):
        return TrafficFlaw("deployments of the endpoint only", ", ".join(strangers))
    if not all(0 <= share <= 100 for share in traffic.values()) or sum(traffic.values()) not in (0, 100):
        return TrafficFlaw("shares from 0 to 100 that add up to 0 or 100", str(dict(traffic)))
    mirrored = [share for share in mirror.values() if share]
    if len(mirrored) > 1 or not all(0 < share <= MAX_MIRROR_PERCENT for share in mirrored):
        return TrafficFlaw(f"one mirrored deployment with at most {MAX_MIRROR_PERCENT}", str(dict(mirror)))
    return None
