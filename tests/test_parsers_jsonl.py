"""JSON lines: read at once or one by one, the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers import jsonl
from parsers.parse import parse
from parsers.registry import load_formats, make_format

NGINX = load_formats()["nginx_json"]
CADDY = load_formats()["caddy_json"]
GOOD: dict[str, Any] = {
    "time": "2024-03-12T15:22:28+00:00",
    "status": 200,
    "request": "GET /a?b=c HTTP/1.1",
    "remote_addr": "1.2.3.4",
}
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def one(record: Any, fmt: Any = NGINX) -> dict[str, Any]:
    parsed = parse(json.dumps(record).encode(), 0, fmt, {})
    assert parsed.rejects.to_pylist() == []
    return parsed.table.to_pylist()[0]


def reason(line: bytes) -> str:
    parsed = parse(line, 0, NGINX, {})
    assert parsed.table.num_rows == 0
    return parsed.rejects["reason"][0].as_py()


simple = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**15),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(max_size=8),
    st.sampled_from(["-", "", "2024-03-12T15:22:28Z", "200", "1.5"]),
)
values = st.one_of(simple, st.lists(simple, max_size=2), st.just({"a": 1}))
objects = st.dictionaries(st.sampled_from([*GOOD, "msec", "http_user_agent", "x", "#"]), values)
lines = st.one_of(
    st.just(json.dumps(GOOD).encode()),
    st.just(json.dumps(GOOD).encode()),
    objects.map(lambda made: json.dumps(GOOD | made).encode()),
    objects.map(
        lambda made: json.dumps(GOOD | made, ensure_ascii=False).encode("utf-8", "replace")
    ),
    objects.map(lambda made: json.dumps(made).encode()),
    st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"")),
    st.sampled_from(
        [b"{}", b"[]", b"5", b" {} ", b'{"a":1},{"a":2}', b'{"a":"', b'"}', b"{", b"}", b'{"a":1}x']
        + [b'{"status":NaN}', b'{"a":"\\ud800"}', b'{"request":"\xff"}', b'{"request":"a\tb"}']
    ),
)


@quick
@given(data=st.lists(lines, max_size=12), times=st.sampled_from([1, 5]))
def test_reading_at_once_gives_what_reading_one_by_one_gives(data: list[bytes], times: int) -> None:
    chunk = b"\n".join(data * times)
    smallest, jsonl.SMALLEST = jsonl.SMALLEST, 1
    try:
        fast = parse(chunk, 0, NGINX, {})
    finally:
        jsonl.SMALLEST = smallest
    single = parse(chunk, 0, NGINX, {}, fast=False)
    assert fast.table.to_pylist() == single.table.to_pylist()
    assert fast.rejects == single.rejects


def test_numbers_and_texts_are_one_and_the_first_of_a_list_counts() -> None:
    expected = one(GOOD)
    assert expected["status"] == 200
    assert one(GOOD | {"status": "200"}) == expected
    assert one(GOOD | {"status": [200, 404]}) == expected
    assert one(GOOD | {"status": 200.0}) == expected


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({}, "time", 1710256948000),
        ({"msec": "1710256948.285"}, "time", 1710256948285),
        ({"msec": 1710256948.285}, "time", 1710256948285),
        ({"msec": ""}, "time", 1710256948000),
        ({"time": "12/Mar/2024:15:22:28 +0000"}, "time", 1710256948000),
        ({"time": 1710256948}, "time", 1710256948000),
        ({"request": "", "request_method": "GET", "request_uri": "/x"}, "url", "/x"),
        ({"request": "", "request_method": "", "request_uri": ""}, "method", None),
        ({"request": None, "request_uri": "/x", "args": "y=1"}, "url", "/x?y=1"),
        ({"request": None, "request_uri": "/x?y=1", "args": "y=1"}, "url", "/x?y=1"),
        ({"http_referer": ""}, "referrer", None),
        ({"request_time": "0.5"}, "duration_ms", 500.0),
        ({"request_time": "-"}, "duration_ms", None),
        ({"bytes_sent": "-"}, "bytes", 0),
        ({"host": "WWW.Example.org:8080"}, "host", "www.example.org"),
        ({"remote_addr": "[::1]:443"}, "client", "::1"),
        ({"status": "000"}, "status", 0),
        ({"status": "-"}, "status", 0),
    ],
)
def test_a_field_is_read_as_nginx_writes_it(
    changes: dict[str, Any], field: str, value: Any
) -> None:
    assert one(GOOD | changes).get(field) == value


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (b"nonsense", "json"),
        (b"[1]", "json"),
        (b'{"time": ', "json"),
        (b'{"level": "info", "status": 200, "time": 1710256948}', "fields"),
        (json.dumps(GOOD | {"time": "yesterday"}).encode(), "time"),
        (json.dumps(GOOD | {"time": None}).encode(), "time"),
        (json.dumps(GOOD | {"status": "ok"}).encode(), "status"),
    ],
)
def test_a_line_that_is_no_record_is_refused_with_its_reason(line: bytes, word: str) -> None:
    assert reason(line) == word


def test_of_two_equal_keys_the_first_counts() -> None:
    line = json.dumps(GOOD)[:-1] + ', "status": 404}'
    for fast in (True, False):
        table = parse(f"{line}\n".encode() * 40, 0, NGINX, {}, fast).table
        assert table["status"].to_pylist() == [200] * 40


def test_a_dotted_name_reaches_into_objects_and_headers_are_lists() -> None:
    record = {
        "ts": 1711741827.9626286,
        "status": 401,
        "request": {
            "remote_addr": "1.2.3.4:5678",
            "method": "GET",
            "uri": "/",
            "headers": {"User-Agent": ["curl/7.88.1", "x"]},
        },
    }
    row = one(record, CADDY)
    assert (row["agent"], row["client"], row["url"]) == ("curl/7.88.1", "1.2.3.4", "/")
    assert row["time"] == 1711741827962


def test_a_name_cannot_be_a_value_and_an_object() -> None:
    fields = {"time": "t", "status": "s", "url": "request", "method": "request.method"}
    with pytest.raises(ValueError, match="request is named both as a value and as an object"):
        make_format("mine", {"dialect": "json", "fields": fields})
