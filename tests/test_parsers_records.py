"""Lines that hold many records: each is counted for itself, at its own place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.parse import parse
from parsers.registry import load_formats, make_format
from tests.examples import drawn

AZURE = load_formats()["azure_frontdoor"]
FIELDS = {"time": "t", "status": "s", "url": "u", "agent": "a.b"}
UNDER = make_format("under", {"fields": FIELDS, "records": "records"})
BARE = make_format("bare", {"fields": FIELDS, "records": ""})
GOOD: dict[str, Any] = {"t": 1710256948, "s": 200, "u": "/"}
quick = drawn(20)

texts = st.sampled_from(["", "x", "},{", "}, {", '"},{"', "]}", "\\", "é", '{"records":[{'])
objects = st.fixed_dictionaries(
    {"t": st.sampled_from([1710256948, "never"]), "s": st.sampled_from([200, "no"]), "u": texts},
    optional={"a": st.fixed_dictionaries({"b": texts}) | st.lists(st.just({"x": 1}), max_size=3)},
)
blanks = st.sampled_from(["", " ", "\t"])


@st.composite
def wrapped(draw: st.DrawFn) -> tuple[list[dict[str, Any]], str, str]:
    """Objects, and a line that holds them, under a key and without one."""
    made = draw(st.lists(objects, min_size=1, max_size=4))
    blank, ascii_only = draw(blanks), draw(st.booleans())
    parts = [json.dumps(one, separators=(",", ":"), ensure_ascii=ascii_only) for one in made]
    array = "[" + blank + f"{blank},{blank}".join(parts) + blank + "]"
    return made, f'{{"records"{blank}:{blank}{array}{blank}}}{blank}', array


@quick
@given(found=st.lists(wrapped(), max_size=4), end=st.sampled_from(["\n", "\r\n"]))
def test_records_in_one_line_are_read_as_if_each_had_a_line(found: Any, end: str) -> None:
    records = [record for made, *_ in found for record in made]
    alone = parse("".join(json.dumps(r) + "\n" for r in records).encode(), 0, UNDER, {})
    for fmt, place in ((UNDER, 1), (BARE, 2)):
        data = "".join(entry[place] + end for entry in found).encode()
        together = parse(data, 100, fmt, {})
        assert together == parse(data, 100, fmt, {}, fast=False)
        assert together.lines == len(records)
        assert together.table.drop("offset") == alone.table.drop("offset")
        assert together.rejects["reason"] == alone.rejects["reason"]
        for row in together.rejects.to_pylist():
            place_of = row["offset"] - 100
            assert json.loads(data[place_of : place_of + row["length"]]) in records


def test_a_record_has_the_position_of_its_own_object() -> None:
    one = json.dumps(GOOD)
    plain = one + "\n"
    line = '{"records":[' + one + "," + one + "]}\n"
    parsed = parse((plain + line + plain).encode(), 0, UNDER, {})
    first = len(plain) + len('{"records":[')
    last = len(plain) + len(line)
    assert parsed.table["offset"].to_pylist() == [0, first, first + len(one) + 1, last]


BROKEN = [
    b'{"records":[{"t":1}',
    b'{"records":[{"t":1},]}',
    b'{"records":[{"t":1}]} x',
    b'{"records":[{"t":1} {"t":2}]}',
    b'{"records":[{"t":1}],"more":1}',
    b'{"records":[{"t":}]}',
    b'{"records":[{]}',
    b'{"records":[' + b'{"a":[' * 5000,
    b'{"records":[{"t":"},{"},{"t":]}',
]


@pytest.mark.parametrize("line", BROKEN, ids=range(len(BROKEN)))
def test_a_line_that_only_begins_so_is_one_line(line: bytes) -> None:
    good = b'{"records":[' + json.dumps(GOOD).encode() + b"]}\n"
    parsed = parse(good + line + b"\n" + good, 0, UNDER, {})
    assert (parsed.lines, parsed.table.num_rows) == (3, 2)
    assert parsed.rejects["offset"].to_pylist() == [len(good)]
    assert parsed.rejects["length"].to_pylist() == [len(line)]


def test_an_array_without_records_is_a_line_without_a_request() -> None:
    parsed = parse(b'{"records":[]}\n', 0, UNDER, {})
    assert parsed.rejects["reason"].to_pylist() == ["fields"]


def test_a_record_that_a_shield_wrote_again_is_marked() -> None:
    def line(**more: Any) -> dict[str, Any]:
        properties = {"requestUri": "https://a.example:443/x", "httpStatusCode": "200", **more}
        return {"time": "2024-03-12T15:22:28.1234567Z", "properties": properties}

    hops = [line(), line(isReceivedFromClient=True), line(isReceivedFromClient=False)]
    table = parse(json.dumps({"records": hops}).encode(), 0, AZURE, {}).table
    assert table["subrequest"].to_pylist() == [False, False, True]
