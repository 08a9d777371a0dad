"""What single values mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.times import clock, read_any, read_clock, read_date
from parsers.values import (
    clean_client,
    clean_host,
    clean_protocol,
    decode,
    split_request,
    with_unit,
)
from tests.examples import drawn

REQUESTS = [
    ("GET / HTTP/1.1", "GET", "/", "HTTP/1.1"),
    ("GET /a b c?id=11 HTTP/1.1", "GET", "/a b c?id=11", "HTTP/1.1"),
    ("GET /a b", "GET", "/a b", None),
    ("GET /?id=12", "GET", "/?id=12", None),
    ("get / HTTP/9.9", "get", "/", "HTTP/9.9"),
    ("PRI * HTTP/2.0", "PRI", "*", "HTTP/2.0"),
    ("M-SEARCH * HTTP/1.1", "M-SEARCH", "*", "HTTP/1.1"),
    ("CONNECT a:443 HTTP/1.1", "CONNECT", "a:443", "HTTP/1.1"),
    ("GET http://a/ HTTP/1.1", "GET", "http://a/", "HTTP/1.1"),
    ("GET /a HTTPS/1.1", "GET", "/a HTTPS/1.1", None),
    ("GET /a\nb HTTP/1.1", "GET", "/a\nb", "HTTP/1.1"),
    ("GET  /a  HTTP/1.1 ", "GET", "/a", "HTTP/1.1"),
    ("GET HTTP/1.1 HTTP/1.1", "GET", "HTTP/1.1", "HTTP/1.1"),
    ("GET HTTP/1.1", None, None, None),
    ("CONNECT  HTTP/1.1", None, None, None),
    ("  HTTP/1.1", None, None, None),
    ("GET", None, None, None),
    ("GET ", None, None, None),
    ("", None, None, None),
    ("SSH-2.0-Go", None, None, None),
    ("\x16\x03\x01 \x02", None, None, None),
    ("145.ll|'|'|x|Win 7 Professional", None, None, None),
    ("1/history/apollo/images/", None, None, None),
    (None, None, None, None),
]


@pytest.mark.parametrize(("line", "method", "url", "protocol"), REQUESTS)
def test_a_request_line_is_cut_from_both_ends(
    line: str | None, method: str | None, url: str | None, protocol: str | None
) -> None:
    parts = split_request(pl.Series([line], dtype=pl.String))
    assert tuple(part[0] for part in parts) == (method, url, protocol)


@pytest.mark.parametrize(
    ("text", "client", "host"),
    [
        ("1.2.3.4", "1.2.3.4", "1.2.3.4"),
        ("1.2.3.4:80", "1.2.3.4", "1.2.3.4"),
        ("::1", "::1", "::1"),
        ("fe80::1%eth0", "fe80::1", "fe80::1%eth0"),
        ("[::1]", "::1", "::1"),
        ("[fe80::1%25]:443", "fe80::1", "fe80::1%25"),
        ("Example.ORG:8080", "Example.ORG", "example.org"),
        ("unix:", None, "unix"),
        ("", None, ""),
        (None, None, None),
    ],
)
def test_a_client_and_a_host_lose_what_is_not_their_name(
    text: str | None, client: str | None, host: str | None
) -> None:
    texts = pl.Series([text], dtype=pl.String)
    assert clean_client(texts)[0] == client
    assert clean_host(texts)[0] == host


@pytest.mark.parametrize(
    ("scheme", "raw", "text"),
    [
        ("none", b"a\\x41%41+", "a\\x41%41+"),
        ("backslash", b'\\x41\\\\x41\\"\\t\\n\\q\\', 'A\\x41"\t\n\\q\\'),
        ("backslash", b"caf\\xC3\\xA9 \\x5Cx41", "café \\x41"),
        ("backslash", b"caf\\xe9", "caf\ufffd"),
        ("plus", b"a+b%20c", "a b%20c"),
        ("percent", b"a%20b%2520c+%zz", "a b c+%zz"),
        ("percent25", b"a%2520b%20c", "a%20b%20c"),
    ],
)
def test_escapes_are_undone_by_the_scheme_of_the_server(scheme: str, raw: bytes, text: str) -> None:
    assert decode(pa.array([raw, None], pa.binary()), scheme).to_list() == [text, None]


TIMES = [
    ("clf", "29/Feb/2024:23:59:59 +0530", 1709231399000),
    ("clf", "29/Feb/2023:23:59:59 +0530", None),
    ("clf", "29/Feb/1900:00:00:00 +0000", None),
    ("clf", "31/Apr/2024:00:00:00 +0000", None),
    ("clf", "00/Apr/2024:00:00:00 +0000", None),
    ("clf", "01/apr/2024:00:00:00 +0000", 1711929600000),
    ("clf", "01/Apr/2024:24:00:00 +0000", None),
    ("clf", "31/Dec/2016:23:59:60 +0000", 1483228800000),
    ("clf", "01/Apr/2024:00:00:00 +2400", None),
    ("clf", "01/Apr/2024:00:00:00", None),
    ("iso8601", "2024-03-12T15:22:28Z", 1710256948000),
    ("iso8601", "2024-03-12 15:22:28", 1710256948000),
    ("iso8601", "2024-03-12T15:22:28.9999999+05:30", 1710237148999),
    ("iso8601", "2024-03-12T15:22:28,5-0700", 1710282148500),
    ("iso8601", "2024-13-12T15:22:28Z", None),
    ("iso8601", "2024-03-12", None),
    ("epoch", "1710256948", 1710256948000),
    ("epoch", "1710256948.28", 1710256948280),
    ("epoch", "1710256948285", 1710256948285),
    ("epoch", "1710256948285123", 1710256948285),
    ("epoch", "1710256948285123456", 1710256948285),
    ("epoch", "9999999999999999999", None),
    ("epoch", "-5", None),
]


@pytest.mark.parametrize(("name", "text", "millis"), TIMES)
def test_a_time_is_milliseconds_in_utc(name: str, text: str, millis: int | None) -> None:
    assert read_any((clock(name),), pl.Series([text])).to_list() == [millis]


@drawn(60)
@given(st.lists(st.datetimes(datetime(1600, 1, 1), datetime(2400, 1, 1)), max_size=9))
def test_times_agree_with_the_standard_library(moments: list[datetime]) -> None:
    zone = timezone(timedelta(hours=-3, minutes=-30))
    whole = [moment.replace(microsecond=0, tzinfo=zone) for moment in moments]
    expected = [int((m - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1000 for m in whole]
    clf = pl.Series([m.strftime("%d/%b/%Y:%H:%M:%S %z") for m in whole], dtype=pl.String)
    iso = pl.Series([m.isoformat() for m in whole], dtype=pl.String)
    assert read_any((clock("clf"),), clf).to_list() == expected
    assert read_any((clock("clf"), clock("iso8601")), iso).to_list() == expected


def test_a_day_and_a_time_of_day_are_read_apart() -> None:
    assert read_date(pl.Series(["1970-01-02", "1970-02-30", "x"])).to_list() == [
        86400000,
        None,
        None,
    ]
    texts = pl.Series(["00:00:01.5", "24:00:00", "1:00:00"])
    assert read_clock(texts).to_list() == [1500, None, None]


DURATIONS = [
    ("0.0011s", 1.1),
    ("12ms", 12.0),
    ("357µs", 0.357),
    ("357μs", 0.357),
    ("5us", 0.005),
    ("1000ns", 0.001),
    ("2m", 120_000.0),
    ("1.5", 1500.0),
    ("1e-05", 0.01),
    ("-1s", -1000.0),
    ("1m2s", None),
    ("s", None),
    ("", None),
    (None, None),
]


def test_a_duration_tells_its_unit() -> None:
    found = with_unit(pl.Series([text for text, _ in DURATIONS], dtype=pl.String))
    for value, (text, expected) in zip(found, DURATIONS, strict=True):
        assert value == (None if expected is None else pytest.approx(expected)), text


PROTOCOLS = [
    ("1.1", "HTTP/1.1"),
    ("2.0.0.0", "HTTP/2.0"),
    ("2", "HTTP/2"),
    ("HTTP/1.1", "HTTP/1.1"),
    ("HTTPS", "HTTPS"),
    ("1.1.2", "1.1.2"),
    (None, None),
]


def test_a_protocol_has_its_name() -> None:
    found = clean_protocol(pl.Series([text for text, _ in PROTOCOLS], dtype=pl.String))
    assert found.to_list() == [expected for _, expected in PROTOCOLS]
