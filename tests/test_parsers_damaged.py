"""Damaged lines of layouts: where time and status can be read there is a record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.detect import detect
from parsers.parse import Parsed, advance, parse
from parsers.registry import Format, load_formats, make_format
from tests.examples import drawn

FORMATS = load_formats()
COMBINED = FORMATS["combined"]
TIME = "10/Oct/2000:13:55:36 +0000"
HEAD = f"1.2.3.4 - - [{TIME}] "
GOOD = f'{HEAD}"GET /a HTTP/1.1" 200 5 "http://x/" "curl/8"'
MILLIS = 971186136000
quick = drawn(30)


def both(data: bytes, fmt: Format = COMBINED, offset: int = 0) -> Parsed:
    """What the fast engine says, which is what the reference says."""
    fast = parse(data, offset, fmt, {})
    reference = parse(data, offset, fmt, {}, fast=False)
    assert fast.table.to_pylist() == reference.table.to_pylist()
    assert fast.rejects == reference.rejects
    return fast


#: What stands after the time, and the fields that are there beside the time.
DAMAGED: list[tuple[str, dict[str, Any]]] = [
    ('"GET /a"b HTTP/1.1" 200 5 "-" "x"', {"url": '/a"b', "bytes": 5, "agent": "x"}),
    ('"GET /a"b HTTP/1.1" 200 5 "-', {"url": '/a"b', "bytes": 5}),
    ('"GET /a"b HTTP/1.1" 200', {"url": '/a"b'}),
    ('"GET /a" 404 b HTTP/1.1" 200 5 "-" "x"', {"status": 404, "url": "/a", "protocol": None}),
    ('"GET /a HTTP/1.1" 200', {}),
    ('"GET /a HTTP/1.1" -', {"status": 0}),
    ('"GET /a HTTP/1.1" 200 ', {}),
    ('"GET /a HTTP/1.1" 200 5', {"bytes": 5}),
    ('"GET /a HTTP/1.1" 200 5 ', {"bytes": 5}),
    ('"GET /a HTTP/1.1" 200 5x "-" "x"', {}),
    ('"GET /a HTTP/1.1" 200 5 x "y"', {"bytes": 5}),
    ('"GET /a HTTP/1.1" 200 5 "', {"bytes": 5, "referrer": ""}),
    ('"GET /a HTTP/1.1" 200 5 "http://x', {"bytes": 5, "referrer": "http://x"}),
    ('"GET /a HTTP/1.1" 200 5 "http://x"', {"bytes": 5, "referrer": "http://x"}),
    ('"GET /a HTTP/1.1" 200 5 "http://x"y "z"', {"bytes": 5, "referrer": "http://x"}),
    ('"GET /a HTTP/1.1" 200 5 "-" "', {"bytes": 5, "agent": ""}),
    ('"GET /a HTTP/1.1" 200 5 "-" "x \\"y\\" z', {"bytes": 5, "agent": 'x "y" z'}),
    ('"GET /a HTTP/1.1" 200 5 "-" "x\\', {"bytes": 5, "agent": "x\\"}),
    ('"GET /a HTTP/1.1" 200 5 "-" "x"y" z', {"bytes": 5, "agent": "x"}),
    ('"GET /a HTTP/1.1" 200 5 "-" "x" "y"', {"bytes": 5, "agent": "x"}),
    (
        '"\\x16\\x03" 400 5',
        {"status": 400, "method": None, "url": None, "protocol": None, "bytes": 5},
    ),
    (
        '""" 400 5 "-" "-"',
        {"status": 400, "method": None, "url": None, "protocol": None, "bytes": 5},
    ),
]
PLAIN = {"offset": 0, "time": MILLIS, "status": 200, "bytes": 0, "client": "1.2.3.4", "user": None}
PLAIN |= {"method": "GET", "url": "/a", "protocol": "HTTP/1.1", "referrer": None, "agent": None}


