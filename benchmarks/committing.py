"""The commit path on Azurite: round trips of an event, and events a second beside what Azurite itself can do."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median, quantiles
from typing import Any

from benchmarks.storing import Log
from benchmarks.writing import (
    APPROVED,
    DRIFTED,
    Load,
    Share,
    event_of,
    open_house,
    prepare,
    replay,
    target_of,
    write,
)
from local.azurite import Azurite, azurite
from tests.house import House, chat_document

WRITERS = 8
TARGETS = 200

Figures = dict[str, Any]


def measure_commits(events: int, times: int) -> Figures:
    """Return round trips, and for each load the figures of `times` runs of `events` events."""
    # Spawned, not forked: no connection and no lock is shared, as between instances on Azure.
    with azurite() as running, ProcessPoolExecutor(WRITERS, mp_context=get_context("spawn")) as pool:
        trips = count_round_trips(running)
        loads = [
            load for targets in (1, TARGETS) for load in _measure_targets(pool, running, targets, events, times)
        ]
    return {"round_trips": trips, "loads": loads}


def count_round_trips(running: Azurite) -> dict[str, dict[str, int]]:
    """Return the requests that travel for one event of each sort, by service.

    Those by which the host takes a message from a queue are not ours, and not among them.
    """
    log = Log()
    house, target = open_house(running, "trips", log), target_of(0)
    prepare(running, Load("trips", targets=1, writers=1, events=0), 0)
    at_rest, drift, mend = (event_of(number, target) for number in range(3))
    return {
        "at rest": _requests(house, log, APPROVED, at_rest),
        "duplicate": _requests(house, log, APPROVED, at_rest),
        "finding opened and told": _requests(house, log, DRIFTED, drift),
        "finding resolved and told": _requests(house, log, APPROVED, mend),
    }


def _requests(house: House, log: Log, version: str, event: Figures) -> dict[str, int]:
    house.serve(target_of(0), chat_document(version))
    log.clear()
    house.deliver(event)
    return {service: log.requests[service] for service in ("table", "queue", "blob")}


def _measure_targets(
    pool: ProcessPoolExecutor, running: Azurite, targets: int, events: int, times: int
) -> Iterator[Figures]:
    name = f"t{targets}"
    _share_out(pool, prepare, running, Load(name, targets, WRITERS, events))
    first = 0
    for writers in (1, WRITERS):
        samples = []
        for _ in range(times):
            samples.append(_measure(pool, running, Load(name, targets, writers, events, first)))
            first += events
        yield {"targets": targets, "writers": writers, "events": events} | _summary(samples)


def _measure(pool: ProcessPoolExecutor, running: Azurite, load: Load) -> Figures:
    shares = _share_out(pool, write, running, load)
    raw = [pool.submit(replay, running, load, writer, share.log.operations) for writer, share in enumerate(shares)]
    return _figures(load, shares, [each.result() for each in raw])


def _share_out(pool: ProcessPoolExecutor, work: Callable[..., Any], running: Azurite, load: Load) -> list[Any]:
    return [each.result() for each in [pool.submit(work, running, load, writer) for writer in range(load.writers)]]


def _figures(load: Load, shares: Sequence[Share], raw: Sequence[Share]) -> Figures:
    seconds, raw_seconds = _elapsed(shares), _elapsed(raw)
    each = sorted(second for share in shares for second in share.seconds)
    operations = sum(len(share.log.operations) for share in shares)
    requests = sum(share.log.requests.total() for share in shares)
    return {
        "events_per_second": load.events / seconds,
        "raw_events_per_second": load.events / raw_seconds,
        "share_of_raw": raw_seconds / seconds,
        "p50_ms": 1000 * median(each),
        "p95_ms": 1000 * quantiles(each, n=20)[-1],
        "operations_per_event": operations / load.events,
        "conflicts": sum(share.log.conflicts for share in shares),
        "sdk_retries": requests - operations,
    }


def _elapsed(shares: Sequence[Share]) -> float:
    return max(share.ended for share in shares) - min(share.began for share in shares)


def _summary(samples: Sequence[Figures]) -> Figures:
    medians = {name: median(sample[name] for sample in samples) for name in samples[0]}
    return {"median": medians, "samples": list(samples)}
