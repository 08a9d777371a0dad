"""JSON lines: read at once or one by one, the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.parse import parse
from parsers.registry import load_formats, make_format
from tests.examples import drawn

NGINX = load_formats()["nginx_json"]
CADDY = load_formats()["caddy_json"]
GOOD: dict[str, Any] = {
    "time": "2024-03-12T15:22:28+00:00",
    "status": 200,
    "request": "GET /a?b=c HTTP/1.1",
    "remote_addr": "1.2.3.4",
}
quick = drawn(30)


def one(record: Any, fmt: Any = NGINX) -> dict[str, Any]:
    parsed = parse(json.dumps(record).encode(), 0, fmt, {})
    assert parsed.rejects.to_pylist() == []
    return parsed.table.to_pylist()[0]


def reason(line: bytes) -> str:
    parsed = parse(line, 0, NGINX, {})
    assert parsed.table.num_rows == 0
    return parsed.rejects["reason"][0].as_py()


digits = st.from_regex(r"\A-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?\Z")
simple = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["-", "", "2024-03-12T15:22:28Z", "200", "1.5", '["a"]', '{"a":1}', "null"]),
)
values = st.recursive(
    simple,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["method", "a.b", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)
objects = st.dictionaries(
    st.sampled_from([*GOOD, "msec", "http_user_agent", "request_time", "headers", "a.b", "x"]),
    values,
)
#: Texts put into a line just as they are: JSON that is only JSON for some, and none at all.
ODD = [
    *("NaN", "nan", "-Infinity", "inf", "1e400", "-0", "-0.0", "01", "+1", ".5", "0x1F", "[1,]"),
    *("{,}", "[ ]", '{"a":1,}', "tRUE", '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\/"'),
    *('"\t"', '"\x0b"', "[" * 300 + "]" * 300, '{"a":' * 300 + "1" + "}" * 300, '"', "}", "1}{"),
    *("/**/1", '"a","status":404', '"a","headers":{"a":"b"},"headers":{"a.b":"c"}', "1 ", "'a'"),
    "\ufeff1",
]
odd = st.tuples(
    st.sampled_from(["status", "time", "msec", "remote_addr", "request_time", "x"]),
    st.sampled_from(ODD) | digits,
    st.sampled_from([b"", b" ", b",", b"}", b"\xff", b"\r", b'{"a":1}']),
).map(lambda t: json.dumps(GOOD)[:-1].encode() + f',"{t[0]}":{t[1]}}}'.encode() + t[2])
alone = (st.sampled_from(ODD) | digits).map(
    lambda text: f'{{"x":{text},"request":"GET /","time":{text},"status":200}}'.encode()
)
lines = st.one_of(
    st.just(json.dumps(GOOD).encode()),
    odd,
    alone,
    objects.map(lambda made: json.dumps(GOOD | made).encode()),
    objects.map(
        lambda made: json.dumps(GOOD | made, ensure_ascii=False).encode("utf-8", "replace")
    ),
    objects.map(lambda made: json.dumps(made, separators=(",", ":")).encode()),
    st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"")),
    st.sampled_from(
        [b"{}", b"[]", b"5", b" {} ", b'{"a":1},{"a":2}', b'{"a":"', b'"}', b"{", b"}", b'{"a":1}x']
        + [b'{"status":NaN}', b'{"a":"\\ud800"}', b'{"request":"\xff"}', b'{"request":"a\tb"}']
    ),
)
#: Every value that can be read as text is shown as one.
SHOWING = make_format(
    "showing",
    {
        "fields": {
            "time": ["time", "msec"],
            "status": "status",
            "url": ["request", "url"],
            "user": ["remote_addr", "headers.a"],
            "agent": ['headers."a.b"', "http_user_agent", '"a.b"'],
            "cache": ["request_time", "x", "headers.method.a"],
        },
        "missing": ["-", ""],
    },
)


@drawn(40)
@given(data=st.lists(lines, max_size=12), fmt=st.sampled_from([NGINX, SHOWING]))
def test_reading_at_once_gives_what_reading_one_by_one_gives(data: list[bytes], fmt: Any) -> None:
    chunk = b"\n".join(data)
    for strict in (False, True):
        fast = parse(chunk, 0, fmt, {}, strict=strict)
        single = parse(chunk, 0, fmt, {}, fast=False, strict=strict)
        assert fast.table.schema == single.table.schema
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


def test_a_name_may_be_a_value_in_one_line_and_an_object_in_another() -> None:
    fields = {"time": "t", "status": "s", "url": ["request", "request.uri"]}
    fmt = make_format("mine", {"fields": fields})
    assert one({"t": 1, "s": 200, "request": "/a"}, fmt)["url"] == "/a"
    assert one({"t": 1, "s": 200, "request": {"uri": "/b"}}, fmt)["url"] == "/b"


def test_a_key_that_holds_dots_stands_in_quotes() -> None:
    fmt = make_format("mine", {"fields": {"time": "t", "status": "s", "url": 'a."b.c".d'}})
    record = {"t": 1, "s": 200, "a": {"b.c": {"d": "/x"}, "b": {"c": {"d": "/y"}}}}
    assert one(record, fmt)["url"] == "/x"


@pytest.mark.parametrize("name", ["a..b", ".a", 'a."b', 'a"b"', "a.", "*", "a.*"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a JSON value"):
        make_format("mine", {"fields": {"time": "t", "status": "s", "url": name}})


KEYS = ["it's", "a\\b", "a b", "é", ":path", "@t", "$", "a/b", "a]", "0", "a*", "#"]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_may_hold_any_letters(key: str) -> None:
    fmt = make_format("mine", {"fields": {"time": "t", "status": "s", "url": key}})
    line = json.dumps({"t": 1, "s": 200, key: "/x"}).encode()
    for fast in (True, False):
        assert parse(line, 0, fmt, {}, fast).table["url"].to_pylist() == ["/x"]


@pytest.mark.parametrize("before", range(4))
def test_a_line_whose_error_message_breaks_off_within_a_character_is_read_singly(before):
    line = (
        b'{"' + b"x" * before + b"\0" + "é".encode() * 200 + b'":1,' + json.dumps(GOOD).encode()[1:]
    )
    fast, slow = (parse(line, 0, NGINX, {}, fast=fast) for fast in (True, False))
    assert fast.table.to_pylist() == slow.table.to_pylist()
