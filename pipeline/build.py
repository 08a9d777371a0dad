"""Daily statistics made from events: pure, files in and tables out.

Events are read once, a piece at a time. Records are counted piece by piece; of the views,
steps and visits are made by the SQL that questions use, with numbers in place of texts. Only the
rows of the statistics get their texts back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from pipeline import daily, schema
from pipeline.coded import NO_KEY, TEXTS, Names, key, pieces, ranked
from pipeline.cuts import (
    COLUMN_OF,
    NOT_OF_RECORDS,
    Filter,
    column_type,
    number_visits,
    parameters,
    people_cut,
    seen,
)
from pipeline.engine import DEFAULT, Limits, connection, run, sql
from pipeline.records import Records
from pipeline.totals import NOT_FOUND

Tables = Iterator[tuple[str, Iterable[pa.RecordBatch]]]
_DAY = ("site", "date")


@dataclass(frozen=True, slots=True)
class Total:
    """Rows of totals: of a scope, by a dimension or by none. `people` says whether views and
    visits count, too."""

    scope: str
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    dimension: str = ""
    people: bool = True

    @property
    def records(self) -> bool:
        return not NOT_OF_RECORDS.intersection(self.by)

    @property
    def columns(self) -> dict[str, int | None]:
        """What the rows are about -> which of `by` it is, if any."""
        scope = None if self.scope == "site" else 0
        return {"scope_value": scope, "value": len(self.by) - 1 if self.dimension else None}


#: Sorted, as the rows of the files are.
TOTALS = sorted(
    (
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
    ),
    key=lambda total: (total.scope, total.dimension),
)
#: Cubes, and what their rows are sorted by within a day.
CUBES = {"visits": "source", "pages": "page"}


def build(parts: Sequence[Path], limits: Limits = DEFAULT) -> dict[str, pa.Table]:
    """The daily statistics of the events in the parts."""
    return {
        name: pa.Table.from_batches(batches, daily.arrow_schema(name))
        for name, batches in tables(parts, limits)
    }


def tables(parts: Sequence[Path], limits: Limits) -> Tables:
    """The same, to be read one after the other."""
    names = Names()
    with connection(limits) as con:
        _prepare(con)
        for piece in pieces(parts, names, limits.threads):
            _see(con, piece, names)
            _count(con, piece, names)
        number_visits(con)
        cubes = [f"create table {name}_cube as {sql(f'{name}_cube')}" for name in CUBES]
        people = [_people(number, total) for number, total in enumerate(TOTALS) if total.people]
        # The large ones first, so that no thread is left alone with one of them at the end.
        cuts = [(text, parameters(filters)) for text, filters in people]
        run(con, [*((cube, {}) for cube in cubes), *cuts], limits.threads)
        yield from _finished(con, names)


def _prepare(con: duckdb.DuckDBPyConnection) -> None:
    days = "site bigint, date date, scope_value bigint"
    measures = ", ".join(f"{name} bigint" for name in schema.MEASURES)
    con.execute(f"create table counted (total utinyint, {days}, value bigint, {measures})")
    con.execute(f"create table timed ({days}, scope varchar, bucket integer, n bigint)")


def _see(con: duckdb.DuckDBPyConnection, piece: pa.Table, names: Names) -> None:
    """Keep the views, and count the response times. The rules name classes, so here these are
    texts; of the views, only the rows are asked for."""
    rows = pa.array(np.arange(piece.num_rows, dtype=np.int32))
    classes = pa.DictionaryArray.from_arrays(piece.column("class").chunk(0), names.of["class"])
    events = piece.set_column(piece.column_names.index("class"), "class", classes)
    con.from_arrow(events.append_column("row", rows)).create_view("events", replace=True)
    views = con.sql(f"select row, is_view, is_content_view, is_event from ({sql('views')})")
    found = views.to_arrow_table()
    seen_rows = piece.take(found.column("row"))
    for name in found.column_names[1:]:
        seen_rows = seen_rows.append_column(name, found.column(name))
    con.from_arrow(seen_rows).create_view("views", replace=True)
    con.execute(f"create table if not exists seen as {seen()} limit 0")
    con.execute(f"insert into seen {seen()}")
    if events.column("duration_ms").null_count < events.num_rows:
        con.execute(f"insert into timed by name {_latency()}")


def _latency() -> str:
    return sql(
        "latency",
        buckets_per_octave=str(schema.BUCKETS_PER_OCTAVE),
        site=_key("site", "site"),
        page=_key("page", "page"),
        nothing=str(NO_KEY),
    )


def _count(con: duckdb.DuckDBPyConnection, piece: pa.Table, names: Names) -> None:
    records = Records(piece, names)
    chosen = {filters: records.only(filters) for filters in {total.filters for total in TOTALS}}
    for number, total in enumerate(TOTALS):
        if not total.records:
            continue
        found = chosen[total.filters].count(total.by)
        columns = {name: found.column(name) for name in (*_DAY, *schema.RECORD_MEASURES)}
        columns["total"] = pa.repeat(pa.scalar(number, pa.uint8()), found.num_rows)
        for name, place in total.columns.items():
            nothing = pa.repeat(pa.scalar(NO_KEY, pa.int64()), found.num_rows)
            columns[name] = nothing if place is None else found.column(f"key{place}")
        con.from_arrow(pa.table(columns)).create_view("found", replace=True)
        con.execute("insert into counted by name from found")


def _people(number: int, total: Total) -> tuple[str, tuple[Filter, ...]]:
    by = (*_DAY, *total.by)
    about = {
        name: str(NO_KEY) if place is None else _key(total.by[place], f"key{place + len(_DAY)}")
        for name, place in total.columns.items()
    }
    text = sql(
        "totals",
        total=str(number),
        site=_key("site", "key0"),
        others="".join(f", key{i}" for i in range(2, len(by))),
        people=people_cut(by, total.filters),
        **about,
    )
    return f"insert into counted by name {text}", total.filters


def _key(dimension: str, expression: str) -> str:
    return f"({key(dimension)} + {expression})"


def _finished(con: duckdb.DuckDBPyConnection, names: Names) -> Tables:
    numbers = _numbers(con)
    keys, texts = ranked(names, numbers)
    con.from_arrow(keys).create("names")
    for name, query in {"totals": _sorted_totals(), "latency": sql("sorted_latency")}.items():
        yield name, (_spelled(batch, name, texts) for batch in _rows(con, query))
    for name, leading in CUBES.items():
        query = sql(
            "sorted_cube",
            cube=f"{name}_cube",
            leading=leading,
            site_key=str(key("site")),
            leading_key=str(key(leading)),
        )
        yield name, (_named(batch, name, names) for batch in _rows(con, query))


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> pa.RecordBatchReader:
    return con.sql(query).to_arrow_reader(daily.ROW_GROUP)


def _numbers(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """The values of the dimensions that are numbers themselves."""
    found: list[tuple[str, int]] = []
    for place, total in enumerate(TOTALS):
        if total.dimension and pa.types.is_integer(column_type(total.dimension)):
            query = "select distinct value - ? from counted where total = ? and value is not null"
            rows = con.execute(query, [key(total.dimension), place]).fetchall()
            found += [(total.dimension, number) for (number,) in rows]
    return found


def _sorted_totals() -> str:
    without = [str(number) for number, total in enumerate(TOTALS) if not total.records]
    none = f"case when total not in ({', '.join(without)}) then 0 end"
    otherwise = {name: none if name in schema.RECORD_MEASURES else "0" for name in schema.MEASURES}
    return sql(
        "sorted_totals",
        sums=", ".join(f"sum({name})::bigint as {name}" for name in schema.MEASURES),
        measures=", ".join(
            f"coalesce({name}, {none}) as {name}" for name, none in otherwise.items()
        ),
    )


def _spelled(batch: pa.RecordBatch, name: str, texts: pa.Array) -> pa.RecordBatch:
    """Rows of totals or response times, whose texts are ranks."""
    columns = {c: batch.column(c) for c in batch.schema.names}
    for column in {"site", "scope_value", "value"} & columns.keys():
        columns[column] = texts.take(columns[column])
    if name == "totals":
        for column in ("scope", "dimension"):
            known = pa.array([getattr(total, column) for total in TOTALS])
            columns[column] = known.take(columns["total"])
    return _as_declared(columns, name)


def _named(batch: pa.RecordBatch, name: str, names: Names) -> pa.RecordBatch:
    """Rows of a cube, whose texts are numbers of their columns."""
    columns = {c: batch.column(c) for c in batch.schema.names}
    for column in columns:
        if (named := COLUMN_OF.get(column, column)) in TEXTS:
            columns[column] = names.of[named].take(columns[column])
    return _as_declared(columns, name)


def _as_declared(columns: dict[str, pa.Array], name: str) -> pa.RecordBatch:
    declared = daily.arrow_schema(name)
    return pa.RecordBatch.from_arrays(
        [columns[field.name].cast(field.type) for field in declared], schema=declared
    )
