"""Daily statistics: made from events, all sites of a date at once, and published by the catalog.

`build` is pure: files in, tables out. `rollup` brings stale days up to date. It is safe beside a
running backfill: the catalog takes statistics only for the content version they were made from,
and a day that moved on meanwhile stays stale.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from pipeline import daily, schema, store
from pipeline.catalog import Day, Part
from pipeline.cuts import CARRIED, Filter, cut, parameters, stage
from pipeline.engine import DEFAULT, Limits, connection, run, sql
from pipeline.publish import Versions
from pipeline.totals import NOT_FOUND

#: Dates are built together up to so many records: a small day costs little more than its rows.
BATCH_ROWS = 1_000_000
#: What belongs together in a file lies side by side.
SORTED_BY = {
    "totals": "date, site, scope, dimension, scope_value, value",
    "visits": "date, site, hour, source",
    "pages": "date, site, page",
    "latency": "date, site, scope, scope_value, bucket",
}


class Catalog(Protocol):
    """What a roll-up needs of the catalog."""

    data_dir: Path

    def days(
        self,
        sites: Sequence[str] | None = None,
        first: dt.date | None = None,
        last: dt.date | None = None,
    ) -> list[Day]: ...

    def event_parts(
        self,
        sites: Sequence[str] | None = None,
        first: dt.date | None = None,
        last: dt.date | None = None,
    ) -> list[Part]: ...

    def publish_daily(self, versions: Versions, files: Mapping[str, Path]) -> None: ...


@dataclass(frozen=True, slots=True)
class Total:
    """One cut that totals are made of: rows of a scope, by a dimension or by none."""

    scope: str
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    dimension: str = ""
    people: bool = True

    def sql(self) -> str:
        keys = [f"key{i}" for i in range(2, 2 + len(self.by))]
        return sql(
            "totals",
            scope=self.scope,
            scope_value="''" if self.scope == "site" else keys[0],
            dimension=self.dimension,
            value=keys[-1] if self.dimension else "''",
            measures=", ".join(schema.MEASURES),
            cut=cut(("site", "date", *self.by), self.filters, self.people),
        )


TOTALS = (
    Total("site"),
    *(
        Total("site", (name,), dimension=name)
        for name in schema.DIMENSIONS
        if name not in ("date", "page")
    ),
    Total("page", ("page",)),
    Total("content", ("content",), (Filter("content", "!=", ""),)),
    Total("status:404", ("page",), (NOT_FOUND,), people=False),
    Total("status:404", ("page", "referrer"), (NOT_FOUND,), "referrer", people=False),
)
CUBES = {
    "visits": sql("visits_cube"),
    "pages": sql("pages_cube"),
    "latency": sql("latency", buckets_per_octave=str(schema.BUCKETS_PER_OCTAVE)),
}


def build(parts: Sequence[Path], limits: Limits = DEFAULT) -> dict[str, pa.Table]:
    """The daily statistics of the events in the parts; each table is sorted by date."""
    return {name: reader.read_all() for name, reader in tables(parts, limits)}


def tables(parts: Sequence[Path], limits: Limits) -> Iterator[tuple[str, pa.RecordBatchReader]]:
    """The same, to be read one after the other."""
    with connection(limits) as con:
        stage(con, parts, CARRIED)
        for name in schema.DAILY:
            con.from_arrow(daily.arrow_schema(name).empty_table()).create(f"daily_{name}")
        # The large ones first, so that no thread is left alone with one of them at the end.
        cubes = [(_insert(name, query), parameters(())) for name, query in CUBES.items()]
        totals = [(_insert("totals", t.sql()), parameters(t.filters)) for t in TOTALS]
        run(con, [*cubes, *reversed(totals)], limits.threads)
        for name in schema.DAILY:
            rows = con.sql(f"from daily_{name} order by {SORTED_BY[name]}")
            yield name, rows.to_arrow_reader(daily.ROW_GROUP).cast(daily.arrow_schema(name))


def _insert(name: str, query: str) -> str:
    return f"insert into daily_{name} by name {query}"


def rollup(
    catalog: Catalog,
    sites: Sequence[str] | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
    force: bool = False,
    limits: Limits = DEFAULT,
) -> list[Day]:
    """Bring the daily statistics up to date; returns the days that were built."""
    # Versions are read before the parts are listed: a part that is committed in between makes
    # the version too old, and the catalog refuses. The other way round, it would be left out.
    due = [day for day in catalog.days(sites, first, last) if day.has_events]
    due = [day for day in due if force or day.stale]
    for days in _batches(due, catalog.event_parts(sites, first, last)):
        _publish(catalog, days, limits)
    return due


def _batches(days: Sequence[Day], parts: Sequence[Part]) -> Iterator[list[Day]]:
    """Days of whole dates, of about BATCH_ROWS records together."""
    rows: Counter[dt.date] = Counter()
    for part in parts:
        rows[part.date] += part.rows
    batch: list[Day] = []
    size = 0
    for date, group in groupby(sorted(days, key=_date), key=_date):
        if batch and size + rows[date] > BATCH_ROWS:
            yield batch
            batch, size = [], 0
        batch += group
        size += rows[date]
    if batch:
        yield batch


def _date(day: Day) -> dt.date:
    return day.date


def _publish(catalog: Catalog, days: Sequence[Day], limits: Limits) -> None:
    """`days` are of whole dates, sorted by date."""
    versions = {(day.site, day.date): day.version for day in days}
    sites = sorted({day.site for day in days})
    parts = catalog.event_parts(sites, days[0].date, days[-1].date)
    chosen = [part.path for part in parts if (part.site, part.date) in versions]
    folder = catalog.data_dir / "daily"
    files = {name: daily.write(folder, name, rows) for name, rows in tables(chosen, limits)}
    # Makes the renames survive a power cut: once for all, before any of the files is published.
    store.sync_folder(folder)
    catalog.publish_daily(versions, files)
