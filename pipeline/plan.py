"""Which days of a question are answered by what: totals, cubes or raw events.

Totals answer what is about one value of one dimension. The rest needs the raw events, or, once
these are gone, a cube, where its rows add up to an exact answer. A day that nothing can answer is
named, never counted as zero. A day whose statistics are behind its events is always answered
from the events.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline import schema
from pipeline.catalog import Catalog, DailyPart, Day
from pipeline.cubes import cube_for, cube_sums
from pipeline.cuts import cut, dimensions_in, named, parameters, stage, where
from pipeline.engine import sql, view_files
from pipeline.errors import QueryError
from pipeline.question import Query
from pipeline.totals import total_for, totals_sql


@dataclass(frozen=True, slots=True)
class Plan:
    """`tables` are the files of a daily table to add up; `missing` days nothing can answer."""

    days: tuple[Day, ...]
    by_date: bool
    tables: dict[str, tuple[DailyPart, ...]]
    events: tuple[Path, ...]
    missing: tuple[Day, ...]

    @property
    def first(self) -> dt.date | None:
        return min((day.date for day in self.days), default=None)

    @property
    def last(self) -> dt.date | None:
        return max((day.date for day in self.days), default=None)

    def meta(self) -> dict[str, Any]:
        daily = any(self.tables.values())
        source = ("mixed" if daily else "events") if self.events else "daily"
        return {"source": source, "visitors": self._visitors(), "warnings": self._warnings()}

    def _visitors(self) -> str:
        if any(day.salts > 1 or day.generations + day.has_events > 1 for day in self.days):
            return "upper bound"
        dates = {day.date for day in self.days}
        return "distinct" if self.by_date or len(dates) < 2 else "sum of days"

    def _warnings(self) -> list[str]:
        if not self.missing:
            return []
        dates = sorted({day.date for day in self.missing})
        return [
            f"{len(dates)} of the days from {dates[0]} to {dates[-1]} are not in this answer: "
            "their raw events are gone, and what is kept of them cannot answer this"
        ]


def plan(catalog: Catalog, query: Query) -> Plan:
    """What answers the query. Planned anew when raw events went away while it was planned."""
    while True:
        found = _plan(catalog, query)
        if found is not None:
            return found


def _plan(catalog: Catalog, query: Query) -> Plan | None:
    span = (None if query.site is None else [query.site], query.first, query.last)
    # The days come first: what is committed or published meanwhile is then not looked for.
    days = catalog.days(*span)
    simple = total_for(query) is not None
    table = "totals" if simple else cube_for(query)
    used = _files(days, catalog.daily_parts(table, *span) if table else [], simple)
    raw = {(d.site, d.date) for d in days if d.has_events and (d.stale or not simple)}
    parts = [part for part in catalog.event_parts(*span) if (part.site, part.date) in raw]
    if raw - {(part.site, part.date) for part in parts}:
        return None
    spoken = Counter((file.site, file.date) for file in used)
    missing = tuple(d for d in days if spoken[d.site, d.date] < d.generations)
    if missing and not parts and not used:
        raise QueryError(
            f"The raw events of all {len(missing)} days are gone, and what is kept of them cannot "
            "answer this.",
            "ask for fewer dimensions and filters at once",
        )
    by_date = "date" in query.by and len({day.site for day in days}) <= 1
    tables = {table: tuple(used)} if table and used else {}
    return Plan(tuple(days), by_date, tables, tuple(part.path for part in parts), missing)


def _files(days: Sequence[Day], files: Sequence[DailyPart], simple: bool) -> list[DailyPart]:
    """Sealed generations always speak; the present one only where it is not behind its events."""
    speaking: dict[tuple[str, dt.date], int] = {}
    for day in days:
        current = simple and day.has_events and not day.stale
        speaking[day.site, day.date] = day.generations + current
    return [file for file in files if file.generation < speaking.get((file.site, file.date), 0)]


def execute(con: duckdb.DuckDBPyConnection, chosen: Plan, query: Query) -> None:
    """Fill `partial` with what each part of the plan says; its rows are still to be added up."""
    keys = "".join(f"key{i} varchar, " for i in range(len(query.by)))
    con.execute(f"create table partial ({keys}{_columns()})")
    for table, files in chosen.tables.items():
        _choose(con, table, files)
        rows = total_for(query) if table == "totals" else None
        text = totals_sql(rows, query) if rows else _from_cube(table, query)
        filters = rows.filters if rows else query.filters
        con.execute(f"insert into partial by name {text}", parameters(filters))
    if chosen.events:
        people = not query.measures <= set(schema.RECORD_MEASURES)
        stage(con, chosen.events, dimensions_in(query.by, query.filters), people)
        text = cut(query.by, query.filters, people)
        con.execute(f"insert into partial by name {text}", parameters(query.filters))


def _columns() -> str:
    return ", ".join(f"{name} bigint" for name in schema.MEASURES)


def _choose(con: duckdb.DuckDBPyConnection, table: str, files: Sequence[DailyPart]) -> None:
    """A file may hold days whose rows in it are out of date: only the chosen ones are read."""
    columns = pa.schema([(c.name, c.type) for c in schema.DAILY[table]])
    view_files(con, table, sorted({file.path for file in files}), columns)
    rows = [{"path": str(f.path), "site": f.site, "date": f.date} for f in files]
    con.from_arrow(pa.Table.from_pylist(rows)).create(f"chosen_{table}")


def _from_cube(cube: str, query: Query) -> str:
    keys = [f'"{name}"::varchar as key{i},' for i, name in enumerate(query.by)]
    return sql(
        "from_cube",
        cube=cube,
        keys=" ".join(keys),
        sums=cube_sums(cube, query),
        filters=where(cube, named(query.filters)),
    )
