"""Formats of the configuration: what is wrong with them is said plainly."""

from __future__ import annotations

from typing import Any

import pytest

from parsers.parse import parse
from parsers.raw import UNTOLD
from parsers.registry import load_formats, make_format

GOOD = '$client [$time] "$request" $status'
FIELDS = {"time": "t", "status": "s", "url": "u"}

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"layuot": GOOD}, "unknown key 'layuot'; did you mean 'layout'?"),
    ({"layout": GOOD, "tiem": "clf"}, "unknown key 'tiem'; did you mean 'time'?"),
    ({"layout": GOOD + " $agnet"}, r"unknown field \$agnet at position 35; did you mean \$agent"),
    ({"layout": GOOD + " $zzzzzz"}, r"unknown field \$zzzzzz at position 35; known are"),
    ({"layout": "$ " + GOOD}, r"unknown field \$ at position 0"),
    ({"layout": "$client$user " + GOOD}, r"\$client and \$user touch at position 7"),
    ({"layout": GOOD.replace("[$time]", "-")}, "no time; add time"),
    ({"layout": GOOD.replace("$status", "-")}, "no status; add status"),
    ({"layout": GOOD.replace("$request", "-")}, "no request; add request"),
    ({"layout": GOOD + " $status"}, r"\$status occurs twice"),
    ({"layout": GOOD, "time": "%d/%Q"}, "%Q is not known; known are %Y"),
    ({"layout": GOOD, "time": "rfc"}, "neither clf, iso8601, epoch nor a %-pattern"),
    ({"layout": GOOD, "time": []}, "time must be a text or a list of texts"),
    ({"layout": GOOD, "escape": "html"}, "'html' is not one of none, backslash"),
    ({"layout": GOOD, "escape": {"agnt": "none"}}, "escape: unknown field 'agnt'"),
    ({"layout": GOOD, "dialect": "xml"}, "dialect is 'xml'; it must be one of text, json, w3c"),
    ({"layout": GOOD, "dialect": "json"}, "dialect json needs the key fields and not layout"),
    ({"layout": [GOOD, 5]}, "layout must be a text or a list of texts"),
    ({"layout": GOOD + " $rest x"}, r"\$rest stands for the end of the line"),
    ({"layout": "$rest " + GOOD}, r"\$rest stands for the end of the line"),
    ({"layout": GOOD, "zone": "Mars"}, "zone 'Mars': not the name of a time zone"),
    ({"like": "haprxy"}, "no format 'haprxy' is shipped; did you mean haproxy,"),
    ({"layout": GOOD, "like": "combined"}, "layout and like can't both say"),
    ({"layout": 5}, "layout must be a text or a list of texts, not 5"),
    ({"fields": FIELDS, "dialect": "text"}, "dialect text needs the key layout and not fields"),
    ({"fields": FIELDS | {"agnet": "x"}}, "unknown field 'agnet'; did you mean agent"),
    ({"fields": FIELDS | {"agent": 5}}, "agent must be a text or a list of texts, not 5"),
    ({"fields": ["time"]}, "fields must be a table"),
    ({"fields": {"time": "t", "status": "s"}}, "fields: no request"),
    ({"fields": {"status": "s", "url": "u"}}, "fields: no time"),
    ({"fields": FIELDS, "variant": [{"wenn": "x"}]}, "unknown key 'wenn'; did you mean 'when'?"),
    ({}, "dialect json needs the key fields and not layout"),
]


