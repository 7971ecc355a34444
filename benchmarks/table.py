"""One table of everything that was measured, for a person."""

from collections.abc import Iterator, Sequence
from typing import Any

Figures = dict[str, Any]
Line = Sequence[str]

_WIDTHS = (42, 14, 10, 9)  # of title, figure, ratio and memory; the remark takes what it needs


def table(figures: Figures) -> str:
    """Return the figures as aligned text, one section a part."""
    parts = (_judging, _round_trips, _loads, _starts)
    return "\n\n".join("\n".join(map(_aligned, part(figures))) for part in parts)


def _aligned(line: Line) -> str:
    title, *numbers, remark = line
    cells = [f"{number:>{width}}" for number, width in zip(numbers, _WIDTHS[1:], strict=True)]
    return f"{title:<{_WIDTHS[0]}}{''.join(cells)}  {remark}".rstrip()


def _judging(figures: Figures) -> Iterator[Line]:
    for fleet in figures["judging"]:
        count = next(each["documents"] for each in fleet)
        yield (f"JUDGING {count:,} deployments", "a CPU second", "of limit", "peak MB", "findings")
        yield from (_engine(each) for each in fleet)


def _engine(each: Figures) -> Line:
    if "advice" in each:
        return each["title"], "-", "-", "-", each["advice"]
    rate, ratio = f"{each['documents_per_second']:,.0f}", f"{each['to_limit']:.2f}x"
    return each["title"], rate, ratio, f"{each['peak_mb']:.0f}", _found(each)


def _found(each: Figures) -> str:
    slower = 1 / each["to_model_audit"]
    comparison = f"; Model Audit is {slower:.1f} times as fast" if slower > 1 else ""
    return f"{each['findings']:,}{comparison}" if each["findings"] else ""


def _round_trips(figures: Figures) -> Iterator[Line]:
    yield "ROUND TRIPS of one event", "table", "queue", "blob", "requests to storage"
    for title, trips in figures["committing"]["round_trips"].items():
        yield title, str(trips["table"]), str(trips["queue"]), str(trips["blob"]), ""


def _loads(figures: Figures) -> Iterator[Line]:
    yield (
        "COMMITTING on Azurite: intake, check, tell",
        "events/s",
        "of raw",
        "p50 ms",
        "raw: Azurite, same operations",
    )
    for load in figures["committing"]["loads"]:
        yield _load(load)


def _load(load: Figures) -> Line:
    figures = load["median"]
    title = f"{_plural(load['writers'], 'writers')} on {_plural(load['targets'], 'targets')}"
    rates = (f"{figures['events_per_second']:.1f}", f"{figures['share_of_raw']:.2f}x", f"{figures['p50_ms']:.0f}")
    remark = (
        f"p95 {figures['p95_ms']:.0f} ms, {figures['operations_per_event']:.1f} operations an event, "
        f"{figures['conflicts']:.0f} conflicts (each tried again), {figures['sdk_retries']:.0f} retries by the SDK"
    )
    return title, *rates, remark


def _plural(count: int, name: str) -> str:
    return f"{count} {name if count > 1 else name.removesuffix('s')}"


def _starts(figures: Figures) -> Iterator[Line]:
    yield "COLD START in a fresh process", "ms", "of Python", "peak MB", ""
    bare = figures["starting"][0]["median"]["ms"]
    for each in figures["starting"]:
        ms, peak = each["median"]["ms"], each["median"]["peak_mb"]
        yield each["title"], f"{ms:.0f}", f"{ms / bare:.1f}x", f"{peak:.0f}", ""