@pytest.mark.parametrize(("rest", "fields"), DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_line_is_a_record_as_far_as_it_can_be_read(
    rest: str, fields: dict[str, Any]
) -> None:
    parsed = both(f"{GOOD}\n{HEAD}{rest}\n{GOOD}".encode())
    assert parsed.rejects.num_rows == 0
    assert parsed.table.to_pylist()[1] == PLAIN | {"offset": len(GOOD) + 1} | fields


@pytest.mark.parametrize("end", range(len(GOOD.partition(" 200 ")[0]) + 4))
def test_a_line_that_ends_before_its_status_is_refused(end: int) -> None:
    parsed = both((GOOD[:end] or " ").encode())
    assert parsed.rejects["reason"].to_pylist() == ["layout"]


@pytest.mark.parametrize("time", ["2000", "10/Oct/2000:13:55:36", TIME.replace("Oct", "1")])
def test_a_time_of_another_shape_is_not_read_less_strictly(time: str) -> None:
    assert both(GOOD.replace(TIME, time).encode()).table.num_rows == 0


text = st.text(st.characters(codec="latin-1", exclude_characters="\n"), max_size=12)
odd = st.one_of(
    st.sampled_from(['"', '""', '" "', "\\", '\\"', " ", "\0", "\r", " 5 ", '" 7']), text
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes, str, int]:
    """A line that was damaged in its target and after its status, its method and its status."""
    method = draw(st.sampled_from(["GET", "POST", "M-SEARCH"]))
    status = draw(st.integers(100, 999))
    target = "".join(draw(st.lists(st.sampled_from(["/", "a", '"', '\\"', "\\"]), max_size=8)))
    tail = ' 1234 "http://example.org/" "Mozilla/5.0 (X11; \\"x\\")"'
    for _ in range(draw(st.integers(0, 3))):
        # The blank after the status stays, or it would not be the status.
        place = draw(st.integers(1, len(tail)))
        tail = tail[:place] + draw(odd) + tail[place + draw(st.integers(0, 9)) :]
    tail = tail[: draw(st.integers(0, len(tail)))] if draw(st.booleans()) else tail
    line = f'{HEAD}"{method} /{target} HTTP/1.1" {status}{tail}'
    return line.encode("latin-1"), method, status


@quick
@given(lines=st.lists(damaged(), min_size=1, max_size=8))
def test_a_line_whose_time_and_status_can_be_read_is_never_refused(
    lines: list[tuple[bytes, str, int]],
) -> None:
    parsed = both(b"\n".join(line for line, _, _ in lines))
    assert parsed.rejects.num_rows == 0
    assert parsed.table["time"].to_pylist() == [MILLIS] * len(lines)
    assert parsed.table["method"].to_pylist() == [method for _, method, _ in lines]
    assert parsed.table["status"].to_pylist() == [status for _, _, status in lines]


LAYOUTS = [
    ("$status [$time] $url $agent", f"404 [{TIME}] /a", (404, "/a", None)),
    ("$status [$time] $url $agent", f"404 [{TIME}] /a b c", (404, "/a", "b")),
    ('$status|"$request"|[$time]|$bytes', f'404|"GET /"a"|[{TIME}]|', (404, '/"a', None)),
    ('$status|"$request"|[$time]|$bytes', f'404|"GET /"a"|[{TIME}', None),
    (
        '[$time] "$method $url $agent" $status $bytes',
        f'[{TIME}] "GET /a b"c" 404',
        (404, "/a", 'b"c'),
    ),
    ('[$time] $url "$status" "$agent"', f'[{TIME}] /a "404', (404, "/a", None)),
    ("[$time] $url $status", f"[{TIME}] /a 404 b", (404, "/a", None)),
    ("[$time] $url $status", f"[{TIME}] /a 4044", None),
]


@pytest.mark.parametrize(("layout", "line", "expected"), LAYOUTS, ids=range(len(LAYOUTS)))
def test_any_layout_is_read_less_strictly(
    layout: str, line: str, expected: tuple[int, str, str | None] | None
) -> None:
    rows = both(line.encode(), make_format("mine", {"layout": layout})).table.to_pylist()
    found = [(row["status"], row["url"], row.get("agent")) for row in rows]
    assert found == ([expected] if expected else [])


def test_a_damaged_line_does_not_speak_for_a_format() -> None:
    found = detect(f"{GOOD}\n".encode() * 9 + (GOOD[:-1] + "\n").encode(), FORMATS)
    shares = {candidate.name: candidate.share for candidate in found.candidates}
    assert (found.name, shares["combined"], shares["common"]) == ("combined", 0.9, 0.0)


TAILS = ['"' * 200_000, ' "' * 100_000, '" 20' * 50_000, '" 200 5 "' * 30_000, "\\" * 200_001]


@pytest.mark.parametrize("tail", TAILS, ids=range(len(TAILS)))
def test_a_hostile_tail_costs_time_in_proportion_to_its_length(tail: str) -> None:
    assert both(f'{HEAD}"GET /{tail}\n{GOOD}'.encode()).lines == 2
    assert both(f'{HEAD}"GET /" 200 5 "{tail}\n{GOOD}'.encode()).table.num_rows == 2


NULS = [
    (b"\0" * 9 + GOOD.encode(), "curl/8"),
    (GOOD.encode() + b"\0", "curl/8"),
    (GOOD.replace("curl", "cu\0rl").encode(), "cu\0rl/8"),
    (b"\0\0" + GOOD.replace("curl", "\0\xff").encode("latin-1"), "\0\ufffd/8"),
]


@pytest.mark.parametrize(("line", "agent"), NULS, ids=range(len(NULS)))
@pytest.mark.parametrize("offset", [0, 100])
def test_nul_bytes_cost_no_line_that_can_be_read_and_no_place(
    line: bytes, agent: str, offset: int
) -> None:
    lines = [b"\0\0bad", line, b"", line, b"bad\0", b"bad", line]
    parsed = both(b"\r\n".join(lines), COMBINED, offset)
    places = [offset + sum(len(one) + 2 for one in lines[:n]) for n in range(len(lines))]
    assert parsed.table["offset"].to_pylist() == [places[n] for n in (1, 3, 6)]
    assert parsed.table["agent"].to_pylist() == [agent] * 3
    refused = [(0, 5, "nul"), (2, 0, "blank"), (4, 4, "nul"), (5, 3, "layout")]
    assert [tuple(row.values()) for row in parsed.rejects.to_pylist()] == [
        (places[n], length, reason) for n, length, reason in refused
    ]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_of_nul_bytes_is_a_line(end: bytes) -> None:
    data = GOOD.encode() + b"\n\0\0\0" + end
    refused = {"offset": len(GOOD) + 1, "length": 3, "reason": "nul"}
    assert both(data).rejects.to_pylist() == [refused]


def test_a_block_of_nul_bytes_may_be_longer_than_any_line() -> None:
    assert both(b"\0" * (1 << 21) + GOOD.encode()).table["offset"].to_pylist() == [0]


def test_nul_bytes_before_json_and_fields_are_dropped_too() -> None:
    line = b'\0\0{"time":"2000-10-10T13:55:36Z","status":200,"uri":"/a\0"}'
    assert both(line, FORMATS["nginx_json"]).table["url"].to_pylist() == ["/a\0"]
    names = b"#Fields: date time cs-method cs-uri-stem sc-status\n"
    row = b"\0\0\x002000-10-10 13:55:36 GET /a\0 200\n"
    data = b"\0\0" + names + row + names.replace(b"date", b"da\0te") + row
    parsed = both(data, FORMATS["w3c"])
    assert parsed.table["url"].to_pylist() == ["/a\0"] * 2
    assert parsed.rejects["reason"].to_pylist() == ["nul"]
    assert advance(data, FORMATS["w3c"], {}) == {"fields": names[9:-1].decode()}
