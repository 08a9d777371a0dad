"""Formats pasted from a server's configuration: each reads the lines that server writes."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from parsers.parse import parse
from parsers.registry import make_format
from tests.examples import drawn

#: 12 March 2024, 15:22:28 UTC, which all of the lines say.
TIME = 1710256948000
AT = "[12/Mar/2024:15:22:28 +0000]"


def rows(way: str, directive: object, line: str, **more: Any) -> list[dict[str, Any]]:
    """The rows of some lines by both engines, without what is null."""
    fmt = make_format("mine", {way: directive, **more})
    found = [parse(line.encode(), 0, fmt, {}, fast, strict=True) for fast in (True, False)]
    assert found[0].table.to_pylist() == found[1].table.to_pylist()
    assert found[0].rejects.to_pylist() == []
    return [
        {name: value for name, value in row.items() if value is not None and name != "offset"}
        for row in found[0].table.to_pylist()
    ]


CASES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "ingress with lists of retries": (
        "nginx",
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
        ' "$http_referer" "$http_user_agent" $request_length $request_time'
        " [$proxy_upstream_name] $upstream_addr $upstream_status $req_id",
        '192.0.2.1 - john doe [12/Mar/2024:15:22:28 +0000] "GET /a HTTP/1.1" 200 12'
        ' "-" "x\\x22y" 310 0.003 [a-b] 10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 502, 200 f00',
        {"client": "192.0.2.1", "user": "john doe", "agent": 'x"y', "duration_ms": 3.0},
    ),
    "values without quotes and blanks around signs": (
        "nginx",
        "$remote_addr | $time_iso8601 | $request | $status | $http_user_agent | $request_time",
        "192.0.2.1 | 2024-03-12T15:22:28+00:00 | GET /a b HTTP/1.1 | 200 | A | B\\x22 (x) | 0.5",
        {"url": "/a b", "agent": 'A | B" (x)', "duration_ms": 500.0},
    ),
    "a list in the midst": (
        "nginx",
        '[$time_local] $upstream_addr $upstream_response_time "$request" $status',
        '[12/Mar/2024:15:22:28 +0000] 10.0.0.1:80, 10.0.0.2:80 0.1, - "GET /a HTTP/1.1" 200',
        {"url": "/a"},
    ),
    "host and port, URL in pieces": (
        "nginx",
        "$host:$server_port $remote_addr:$remote_port [$time_local]"
        ' "$request_method $scheme://$host$request_uri $server_protocol" $status ${request_time}s',
        "Example.org:443 [2001:db8::1]:5000 [12/Mar/2024:15:22:28 +0000]"
        ' "GET https://example.org/a?b=c HTTP/2.0" 200 0.25s',
        {
            "host": "example.org",
            "client": "2001:db8::1",
            "url": "https://example.org/a?b=c",
            "protocol": "HTTP/2.0",
            "duration_ms": 250.0,
        },
    ),
    "path, mark and arguments": (
        "nginx",
        '$msec $remote_addr $request_method $uri$is_args$args $status "$http_user_agent"',
        '1710256948.000 192.0.2.1 GET /a?b=c 200 "x"',
        {"url": "/a?b=c", "method": "GET"},
    ),
    "path and arguments apart": (
        "nginx",
        '$msec $remote_addr $request_method $uri "$args" $status',
        '1710256948.000 192.0.2.1 GET /a "b=c" 200',
        {"url": "/a?b=c"},
    ),
    "escape=none": (
        "nginx",
        'escape=none $remote_addr - $remote_user [$time_local] "$request" $status'
        ' "$http_referer" "$http_user_agent"',
        '192.0.2.1 -  [12/Mar/2024:15:22:28 +0000] "GET /a HTTP/1.1" 200 "" "my "cool" \\x22"',
        {"agent": 'my "cool" \\x22', "url": "/a"},
    ),
    "an object as text: its values are escaped as text is": (
        "nginx",
        'log_format x \'{"t":"$time_iso8601","s":$status,"r":"$request",'
        '"ua":"$http_user_agent"}\';',
        '{"t":"2024-03-12T15:22:28+00:00","s":200,"r":"GET /a HTTP/1.1","ua":"x\\x22\\xC3\\xA9"}',
        {"agent": 'x"é', "url": "/a"},
    ),
    "an object": (
        "nginx",
        'escape=json {"t":"$time_iso8601","s":$status,"http":{"r":"$request",'
        '"ua":"$http_user_agent","ref":"$http_referer"},"both":"$status $bytes_sent"}',
        '{"t":"2024-03-12T15:22:28+00:00","s":200,"http":{"r":"GET /a HTTP/1.1",'
        '"ua":"x\\"\\u0001","ref":""},"both":"200 5"}',
        {"agent": 'x"\x01', "url": "/a"},
    ),
    "Apache with every modifier": (
        "apache",
        '%{c}a %a %l %u %t "%r" %>s %b "%400,501{User-agent}i" "%!200{Referer}i" %T/%D %I %X %k %f',
        '10.0.0.1 192.0.2.1 - - [12/Mar/2024:15:22:28 +0000] "GET /a HTTP/1.1" 200 - "-" "-"'
        " 1/1500 300 + 0 /srv/my file",
        {"client": "192.0.2.1", "duration_ms": 1.5, "bytes": 0},
    ),
    "Apache with tabs, a time in pieces and a target in pieces": (
        "apache",
        "%a\\t%{%Y-%m-%d}t %{%T}t.%{msec_frac}t %{%z}t\\t%m\\t%U%q\\t%H\\t%s\\t%{User-Agent}i",
        '192.0.2.1\t2024-03-12 16:22:28.000 +0100\tGET\t/a b?c=d\tHTTP/1.1\t200\tx \\"y\\" z',
        {"url": "/a b?c=d", "agent": 'x "y" z'},
    ),
    "Apache with path and query apart": (
        "apache",
        "%t %h %m %U %q %>s",
        f"{AT} 192.0.2.1 GET /a ?b=c 200",
        {"url": "/a?b=c"},
    ),
    "Apache with an empty query": (
        "apache",
        "%t %h %m %U %q %>s",
        f"{AT} 192.0.2.1 GET /a  200",
        {"url": "/a"},
    ),
    "lighttpd, whose %q has no question mark": (
        "apache",
        '%t %h "%m %U?%q %H" %s',
        f'{AT} 192.0.2.1 "GET /a?b=c HTTP/1.1" 200',
        {"url": "/a?b=c", "protocol": "HTTP/1.1"},
    ),
    "Apache with quotes in values without quotes": (
        "apache",
        "%t\\t%U%q\\t%>s",
        f'{AT}\t/a\\"b\\tc\t200',
        {"url": '/a"b\tc'},
    ),
    "Apache with an agent between tabs and more behind it": (
        "apache",
        "%t\\t%r\\t%>s\\t%{User-Agent}i\\t%X %k",
        f"{AT}\tGET /a HTTP/1.1\t200\tMozilla/5.0 (X11; a b)\t+ 0",
        {"agent": "Mozilla/5.0 (X11; a b)"},
    ),
    "Apache with day and clock apart": (
        "apache",
        '%h %{%F}t "%r" %{%T}t %>s %{ms}T',
        '192.0.2.1 2024-03-12 "GET /a HTTP/1.1" 15:22:28 200 12',
        {"duration_ms": 12.0, "url": "/a"},
    ),
    "Apache with seconds and a fraction": (
        "apache",
        '%{sec}t.%{usec_frac}t %v:%p %h "%r" %>s 100%% 5$',
        '1710256948.000000 www.example.org:80 192.0.2.1 "GET /a HTTP/1.1" 200 100% 5$',
        {"host": "www.example.org"},
    ),
    "Apache's milliseconds": (
        "apache",
        'LogFormat "%{msec}t %V %h \\"%r\\" %>s" short',
        '1710256948000 example.org 192.0.2.1 "GET /a HTTP/1.1" 200',
        {"host": "example.org"},
    ),
    "varnishncsa": (
        "apache",
        '%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i" %{Varnish:hitmiss}x',
        '192.0.2.1 - - [12/Mar/2024:15:22:28 +0000] "GET http://a/ HTTP/1.1" 200 5 "-" "x" miss',
        {"cache": "miss", "url": "http://a/"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_pasted_directive_reads_what_the_server_writes(name: str) -> None:
    way, directive, line, wanted = CASES[name]
    (row,) = rows(way, directive, line)
    assert {"time": TIME, "status": 200} | wanted == {
        key: row[key] for key in ("time", "status", *wanted)
    }


WRONG: list[tuple[str, object, str]] = [
    ("nginx", '$remote_addr [$time_locl] "$request" $status', "$time_local by $time_locl at"),
    ("nginx", '[$time_local] "$request" $staus', "mean $status by $staus at position 25"),
    ("nginx", '$remote_addr "$request" $status', "no time in the format; add $time_local or"),
    ("nginx", "$remote_addr [$time_local] $status", "no request in the format; add $request or"),
    ("nginx", '[$time_local] "$request" $status$bytes_sent', "$bytes_sent touch at position 32"),
    ("nginx", '[$time_local] "$request" $ $status', "$ without a name at position 25"),
    ("nginx", "escape=html $request", "escape=html is not one of default, json, none"),
    ("nginx", "log_format x '$request", "line 1: the quote ' is not closed"),
    ("nginx", 'escape=json {"t":"$time_local","r":"$request"}', "no status in the format; add"),
    ("apache", '%h %t "%r" %Q', "unknown directive %Q at position 11; known are %a %A"),
    ("apache", '%h %t "%r" %', "unknown directive % at position 11"),
    ("apache", '%h %t "%r"', "no status in the format; add %>s or %s"),
    ("apache", '%h %t "%r" %>s%b', "%>s and %b touch at position 14"),
    ("apache", '%h %{%Y-%Q}t "%r" %>s', "%Q is not known; known are %Y"),
    ("w3c", "yes", "w3c can only be true, not 'yes'"),
    ("json", "time", "json must be a table of field = key.path, not 'time'"),
    ("nginx", 5, "nginx must be a text, not 5"),
]  # fmt: skip


@pytest.mark.parametrize(("way", "directive", "message"), WRONG, ids=range(len(WRONG)))
def test_a_directive_that_cannot_be_read_is_refused_with_what_and_where(
    way: str, directive: object, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^format mine: .*{re.escape(message)}"):
        make_format("mine", {way: directive})


def test_only_one_key_says_what_a_line_looks_like() -> None:
    with pytest.raises(ValueError, match="nginx and apache can't both say"):
        make_format("mine", {"nginx": "$status", "apache": "%s"})


def test_keys_beside_a_directive_take_the_place_of_what_it_stands_for() -> None:
    table = {"escape": {"agent": "percent"}, "missing": ["", "?"]}
    (row,) = rows(
        "apache", '%t "%r" %>s %u "%{User-agent}i"', f'{AT} "GET /a" 200 ? "a%20b"', **table
    )
    assert (row["agent"], row.get("user"), row["url"]) == ("a b", None, "/a")


def test_json_keys_are_named_field_by_field() -> None:
    names = {"time": "at", "status": "http.status", "url": ["http.url", "path"], "agent": "ua"}
    line = '{"at": 1710256948, "http": {"status": 200}, "path": "/a", "ua": "x"}'
    (row,) = rows("json", names, line)
    assert (row["time"], row["status"], row["url"], row["agent"]) == (TIME, 200, "/a", "x")


def test_a_w3c_log_may_have_columns_of_its_own() -> None:
    fmt = make_format("mine", {"w3c": True, "fields": {"client": ["X-Client", "c-ip"]}})
    log = (
        b"#Fields: date time c-ip X-Client cs-method cs-uri-stem sc-status\n"
        b"2024-03-12 15:22:28 10.0.0.1 192.0.2.1 GET /a 200\n"
    )
    table = parse(log, 0, fmt, {}).table
    assert (table["client"].to_pylist(), table["time"].to_pylist()) == (["192.0.2.1"], [TIME])


#: Variable -> values that nginx might write; none holds a separator, as none is escaped.
VALUES = {
    "http_user_agent": st.text("aé \"\\()'[]é", min_size=1)
    .map(str.strip)
    .filter(lambda t: t not in ("", "-")),
    "upstream_addr": st.sampled_from(
        ["-", "10.0.0.1:80", "10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80"]
    ),
    "remote_user": st.sampled_from(["-", "john", "john doe"]),
    "request_time": st.sampled_from(["0.000", "1.250"]),
    "http_x_anything": st.text("a ([", max_size=5),
}
ALWAYS = {
    "time_local": st.just(AT[1:-1]),
    "status": st.sampled_from(["200", "404"]),
    "request": st.sampled_from(["GET /a HTTP/1.1", "GET /a b HTTP/1.1", ""]),
}


def as_nginx(text: str) -> bytes:
    return b"".join(
        b"\\x%02X" % byte if byte in b'"\\' or byte > 126 else bytes([byte])
        for byte in text.encode()
    )


@given(
    st.dictionaries(st.sampled_from(sorted(VALUES)), st.none()),
    st.sampled_from(["|", "\t", " | ", '" "', "]["]),
    st.randoms(use_true_random=False),
    st.data(),
)
@drawn(75)
def test_what_nginx_writes_by_any_format_is_read_back(
    extra: dict[str, None], separator: str, random: Random, data: st.DataObject
) -> None:
    strategies = ALWAYS | {name: VALUES[name] for name in extra}
    names = random.sample(sorted(strategies), len(strategies))
    drawn = {name: data.draw(strategies[name], name) for name in names}
    quote = '"' * (separator == '" "')
    assume(quote or separator != "][" or not any("[" in v or "]" in v for v in drawn.values()))
    layout = quote + separator.join(f"${name}" for name in names) + quote
    line = (
        quote.encode() + separator.encode().join(as_nginx(drawn[n]) for n in names) + quote.encode()
    )
    fmt = make_format("mine", {"nginx": layout})
    (row,) = parse(line, 0, fmt, {}, strict=True).table.to_pylist()
    assert (row["time"], row["status"]) == (TIME, int(drawn["status"]))
    assert (row["url"] or "") == drawn["request"].removeprefix("GET ").removesuffix(" HTTP/1.1")
    if "http_user_agent" in drawn:
        assert row["agent"] == drawn["http_user_agent"]
