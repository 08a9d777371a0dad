"""Requests for a pixel: what they describe, and what of it reaches the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline import maintain
from pipeline.backfill import backfill
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.enrich.pixels import PROPERTIES, describe
from pipeline.schema import EVENTS
from tests.events import add, event
from tests.stores import Store

HEADER = "https://www.example.org/about?a=1#team"
#: (request target, Referer header, what is described; None for nothing)
DESCRIBED: list[tuple[str, str | None, dict[str, str | None] | None]] = [
    ("/p.gif?p=/a", None, {"url": "/a", "host": None, "kind": "page", "origin": "pixel"}),
    ("/p.gif?p=/a", HEADER, {"url": "/a", "host": "www.example.org"}),
    ("/p.gif?p=%2Fa%2520b%3Fq%3D1", None, {"url": "/a%20b?q=1"}),
    ("/p.gif?p=a/b", None, {"url": "/a/b"}),
    ("/p.gif?p=http://Example.NET:80/x", HEADER, {"host": "example.net"}),
    ("/p.gif", HEADER, {"url": HEADER, "host": "www.example.org", "referrer": None}),
    ("/p.gif?p=&r=", HEADER, {"url": HEADER, "referrer": None}),
    ("/p.gif?p=about:blank", HEADER, {"url": HEADER}),
    ("/p.gif?p=file:///etc/passwd", None, None),
    ("/p.gif", "android-app://com.example", None),
    ("/p.gif?x=1", None, None),
    ("/p.gif?p=/a&p=/b", None, {"url": "/a"}),
    ("/p.gif?p=/a#&r=http://x.org/", None, {"url": "/a", "referrer": None}),
    ("/p.gif?p=/a&r=http%3A%2F%2Fx.org%2F%3Fq", None, {"referrer": "http://x.org/?q"}),
    ("/p.gif?p=/a&t=Caf%C3%A9+au+lait", None, {"title": "Café au lait", "event": None}),
    ("/p.gif?p=/a&t=" + "x" * 999, None, {"title": "x" * 255}),
    ("/p.gif?p=/a&t=%FF", None, {"title": "\ufffd"}),
    ("/p.gif?p=/a&e=buy", None, {"kind": "event", "event": "buy", "properties": None}),
    ("/p.gif?e=buy", None, {"url": None, "kind": "event"}),
    ("/p.gif?e=buy", HEADER, {"url": HEADER}),
    ("/p.gif?e=b&n=1&x=a%22b&z=&utm_id=1", None, {"properties": '{"n": "1", "x": "a\\"b"}'}),
    ("/p.gif?p=/a&n=1", None, {"properties": None}),
    ("/p.gif?p=/a&s=two", None, {"site": "two"}),
    ("/p.gif?p=/a&utm_source=x&utm_id=2", None, {"url": "/a?utm_source=x&utm_id=2"}),
    ("/p.gif?p=/a?b=1%23c&utm_source=x", None, {"url": "/a?b=1&utm_source=x"}),
    ("/p.gif?p=/a?utm_source=y&utm_source=x", None, {"url": "/a?utm_source=y"}),
]


@pytest.mark.parametrize(("url", "header", "expected"), DESCRIBED, ids=lambda v: str(v)[:40])
def test_a_request_for_a_pixel_describes_a_page_or_an_event(url, header, expected) -> None:
    seen = describe(url, header)
    if expected is None:
        assert seen is None
    else:
        assert {name: getattr(seen, name) for name in expected} == expected


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:137.0) Gecko/20100101 Firefox/137.0"


def test_an_event_keeps_thirty_properties() -> None:
    told = "&".join(f"p{number}=1" for number in range(100))
    seen = describe(f"/p.gif?p=/a&e=signup&{told}", None)
    assert seen is not None and seen.properties is not None
    assert list(json.loads(seen.properties)) == [f"p{number}" for number in range(PROPERTIES)]
    assert PROPERTIES == 30


def line(target: str, header: str = "-", host: str = "cdn.example:443") -> str:
    return (
        f'{host} 192.0.2.1 - - [01/Mar/2026:10:00:00 +0000] "GET {target} HTTP/1.1" 200 43 '
        f'"{header}" "{FIREFOX}"\n'
    )


def read(folder: Path, lines: list[str], **source: Any) -> list[dict[str, Any]]:
    """The events of a source of two sites, in the order of the lines."""
    (folder / "pixel.log").write_text("".join(lines))
    sites = [{"name": "one", "hosts": ["one.example"]}, {"name": "two", "hosts": ["two.example"]}]
    about = {"paths": [str(folder / "pixel.log")], "format": "vhost_combined"} | source
    backfill(Config.model_validate({"site": sites, "source": [about]}), folder / "data")
    parts = Catalog(folder / "data").event_parts()
    rows = [row for part in parts for row in pq.ParquetFile(part.path).read().to_pylist()]
    return sorted(rows, key=lambda row: int(row["offset"]))


def test_the_host_of_the_page_chooses_the_site_unless_the_pixel_names_one(tmp_path) -> None:
    lines = [
        line("/p.gif?p=https://one.example/a"),
        line("/p.gif?p=/b", "https://two.example/"),
        line("/p.gif?p=/c&s=two", "https://one.example/"),
        line("/p.gif?p=/d&s=three", "https://one.example/"),
        line("/p.gif?p=/e&s=one"),
        line("/p.gif?p=/f"),
        line("/p.gif"),
    ]
    rows = read(tmp_path, lines, by_host=True)
    found = [(row["site"], row["page"]) for row in rows]
    assert found == [("one", "/a"), ("two", "/b"), ("two", "/c"), ("one", "/d"), ("one", "/e")]


def test_a_pixel_is_what_the_source_says_it_is(tmp_path) -> None:
    lines = [line("/p.gif?p=/a"), line("/1x1.png?p=/b"), line("/1x1.pngp=/c")]
    rows = read(tmp_path, lines, site="one", pixels=["/1x1.png"])
    found = [(row["origin"], row["class"], row["page"]) for row in rows]
    assert found == [
        ("log", "asset", "/p.gif"),
        ("pixel", "page", "/b"),
        ("log", "page", "/1x1.pngp=/c"),
    ]


CLOUDFRONT = """#Version: 1.0
#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status \
cs(Referer) cs(User-Agent) cs-uri-query x-host-header c-country
"""
COLUMNS = "2026-03-01 10:00:00 CDG50-P2 343 192.0.2.1 GET d1.cloudfront.net /p.gif 200"


def test_a_static_image_on_a_cdn_is_a_collector(tmp_path) -> None:
    rest = [
        "https://one.example/ Mozilla/5.0%20Firefox/137.0 p=%252Fa%2526b&r=https://www.google.com/",
        "https://one.example/c?d Mozilla/5.0%20Firefox/137.0 -",
    ]
    lines = [f"{COLUMNS} {columns} gif.example FR\n".replace(" ", "\t") for columns in rest]
    rows = read(tmp_path, [CLOUDFRONT, *lines], site="one", format="w3c")
    assert [row["page"] for row in rows] == ["/a&b", "/c"]
    assert [row["source"] for row in rows] == ["Google", None]
    assert {row["origin"] for row in rows} == {"pixel"}
    assert {row["host"] for row in rows} == {"one.example"}


def test_rules_of_exclusion_are_about_the_page_described(tmp_path) -> None:
    lines = [line("/p.gif?p=/admin/x"), line("/p.gif?p=/a"), line("/p.gif?e=x", "https://h/admin/")]
    rows = read(tmp_path, lines, site="one", exclude={"paths": ["/admin/*"]})
    assert [row["page"] for row in rows] == ["/a"]


def test_no_address_in_what_a_pixel_tells_is_kept(tmp_path) -> None:
    secret = "198.51.100.7"
    told = f"p=/{secret}&t=of+{secret}&e=from+{secret}&ip={secret}&r=http://{secret}/&{secret}=x"
    (row,) = read(tmp_path, [line(f"/p.gif?{told}", f"http://{secret}/")], site="one")
    assert secret not in repr(row)
    assert row["title"] == "of [address]"
    assert row["properties"] == '{"ip": "[address]", "[address]": "x"}'


@pytest.mark.parametrize("old_first", [True, False])
def test_parts_from_before_there_were_titles_are_read_and_merged(tmp_path, old_first) -> None:
    catalog = Catalog(tmp_path)
    titled = {"title": "T", "event": "e", "class": "event", "properties": "{}"}
    for number in range(6):
        add(
            catalog,
            [event(f"10:00:{number:02}", "/a"), event(f"11:00:{number:02}", "/b", **titled)],
        )
    parts = catalog.event_parts()
    for part in parts[: len(parts) // 2] if old_first else parts[len(parts) // 2 :]:
        table = pq.ParquetFile(part.path).read().drop_columns(["title", "properties"])
        pq.write_table(table, part.path)
    store = Store(tmp_path, Config())
    questions = [
        (["views", "events", "hits"], [], ["page~/*"]),
        (["views", "visits"], ["page"], []),
    ]
    before = [store.ask(*question) for question in questions]
    assert before[0] == {(): [6, 6, 12]}
    maintain.compact(catalog)
    (part,) = catalog.event_parts()
    merged = pq.ParquetFile(part.path).read()
    assert {"title", "properties"} < set(merged.schema.names) < set(EVENTS.names)
    assert sorted(merged["title"].to_pylist(), key=str) == [None] * 9 + ["T"] * 3
    assert [store.ask(*question) for question in questions] == before
