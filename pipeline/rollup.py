"""Daily statistics: made from a date's parts, all sites at once, and published by the catalog.

`build` is pure: files in, tables out. `rollup` brings stale days up to date. It is safe beside a
running backfill: the catalog takes statistics only for the content version they were made from,
and a day that moved on meanwhile stays stale.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from pipeline import schema, store
from pipeline.catalog import Day, Part
from pipeline.cuts import CARRIED, Filter, cut, parameters, stage
from pipeline.engine import Limits, connection, run, sql

#: Rows of a totals file are sorted by scope and dimension: small groups let a reader skip.
ROW_GROUP = 1 << 14
SORTED_BY = {
    "totals": "site, scope, dimension, scope_value, value",
    "visits": "all",
    "pages": "all",
    "latency": "site, scope, scope_value, bucket",
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

    def publish_daily(
        self, date: dt.date, versions: Mapping[str, int], files: Mapping[str, Path]
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Total:
    """One cut that totals are made of: rows of a scope, by a dimension or by none."""

    scope: str
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    dimension: str = ""
    people: bool = True

    def sql(self) -> str:
        keys = [f"key{i}" for i in range(1, 1 + len(self.by))]
        return sql(
            "totals",
            scope=self.scope,
            scope_value="''" if self.scope == "site" else keys[0],
            dimension=self.dimension,
            value=keys[-1] if self.dimension else "''",
            measures=", ".join(schema.MEASURES),
            cut=cut(("site", *self.by), self.filters, self.people),
        )


_NOT_FOUND = (Filter("status", "==", 404),)
TOTALS = (
    Total("site"),
    *(
        Total("site", (name,), dimension=name)
        for name in schema.DIMENSIONS
        if name not in ("date", "page")
    ),
    Total("page", ("page",)),
    Total("content", ("content",), (Filter("content", "!=", ""),)),
    Total("status:404", ("page",), _NOT_FOUND, people=False),
    Total("status:404", ("page", "referrer"), _NOT_FOUND, "referrer", people=False),
)
CUBES = {
    "visits": sql("visits_cube"),
    "pages": sql("pages_cube"),
    "latency": sql("latency", buckets_per_octave=str(schema.BUCKETS_PER_OCTAVE)),
}


def build(parts: Sequence[Path], limits: Limits = Limits()) -> dict[str, pa.Table]:
    """The daily statistics of the events in the parts, which are of one date."""
    return dict(tables(parts, limits))


def tables(parts: Sequence[Path], limits: Limits) -> Iterator[tuple[str, pa.Table]]:
    """The same, one at a time, so that no more than one is in memory."""
    with connection(limits) as con:
        stage(con, parts, CARRIED)
        for name, columns in schema.DAILY.items():
            con.from_arrow(_arrow_schema(columns).empty_table()).create(f"daily_{name}")
        statements = [(_insert(name, query), {}) for name, query in CUBES.items()]
        totals = [(_insert("totals", t.sql()), parameters(t.filters)) for t in TOTALS]
        run(con, [*statements, *totals], limits.threads)
        for name in schema.DAILY:
            yield name, _sorted(con, name)


def _insert(name: str, query: str) -> str:
    return f"insert into daily_{name} by name {query}"


def _arrow_schema(columns: Sequence[schema.Column]) -> pa.Schema:
    return pa.schema([(c.name, c.type) for c in columns])


def _sorted(con: duckdb.DuckDBPyConnection, name: str) -> pa.Table:
    """With its declared types, in an order that does not depend on threads."""
    found = con.sql(f"from daily_{name} order by {SORTED_BY[name]}").to_arrow_table()
    return found.cast(_arrow_schema(schema.DAILY[name]))


def rollup(
    catalog: Catalog,
    sites: Sequence[str] | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
    force: bool = False,
    limits: Limits = Limits(),
) -> list[Day]:
    """Bring the daily statistics up to date; returns the days that were built."""
    # Versions are read before the parts are listed: a part that is committed in between makes
    # the version too old, and the catalog refuses. The other way round, it would be left out.
    due = [day for day in catalog.days(sites, first, last) if day.has_events]
    due = [day for day in due if force or day.stale]
    for date, days in _by_date(due):
        versions = {day.site: day.version for day in days}
        parts = [part.path for part in catalog.event_parts(list(versions), date, date)]
        files = _write(catalog.data_dir, date, tables(parts, limits))
        catalog.publish_daily(date, versions, files)
    return due


def _by_date(days: Sequence[Day]) -> Iterator[tuple[dt.date, list[Day]]]:
    ordered = sorted(days, key=lambda day: (day.date, day.site))
    for date, group in groupby(ordered, key=lambda day: day.date):
        yield date, list(group)


def _write(
    data_dir: Path, date: dt.date, found: Iterable[tuple[str, pa.Table]]
) -> dict[str, Path]:
    """Whole and synced, under names nobody knows yet."""
    run_id = uuid.uuid4().hex
    files = {}
    for name, rows in found:
        files[name] = data_dir / "daily" / f"{name}-{date.isoformat()}-{run_id}.parquet"
        store.write(rows, files[name], ROW_GROUP)
    return files
