"""Questions to a small store, worked out by hand; each is asked of whatever can answer it."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline import maintain, query, question, rollup
from pipeline.catalog import Catalog
from pipeline.errors import QueryError
from tests.events import DAY, add, bot, event

NEXT = DAY + dt.timedelta(days=1)
GOOGLE = {"source": "Google", "referrer": "google.com", "channel": "search"}
FRENCH = {"country": "FR", "device": "mobile", "browser": "Firefox", "os": "Android"}
GERMAN = {"country": "DE", "device": "desktop", "browser": "Firefox", "os": "Linux"}

#: Visitor 1 reads / and /a, visitor 2 /a and, exactly half an hour later, /b: another visit. The
#: next day, visitor 1 reads on from before midnight. Site t has one view of its own.
ROWS = [
    event("09:00:00", "/", 1, **FRENCH, **GOOGLE),
    event("09:00:00", "/style.css", 1, **{"class": "asset", "bytes": 500}, **FRENCH),
    event("09:29:59.999", "/a", 1, **FRENCH),
    event("09:45:00", "/a", 2, **GERMAN, source="Bing"),
    event("10:15:00", "/b", 2, **GERMAN, **GOOGLE),
    event("10:16:00", "/gone", 2, status=404, **{"class": "error"}, **GERMAN),
    bot("09:07:00", "/a"),
    event("23:59:59", "/", 1, **FRENCH),
    event("00:00:01", "/a", 1, date=NEXT, **FRENCH),
    event("00:00:02", "/a", 1, date=NEXT, **FRENCH),
    event("09:00:00", "/elsewhere", 1, site="t", **FRENCH),
]


def opened(tmp_path_factory, name: str, rolled_up: bool, sealed: bool) -> Catalog:
    catalog = Catalog(tmp_path_factory.mktemp(name))
    add(catalog, ROWS)
    if rolled_up:
        rollup.rollup(catalog)
    if sealed:
        maintain.seal(catalog, 1, dt.date(2100, 1, 1))
    return catalog


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """The same events: not rolled up, rolled up, and with nothing but statistics left."""
    found = {
        "stale": opened(tmp_path_factory, "stale", False, False),
        "current": opened(tmp_path_factory, "current", True, False),
        "sealed": opened(tmp_path_factory, "sealed", True, True),
    }
    yield found
    for catalog in found.values():
        catalog.close()


def ask(catalog, metrics, by="", filters=(), first=DAY, last=DAY, site="s", **more):
    asked = question.parse(site, metrics, by, first, last, filters, **more)
    return query.answer(catalog, asked)


def rows(answer):
    return [(*row["dimensions"], *row["metrics"]) for row in answer.results]


#: metrics, by, filters, rows in order; "sealed" where statistics alone can answer it, too.
ANSWERS = [
    ("views,visitors,visits,bounces,duration_s", "", [], [(5, 2, 4, 3, 1799)], "sealed"),
    ("hits,bot_hits,bytes", "", [], [(8, 1, 570)], "sealed"),
    ("bounce_rate,visit_duration,views_per_visit", "", [], [(0.75, 449.75, 1.25)], "sealed"),
    ("views,visits", "hour", [], [(9, 3, 2), (10, 1, 1), (23, 1, 1)], "sealed"),
    ("views,visitors,visits,bounces,duration_s", "page", [],
     [("/", 2, 1, 2, 1, 1799), ("/a", 2, 2, 2, 1, 1799), ("/b", 1, 1, 1, 1, 0)], "sealed"),
    ("hits", "page", [],
     [("/a", 3), ("/", 2), ("/b", 1), ("/gone", 1), ("/style.css", 1)], "sealed"),
    ("visits,visitors", "source", [], [("Google", 2, 2), ("Bing", 1, 1), (None, 1, 1)], "sealed"),
    ("hits", "source", [], [(None, 5), ("Google", 2), ("Bing", 1)], "sealed"),
    ("visits", "entry", [], [("/", 2), ("/a", 1), ("/b", 1)], "sealed"),
    ("views", "exit", [], [("/a", 3), ("/", 1), ("/b", 1)], "sealed"),
    ("hits,views", "status", [], [(200, 7, 5), (404, 1, 0)], "sealed"),
    ("hits,views", "class", [], [("page", 6, 5), ("asset", 1, 0), ("error", 1, 0)], "sealed"),
    ("views", "date", [], [("2026-03-01", 5)], "sealed"),
    ("views,visitors", "country,date", [],
     [("FR", "2026-03-01", 3, 1), ("DE", "2026-03-01", 2, 1)], "sealed"),
    ("views,visits,visitors", "country,source", [],
     [("FR", "Google", 2, 1, 1), ("DE", "Bing", 1, 1, 1), ("DE", "Google", 1, 1, 1),
      ("FR", None, 1, 1, 1)], "sealed"),
    ("visits,visitors,bounces", "", ["country==FR"], [(2, 1, 1)], "sealed"),
    ("visits,visitors", "", ["country!=FR", "device==desktop"], [(2, 1)], "sealed"),
    ("visits,visitors", "", ["source==Google"], [(2, 2)], "sealed"),
    ("visits", "", ["source!=Google"], [(2,)], "sealed"),
    ("visits", "", ["source=="], [(1,)], "sealed"),
    ("visits", "", ["source!="], [(3,)], "sealed"),
    ("views,visits,visitors,bounces", "", ["page==/a"], [(2, 2, 2, 1)], "sealed"),
    ("views,visits", "page", ["country==FR"], [("/", 2, 2), ("/a", 1, 1)], "sealed"),
    ("views", "", ["page~/*"], [(5,)], "sealed"),
    ("views", "", ["page~/?"], [(3,)], "sealed"),
    ("views", "", ["page~/.*"], [(0,)], "sealed"),
    ("views", "country", ["page==/a", "source==Google"], [("FR", 1)], "sealed"),
    ("views", "", ["date==2026-03-01"], [(5,)], "sealed"),
    ("views,visits", "", ["hour==9"], [(3, 2)], "sealed"),
    ("views,visitors", "page", ["entry==/"], [("/", 2, 1), ("/a", 1, 1)], "events"),
    ("hits,views", "page", ["source==Google"], [("/", 1, 1), ("/b", 1, 1), ("/a", 0, 1)], "events"),
    ("hits", "", ["status==404"], [(1,)], "sealed"),
    ("hits,bytes", "page", ["status==404"], [("/gone", 1, 10)], "sealed"),
    ("hits", "page,referrer", ["status==404"], [("/gone", None, 1)], "sealed"),
    ("hits", "", ["page==/gone", "status==404"], [(1,)], "sealed"),
    ("hits,views", "hour", ["hour!=9"], [(10, 2, 1), (23, 1, 1)], "sealed"),
    ("visits", "", ["hour!=9"], [(2,)], "events"),
    ("hits", "", ["bot==Googlebot"], [(1,)], "sealed"),
    ("hits", "bot,class", ["bot!="], [("Googlebot", "page", 1)], "events"),
    ("views,visits", "hour,page", [],
     [(9, "/a", 2, 2), (9, "/", 1, 1), (10, "/b", 1, 1), (23, "/", 1, 1)], "events"),
]  # fmt: skip


@pytest.mark.parametrize("store", ["stale", "current", "sealed"])
@pytest.mark.parametrize(
    "metrics, by, filters, expected, needs",
    ANSWERS,
    ids=[f"{a[0]} by {a[1]} where {a[2]}" for a in ANSWERS],
)
def test_answers(stores, store, metrics, by, filters, expected, needs):
    if store == "sealed" and needs == "events":
        known_or_refused(lambda: ask(stores[store], metrics, by, filters), expected)
        return
    assert rows(ask(stores[store], metrics, by, filters)) == expected


def known_or_refused(asked, expected):
    """What cannot be told is refused or null; it is never another number."""
    try:
        answer = asked()
    except QueryError as error:
        assert "gone" in error.what
        return
    assert any("not known" in text for text in answer.meta["warnings"])
    found = {tuple(row["dimensions"]): row["metrics"] for row in answer.results}
    width = len(answer.query["dimensions"])
    for row in expected:
        told = zip(found[row[:width]], row[width:], strict=True)
        assert all(number in (None, wanted) for number, wanted in told)
        assert None in found[row[:width]]


def test_midnight_ends_a_visit_and_days_are_added_up(stores):
    for catalog in stores.values():
        answer = ask(catalog, "visits,visitors,views,duration_s", last=NEXT)
        assert rows(answer) == [(5, 3, 7, 1800)]
        assert answer.meta["visitors"] == "sum of days"
        by_day = ask(catalog, "visits,visitors", "date", last=NEXT)
        assert rows(by_day) == [("2026-03-01", 4, 2), ("2026-03-02", 1, 1)]
        assert by_day.meta["visitors"] == "distinct"


def test_the_answer_says_what_was_asked_and_of_what(stores):
    answer = ask(stores["current"], "views", "page", ["country==FR"], first=None, last=None)
    assert answer.query == {
        "site": "s",
        "metrics": ["views"],
        "dimensions": ["page"],
        "range": "",
        "from": "2026-03-01",
        "to": "2026-03-02",
        "filters": ["is", "country", ["FR"]],
        "compare": "",
        "order": "",
        "limit": None,
        "offset": 0,
    }
    assert question.from_dict(answer.query).as_dict() == answer.query
    assert answer.meta == {
        "source": "daily", "visitors": "sum of days", "warnings": [], "total_rows": 2,
        "answered_by": {"pages": [["2026-03-01", "2026-03-02"]]},
    }  # fmt: skip
    assert ask(stores["current"], "views").meta["source"] == "daily"
    assert ask(stores["stale"], "views").meta["source"] == "events"


def test_sites_are_asked_alone_or_together(stores):
    for catalog in stores.values():
        assert rows(ask(catalog, "views", "page", site="t")) == [("/elsewhere", 1)]
        assert rows(ask(catalog, "views", site=None)) == [(6,)]


def test_limit_and_order(stores):
    catalog = stores["current"]
    answer = ask(catalog, "hits", "page", limit=2)
    assert (rows(answer), answer.meta["total_rows"]) == ([("/a", 3), ("/", 2)], 5)
    assert rows(ask(catalog, "hits", "page", limit=1, order="page")) == [("/", 2)]
    assert rows(ask(catalog, "hits", "page", limit=1, order="-page")) == [("/style.css", 1)]
    assert rows(ask(catalog, "views,hits", "hour", limit=1, order="-hits"))[0][0] == 23


def test_nothing_counted_is_zero_without_dimensions_and_no_row_with_them(stores):
    long_ago = dt.date(1999, 1, 1)
    for catalog in stores.values():
        empty = ask(catalog, "views,bounce_rate", first=long_ago, last=long_ago)
        assert rows(empty) == [(0, None)]
        assert rows(ask(catalog, "views", "page", first=long_ago, last=long_ago)) == []
        assert rows(ask(catalog, "views", "page", ["page==/nowhere"])) == []


REFUSED = [
    (dict(metrics="wiews"), "no metric 'wiews'", "did you mean views?"),
    (dict(by="contry"), "no dimension 'contry'", "country"),
    (dict(by="page,page"), "twice", ""),
    (dict(filters=["pages==/"]), "no dimension 'pages'", "page"),
    (dict(filters=["page=/"]), "not a filter", "=="),
    (dict(filters=["hour==noon"]), "whole number", ""),
    (dict(first="yesterday"), "not a day", "2026-"),
    (dict(first=NEXT, last=DAY), "before it begins", ""),
    (dict(metrics="hits", by="entry"), "can't be counted by entry", "views"),
    (dict(metrics="bytes", filters=["exit==/"]), "can't be counted by exit", "views"),
    (dict(limit=0), "leaves nothing", ""),
    (dict(order="hits"), "not asked for", "views"),
]


@pytest.mark.parametrize("asked, what, fix", REFUSED, ids=[r[1] for r in REFUSED])
def test_what_cannot_be_asked_is_refused_with_the_way_out(asked, what, fix):
    with pytest.raises(QueryError) as refusal:
        question.parse("s", **asked)
    assert what in refusal.value.what
    assert fix in refusal.value.fix


def test_an_unknown_site_is_named(stores):
    with pytest.raises(QueryError, match="no site 'x'"):
        ask(stores["current"], "views", site="x")


def test_a_hostile_value_is_only_a_value(stores):
    for text in ("page==' or 1=1 --", "page~%'; drop table visits; --", "page==$filter0"):
        assert rows(ask(stores["current"], "views", "", [text])) == [(0,)]
