"""Daily statistics of small days, worked out by hand."""

from __future__ import annotations

import math

import pytest

from pipeline import rollup, schema
from tests.events import bot, event, write_part

GOOGLE = {"source": "Google", "referrer": "google.com", "channel": "search"}

#: One visitor twice, another one whose visit is cut by exactly half an hour, and a bot.
MORNING = [
    event("09:00:00", "/", 1, country="FR", device="mobile", **GOOGLE),
    event("09:00:00", "/style.css", 1, **{"class": "asset", "bytes": 500, "country": "FR"}),
    event("09:29:59.999", "/a", 1, country="FR", device="mobile"),
    event("09:00:00", "/a", 2, country="DE", signed_in=True),
    event("09:30:00", "/b", 2, country="DE"),
    event("09:05:00", "/gone", 2, country="DE", status=404, **{"class": "error"}, referrer="x.org"),
    bot("09:06:00", "/gone", status=404, **{"class": "error"}),
    bot("09:07:00", "/a"),
]


def built(tmp_path, rows):
    return rollup.build([write_part(rows, tmp_path / "part.parquet")])


@pytest.fixture(scope="module")
def morning(tmp_path_factory):
    return built(tmp_path_factory.mktemp("morning"), MORNING)


def totals(tables, scope="site", dimension="", site="s"):
    """Rows of totals: value (or scope value) -> measures, zeros left out."""
    found = {}
    for row in tables["totals"].to_pylist():
        if (row["site"], row["scope"], row["dimension"]) == (site, scope, dimension):
            key = row["value"] if dimension else row["scope_value"]
            found[key] = {name: row[name] for name in schema.MEASURES if row[name]}
    return found


def test_totals_of_the_site(morning):
    assert totals(morning) == {
        "": dict(views=4, visitors=2, visits=3, bounces=2, duration_s=1799, hits=8, bot_hits=2,
                 bytes=570, signed_in_views=1, signed_in_visitors=1)
    }  # fmt: skip


TOTALS = [
    (
        "hour",
        {"9": dict(views=4, visitors=2, visits=3, bounces=2, duration_s=1799, hits=8, bot_hits=2,
                   bytes=570, signed_in_views=1, signed_in_visitors=1)},
    ),
    (
        "entry",
        {"/": dict(views=2, visitors=1, visits=1, duration_s=1799),
         "/a": dict(views=1, visitors=1, visits=1, bounces=1, signed_in_views=1,
                    signed_in_visitors=1),
         "/b": dict(views=1, visitors=1, visits=1, bounces=1)},
    ),
    (
        "exit",
        {"/a": dict(views=3, visitors=2, visits=2, bounces=1, duration_s=1799, signed_in_views=1,
                    signed_in_visitors=1),
         "/b": dict(views=1, visitors=1, visits=1, bounces=1)},
    ),
    (
        "source",
        {"Google": dict(views=2, visitors=1, visits=1, duration_s=1799, hits=1, bytes=10),
         None: dict(views=2, visitors=1, visits=2, bounces=2, hits=7, bot_hits=2, bytes=560,
                    signed_in_views=1, signed_in_visitors=1)},
    ),
    (
        "country",
        {"FR": dict(views=2, visitors=1, visits=1, duration_s=1799, hits=3, bytes=520),
         "DE": dict(views=2, visitors=1, visits=2, bounces=2, hits=3, bytes=30, signed_in_views=1,
                    signed_in_visitors=1),
         None: dict(hits=2, bot_hits=2, bytes=20)},
    ),
    (
        "status",
        {"200": dict(views=4, visitors=2, visits=3, bounces=2, duration_s=1799, hits=6, bot_hits=1,
                     bytes=550, signed_in_views=1, signed_in_visitors=1),
         "404": dict(hits=2, bot_hits=1, bytes=20)},
    ),
    (
        "bot",
        {None: dict(views=4, visitors=2, visits=3, bounces=2, duration_s=1799, hits=6, bytes=550,
                    signed_in_views=1, signed_in_visitors=1),
         "Googlebot": dict(hits=2, bot_hits=2, bytes=20)},
    ),
]  # fmt: skip


@pytest.mark.parametrize("dimension, expected", TOTALS, ids=[t[0] for t in TOTALS])
def test_totals_by_a_dimension(morning, dimension, expected):
    assert totals(morning, dimension=dimension) == expected


def test_every_dimension_has_its_totals(morning):
    found = {row["dimension"] for row in morning["totals"].to_pylist()}
    assert found == {"", *schema.DIMENSIONS} - {"date", "page"}


def test_a_visit_counts_once_for_each_page_it_touched(morning):
    assert totals(morning, "page") == {
        "/": dict(views=1, visitors=1, visits=1, duration_s=1799, hits=1, bytes=10),
        "/a": dict(views=2, visitors=2, visits=2, bounces=1, duration_s=1799, hits=3, bot_hits=1,
                   bytes=30, signed_in_views=1, signed_in_visitors=1),
        "/b": dict(views=1, visitors=1, visits=1, bounces=1, hits=1, bytes=10),
        "/gone": dict(hits=2, bot_hits=1, bytes=20),
        "/style.css": dict(hits=1, bytes=500),
    }  # fmt: skip


