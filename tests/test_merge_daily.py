"""A month of daily files becomes one, and every answer stays."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline import maintain, merge_daily, query, question, rollup
from pipeline.catalog import Catalog
from tests.events import add, event

FIRST = dt.date(2026, 3, 1)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(6)]
APRIL = dt.date(2026, 4, 1)
QUESTIONS = [
    {"metrics": "views,visitors,visits,hits,bytes", "dimensions": "date"},
    {"metrics": "views,hits", "dimensions": "page"},
    {"metrics": "views", "dimensions": "country,date"},
    {"metrics": "latency_p50", "dimensions": "date"},
]


@pytest.fixture
def catalog(tmp_path):
    opened = Catalog(tmp_path)
    for number, date in enumerate(DAYS):
        for site in ("s", "t"):
            add(
                opened,
                [
                    event("09:00:00", f"/{n}", n, date=date, site=site, country="FR", duration_ms=n)
                    for n in range(number + 2)
                ],
            )
        rollup.rollup(opened)
    yield opened
    opened.close()


def told(catalog):
    asked = [question.from_dict({"site": "s", **one}) for one in QUESTIONS]
    return [one.results for one in query.answers(catalog, asked)]


def files(catalog, table):
    return {part.path for part in catalog.daily_parts(table)}


def test_a_month_that_is_over_is_told_by_one_file(catalog):
    before = told(catalog)
    assert merge_daily.merge_daily(catalog, DAYS[-1]) == 0
    assert merge_daily.merge_daily(catalog, APRIL) == 12
    assert [len(files(catalog, name)) for name in ("totals", "latency", "visits")] == [1, 1, 6]
    assert told(catalog) == before
    assert merge_daily.merge_daily(catalog, APRIL) == 0
    assert maintain.vacuum(catalog, dt.timedelta(0)) == 12
    assert told(catalog) == before


def test_a_day_that_is_built_anew_is_told_by_its_new_file(catalog):
    merge_daily.merge_daily(catalog, APRIL)
    before = told(catalog)
    add(catalog, [event("10:00:00", "/new", 9, date=DAYS[0])])
    rollup.rollup(catalog)
    found = told(catalog)
    assert found[0][0]["metrics"][0] == before[0][0]["metrics"][0] + 1
    assert found[0][1:] == before[0][1:]


def test_days_that_were_built_anew_meanwhile_are_left_alone(catalog, monkeypatch):
    write = merge_daily.daily.write

    def late(folder, name, batches):
        path = write(folder, name, batches)
        if name == "totals":
            monkeypatch.undo()
            rollup.rollup(catalog, force=True, first=DAYS[0], last=DAYS[0])
        return path

    before = told(catalog)
    monkeypatch.setattr(merge_daily.daily, "write", late)
    merge_daily.merge_daily(catalog, APRIL)
    assert len(files(catalog, "totals")) == 6
    assert told(catalog) == before