@pytest.mark.parametrize(("table", "message"), WRONG, ids=range(len(WRONG)))
def test_a_format_that_cannot_be_is_refused_with_what_and_where(
    table: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^format mine: .*{message}"):
        load_formats({"mine": table})


def test_an_extra_format_joins_the_shipped_ones_or_takes_the_place_of_one() -> None:
    formats = load_formats({"mine": {"layout": GOOD}, "common": {"layout": GOOD, "title": "x"}})
    assert {"mine", "combined", "w3c"} <= set(formats)
    assert formats["common"].title == "x"
    assert load_formats()["common"].title != "x"


@pytest.mark.parametrize(
    ("time", "text", "millis"),
    [
        ("clf", "10/Oct/2000:13:55:36 -0700", 971211336000),
        ("iso8601", "2000-10-10T13:55:36.1239-07:00", 971211336123),
        ("epoch", "971211336.5", 971211336500),
        ("%d.%m.%Y %H:%M:%S", "10.10.2000 20:55:36", 971211336000),
        ("%Y%m%dT%H%M%S.%f", "20001010T205536.25", 971211336250),
        ("%e %b %Y %H:%M:%S %z", "10 Oct 2000 13:55:36 -0700", 971211336000),
    ],
)
def test_a_layout_reads_the_times_it_names(time: str, text: str, millis: int) -> None:
    fmt = make_format("mine", {"layout": GOOD, "time": time})
    for fast in (True, False):
        line = f'1.2.3.4 [{text}] "GET / HTTP/1.1" 200'.encode()
        assert parse(line, 0, fmt, {}, fast).table["time"].to_pylist() == [millis]


@pytest.mark.parametrize(
    ("field", "millis"),
    [("duration_ms", 1500.0), ("duration_s", 1.5e6), ("duration_us", 1.5), ("duration_ns", 0.0015)],
)
def test_the_unit_of_a_duration_is_in_its_name(field: str, millis: float) -> None:
    fmt = make_format("mine", {"layout": f"{GOOD} ${field}"})
    line = b'1.2.3.4 [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 1500'
    assert parse(line, 0, fmt, {}).table["duration_ms"].to_pylist() == [pytest.approx(millis)]


def test_letters_beyond_ascii_may_stand_in_a_layout() -> None:
    fmt = make_format("mine", {"layout": f"«$host» {GOOD}"})
    line = '«é.example» 1.2.3.4 [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200'.encode()
    assert parse(line, 0, fmt, {}).table["host"].to_pylist() == ["é.example"]


def test_braces_end_a_name_and_two_dollar_signs_are_one() -> None:
    fmt = make_format("mine", {"layout": f"{GOOD} ${{duration_s}}s $$${{bytes}}B"})
    line = b'1.2.3.4 [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 0.25s $12B'
    for fast in (True, False):
        table = parse(line, 0, fmt, {}, fast).table
        assert (table["duration_ms"].to_pylist(), table["bytes"].to_pylist()) == ([250.0], [12])


LINE = '[10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200'
HEAD = '[$time] "$request" $status'


@pytest.mark.parametrize(
    ("table", "line", "found"),
    [
        ({"layout": HEAD + "$rest"}, LINE, {}),
        ({"layout": HEAD + "$rest"}, LINE + ' 7 "x" y', {}),
        ({"layout": HEAD + ' "$agent"$rest'}, LINE + ' "a" "b"', {"agent": "a"}),
        ({"layout": HEAD + "  $user"}, LINE + "     me", {"user": "me"}),
        ({"layout": HEAD + "  $user"}, LINE + " me", {"user": "me"}),
        (
            {"layout": HEAD + ' "$agent"', "escape": "raw"},
            LINE + ' "a"b" c\\"',
            {"agent": 'a"b" c\\'},
        ),
        (
            {"layout": HEAD + ' "$agent"', "escape": "hash"},
            LINE + ' "a#22b#c\\"',
            {"agent": 'a"b#c\\'},
        ),
        ({"layout": HEAD + " $forwarded_for $user"}, LINE + " ::1, a,b me", {"user": "me"}),
        ({"layout": [HEAD + " $duration_us", HEAD + " $user"]}, LINE + " me", {"user": "me"}),
        (
            {"layout": [HEAD + " $duration_us", HEAD + " $user"]},
            LINE + " 7",
            {"duration_ms": 0.007},
        ),
        (
            {"layout": HEAD + "|$agent|$user", "escape": {"agent": "raw"}},
            LINE + "|a|b|c",
            {"agent": "a|b"},
        ),
        ({"layout": "[$time] $url $status"}, LINE.replace('"GET / HTTP/1.1"', "/b"), {"url": "/b"}),
    ],
)
def test_what_a_layout_can_say(table: dict[str, Any], line: str, found: dict[str, Any]) -> None:
    fmt = make_format("mine", table)
    for fast in (True, False):
        parsed = parse(line.encode(), 0, fmt, {}, fast, strict=True)
        row = parsed.table.to_pylist()[0]
        assert {"status": 200, "method": "GET"} | found == {
            name: row[name] for name in ("status", "method", *found)
        }


def test_a_time_without_a_zone_is_one_of_the_zone_that_is_told() -> None:
    fmt = make_format("mine", {"like": "haproxy", "zone": "Asia/Kolkata"})
    row = parse(fmt.sample.encode(), 0, fmt, {}).table.to_pylist()[0]
    assert row["time"] == 971186136603 - 330 * 60_000
    told = make_format("mine", {"layout": GOOD, "time": "iso8601", "zone": "Asia/Kolkata"})
    line = '1.2.3.4 [2000-10-10T13:55:36{}] "GET / HTTP/1.1" 200'
    lines = "\n".join(line.format(zone) for zone in ("", "Z", "+01:00"))
    times = parse(lines.encode(), 0, told, {}).table["time"].to_pylist()
    assert times == [971186136000 - offset * 60_000 for offset in (330, 0, 60)]


def test_lines_of_a_layout_without_agents_do_not_tell_of_them() -> None:
    fmt = make_format("mine", {"layout": [HEAD + ' "$agent"', HEAD]})
    agents = parse(f'{LINE}\n{LINE} "-"\n{LINE} "a"'.encode(), 0, fmt, {}).table["agent"]
    assert agents.to_pylist() == [UNTOLD, None, "a"]


def test_a_format_is_like_another_but_for_what_it_says() -> None:
    fmt = make_format("mine", {"like": "combined", "title": "mine", "missing": ["?"]})
    assert (fmt.title, fmt.missing) == ("mine", {"?"})
    assert fmt.layouts == load_formats()["combined"].layouts
