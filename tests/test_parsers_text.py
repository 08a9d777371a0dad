"""Text layouts: two engines that agree, render and parse as inverses, and odd lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parsers.lines import LONGEST
from parsers.parse import Parsed, parse
from parsers.registry import Format, load_formats, make_format
from tests.examples import drawn

MORE = {
    "unquoted": {"layout": "$client [$time] $method $url $status", "escape": "backslash"},
    "time_last": {"layout": '$client "$request" $status [$time]', "escape": "backslash"},
    "pieces": {"layout": '[$time] "$method $url $protocol" $status "$agent" $user|$_'},
    "varying": {"layout": '$time $client "$request" $status', "time": ["iso8601", "epoch"]},
    "open": {"layout": '[$time] "$request" $status "$agent"$rest', "escape": "backslash"},
    "raw": {"layout": '"$request" $status|$agent|  [$time]', "escape": {"agent": "raw"}},
    "hash": {"layout": '{$agent} "$request" $status [$time]', "escape": "hash"},
    "two": {"layout": ['[$time] "$request" $status "$agent"', '[$time] "$request" $status']},
}
SHIPPED = load_formats()
FORMATS: dict[str, Format] = {
    **{name: fmt for name, fmt in SHIPPED.items() if fmt.dialect == "text"},
    **{name: make_format(name, table) for name, table in MORE.items()},
}
TIME = "10/Oct/2000:13:55:36 -0700"
LINES = {
    **{name: fmt.sample for name, fmt in SHIPPED.items() if fmt.dialect == "text"},
    "combined": f'1.2.3.4 - - [{TIME}] "GET /a HTTP/1.1" 200 12 "-" "curl/8 \\"x\\""',
    "common": f'host.example - bob [{TIME}] "GET /a HTTP/1.1" 304 -',
    "nginx_main": f'::1 - - [{TIME}] "HEAD / HTTP/2.0" 404 1 "http://x/" "" "-"',
    "vhost_combined": f'a.example:80 ::1 - - [{TIME}] "HEAD / HTTP/2.0" 404 1 "http://x/" ""',
    "unquoted": f"1.2.3.4 [{TIME}] GET /a 200",
    "time_last": f'1.2.3.4 "GET /b HTTP/1.1" 200 [{TIME}]',
    "pieces": f'[{TIME}] "GET /c HTTP/1.1" 200 "agent" me|x',
    "open": f'[{TIME}] "GET /a HTTP/1.1" 200 "x" 17 "more" y',
    "raw": f'"GET /a HTTP/1.1" 200|a|"b"|   [{TIME}]',
    "hash": f'{{a#22b\\}} "GET /a\\ HTTP/1.1" 200 [{TIME}]',
    "two": f'[{TIME}] "GET /a HTTP/1.1" 200',
    "varying": '2024-03-12T15:22:28.5Z 1.2.3.4 "GET /d HTTP/1.1" 200',
}
quick = drawn(20)


def rows(parsed: Parsed) -> list[dict[str, Any]]:
    return parsed.table.to_pylist()


def one(name: str, line: bytes) -> dict[str, Any]:
    parsed = parse(line, 0, FORMATS[name], {})
    assert parsed.rejects.to_pylist() == []
    return rows(parsed)[0]


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A good line of some format, with a few changes where it hurts."""
    line = draw(st.sampled_from(list(LINES.values()))).encode()
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(line)))
        cut = draw(st.integers(0, 2))
        put = draw(st.sampled_from(ODD))
        line = line[:place] + put + line[place + cut :]
    return line


ODD = (
    b"",
    b'"',
    b"\\",
    b'\\"',
    b"\\\\",
    b" ",
    b"[",
    b"] ",
    b" [",
    b"\r",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
)
ODD += (b"|", b"  ", b"{", b"}", b"#22", b" 7", b" x", b", ", b"ms", b'" "x"')
ODD += (b"\\x41", b"\\xc3", b"-", b"- ", f" [{TIME}] ".encode(), b'" "', b"\xef\xbb\xbf", b"\t")
any_line = st.one_of(
    mangled(), mangled(), st.binary(max_size=40).map(lambda b: b.replace(b"\n", b""))
)


