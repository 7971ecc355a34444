"""One table of everything that was measured, for a person."""

from collections.abc import Iterator, Sequence
from typing import Any

Figures = dict[str, Any]
Line = Sequence[str]

# What judging is meant to reach: the time of the hand-written limit, and the speed of Cloud Custodian.
MOST_OF_LIMIT, LEAST_OF_CUSTODIAN = 4, 8

_WIDTHS = (42, 14, 10, 9)  # of title, figure, ratio and memory; the remark takes what it needs


def table(figures: Figures) -> str:
    """Return the figures as aligned text, one section a part."""
    parts = (_judging, _aims, _engines, _round_trips, _loads, _answers, _starts)
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


def _aims(figures: Figures) -> Iterator[Line]:
    yield "AIMS of judging", "measured", "aim", "", ""
    for fleet in figures["judging"]:
        engines = {each["id"]: each for each in fleet}
        own, count = engines["model-audit"], f"{engines['parse']['documents']:,}"
        yield _aim(f"time of the limit, {count}", 1 / own["to_limit"], MOST_OF_LIMIT, is_most=True)
        if "to_model_audit" in engines["custodian"]:
            times = 1 / engines["custodian"]["to_model_audit"]
            yield _aim(f"as fast as Cloud Custodian, {count}", times, LEAST_OF_CUSTODIAN, is_most=False)
        yield f"time of plain parsing, {count}", f"{1 / own['to_parse']:.1f}x", "", "", ""
        memory = own["peak_mb"] / engines["limit"]["peak_mb"]
        yield f"memory of the limit, {count}", f"{memory:.1f}x", "", "", "both hold all that is approved"


def _aim(title: str, times: float, aim: float, *, is_most: bool) -> Line:
    is_met = times <= aim if is_most else times >= aim
    return title, f"{times:.1f}x", f"{aim:.0f}x", "", "met" if is_met else "missed"


def _engines(figures: Figures) -> Iterator[Line]:
    yield "WHAT EACH ENGINE DOES", "", "", "", ""
    for each in figures["judging"][0]:
        yield each["title"], "", "", "", each["does"]


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


def _answers(figures: Figures) -> Iterator[Line]:
    asked = figures["answering"]
    yield "ASKING what served, on Azurite", "requests", "rows", "s", ""
    yield (
        f"serving --at, {asked['targets']:,} targets",
        f"{asked['requests']:,}",
        f"{asked['rows']:,}",
        f"{asked['seconds']:.1f}",
        f"{asked['parents']} parents, pages of 1,000 rows; {asked['journal_reads']} reads of a journal of checks",
    )
    yield "serving --at, one target", f"{asked['requests_for_one']}", "", "", ""


def _plural(count: int, name: str) -> str:
    return f"{count} {name if count > 1 else name.removesuffix('s')}"


def _starts(figures: Figures) -> Iterator[Line]:
    yield "COLD START in a fresh process", "ms", "of Python", "peak MB", ""
    bare = figures["starting"][0]["median"]["ms"]
    for each in figures["starting"]:
        ms, peak = each["median"]["ms"], each["median"]["peak_mb"]
        yield each["title"], f"{ms:.0f}", f"{ms / bare:.1f}x", f"{peak:.0f}", ""
