"""Which days a roll-up builds, and that it may run beside writers."""

from __future__ import annotations

import datetime as dt

import pyarrow.parquet as pq
import pytest

from pipeline import rollup, schema
from pipeline.catalog import Catalog
from tests import stores
from tests.events import DAY, add, bot, event

MORNING = [
    event("09:00:00", "/", 1, country="FR", source="Google"),
    event("09:10:00", "/a", 1, country="FR", duration_ms=12.5),
    event("09:05:00", "/gone", 2, status=404, **{"class": "error"}),
    bot("09:07:00", "/a"),
]


@pytest.fixture
def catalog(tmp_path):
    opened = Catalog(tmp_path / "data")
    yield opened
    opened.close()


def test_only_days_that_changed_are_built(catalog):
    later = DAY + dt.timedelta(days=1)
    add(catalog, [*MORNING, event("00:00:01", "/", date=later)])
    assert [day.date for day in rollup.rollup(catalog)] == [DAY, later]
    assert rollup.rollup(catalog) == []
    add(catalog, [event("10:00:00", "/new", date=later)])
    assert [day.date for day in rollup.rollup(catalog)] == [later]
    assert len(rollup.rollup(catalog, force=True)) == 2
    assert len(rollup.rollup(catalog, first=later, force=True)) == 1
    assert rollup.rollup(catalog, sites=["other"], force=True) == []


def test_a_day_that_moves_on_during_its_roll_up_stays_stale(catalog, monkeypatch):
    add(catalog, MORNING)
    listed = catalog.event_parts

    def and_then_a_commit(*asked):
        parts = listed(*asked)
        monkeypatch.setattr(catalog, "event_parts", listed)
        add(catalog, [event("11:00:00", "/late")])
        return parts

    monkeypatch.setattr(catalog, "event_parts", and_then_a_commit)
    rollup.rollup(catalog)
    assert [day.stale for day in catalog.days()] == [True]
    rollup.rollup(catalog)
    assert [day.stale for day in catalog.days()] == [False]
    (part,) = catalog.daily_parts("totals")
    pages = pq.read_table(part.path, columns=["scope_value"]).column(0).to_pylist()
    assert "/late" in pages


def test_dates_built_together_or_apart_have_the_same_statistics(catalog, monkeypatch):
    dates = [DAY + dt.timedelta(days=n) for n in range(3)]
    add(catalog, [row | {"date": date} for date in dates for row in MORNING])

    def published():
        """The rows that speak for each day, and how many files they are in."""
        rollup.rollup(catalog, force=True)
        parts = [(name, part) for name in schema.DAILY for part in catalog.daily_parts(name)]
        rows = {
            (name, part.date): [
                row for row in pq.read_table(part.path).to_pylist() if row["date"] == part.date
            ]
            for name, part in parts
        }
        return rows, len({part.path for _, part in parts})

    together, files = published()
    assert (len(together), files) == (4 * 3, 4)
    monkeypatch.setattr(rollup, "BATCH_ROWS", 1)
    assert published() == (together, 4 * 3)


def test_rows_that_a_backfill_still_holds_give_the_statistics_of_its_files(tmp_path):
    store = stores.Store(tmp_path / "data", stores.configuration({"s": "UTC"}))
    held = stores.LOGS / "nginx_http-logs.log"
    store.backfill(stores.SAMPLE)
    store.backfill(held)
    catalog = Catalog(store.data)
    from_memory = statistics(catalog)
    rollup.rollup(catalog, force=True)
    assert statistics(catalog) == from_memory
    catalog.close()


def statistics(catalog):
    """The rows that speak for all days."""
    found = {}
    for name in schema.DAILY:
        parts = catalog.daily_parts(name)
        days = {(part.path, part.site, part.date) for part in parts}
        found[name] = sorted(
            repr(row)
            for path in sorted({part.path for part in parts})
            for row in pq.read_table(path).to_pylist()
            if (path, row["site"], row["date"]) in days
        )
    return found