@pytest.mark.parametrize("name", FORMATS)
@drawn(8)
@given(
    lines=st.lists(any_line, max_size=12),
    end=st.sampled_from([b"\n", b"\r\n"]),
    cut=st.booleans(),
    offset=st.sampled_from([0, 1000]),
)
def test_both_engines_give_the_same_on_any_lines(
    name: str, lines: list[bytes], end: bytes, cut: bool, offset: int
) -> None:
    data = b"".join(line + end for line in [*lines, LINES[name].encode()])
    data = data[: -len(end)] if cut else data
    fast = parse(data, offset, FORMATS[name], {})
    reference = parse(data, offset, FORMATS[name], {}, fast=False)
    assert rows(fast) == rows(reference)
    assert fast.rejects == reference.rejects
    assert fast.table.num_rows + fast.rejects.num_rows == fast.lines == len(lines) + 1


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
header = text.filter(lambda value: value != "-")
word = st.from_regex("[A-Za-z0-9._~%-]{1,12}", fullmatch=True)
records = st.fixed_dictionaries(
    {
        "client": st.one_of(st.ip_addresses().map(str), word.filter(lambda w: w != "-")),
        "host": word.map(str.lower).filter(lambda w: w != "-"),
        "user": st.one_of(st.none(), st.text("ab [\"\\'é-", min_size=1, max_size=9)).filter(
            lambda value: value is None or value.strip() == value != "-"
        ),
        "time": st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
        "zone": st.integers(-14 * 60, 14 * 60),
        "method": st.sampled_from(["GET", "POST", "M-SEARCH", "get"]),
        "url": text.map(lambda tail: "/" + tail).filter(lambda url: url == url.strip(" ")),
        "protocol": st.sampled_from(["HTTP/1.0", "HTTP/1.1", "HTTP/2.0"]),
        "status": st.integers(100, 999),
        "bytes": st.integers(0, 10**17),
        "referrer": st.one_of(st.none(), header),
        "agent": st.one_of(st.none(), header),
    }
)
ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def escape(value: str, wide: bool) -> str:
    """As Apache does it; with `wide`, letters beyond ASCII as their bytes too."""
    result = ""
    for letter in value:
        if letter in ESCAPED:
            result += ESCAPED[letter]
        elif letter < " " or letter == "\x7f" or (wide and letter > "~"):
            result += "".join(f"\\x{byte:02x}" for byte in letter.encode())
        else:
            result += letter
    return result


def render(fmt: Format, record: dict[str, Any], wide: bool) -> bytes:
    zone = timezone(timedelta(minutes=record["zone"]))
    shown = {
        name: "-" if value is None else escape(str(value), wide) for name, value in record.items()
    }
    shown["time"] = record["time"].replace(tzinfo=zone).strftime("%d/%b/%Y:%H:%M:%S %z")
    shown["request"] = f"{shown['method']} {shown['url']} {shown['protocol']}"
    shown |= {"ident": "-", "_": "-"}
    (layout,) = fmt.layouts
    line = layout.text
    for name in sorted(shown, key=len, reverse=True):
        line = line.replace(f"${name}", f"\0{name}\0")
    for name, value in shown.items():
        line = line.replace(f"\0{name}\0", value)
    return line.encode()


@pytest.mark.parametrize("name", ["combined", "common", "vhost_combined"])
@quick
@given(record=records, wide=st.booleans())
def test_what_is_rendered_is_what_is_parsed(name: str, record: dict[str, Any], wide: bool) -> None:
    row = one(name, render(FORMATS[name], record, wide))
    moment = record["time"].replace(tzinfo=timezone(timedelta(minutes=record["zone"])))
    assert row.pop("time") == int(moment.replace(microsecond=0).timestamp()) * 1000
    assert row.pop("offset") == 0
    assert row == {field: record[field] for field in row}


ODD_LINES = [
    ("blank", b""),
    ("nul", b"\0\0\0"),
    ("nul", b"\0alyssa.p"),
    ("nul", LINES["combined"].replace("Oct", "O\0t").encode()),
    ("long", LINES["combined"].encode() + b"x" * LONGEST),
    ("layout", b"alyssa.p"),
    ("layout", LINES["combined"].partition(" 200 ")[0].encode()),
    ("layout", LINES["vhost_combined"].encode()),
    ("time", LINES["combined"].replace("10/Oct", "31/Feb").encode()),
    ("time", LINES["combined"].replace("Oct", "Okt").encode()),
    ("time", LINES["combined"].replace(":13:", ":24:").encode()),
    ("status", LINES["combined"].replace(" 200 ", " 2000 ").encode()),
    ("status", LINES["combined"].replace(" 200 ", " 20 ").encode()),
    ("status", LINES["combined"].replace(" 200 ", " ok ").encode()),
]


@pytest.mark.parametrize(("reason", "line"), ODD_LINES, ids=range(len(ODD_LINES)))
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_line_that_cannot_be_read_is_refused_with_its_reason_and_place(
    reason: str, line: bytes, end: bytes
) -> None:
    good = LINES["combined"].encode() + end
    parsed = parse(good + line + end + good, 50, FORMATS["combined"], {})
    place = 50 + len(good)
    assert parsed.rejects.to_pylist() == [{"offset": place, "length": len(line), "reason": reason}]
    assert parsed.table["offset"].to_pylist() == [50, place + len(line) + len(end)]
    assert (parsed.lines, parsed.directives) == (3, 0)


