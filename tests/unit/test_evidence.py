import gzip
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit.record.evidence import (
    EMPTY,
    GENESIS,
    Entry,
    Link,
    append,
    canonical,
    find_break,
    fingerprint,
    harmless,
    sha256,
    snapshot,
)
from tests.strategies import any_text, json_values

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def chain(length: int, stream: str = "s") -> list[Entry]:
    entries: list[Entry] = []
    for number in range(length):
        last = entries[-1].link if entries else EMPTY
        entries.append(append(stream, last, "check", {"number": number}, NOW + timedelta(seconds=number)))
    return entries


def raw(entries: list[Entry]) -> list[bytes]:
    return [entry.raw for entry in entries]


# RFC 8785: the example of section 3.2.2 to 3.2.4, and the numbers of appendix B.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            {
                "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
                "literals": [None, True, False],
            },
            (
                '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
                '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
            ),
        ),
        (
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
            '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}',
        ),
        (0.0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (-5e-324, "-5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e23, "1e+23"),
        (1e21, "1e+21"),
        (999999999999999900000.0, "999999999999999900000"),
        (9.999999999999997e-7, "9.999999999999997e-7"),
        (0.000001, "0.000001"),
        (333333333.3333332, "333333333.3333332"),
        (-0.0000033333333333333333, "-0.0000033333333333333333"),
        (1424953923781206.2, "1424953923781206.2"),
    ],
)
def test_json_is_written_as_rfc_8785_says(value: object, text: str) -> None:
    assert canonical(value) == text.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2**53 - 1, "9007199254740991"),
        (2**53, '"9007199254740992"'),
        (-(2**80), '"-1208925819614629174706176"'),
        (float("nan"), '"nan"'),
        (float("-inf"), '"-inf"'),
        ("\ud800", '"?"'),
        ({"\udfff": 1}, '{"?":1}'),
        (NOW, '"2026-11-21T09:00:00+00:00"'),
        ((1, 2), "[1,2]"),
    ],
)
def test_what_rfc_8785_refuses_is_made_harmless(value: object, text: str) -> None:
    assert canonical(value) == text.encode()


ascii_texts = st.text(st.characters(max_codepoint=127), max_size=8)
small_numbers = st.integers(-(2**53) - 1, 2**53 + 1)
flat_facts = st.dictionaries(ascii_texts | any_text, ascii_texts | small_numbers | st.booleans() | st.floats())


