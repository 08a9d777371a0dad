"""Questions in all their shapes, to a small store, worked out by hand."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from pipeline import maintain, query, question, rollup
from pipeline.catalog import Catalog
from pipeline.deadline import Deadline
from pipeline.errors import QueryError, QueryStopped
from tests.events import DAY, add, bot, event

BEFORE = DAY - dt.timedelta(days=1)
NOW = dt.datetime.combine(DAY, dt.time(12), dt.UTC)
FRENCH = {"country": "FR", "device": "mobile"}
GERMAN = {"country": "DE", "device": "desktop"}
SIGN_UP = {"class": "event", "event": "sign-up", "properties": '{"plan": "gold", "a.b": "x"}'}

#: On DAY visitor 1 (FR) reads / and /a and signs up, visitor 2 (DE) reads /a; the day before,
#: visitor 1 reads / at 9:00 and at 20:00.
ROWS = [
    event("09:00:00", "/", 1, source="Google", utm_term="shoes", **FRENCH),
    event("09:10:00", "/a", 1, signed_in=True, **FRENCH),
    event("09:12:00", "/a", 1, **SIGN_UP, **FRENCH),
    event("10:00:00", "/a", 2, title="A", **GERMAN),
    event("10:00:01", "/logo.png", 2, **{"class": "asset", "cache": "TCP_HIT"}, **GERMAN),
    event("10:00:02", "/gone", 2, **{"class": "error", "cache": "MISS", "status": 404}, **GERMAN),
    bot("11:00:00", "/a"),
    event("09:00:00", "/", 1, date=BEFORE, **FRENCH),
    event("20:00:00", "/", 1, date=BEFORE, **FRENCH),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    catalog = Catalog(tmp_path_factory.mktemp("questions"))
    add(catalog, ROWS)
    yield catalog
    catalog.close()


def ask(catalog, **asked):
    given = {"site": "s", "range": "today", **asked}
    return query.answers(catalog, [question.from_dict(given)], now=NOW)[0]


def rows(answer):
    return [(*row["dimensions"], *row["metrics"]) for row in answer.results]


GOOGLE = ["is", "source", ["Google"]]
ON_A = ["is", "page", ["/a"]]
SIGNED_UP = ["is", "event", ["sign-up"]]
#: A filter, and the hits, views, visits and visitors that fit.
FILTERS = [
    (None, (7, 3, 2, 2)),
    (["is", "page", ["/", "/a"]], (5, 3, 2, 2)),
    (["is_not", "page", ["/", "/a"]], (2, 0, 0, 0)),
    (["not", ON_A], (3, 1, 1, 1)),
    (["contains", "page", ["g"]], (2, 0, 0, 0)),
    (["matches", "page", ["/?"]], (4, 2, 2, 2)),
    (["matches_regex", "page", ["^/(a|gone)$"]], (5, 2, 2, 2)),
    (["or", [["is", "page", ["/"]], ["is", "country", ["DE"]]]], (4, 2, 2, 2)),
    (["and", [ON_A, ["not", ["is", "country", ["DE"]]]]], (3, 1, 1, 1)),
    (GOOGLE, (1, 2, 1, 1)),
    (["or", [GOOGLE, ["is", "device", ["desktop"]]]], (4, 3, 2, 2)),
    (["and", [GOOGLE, ON_A]], (0, 1, 1, 1)),
    (["is", "source", [None]], (6, 1, 1, 1)),
    (["is", "utm_term", ["shoes"]], (1, 2, 1, 1)),
    (["is", "signed_in", [True]], (1, 1, 1, 1)),
    (["is", "title", ["A"]], (1, 1, 1, 1)),
    (["is", "prop:plan", ["gold"]], (1, 0, 1, 0)),
    (["is", "prop:a.b", ["x"]], (1, 0, 1, 0)),
    (["has_done", SIGNED_UP], (3, 2, 1, 1)),
    (["not", ["has_done", SIGNED_UP]], (4, 1, 1, 1)),
    (["and", [["has_done", SIGNED_UP], ON_A]], (2, 1, 1, 1)),
    (["has_done", ["and", [GOOGLE, ON_A]]], (3, 2, 1, 1)),
    (["and", []], (7, 3, 2, 2)),
    (["or", []], (0, 0, 0, 0)),
]


@pytest.mark.parametrize("chosen, expected", FILTERS, ids=[str(f[0]) for f in FILTERS])
def test_filters_fit_what_the_definitions_say(store, chosen, expected):
    found = ask(store, metrics="hits,views,visits,visitors", filters=chosen)
    assert rows(found) == [expected]
    again = query.answers(store, [question.from_dict(found.query)], now=NOW)[0]
    assert (again.query, again.results) == (found.query, found.results)


MINUTES = (("09:00", 1), ("09:10", 1), ("09:12", 1), ("10:00", 3), ("11:00", 1))
BY = [
    ("time:minute", "hits", [(f"2026-03-01T{at}Z", n) for at, n in MINUTES]),
    ("prop:*", "events", [('["plan","a.b"]', 1)]),
    ("time:hour", "views", [("2026-03-01T09:00", 2), ("2026-03-01T10:00", 1)]),
    ("time:day", "views", [("2026-03-01", 3)]),
    ("time:week", "views", [("2026-02-23", 3)]),
    ("time:month", "views", [("2026-03", 3)]),
    ("prop:plan", "events", [("gold", 1)]),
    ("event", "events,visits", [("sign-up", 1, 1), (None, 0, 2)]),
    ("signed_in", "views,hits", [(None, 2, 6), (True, 1, 1)]),
    ("cache", "hits", [(None, 5), ("MISS", 1), ("TCP_HIT", 1)]),
    ("bot_reason", "hits", [(None, 6), ("agent", 1)]),
    ("", "error_rate,not_found,cache_hit_ratio", [(1 / 7, 1, 0.5)]),
    ("", "conversions,conversion_rate", [(1, 0.5)]),
    ("event", "conversion_rate", [("sign-up", 0.5)]),
    ("country", "conversion_rate", [("FR", 1.0)]),
    ("prop:plan,country", "conversions,conversion_rate", [("gold", "FR", 1, 1.0)]),
]  # fmt: skip


@pytest.mark.parametrize("by, metrics, expected", BY, ids=[f"{b[1]} by {b[0]}" for b in BY])
def test_dimensions_and_metrics_of_raw_events(store, by, metrics, expected):
    assert rows(ask(store, metrics=metrics, dimensions=by)) == expected


CONVERTED = [
    (SIGNED_UP, 0.5),
    (["is", "event", ["other"]], 0),
    (["and", [SIGNED_UP, ["is", "country", ["FR"]]]], 1.0),
    (["is", "country", ["FR"]], 1.0),
    (["is", "country", ["DE"]], 0),
    (["is", "prop:plan", ["gold"]], 0.5),
]


@pytest.mark.parametrize("chosen, expected", CONVERTED, ids=[str(f[0]) for f in CONVERTED])
def test_conversions_are_a_share_of_the_visits_that_fit_all_else(store, chosen, expected):
    assert rows(ask(store, metrics="conversion_rate", filters=chosen)) == [(expected,)]


TIMED = [
    event("09:00:00", f"/{ms}", ms, duration_ms=ms, **{"class": kind})
    for ms, kind in [*((ms, "page") for ms in range(1, 101)), (5000, "api")]
]


def test_latency_is_within_8_percent_of_the_record_of_that_rank(tmp_path):
    catalog = Catalog(tmp_path)
    add(catalog, TIMED)
    asked = {"metrics": "latency_p50,latency_p90,latency_p99", "range": "today"}
    raw = rows(ask(catalog, **asked))
    rollup.rollup(catalog)
    by_page = {"filters": ["matches", "page", ["/?"]], "dimensions": "page"}
    found = [ask(catalog, **asked, **more) for more in ({}, by_page, {"dimensions": "class"})]
    catalog.close()
    assert rows(found[0]) == raw
    assert raw[0] == pytest.approx((51, 91, 100), rel=0.08)
    assert len(rows(found[1])) == 9
    assert {row[0]: row[1] for row in rows(found[1])}["/7"] == pytest.approx(7, rel=0.08)
    told = {row[0]: row[3] for row in rows(found[2])}
    assert told == pytest.approx({"page": 99, "api": 5000}, rel=0.08)
    assert [one.meta["source"] for one in found] == ["daily", "daily", "events"]
    assert {one.meta["latency"] for one in found} == {"within 8 %"}


def test_a_range_that_goes_on_is_compared_with_as_much_of_the_one_before(store):
    found = ask(store, metrics="views,visitors,bounce_rate", compare="previous")
    (row,) = found.results
    assert row["metrics"] == [3, 2, 0.5]
    assert row["comparison"] == {"metrics": [1, 1, 1.0], "change": [2.0, 1.0, -0.5]}
    assert found.meta["comparison"] == {
        "from": "2026-02-28", "to": "2026-02-28", "cut": True, "visitors": "distinct",
        "source": "events",
    }  # fmt: skip


def test_compared_days_are_told_under_the_days_they_are_compared_with(store):
    asked = {"from": "2026-03-01", "to": "2026-03-01", "range": ""}
    later = dt.datetime(2026, 3, 9, tzinfo=dt.UTC)
    given = {"site": "s", "metrics": "views", "dimensions": "time:hour", "compare": "previous"}
    found = query.answers(store, [question.from_dict({**given, **asked})], now=later)[0]
    told = [(r["dimensions"], r["metrics"], r["comparison"]["metrics"]) for r in found.results]
    assert told == [
        (["2026-03-01T09:00"], [2], [1]),
        (["2026-03-01T10:00"], [1], [0]),
        (["2026-03-01T20:00"], [0], [1]),
    ]


RANGES = [
    ({"range": "today"}, ("2026-03-01", "2026-03-01")),
    ({"range": "yesterday"}, ("2026-02-28", "2026-02-28")),
    ({"range": "7d"}, ("2026-02-23", "2026-03-01")),
    ({"range": "28d"}, ("2026-02-02", "2026-03-01")),
    ({"range": "90d"}, ("2025-12-02", "2026-03-01")),
    ({"range": "month"}, ("2026-03-01", "2026-03-01")),
    ({"range": "year"}, ("2026-01-01", "2026-03-01")),
    ({"range": "all"}, ("2026-02-28", "2026-03-01")),
    ({"range": "today", "from": "2026-02-01"}, ("2026-02-01", "2026-03-01")),
]


@pytest.mark.parametrize("asked, days", RANGES, ids=[str(r[0]) for r in RANGES])
def test_words_for_ranges_mean_days(store, asked, days):
    found = ask(store, metrics="views", **asked)
    assert (found.query["from"], found.query["to"]) == days


COMPARED = [
    ("2026-02-01", "2026-02-28", "previous", "2026-01-04", "2026-01-31"),
    ("2026-02-01", "2026-02-28", "weekday", "2026-01-04", "2026-01-31"),
    ("2026-02-10", "2026-02-12", "weekday", "2026-02-03", "2026-02-05"),
    ("2024-02-29", "2024-02-29", "year", "2023-02-28", "2023-02-28"),
]


@pytest.mark.parametrize("first, last, what, begin, end", COMPARED)
def test_a_range_is_compared_with_another(store, first, last, what, begin, end):
    found = ask(store, range="", metrics="views", compare=what, **{"from": first, "to": last})
    assert (found.meta["comparison"]["from"], found.meta["comparison"]["to"]) == (begin, end)


def test_today_is_that_of_the_sites_zone(tmp_path):
    catalog = Catalog(tmp_path)
    catalog.ensure_sites({"s": "Pacific/Auckland"})
    found = ask(catalog, metrics="views")
    catalog.close()
    assert found.query["from"] == "2026-03-02"


def test_times_cut_days_by_the_clock_on_the_wall(store):
    asked = {"range": "", "from": "2026-02-28T09:00", "to": "2026-03-01T09:10"}
    found = ask(store, metrics="views,visits,hits", dimensions="date", **asked)
    assert rows(found) == [("2026-02-28", 2, 2, 2), ("2026-03-01", 1, 1, 1)]
    assert (found.query["from"], found.query["to"]) == (
        "2026-02-28T09:00:00",
        "2026-03-01T09:10:00",
    )


def test_a_day_without_raw_events_is_not_cut(tmp_path):
    catalog = Catalog(tmp_path)
    add(catalog, ROWS)
    rollup.rollup(catalog)
    maintain.seal(catalog, 1, dt.date(2100, 1, 1))
    with pytest.raises(QueryError, match="gone"):
        ask(
            catalog,
            range="",
            metrics="views",
            **{"from": DAY.isoformat(), "to": "2026-03-01T09:10"},
        )
    found = ask(catalog, metrics="views", compare="previous")
    catalog.close()
    assert found.results[0]["comparison"]["metrics"] == [2]
    assert any("counts whole" in text for text in found.meta["warnings"])


def test_an_offset_leaves_rows_out_that_are_still_counted(store):
    found = ask(store, metrics="hits", dimensions="page", limit=1, offset=1)
    assert (rows(found), found.meta["total_rows"]) == ([("/", 1)], 4)
    found = ask(store, metrics="hits", dimensions="page", offset=9)
    assert (rows(found), found.meta["total_rows"]) == ([], 4)


def test_questions_asked_together_are_answered_as_each_alone(store):
    asked = [
        question.from_dict({"site": "s", "metrics": "views,hits", "dimensions": by, "filters": f})
        for by in ("page", "country", "event", "prop:plan")
        for f in (None, GOOGLE, ["has_done", SIGNED_UP])
    ]
    alone = [query.answers(store, [one], now=NOW)[0] for one in asked]
    assert query.answers(store, asked, now=NOW) == alone


REFUSED = [
    ({"metrics": "wiews"}, "no metric", "views"),
    ({"dimension": "page"}, "no 'dimension'", "dimensions"),
    ({"dimensions": [["page"]]}, "dimensions can't be", "list of names"),
    ({"limit": "ten"}, "limit can't be 'ten'", "whole number"),
    ({"filters": ["is", "page"]}, "begins with 'is'", '["is",'),
    ({"filters": ["iz", "page", ["/"]]}, "begins with 'iz'", "is"),
    ({"filters": ["is", "pages", ["/"]]}, "no dimension 'pages'", "page"),
    ({"filters": ["is", "page", []]}, "no values", "write it"),
    ({"filters": ["contains", "page", [None]]}, "can't be compared with None", "text"),
    ({"filters": ["is", "signed_in", ["maybe"]]}, "true or false", ""),
    ({"filters": ["has_done", ["has_done", ON_A]]}, "within has_done", "and"),
    ({"filters": ["is", "prop:a'b", ["x"]]}, "names no property", "quotes"),
    ({"range": "fortnight"}, "no range", "today"),
    ({"range": "all", "compare": "previous"}, "first and a last day", "30d"),
    ({"compare": "last"}, "no comparison", "previous"),
    ({"from": "2026-03-01T25:00"}, "not a time", "T14:30"),
    ({"from": "2026-03-01T10:00+02:00"}, "has a zone", "leave it out"),
    ({"from": "2026-03-02T10:00", "to": "2026-03-02T10:00"}, "before it begins", ""),
    ({"offset": -1}, "before the first row", ""),
]


@pytest.mark.parametrize("asked, what, fix", REFUSED, ids=[str(r[0]) for r in REFUSED])
def test_what_cannot_be_asked_is_refused_with_the_way_out(asked, what, fix):
    with pytest.raises(QueryError) as refusal:
        question.from_dict({"site": "s", **asked})
    assert what in refusal.value.what
    assert fix in refusal.value.fix


def test_a_question_from_outside_has_bounds():
    deep = ON_A
    for _ in range(9):
        deep = ["not", deep]
    many = ["is", "page", [str(n) for n in range(200)]]
    for asked, what in (
        ({"filters": deep}, "levels"),
        ({"filters": many}, "tests"),
        ({"limit": 20_000}, "rows"),
        ({"filters": ["contains", "page", ["x" * 3000]]}, "characters"),
    ):
        with pytest.raises(QueryError, match=what):
            question.Bounds().bounded(question.from_dict({"site": "s", **asked}))


def test_the_text_form_of_a_filter_says_the_same_as_its_json():
    texts = ["page==/a", "page!=/a", "page~/*", "page!~/*", "page=~^/a", "page*=a", "prop:a b==x"]
    words = [
        ["is", "page", ["/a"]], ["is_not", "page", ["/a"]], ["matches", "page", ["/*"]],
        ["not", ["matches", "page", ["/*"]]], ["matches_regex", "page", ["^/a"]],
        ["contains", "page", ["a"]], ["is", "prop:a b", ["x"]],
    ]  # fmt: skip
    asked = question.parse("s", filters=texts)
    assert asked.as_dict()["filters"] == ["and", words]
    assert question.from_dict(asked.as_dict()) == asked


def test_the_zone_of_now_does_not_matter(store):
    for zone in ("Asia/Kolkata", "America/New_York"):
        asked = question.from_dict({"site": "s", "range": "today", "metrics": "views"})
        found = query.answers(store, [asked], now=NOW.astimezone(ZoneInfo(zone)))[0]
        assert rows(found) == [(3,)]


def test_shares_of_statistics_and_of_events_are_put_together_in_order(tmp_path):
    catalog = Catalog(tmp_path)
    add(catalog, ROWS)
    rollup.rollup(catalog)
    wishes = [{"metrics": metrics, "dimensions": by} for by, metrics, _ in BY]
    wishes += [{"metrics": "views,visitors", "dimensions": by} for by in ("", "page", "country")]
    asked = [question.from_dict({"site": "s", **wish}) for wish in wishes]
    together = query.answers(catalog, asked, now=NOW)
    assert {one.meta["source"] for one in together} == {"daily", "events", "mixed"}
    alone = [query.answers(catalog, [one], now=NOW)[0] for one in asked]
    assert [one.results for one in together] == [one.results for one in alone]
    with pytest.raises(QueryStopped):
        query.answers(catalog, asked, now=NOW, deadline=Deadline(0.0001))
    catalog.close()