@pytest.mark.parametrize("fast", [True, False])
def test_a_byte_order_mark_belongs_to_the_first_line_of_the_log_only(fast: bool) -> None:
    line = b"\xef\xbb\xbf" + LINES["combined"].encode() + b"\n"
    first = parse(line, 0, FORMATS["combined"], {}, fast)
    assert first.table["offset"].to_pylist() == [0]
    assert first.table["client"].to_pylist() == ["1.2.3.4"]
    second = parse(line + line, len(line), FORMATS["combined"], {}, fast)
    assert second.table["offset"].to_pylist() == [len(line), 2 * len(line)]
    assert second.table["client"].to_pylist() == ["\ufeff1.2.3.4"] * 2


def test_a_line_that_is_but_a_byte_order_mark_is_a_line() -> None:
    lines = b"\xef\xbb\xbf\n" * 2 + LINES["combined"].encode() + b"\n"
    parsed = parse(lines, 100, FORMATS["combined"], {})
    assert (parsed.table.num_rows, parsed.rejects["reason"].to_pylist()) == (1, ["layout"] * 2)


def test_nothing_gives_nothing_but_all_columns() -> None:
    for name, fmt in FORMATS.items():
        parsed = parse(b"", 0, fmt, {})
        assert (parsed.lines, parsed.table.num_rows, parsed.rejects.num_rows) == (0, 0, 0), name
        assert {"offset", "time", "status", "bytes", "method", "url", "protocol"} <= set(
            parsed.table.column_names
        )


def test_bytes_that_are_not_utf8_lose_no_line() -> None:
    line = LINES["combined"].replace("curl", "M\xf6zilla").encode("latin-1")
    assert one("combined", line)["agent"] == 'M\ufffdzilla/8 "x"'


def test_escaped_and_raw_bytes_of_one_letter_come_together() -> None:
    line = LINES["combined"].replace("curl", "caf\\xc3\xa9").encode("latin-1")
    assert one("combined", line)["agent"] == 'caf\u00e9/8 "x"'


@pytest.mark.parametrize(
    ("user", "expected"),
    [("-", None), ("john doe", "john doe"), ("a\\x22b c", 'a"b c'), ('a\\"b', 'a"b')]
    + [("a [b", "a [b"), ("[x] y", "[x] y"), ("- -", "- -"), ('a"b', 'a"b')],
)
def test_a_user_may_hold_anything(user: str, expected: str | None) -> None:
    line = LINES["combined"].replace("- - [", f"- {user} [").encode()
    assert one("combined", line)["user"] == expected


@given(value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="-")))
@example(value="a\\")
@quick
def test_a_dictionary_holds_each_value_once_and_none_without_a_row(value: str) -> None:
    good = LINES["combined"].replace("curl", escape(value, wide=True)).encode()
    bad = LINES["combined"].replace(" 200 ", " xxx ").replace("curl", "gone").encode()
    parsed = parse(good + b"\n" + bad + b"\n" + good, 0, FORMATS["combined"], {})
    agents = parsed.table["agent"].chunk(0)
    assert agents.dictionary.to_pylist() == [value + '/8 "x"']
    assert (
        rows(parsed)[0]["time"]
        == int(datetime(2000, 10, 10, 20, 55, 36, tzinfo=UTC).timestamp()) * 1000
    )


S3 = (
    '79a5 web [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57 REST.GET - "GET /a HTTP/1.1" 200 - 113'
    ' - 7 - "-" "S3Console/0.4"{} AuthHeader web.example TLSv1.2 - -'
)


@pytest.mark.parametrize(
    "more",
    [
        ' - s9lz SigV4 ECDHE GET /a HTTP/1.1" 200 - 113 - 7 - "-" "x" - s9lz SigV4 ECDHE',
        ' - s9lz SigV4 ECDHE GET /a HTTP/1.1 " 200 - 113 - 7 - "-" "x" - s9lz SigV4 ECDHE',
        '"x" - s9lz SigV4 ECDHE',
        "",
    ],
)
def test_a_field_before_an_open_end_does_not_end_at_a_quote_of_it(more: str) -> None:
    line, fmt = S3.format(more).encode(), load_formats()["aws_s3"]
    fast, single = (parse(line, 0, fmt, {}, fast=fast).table for fast in (True, False))
    assert fast.to_pylist() == single.to_pylist()
