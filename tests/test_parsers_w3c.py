"""W3C logs: columns named by #Fields, which may come again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.parse import advance, parse
from parsers.raw import UNTOLD
from parsers.registry import load_formats, make_format
from tests.examples import drawn

W3C = load_formats()["w3c"]
IIS = "date time c-ip cs-method cs-uri-stem cs-uri-query cs(User-Agent) sc-status time-taken"
STATE = {"fields": IIS}
LINE = "2024-03-12 15:22:28 ::1%0 GET /a b=c Mozilla/5.0+(X11;+Linux) 200 15"
CLOUD = "date time x-edge-location c-ip cs-method cs-uri-stem sc-status cs(User-Agent) time-taken"
TABS = "2024-03-12\t15:22:28\tCDG\t1.2.3.4\tGET\t/a%2520b\t000\tM%2520%28X%29\t0.5"
CLOCKS = "#Fields: time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)"
ZEEK = "#fields\tdate\ttime\tc-ip\tcs-method\tcs-uri-stem\tsc-status\tcs(User-Agent)"
quick = drawn(40)


def one(line: str, fields: str = IIS) -> dict[str, Any]:
    parsed = parse(line.encode(), 0, W3C, {"fields": fields})
    assert parsed.rejects.to_pylist() == []
    return parsed.table.to_pylist()[0]


def reasons(text: str, state: dict[str, str]) -> list[str]:
    return parse(text.encode(), 0, W3C, state).rejects["reason"].to_pylist()


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    line = draw(
        st.sampled_from(
            [LINE, LINE, TABS, TABS.rsplit("\t", 1)[0], TABS.rsplit("\t", 2)[0], CLOCKS, ZEEK]
            + [f"#Fields: {CLOUD}", f"#Fields: {IIS}", "#Date: 2024-03-13 00:00", "#Date: soon"]
            + ["15:22:28 ::1 GET /a 200 x", "15:22:28\t::1\tGET\t/a\t200\tx"]
        )
    ).encode()
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(line)))
        put = draw(
            st.sampled_from([b" ", b"  ", b"\t", b'"', b' "', b'" ', b"\xff", b"\r", b"#", b"\0"])
        )
        line = line[:place] + put + line[place + draw(st.integers(0, 2)) :]
    return line


@quick
@given(
    lines=st.lists(mangled(), max_size=10),
    end=st.sampled_from([b"\n", b"\r\n"]),
    state=st.sampled_from([{}, STATE, {"fields": CLOUD}, {"date": "2024-03-11"}]),
    cut=st.integers(0, 10),
)
def test_engines_and_chunks_give_the_same(
    lines: list[bytes], end: bytes, state: dict[str, str], cut: int
) -> None:
    data = b"".join(line + end for line in lines)
    fast, reference = parse(data, 0, W3C, state), parse(data, 0, W3C, state, fast=False)
    assert fast.table.to_pylist() == reference.table.to_pylist()
    assert fast.rejects == reference.rejects
    assert fast.directives == reference.directives
    head = b"".join(line + end for line in lines[:cut])
    middle = advance(head, W3C, state)
    first, second = parse(head, 0, W3C, state), parse(data[len(head) :], len(head), W3C, middle)
    names = {*fast.table.column_names, *first.table.column_names, *second.table.column_names}
    # A chunk that tells nothing of agents has no column of them.
    silent = {"agent": UNTOLD}
    whole = [{n: row.get(n, silent.get(n)) for n in names} for row in fast.table.to_pylist()]
    parts = first.table.to_pylist() + second.table.to_pylist()
    assert whole == [{n: row.get(n, silent.get(n)) for n in names} for row in parts]


def test_a_line_of_iis_is_read() -> None:
    row = one(LINE)
    assert row == {
        "offset": 0,
        "time": 1710256948000,
        "status": 200,
        "bytes": 0,
        "duration_ms": 15.0,
        "client": "::1",
        "method": "GET",
        "url": "/a?b=c",
        "protocol": None,
        "agent": "Mozilla/5.0 (X11; Linux)",
    }


def test_cloudfront_writes_tabs_seconds_percent_escapes_and_status_000() -> None:
    row = one(TABS, CLOUD)
    assert (row["status"], row["duration_ms"]) == (0, 500.0)
    assert (row["url"], row["agent"]) == ("/a%20b", "M (X)")


def test_a_row_may_lack_columns_at_its_end_but_nothing_that_makes_a_record() -> None:
    assert one("\t".join(TABS.split("\t")[:7]), CLOUD)["status"] == 0
    assert reasons("\t".join(TABS.split("\t")[:6]), {"fields": CLOUD}) == ["fields"]
    assert reasons(TABS + "\tx", {"fields": CLOUD}) == ["layout"]


def test_lines_before_any_fields_are_refused() -> None:
    text = f"{LINE}\n#Version: 1.0\n#Fields: {IIS}\n{LINE}\n"
    parsed = parse(text.encode(), 0, W3C, {})
    assert parsed.rejects.to_pylist() == [{"offset": 0, "length": len(LINE), "reason": "fields"}]
    assert (parsed.table.num_rows, parsed.directives, parsed.lines) == (1, 2, 4)


def test_fields_that_come_again_hold_from_there_on() -> None:
    short = "#Fields: time date sc-status cs-uri-stem\n15:22:29 2024-03-12 404 /later\n"
    text = f"#Fields: {IIS}\n{LINE}\n{short}#Fields: {IIS}\n{LINE}\n"
    table = parse(text.encode(), 0, W3C, {}).table
    assert table["url"].to_pylist() == ["/a?b=c", "/later", "/a?b=c"]
    assert table["status"].to_pylist() == [200, 404, 200]
    assert table["agent"].to_pylist()[1] == UNTOLD, "which is not the same as no agent"


def test_quoted_values_may_hold_spaces_and_doubled_quotes() -> None:
    line = LINE.replace("Mozilla/5.0+(X11;+Linux)", '"a ""b"" c"')
    assert one(line)["agent"] == 'a "b" c'


#: Headers of other servers, a row of theirs, and what must be read in it.
SERVERS = [
    (
        "date time c-ip cs-username sc-servicename s-ip s-port cs-method cs-uri-stem cs-uri-query"
        " sc-status cs-bytes sc-bytes time-taken cs-version cs(User-Agent) cs(Referer)",
        "2024-03-12 15:22:28 1.2.3.4 - shop 10.0.0.1 443 GET /a b=c 200 310 5120 2 HTTP/1.1"
        " Mozilla/5.0+(X11) -",
        {"duration_ms": 2000.0, "bytes": 5120, "url": "/a?b=c", "agent": "Mozilla/5.0 (X11)"},
    ),
    (
        "c-ip\tdate\ttime\tcs-uri-stem\tc-status\tcs(User-Agent)\tsc-bytes",
        "1.2.3.4\t2024-03-12\t15:22:28\t/live.mp3\t200\tWinamp 5.9\t1048576",
        {"url": "/live.mp3", "status": 200, "agent": "Winamp 5.9", "bytes": 1048576},
    ),
    (
        "date time cs-clapp c-ip cs(User-Agent) cs-uri cs-method cs-uri-query sc-status",
        '"2024-03-12" "15:22:28" "Chrome" "1.2.3.4" "a+b ""c""" "a.example/x" "GET" "" ""',
        {"url": "a.example/x", "agent": 'a+b "c"', "status": 0},
    ),
]