@given(json_values | flat_facts | st.lists(flat_facts | st.none(), max_size=3))
def test_the_short_way_writes_the_same_bytes_as_the_library(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(harmless(value))


def test_the_short_way_escapes_every_character_as_the_library_does() -> None:
    texts = {chr(code) * 2: chr(code) for code in range(128)}

    assert canonical(texts) == rfc8785.dumps(texts)


@given(json_values)
def test_no_json_value_is_refused(value: object) -> None:
    canonical(value).decode()


# Whole doubles beyond 2^53 are written without a point, and are read back as integers that are not exact.
@given(json_values.filter(lambda value: "e+" not in repr(value) and not re.search(r"\d{16}\.", repr(value))))
def test_what_is_canonical_stays_canonical(value: object) -> None:
    once = canonical(value)

    assert canonical(json.loads(once)) == once


@given(st.dictionaries(st.text(max_size=5), st.integers(-9, 9), max_size=6))
def test_the_order_of_names_does_not_matter(value: dict) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_a_value_nested_deeper_than_python_can_follow_is_cut_off() -> None:
    deep: object = 1
    for _ in range(5000):
        deep = [deep]

    assert b"nested too deep" in canonical(deep)


def test_an_object_that_is_no_json_is_our_own_mistake() -> None:
    with pytest.raises(TypeError, match="expected a JSON value, got set"):
        canonical({1, 2})


def test_an_entry_names_its_chain_its_place_and_its_predecessor() -> None:
    first, second = chain(2)

    assert (first.content["chain"], first.content["seq"], first.content["prev"]) == ("s", 1, GENESIS)
    assert (second.content["seq"], second.content["prev"]) == (2, first.link.digest)


def test_the_digest_of_an_entry_is_that_of_its_bytes() -> None:
    (entry,) = chain(1)

    assert entry.link.digest == sha256(entry.raw)


@pytest.mark.parametrize("backwards", [timedelta(), timedelta(hours=1), timedelta(days=4000)])
def test_time_never_runs_backwards_in_a_chain(backwards: timedelta) -> None:
    last = append("s", EMPTY, "check", {}, NOW).link

    entry = append("s", last, "check", {}, NOW - backwards)

    assert entry.link.at > last.at
    assert entry.content["at"] == entry.link.at.isoformat(timespec="microseconds")


@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_whole_chain_has_no_break(length: int) -> None:
    entries = chain(length)

    assert find_break("s", raw(entries), entries[-1].link if entries else EMPTY) is None


@pytest.mark.parametrize("at", range(5))
def test_a_changed_entry_breaks_the_chain(at: int) -> None:
    entries = chain(5)
    stored = raw(entries)
    stored[at] = stored[at].replace(b'"number"', b'"numbre"')

    broken = find_break("s", stored, entries[-1].link)

    assert broken is not None
    assert broken.seq == min(at + 2, 5)  # the next entry, or the head, does not fit any more


@pytest.mark.parametrize("at", range(5))
def test_a_removed_entry_breaks_the_chain(at: int) -> None:
    entries = chain(5)

    assert find_break("s", raw(entries[:at] + entries[at + 1 :]), entries[-1].link) is not None


@pytest.mark.parametrize("garbage", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'"x"', b"1e999", b"[" * 100_000])
def test_an_entry_that_nobody_can_read_breaks_the_chain(garbage: bytes) -> None:
    entries = chain(3)
    stored = [entries[0].raw, garbage, entries[2].raw]

    broken = find_break("s", stored, entries[-1].link)

    assert broken is not None
    assert broken.seq == 2


def test_an_entry_of_another_chain_breaks_the_chain() -> None:
    entries = chain(2, "other")

    broken = find_break("s", raw(entries), entries[-1].link)

    assert broken is not None
    assert broken.got.startswith("other 1")


def test_entries_that_the_head_does_not_know_break_the_chain() -> None:
    entries = chain(3)

    broken = find_break("s", raw(entries), entries[1].link)

    assert broken is not None
    assert broken.expected == f"entry 2 with digest {entries[1].link.digest}, which the head names"


def test_equal_values_give_one_snapshot_named_by_its_content() -> None:
    name, content = snapshot({"b": 1, "a": [2]}, {"d": 3, "c": 4})

    assert snapshot({"a": [2], "b": 1}, {"c": 4, "d": 3}) == (name, content)
    assert name == sha256(gzip.decompress(content)) + ".json.gz"


def test_a_document_too_large_to_keep_is_replaced_by_its_size_and_digest() -> None:
    document = {"properties": {"huge": "x" * (5 * 1024 * 1024)}}

    _, content = snapshot({"facts": {"model.name": "gpt-4o"}}, document)

    kept = json.loads(gzip.decompress(content))
    assert kept["facts"] == {"model.name": "gpt-4o"}
    assert kept["document"]["sha256"] == sha256(canonical(document))
    assert "more than is kept" in kept["document"]["omitted"]


def test_the_fingerprint_does_not_depend_on_the_order_of_chains() -> None:
    heads = [("b", Link(1, "x", NOW)), ("a", Link(2, "y", NOW))]

    assert fingerprint(heads) == fingerprint(reversed(heads))


def test_the_fingerprint_changes_with_any_head() -> None:
    assert fingerprint([("a", Link(1, "x", NOW))]) != fingerprint([("a", Link(1, "y", NOW))])
