"""The collector's endpoints: what they answer, and what becomes of the hits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.catalog import Catalog
from tests.collectors import FIREFOX, Sender
from webapp.collector_http import GIF
from webapp.collector_refusals import REASONS

VIEW, CONTENT, EVENT = "/api/track/page-view", "/api/track-view/", "/api/event"


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return Sender(tmp_path)


def test_the_gif_is_the_smallest_there_is() -> None:
    assert len(GIF) == 43
    assert GIF.startswith(b"GIF89a\1\0\1\0")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/pixel.gif?site=one&p=/a", ""),
        ("/p.gif?s=one&p=/a", ""),
        ("/en/deep/pixel.gif?site=one&p=/a", ""),
        ("/pixel.gif", "no page"),
        ("/pixel.gif?site=three&p=/a", "unknown site"),
        ("/pixel.gif?p=/a", "no site"),
        ("/pixel.gif?%FF=%&&;==\0", "no page"),
        ("/pixel.gif?site=one&p=/" + "a" * 9000, "long"),
        ("/pixel.gif?site=one&p=https://two.example/a", "contradiction"),
    ],
)
def test_a_pixel_is_always_answered_with_the_gif(sender: Sender, target: str, reason: str) -> None:
    status, headers, body = sender.send(target)
    assert (status, body, headers["cache-control"]) == (200, GIF, "no-store")
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers.get("x-tallylog", "") == reason
    assert len(sender.lines()) == (not reason)


def test_head_is_answered_like_get_without_the_gif(sender: Sender) -> None:
    status, headers, body = sender.send("/pixel.gif?site=one&p=/a", method="HEAD")
    assert (status, headers["content-length"], body) == (200, "43", b"")


def test_other_paths_are_for_the_application_behind(sender: Sender) -> None:
    for path in ("/", "/pixel.gif/x", "/api/v1/events", "/apievent", "/pixel.gifs"):
        assert sender.send(path)[0] == 418


def test_a_page_view_is_answered_with_204_whatever_it_says(sender: Sender) -> None:
    for body in ({"path": "/a", "site": "one"}, {"site": "three"}, b"{", b"", b"[1]", b"\xff"):
        assert sender.send(VIEW, body)[0] == 204
    assert sender.send(VIEW, method="GET")[0] == 204
    assert len(sender.lines()) == 1


CONTENT_VIEWS: list[tuple[Any, int, str]] = [
    ({"content_type": "video", "content_id": "7"}, 200, ""),
    ({"content_type": "video", "content_id": 7}, 200, ""),
    ({"content_type": "video", "content_id": "x" * 128}, 200, ""),
    ({"content_type": "video", "content_id": "x" * 129}, 400, "content_id"),
    ({"content_type": "video"}, 400, "content_id"),
    ({"content_id": "7"}, 400, "content_type"),
    ({"content_type": "movie", "content_id": "7"}, 400, "content_type"),
    ({"content_type": "video", "content_id": "7", "view_type": "odd"}, 400, "view_type"),
    (b"{", 400, "json"),
    (b"[]", 400, "json"),
]


@pytest.mark.parametrize(("body", "status", "error"), CONTENT_VIEWS)
def test_a_content_view_says_whether_it_was_taken(
    sender: Sender, body: Any, status: int, error: str
) -> None:
    found = sender.send("/en" + CONTENT, body, origin="https://one.example")
    expected = {"success": False, "error": error} if error else {"success": True, "tracked": True}
    assert (found[0], json.loads(found[2])) == (status, expected)


def test_only_post_is_taken_where_hits_are_posted(sender: Sender) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert sender.send(CONTENT, method=method)[0] == 405


def test_types_of_content_are_those_of_the_site(sender: Sender) -> None:
    body = {"content_type": "movie", "content_id": "7", "site": "two"}
    assert sender.send(CONTENT, body)[0] == 200


FROM: list[tuple[dict[str, str], dict[str, str], str]] = [
    ({"site": "one"}, {}, ""),
    ({}, {"origin": "https://one.example"}, ""),
    ({}, {"origin": "https://WWW.one.example:8443"}, ""),
    ({}, {"referer": "https://two.example/x?y"}, ""),
    ({"site": "one"}, {"origin": "https://a.shop.example"}, ""),
    ({"site": "one"}, {"origin": "null"}, ""),
    ({"site": "one"}, {"referer": "https://mail.example/"}, ""),
    ({"site": "one"}, {"origin": "https://evil.example"}, "origin"),
    ({"site": "one"}, {"origin": "https://two.example"}, "origin"),
    ({"site": "one"}, {"referer": "https://two.example/"}, "contradiction"),
    ({}, {"origin": "https://evil.example"}, "no site"),
    ({}, {}, "no site"),
]


@pytest.mark.parametrize(("body", "headers", "reason"), FROM)
def test_the_site_is_what_the_hit_says_else_where_it_comes_from(
    sender: Sender, body: dict[str, str], headers: dict[str, str], reason: str
) -> None:
    assert sender.reason(VIEW, {"path": "/a"} | body, **headers) == reason


def test_pages_of_our_sites_may_read_the_answers(sender: Sender) -> None:
    for origin, allowed in (("https://one.example", True), ("https://evil.example", False)):
        for method in ("OPTIONS", "POST"):
            headers = sender.send(CONTENT, {}, method=method, origin=origin)[1]
            told = headers.get("access-control-allow-origin")
            assert told == (origin if allowed else None)
    assert "content-type" in headers["access-control-allow-headers"] if method == "OPTIONS" else 1


def test_a_payload_of_plausible_is_taken_in_long_and_short_names(sender: Sender) -> None:
    url = "https://one.example/shop?utm_source=x"
    long = {
        "name": "pageview",
        "url": url,
        "domain": "one.example",
        "referrer": "https://x.example/",
    }
    short = {"n": "buy", "u": url, "d": "one", "r": None, "p": '{"plan":"b","n":1,"yes":true}'}
    short["$"] = {"currency": "EUR", "amount": "3.50"}
    for body in (long, short):
        assert sender.send(EVENT, body, content_type="text/plain")[::2] == (202, b"ok")
    view, bought = sender.lines()
    assert (view["kind"], view["url"], view["referrer"]) == ("page", url, "https://x.example/")
    assert (bought["kind"], bought["event"], bought["value"]) == ("event", "buy", "3.5")
    assert json.loads(bought["properties"]) == {"plan": "b", "n": "1", "yes": "true"}


def test_what_a_tracker_of_plausible_says_of_scrolling_is_not_counted(sender: Sender) -> None:
    told = {"n": "engagement", "u": "https://one.example/", "d": "one", "sd": 50, "e": 3000}
    assert sender.send(EVENT, told)[0] == 202
    assert sender.reason(EVENT, told) == "engagement"
    assert sender.lines() == []


def test_the_journal_tells_no_address_and_no_viewer(sender: Sender) -> None:
    body = {"path": "/from/192.0.2.77", "site": "one", "viewer": "bob@example.org", "title": "::1"}
    sender.send(VIEW, body, referer="http://198.51.100.9/x", peer="203.0.113.7")
    (line,) = sender.lines()
    for secret in ("203.0.113.7", "bob", "192.0.2.77", "198.51.100.9", "::1"):
        assert secret not in json.dumps(line)
    assert line["viewer_hash"] and line["agent"] == FIREFOX


def test_views_of_ones_own_are_marked_and_not_counted(sender: Sender) -> None:
    own = {"content_type": "video", "content_id": "7", "site": "one", "viewer": 5, "owner": "5"}
    answer = sender.send(CONTENT, own)
    assert json.loads(answer[2]) == {"success": True, "tracked": False}
    assert sender.send(CONTENT, own | {"viewer": 6})[0] == 200
    assert sender.counted(["content_views", "hits"]) == {(): [1, 1]}
    outcomes = {a.outcome: a.records for a in Catalog(sender.config.store.data).accounts()}
    assert outcomes == {"excluded": 1, "page": 1}


def test_every_kind_of_hit_is_counted_as_what_it_is(sender: Sender) -> None:
    sender.send("/pixel.gif?site=one&p=/mail&r=https://www.google.com/")
    sender.send(VIEW, {"path": "/a?utm_source=n", "site": "one", "screen": "1920x1080"})
    sender.send(CONTENT, {"content_type": "video", "content_id": "7", "site": "one"})
    sender.send(EVENT, {"n": "buy", "u": "https://one.example/a", "d": "one"})
    measures = ["views", "content_views", "events", "visitors", "hits"]
    assert sender.counted(measures) == {(): [2, 1, 1, 1, 4]}
    assert sender.counted(["views"], ["page"]) == {("/a",): [1], ("/mail",): [1]}


def test_every_reason_of_a_refusal_is_in_the_docs() -> None:
    docs = (Path(__file__).parents[1] / "docs" / "collector.md").read_text(encoding="utf-8")
    for reason, says in REASONS.items():
        assert f"| `{reason}` | {says} |" in docs