@pytest.mark.parametrize(("header", "line", "expected"), SERVERS)
def test_rows_of_netscaler_icecast_and_incapsula(
    header: str, line: str, expected: dict[str, Any]
) -> None:
    row = one(line, header)
    assert {name: row[name] for name in expected} == expected
    assert (row["client"], row["time"]) == ("1.2.3.4", 1710256948000)


def test_where_there_is_only_a_time_of_day_the_date_is_that_of_the_last_directive() -> None:
    rows = "15:22:28 /a 200\n#Date: 2024-03-13 00:00:00\n00:00:01 /b 200\n"
    state = {"fields": "time cs-uri-stem sc-status", "date": "2024-03-12"}
    table = parse(rows.encode(), 0, W3C, state).table
    assert table["time"].to_pylist() == [1710256948000, 1710288001000]
    assert reasons(rows.split("#")[0], {"fields": state["fields"]}) == ["time"]


def test_a_format_may_name_the_columns_of_a_log_without_fields() -> None:
    fields = {"time": "when", "status": "code", "url": "what", "agent": "who"}
    table = {"dialect": "w3c", "columns": "when code what who", "fields": fields}
    fmt = make_format("mine", table)
    parsed = parse(b"1710256948\t200\t/a\tx y\n1710256949\t404\t/b\n", 0, fmt, {})
    assert parsed.table["agent"].to_pylist() == ["x y", None]
    assert parsed.table["status"].to_pylist() == [200, 404]
    again = parse(b"#Fields: code when what\n200 1710256948 /c\n", 0, fmt, {})
    assert again.table["url"].to_pylist() == ["/c"]


ADVANCES = [
    (b"", {}, {}),
    (b"", STATE, STATE),
    (LINE.encode(), STATE, STATE),
    (b"#Fields: a  b\tc\r\n1 2 3\n", STATE, {"fields": "a b c"}),
    (b"\xef\xbb\xbf#Fields: a b\n", {}, {"fields": "a b"}),
    (b"#Fields: a\n1\n#Fields: b\n2\n#Date: x\n", {}, {"fields": "b"}),
    (b"#Fields: a\n1\n#Fields: b\0\n", {}, {"fields": "a"}),
    (b"#Date: 2024-03-12 15:00:00\n#Date: x\n", STATE, {**STATE, "date": "2024-03-12"}),
    (b"#Date: 2024-03-12\n#Fields: a\n#fields\tb\n", {}, {"fields": "b", "date": "2024-03-12"}),
    (b"#fields\tb\tc\n#Fields: a\r\n#types\tx\n", {}, {"fields": "a"}),
    (b"1 #Fields: a\n", STATE, STATE),
    (b"#Fields: a\n#Fields: b" + b" c" * (1 << 20), {}, {"fields": "a"}),
]


@pytest.mark.parametrize(("data", "before", "after"), ADVANCES, ids=range(len(ADVANCES)))
def test_the_state_holds_the_last_fields_that_can_be_read(
    data: bytes, before: dict[str, str], after: dict[str, str]
) -> None:
    assert advance(data, W3C, before) == after