def test_paths_that_were_not_found_and_who_sent_there(morning):
    assert totals(morning, "status:404") == {"/gone": dict(hits=2, bot_hits=1, bytes=20)}
    assert totals(morning, "status:404", "referrer") == {
        "x.org": dict(hits=1, bytes=10),
        None: dict(hits=1, bot_hits=1, bytes=10),
    }


def test_sites_of_one_date_do_not_mix(tmp_path):
    rows = [event("09:00:00", "/", 1), event("09:01:00", "/", 1, site="t")]
    tables = built(tmp_path, rows)
    one = {"": dict(views=1, visitors=1, visits=1, bounces=1, hits=1, bytes=10)}
    assert totals(tables, site="s") == one
    assert totals(tables, site="t") == one


def test_events_and_content_views_are_counted_apart(tmp_path):
    item = {"content_type": "article", "content_id": "7"}
    rows = [
        event("09:00:00", None, 1, **item),
        event("09:00:30", None, 1, **{"class": "event"}, event="like", **item),
        event("09:01:00", None, 2, **{"class": "event"}, event="like"),
    ]
    tables = built(tmp_path, rows)
    assert totals(tables) == {
        "": dict(content_views=1, visitors=1, visits=2, duration_s=30, hits=3, bytes=30, events=2)
    }
    assert totals(tables, "content") == {
        "article:7": dict(content_views=1, visitors=1, visits=1, duration_s=30, events=1, hits=2,
                          bytes=20)
    }  # fmt: skip


def test_order_within_a_second_is_by_source_and_offset(tmp_path):
    rows = [
        event("09:00:00", "/third", log_id=2, offset=0),
        event("09:00:00", "/second", log_id=1, offset=10),
        event("09:00:00", "/first", log_id=1, offset=9),
    ]
    tables = built(tmp_path, rows)
    assert list(totals(tables, dimension="entry")) == ["/first"]
    assert list(totals(tables, dimension="exit")) == ["/third"]


def test_durations_are_of_whole_seconds(tmp_path):
    tables = built(tmp_path, [event("09:00:00.999", "/"), event("09:00:02.001", "/a")])
    assert totals(tables)[""]["duration_s"] == 2


CUBE = ["visits", "visitors_first", "visitors_first_by_source", "views", "bounces", "duration_s"]


def test_the_cube_of_visits(morning):
    rows = morning["visits"].to_pylist()
    found = {(r["entry"], r["exit"], r["source"]): [r[name] for name in CUBE] for r in rows}
    assert found == {
        ("/", "/a", "Google"): [1, 1, 1, 2, 0, 1799],
        ("/a", "/a", None): [1, 1, 1, 1, 1, 0],
        ("/b", "/b", None): [1, 0, 0, 1, 1, 0],
    }


def test_the_cube_of_pages(morning):
    rows = morning["pages"].to_pylist()
    names = ["views", "visits", "visitors_first", "bounces", "duration_s", "starts", "ends"]
    found = {(r["page"], r["source"], r["country"]): [r[name] for name in names] for r in rows}
    assert found == {
        ("/", "Google", "FR"): [1, 1, 1, 0, 1799, 1, 0],
        ("/a", "Google", "FR"): [1, 1, 1, 0, 1799, 0, 1],
        ("/a", None, "DE"): [1, 1, 1, 1, 0, 1, 1],
        ("/b", None, "DE"): [1, 1, 1, 1, 0, 1, 1],
    }


def test_latency_is_kept_in_buckets_within_eight_percent(tmp_path):
    times = [0.5, 1.0, 20.0, 20.1, 3000.0]
    rows = [event("09:00:00", "/", duration_ms=ms) for ms in times]
    rows.append(event("09:00:00", "/x.css", duration_ms=1.0, **{"class": "asset"}))
    found = built(tmp_path, rows)["latency"].to_pylist()
    site = [r for r in found if r["scope"] == "site"]
    assert sum(r["n"] for r in site) == 6
    assert {r["scope_value"] for r in found if r["scope"] == "page"} == {"/"}
    width = 2 ** (1 / schema.BUCKETS_PER_OCTAVE)
    for ms in times:
        bucket = math.floor(schema.BUCKETS_PER_OCTAVE * math.log2(ms))
        assert any(r["bucket"] == bucket for r in site)
        middle = width**bucket * (1 + width) / 2
        assert abs(ms - middle) / middle < 0.08


def test_no_events_make_no_rows():
    assert {name: t.num_rows for name, t in rollup.build([]).items()} == dict.fromkeys(
        schema.DAILY, 0
    )


def test_the_columns_are_the_declared_ones(morning):
    for name, table in morning.items():
        assert table.schema.names == [c.name for c in schema.DAILY[name]]
