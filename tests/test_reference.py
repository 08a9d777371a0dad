"""The reference must itself be right: small cases worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.reference import ncsa, structured
from tests.reference.lines import Directive, Rejected, clean, lines
from tests.reference.records import Record
from tests.reference.statistics import answer, visits_of

DAY = date(2024, 5, 1)
FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:137.0) Gecko/20100101 Firefox/137.0"


def record(
    at: str,
    page: str,
    *,
    who: str = "A",
    kind: str = "page",
    bot: str | None = None,
    source: str | None = None,
    size: int = 10,
) -> Record:
    """A record of 1 May 2024 at hh:mm:ss.mmm, UTC."""
    moment = datetime.fromisoformat(f"2024-05-01T{at}").replace(tzinfo=UTC)
    values = {
        "date": DAY,
        "hour": moment.hour,
        "page": page,
        "class": kind,
        "bot": bot,
        "source": source,
        "referrer": None,
        "channel": "direct",
        "utm_source": None,
        "utm_medium": None,
        "utm_campaign": None,
        "country": "FR",
        "origin": "log",
    }
    time_ms = round(moment.timestamp() * 1000)
    return Record("s", 1, time_ms, time_ms, DAY, size, who, "agent", values)


MORNING = [
    record("09:00:00", "/", source="Google"),
    record("09:00:00", "/style.css", kind="asset", size=500),
    record("09:29:59.900", "/a", source="Bing"),
    record("09:59:59.899", "/b"),  # 29 min 59.999 s after /a: the same visit
    record("10:29:59.899", "/c"),  # 30 min after /b: another visit
    record("09:10:00", "/a", who="B"),
    record("09:11:00", "/a", who="robot", bot="Googlebot"),
    record("09:12:00", "/gone", who="B", kind="error"),
]

ANSWERS = [
    ("hits count everything", ["hits", "bot_hits", "bytes"], [], [], {(): [8, 1, 570]}),
    ("views are pages of humans", ["views", "visitors", "visits"], [], [], {(): [5, 2, 3]}),
    (
        "half an hour cuts a visit and whole seconds measure it",
        ["bounces", "duration_s", "bounce_rate", "visit_duration", "views_per_visit"],
        [],
        [],
        {(): [2, 3599, 2 / 3, 3599 / 3, 5 / 3]},
    ),
    (
        "by page a visit counts once for each page it touched",
        ["views", "visitors", "visits", "bounces", "duration_s"],
        ["page"],
        [],
        {
            ("/",): [1, 1, 1, 0, 3599],
            ("/a",): [2, 2, 2, 1, 3599],
            ("/b",): [1, 1, 1, 0, 3599],
            ("/c",): [1, 1, 1, 1, 0],
            ("/style.css",): [0, 0, 0, 0, 0],
            ("/gone",): [0, 0, 0, 0, 0],
        },
    ),
    (
        "by hour a visit counts in each hour it touched",
        ["views", "visits", "hits"],
        ["hour"],
        [],
        {(9,): [4, 2, 7], (10,): [1, 1, 1]},
    ),
    (
        "by source the visit has that of its first view and a hit its own",
        ["views", "visits", "hits"],
        ["source"],
        [],
        {("Google",): [3, 1, 1], ("Bing",): [0, 0, 1], (None,): [2, 2, 6]},
    ),
    (
        "by entry and exit records have no value",
        ["views", "visits", "hits"],
        ["entry", "exit"],
        [],
        {("/", "/b"): [3, 1, None], ("/c", "/c"): [1, 1, None], ("/a", "/a"): [1, 1, None]},
    ),
    (
        "a filter on a record dimension keeps the visits that touched it",
        ["views", "visits", "bounces", "duration_s", "hits"],
        [],
        [("page", "==", "/a")],
        {(): [2, 2, 1, 3599, 3]},
    ),
    (
        "a filter on a visit dimension keeps what belongs to the visit",
        ["views", "visits", "visitors"],
        ["page"],
        [("entry", "==", "/")],
        {("/",): [1, 1, 1], ("/a",): [1, 1, 1], ("/b",): [1, 1, 1]},
    ),
    ("no value can be asked for", ["hits", "visits"], [], [("source", "==", None)], {(): [6, 2]}),
    ("any value can be asked for", ["hits", "visits"], [], [("source", "!=", None)], {(): [2, 1]}),
    ("none differs from any value", ["hits"], [], [("source", "!=", "Bing")], {(): [7]}),
    ("a star is any characters", ["hits"], [], [("page", "~", "/*e*")], {(): [2]}),
    ("a question mark is one", ["hits"], [], [("page", "~", "/?")], {(): [5]}),
    (
        "two filters hold together",
        ["views"],
        [],
        [("entry", "==", "/"), ("page", "!=", "/")],
        {(): [2]},
    ),
]


@pytest.mark.parametrize(
    "metrics, by, filters, expected", [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS]
)
def test_answer_by_hand(metrics, by, filters, expected):
    assert answer(MORNING, metrics, by, filters) == expected


def test_views_of_one_moment_keep_the_order_of_the_log():
    first, second = record("09:00:00", "/x"), record("09:00:00", "/y")
    second.offset += 1
    (visit,) = visits_of([second, first])
    assert [v.values["page"] for v in visit.views] == ["/x", "/y"]


def test_days_outside_the_range_are_left_out():
    assert answer(MORNING, ["hits"], first=date(2024, 5, 2)) == {(): [0]}


def test_combined_line_with_escapes():
    raw = ncsa.parse(
        rb'::1 - a\x22b c [20/Nov/2026:23:23:55 +0530] "GET /a\x5Cx41 b?q HTTP/1.1" 404 -'
        rb' "" "My \"x\" \\ caf\xe9"',
        "combined",
    )
    assert raw.time_ms == round(datetime(2026, 11, 20, 17, 53, 55, tzinfo=UTC).timestamp()) * 1000
    assert (raw.client, raw.status, raw.bytes) == ("::1", 404, 0)
    assert (raw.method, raw.url, raw.protocol) == ("GET", r"/a\x41 b?q", "HTTP/1.1")
    assert (raw.referrer, raw.agent) == ("", 'My "x" \\ caf\ufffd')


DAMAGED = [
    (
        "a last quote that is missing",
        b'"GET / HTTP/1.1" 200 5 "-" "Fire fox',
        ("/", 5, None, "Fire fox"),
    ),
    ("fields that follow", b'"GET / HTTP/1.1" 200 5 "r" "a" "-" 12', ("/", 5, "r", "a")),
    ("a line that ends early", b'"GET / HTTP/1.1" 200', ("/", 0, None, None)),
    ("a size that is none", b'"GET / HTTP/1.1" 200 x "r" "a"', ("/", 0, None, None)),
    ("quotes in the request", b'"GET /"a" b HTTP/1.1" 200 5 "r" "a"', ('/"a" b', 5, "r", "a")),
    ("quotes in the agent", b'"GET / HTTP/1.1" 200 5 "r" "my "own" agent"', ("/", 5, "r", "my ")),
]


@pytest.mark.parametrize("rest, expected", [d[1:] for d in DAMAGED], ids=[d[0] for d in DAMAGED])
def test_damaged_lines_are_read_as_far_as_they_go(rest, expected):
    raw = ncsa.parse(b"::1 - - [20/Nov/2026:23:23:55 +0000] " + rest, "combined")
    assert (raw.url, raw.bytes, raw.referrer, raw.agent) == expected


@pytest.mark.parametrize("rest", [b'"GET / HTTP/1.1" 20 5', b'"GET / HTTP/1.1', b"GET / 200 5"])
def test_a_line_without_a_status_is_refused(rest):
    with pytest.raises(Rejected):
        ncsa.parse(b"::1 - - [20/Nov/2026:23:23:55 +0000] " + rest, "combined")


REQUESTS = [
    ("GET /?id=12", ("GET", "/?id=12", None)),
    ("GET /a b c HTTP/1.1", ("GET", "/a b c", "HTTP/1.1")),
    ("OPTIONS * HTTP/1.1", ("OPTIONS", "*", "HTTP/1.1")),
    ("SSH-2.0-Go", (None, None, None)),
    ("", (None, None, None)),
    (None, (None, None, None)),
    ("\x16\x03\x01\x01 \x02", (None, None, None)),
    ("1/history/apollo/images/", (None, None, None)),
]


@pytest.mark.parametrize("line, parts", REQUESTS)
def test_request_lines(line, parts):
    assert ncsa.request(line) == parts


REFUSED = [
    (b"", "blank"),
    (b"x" * ((1 << 20) + 1), "long"),
]


@pytest.mark.parametrize("line, reason", REFUSED, ids=[r for _, r in REFUSED])
def test_lines_that_hold_no_record(line, reason):
    with pytest.raises(Rejected, match=reason):
        clean(7, line)


def test_lines_have_the_offsets_of_their_first_bytes():
    assert lines(b"ab\r\n\nc") == [(0, b"ab\r"), (4, b""), (5, b"c")]
    assert lines(b"ab\n") == [(0, b"ab")]
    assert lines(b"") == []


def test_w3c_columns_follow_the_last_fields_line():
    log = structured.W3C()
    with pytest.raises(Rejected, match="fields"):
        log.parse(b"2015-01-13 00:32:17 GET / 200")
    for header in (b"#Version: 1.0", b"#Fields: date time cs-method cs-uri-stem sc-status"):
        with pytest.raises(Directive):
            log.parse(header)
    raw = log.parse(b"2015-01-13 00:32:17 GET /a+b 404")
    assert (raw.method, raw.url, raw.status) == ("GET", "/a+b", 404)
