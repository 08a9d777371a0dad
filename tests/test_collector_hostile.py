"""Whatever is sent to the collector, it answers as it should, and the journal stays readable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers.parse import parse
from parsers.registry import load_formats
from tests.collectors import Sender
from webapp.collector_routes import ROUTES

JOURNAL = load_formats()["journal"]
ENDPOINTS = [route.suffix for route in ROUTES if route.suffix.startswith("/api")]
ALLOWED = {
    "/api/track/page-view": {204},
    "/api/track-view/": {200, 400, 413},
    "/api/track-view": {200, 400, 413},
    "/api/event": {202, 400, 413},
    "/api/events": {400, 401, 413},
}
NAMES = st.sampled_from(
    [
        *("path", "url", "u", "n", "name", "event", "d", "site", "p", "props", "m", "$", "revenue"),
        *("referrer", "title", "viewer", "owner", "signed_in", "value", "screen", "language", "h"),
        *("content_type", "content_id", "view_type", "view_source", "time", "id", "s"),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["one", "video", "listing", "pageview", "/a", "https://one.example/#/b", "\0"]),
    st.sampled_from(["\ud800", '"}\n{"', "%00%ff", "1e999", "{", "[[[", "-" * 5000, "::1"]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(NAMES | TEXTS, VALUES, max_size=8).map(lambda told: json.dumps(told).encode()),
    st.sampled_from([b"[" * 60_000, b"9" * 9_000, b'{"a":' * 9_000, b"\xff\xfe{\0}\0"]),
    st.just(b'{"path":"/' + b"a" * (64 << 10) + b'"}'),
)
#: What a server lets through: a header is of one line.
HEADERS = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=60)
HURRIED = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return Sender(tmp_path, collector={"rate": 0})


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, "/api/events"])
@HURRIED
@given(body=BODIES, origin=HEADERS, referer=HEADERS, agent=HEADERS)
def test_any_body_is_answered(
    sender: Sender, endpoint: str, body: bytes, origin: str, referer: str, agent: str
) -> None:
    headers = {"origin": origin, "referer": referer, "user_agent": agent}
    for given_headers in (headers, {}):
        status = sender.send(endpoint, body, **given_headers)[0]
        assert status in ALLOWED[endpoint]


@HURRIED
@given(
    query=st.text(st.characters(max_codepoint=255), max_size=200),
    pairs=st.dictionaries(NAMES, TEXTS, max_size=6),
    chain=HEADERS,
)
def test_any_query_is_answered_with_the_gif(
    sender: Sender, query: str, pairs: dict[str, str], chain: str
) -> None:
    target = "/pixel.gif?site=one&p=/a&" + query + "&".join(f"{k}={v}" for k, v in pairs.items())
    status, headers, _ = sender.send(target, x_forwarded_for=chain, peer="127.0.0.1")
    assert (status, headers["content-type"]) == (200, "image/gif")


@HURRIED
@given(told=st.dictionaries(NAMES, VALUES, max_size=10), agent=HEADERS)
def test_every_hit_that_is_taken_is_a_line_that_is_read(
    sender: Sender, told: dict[str, Any], agent: str
) -> None:
    told |= {"path": "/a", "site": "one"}
    sender.send("/api/track/page-view", json.dumps(told).encode(), user_agent=agent)
    written = [p.read_bytes() for p in (sender.config.store.data / "journal").glob("*.ndjson")]
    for fast in (True, False):
        parsed = [parse(data, 0, JOURNAL, {}, fast) for data in written]
        assert not sum(one.rejects.num_rows for one in parsed)
        assert sum(one.lines for one in parsed) == len(sender.lines())
