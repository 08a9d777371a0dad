"""Daily statistics made from events: pure, files in and tables out.

Events are read once, a piece at a time. Records are counted piece by piece; of the views,
steps and visits are made by the SQL that questions use, with numbers in place of texts. Only the
rows of the statistics get their texts back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import daily, schema
from pipeline.coded import TEXTS, Names, pieces
from pipeline.cuts import number_visits, people_cut, seen
from pipeline.engine import DEFAULT, Limits, connection, run, sql
from pipeline.fields import COLUMN_OF, NOT_OF_RECORDS
from pipeline.filters import Filter, parameters
from pipeline.records import Records
from pipeline.tally import DAY, NONE, Counted, Order, Tally
from pipeline.totals import NOT_FOUND

_OF_PEOPLE = tuple(name for name in schema.MEASURES if name not in schema.RECORD_MEASURES)
_TIMED = "site integer, date date, scope varchar, page integer, bucket integer, n bigint"
_BUCKETS = {"buckets_per_octave": str(schema.BUCKETS_PER_OCTAVE)}


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

    def sql(self) -> str:
        """Of the people, numbered as `by` is."""
        by = (*DAY, *self.by)
        return sql(
            "total",
            keys=" ".join(f'key{i} as "{name}",' for i, name in enumerate(by)),
            measures=", ".join(f"{name}::bigint as {name}" for name in _OF_PEOPLE),
            people=people_cut(by, self.filters),
        )


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
    with tables(parts, limits) as made:
        return {
            name: pa.Table.from_batches(batches, daily.arrow_schema(name))
            for name, batches in made.items()
        }


@contextmanager
def tables(parts: Sequence[Path], limits: Limits) -> Iterator[dict[str, Iterator[pa.RecordBatch]]]:
    """The same, to be read a batch at a time, and several side by side."""
    names = Names()
    tallies = [Tally() for _ in TOTALS]
    with connection(limits) as con:
        con.execute(f"create table timed ({_TIMED})")
        with ThreadPoolExecutor(1) as pool:
            for piece in pieces(parts, names, limits.threads):
                seen = pool.submit(_see, con, piece, names)
                _count(piece, names, tallies)
                seen.result()
            del piece, seen
        con.execute("drop view views; drop view events")
        # What was read is not needed any more, and DuckDB has a memory of its own.
        pa.default_memory_pool().release_unused()
        number_visits(con)
        # The large ones first, so that no thread is left alone with one of them at the end.
        cubes = [f"create table {name}_cube as {sql(f'{name}_cube')}" for name in CUBES]
        people = [
            (f"create table total_{number} as {total.sql()}", parameters(total.filters))
            for number, total in enumerate(TOTALS)
            if total.people
        ]
        run(con, [*((cube, {}) for cube in cubes), *people], limits.threads)
        order = Order(names)
        _rank(con, order)
        coded = {"latency": sql("sorted_latency")}
        for name, leading in CUBES.items():
            coded[name] = sql("sorted_cube", cube=f"{name}_cube", leading=leading)
        found = {name: _coded_rows(con.cursor(), coded[name], name, names) for name in coded}
        yield {"totals": _totals(con.cursor(), tallies, order), **found}


def _rank(con: duckdb.DuckDBPyConnection, order: Order) -> None:
    """Make known in which order the texts are by which cubes and response times are sorted."""
    for name in ("site", *CUBES.values()):
        ranks = order.ranks(name)
        con.from_arrow(pa.table({"code": np.arange(len(ranks)), "rank": ranks})).create(
            f"{name}_ranks"
        )


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
        con.execute(f"insert into timed by name {sql('latency', **_BUCKETS)}")


def _count(piece: pa.Table, names: Names, tallies: Sequence[Tally]) -> None:
    records = Records(piece, names)
    chosen = {filters: records.only(filters) for filters in {total.filters for total in TOTALS}}
    for total, tally in zip(TOTALS, tallies, strict=True):
        if total.records:
            tally.add(chosen[total.filters].count(total.by))


def _totals(
    con: duckdb.DuckDBPyConnection, tallies: Sequence[Tally], order: Order
) -> Iterator[pa.RecordBatch]:
    """The rows of each total after the other, and each let go when it has been written."""
    for number, total in enumerate(TOTALS):
        if total.people:
            tallies[number].add(_people(con, number, total))
        rows = tallies[number].pop(order)
        for start in range(0, rows.rows, daily.ROW_GROUP):
            yield _spelled(total, rows, slice(start, start + daily.ROW_GROUP), order)


def _people(con: duckdb.DuckDBPyConnection, number: int, total: Total) -> Counted:
    found = con.sql(f"from total_{number}").to_arrow_table()
    codes = {name: found.column(name) for name in (*DAY, *total.by)}
    whole = {name: column.cast(pa.int32()).fill_null(NONE) for name, column in codes.items()}
    return Counted(
        {name: column.to_numpy().astype(np.int64) for name, column in whole.items()},
        {name: found.column(name).to_numpy() for name in _OF_PEOPLE},
    )


def _spelled(total: Total, rows: Counted, span: slice, order: Order) -> pa.RecordBatch:
    days = rows.codes["date"][span]
    text = {
        name: order.texts(name).take(pa.array(rows.codes[name][span]))
        for name in ("site", *total.by)
    }
    nothing = pa.repeat("", len(days))
    zeros, nulls = pa.array(np.zeros(len(days), np.int64)), pa.nulls(len(days), pa.int64())
    columns: dict[str, pa.Array] = dict.fromkeys(_OF_PEOPLE, zeros)
    columns |= dict.fromkeys(schema.RECORD_MEASURES, zeros if total.records else nulls)
    columns |= {name: pa.array(sums[span]) for name, sums in rows.measures.items()}
    columns |= {
        "site": text["site"],
        "date": pa.array(days.astype(np.int32)).cast(pa.date32()),
        "scope": pa.repeat(total.scope, len(days)),
        "scope_value": nothing if total.scope == "site" else text[total.by[0]],
        "dimension": pa.repeat(total.dimension, len(days)),
        "value": text[total.by[-1]] if total.dimension else nothing,
    }
    return _as_declared(columns, "totals")


def _coded_rows(
    con: duckdb.DuckDBPyConnection, query: str, name: str, names: Names
) -> Iterator[pa.RecordBatch]:
    """Rows with the texts of their columns' numbers."""
    for batch in con.sql(query).to_arrow_reader(daily.ROW_GROUP):
        columns = {c: batch.column(c) for c in batch.schema.names}
        for column in columns:
            if (named := COLUMN_OF.get(column, column)) in TEXTS:
                columns[column] = names.of[named].take(columns[column])
        if "scope" in columns:
            columns["scope_value"] = pc.if_else(
                pc.equal(columns["scope"], "site"), "", columns.pop("page")
            )
        yield _as_declared(columns, name)


def _as_declared(columns: dict[str, pa.Array], name: str) -> pa.RecordBatch:
    declared = daily.arrow_schema(name)
    return pa.RecordBatch.from_arrays(
        [columns[field.name].cast(field.type) for field in declared], schema=declared
    )
