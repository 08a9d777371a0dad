"""Daily statistics made from events: pure, files in and tables out.

Events are read once, a piece at a time, with numbers in place of texts. Records are counted piece
by piece; of the views, steps and visits are made by the rules that questions use. Only the rows of
the statistics get their texts back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import daily, schema
from pipeline.coded import Names, Piece, pieces
from pipeline.cuts import CARRIED, choose_evidence
from pipeline.engine import DEFAULT, Limits, connection, sql
from pipeline.fields import NOT_OF_RECORDS
from pipeline.filters import Filter
from pipeline.groups import narrow
from pipeline.kept import Rows
from pipeline.people import People
from pipeline.records import Records
from pipeline.tally import Counted, Order, Tally
from pipeline.totals import NOT_FOUND
from pipeline.visits import FLAGS, number

_OF_PEOPLE = tuple(name for name in schema.MEASURES if name not in schema.RECORD_MEASURES)
_TIMED = "site integer, date date, scope varchar, page integer, bucket integer, n bigint"
#: Columns of events that views.sql, seen.sql and latency.sql name.
_NAMED = (
    *("site", "date", "time", "log_id", "offset", "visitor", "signed_in", "duration_ms", "page"),
    *("class", "origin", "bot_category", "content_type", "content_id"),
)
#: Views and events of people that are worked together; of more, the memory would be felt.
MOST_STEPS = 1 << 20
#: Rows kept of no part.
NOTHING: Mapping[Path, Sequence[Rows]] = MappingProxyType({})
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

    @property
    def is_simple(self) -> bool:
        """Whether all records count, by one dimension."""
        return self.by == (self.dimension,) and not self.filters


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


def build(parts: Sequence[Path], limits: Limits = DEFAULT) -> dict[str, pa.Table]:
    """The daily statistics of the events in the parts."""
    with tables(parts, limits) as made:
        return {
            name: pa.Table.from_batches(batches, daily.arrow_schema(name))
            for name, batches in made.items()
        }


@contextmanager
def tables(
    parts: Sequence[Path],
    limits: Limits,
    kept: Mapping[Path, Sequence[Rows]] = NOTHING,
    views_from: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[dict[str, Iterator[pa.RecordBatch]]]:
    """The same, to be read a batch at a time, and several side by side. Parts whose rows are kept
    are not read; `views_from` is what `Catalog.views_from` says."""
    names = Names()
    tallies = {total: Tally() for total in TOTALS}
    with connection(limits) as con:
        con.execute(f"create table timed ({_TIMED})")
        seen_rows: list[pa.Table] = []
        with ThreadPoolExecutor(1) as pool:
            for piece in pieces(parts, names, limits.threads, kept):
                found = pool.submit(_see, con, piece, names, views_from)
                _count(piece, tallies)
                seen_rows.append(found.result())
            del piece, found
        order = Order(names)
        of_people: dict[Total, list[Counted]] = {total: [] for total in TOTALS if total.people}
        cubes: dict[str, list[Counted]] = {"visits": [], "pages": []}
        for share in _shares(seen_rows):
            people = People(number(share), order)
            for total, counts in of_people.items():
                counts.append(people.count(total.by, total.filters))
            cubes["visits"].append(people.visits_cube())
            cubes["pages"].append(people.pages_cube())
            del people
        del seen_rows
        _rank(con, order)
        made = {name: _of_cube(name, rows, order) for name, rows in cubes.items()}
        latency = _latency(con, names)
        yield {"totals": _totals(tallies, of_people, order), **made, "latency": latency}


def _shares(seen: Sequence[pa.Table]) -> Iterator[pa.Table]:
    """What was seen in shares of about MOST_STEPS, all that is of one visitor in one of them:
    people and their visits can be counted in each alone."""
    shares = -(-sum(table.num_rows for table in seen) // MOST_STEPS) or 1
    for share in range(shares):
        chosen = [
            table.filter(pa.array(table.column("visitor").to_numpy() % shares == share))
            for table in seen
        ]
        yield pa.concat_tables(chosen if shares > 1 else seen, promote_options="permissive")


def _rank(con: duckdb.DuckDBPyConnection, order: Order) -> None:
    """Make known in which order the texts are by which response times are sorted."""
    for name in ("site", "page"):
        ranks = order.ranks(name)
        con.from_arrow(pa.table({"code": np.arange(len(ranks)), "rank": ranks})).create(
            f"{name}_ranks"
        )


def _see(
    con: duckdb.DuckDBPyConnection, piece: Piece, names: Names, views_from: Mapping[str, str]
) -> pa.Table:
    """What steps are made of; and count the response times."""
    if views_from:
        sites = names.of["site"].to_pylist()
        choose_evidence(con, {code: views_from.get(name, "") for code, name in enumerate(sites)})
    con.from_arrow(_spoken(piece, names)).create_view("events", replace=True)
    con.execute(f"create or replace view views as {sql('views')}")
    found = con.sql(sql("seen", columns="row")).to_arrow_table()
    if "duration_ms" in piece.columns and np.isfinite(piece.columns["duration_ms"]).any():
        con.execute(f"insert into timed by name {sql('latency', **_BUCKETS)}")
    rows = found.column("row").to_numpy()
    columns = {name: found.column(name) for name in found.column_names if name != "row"}
    columns |= {flag: columns[flag].cast(pa.int8()) for flag in FLAGS.values()}
    columns |= {name: pa.array(narrow(piece.codes(name)[rows])) for name in CARRIED}
    return pa.table(columns)


def _spoken(piece: Piece, names: Names) -> pa.Table:
    """The columns that the rules of views and response times name; classes and origins, which
    they call by name, as texts."""
    columns = {
        name: piece.array(name, kind if kind != schema.TEXT else pa.int32())
        for name, kind in ((name, schema.EVENTS.field(name).type) for name in _NAMED)
    }
    for name in ("class", "origin"):
        texts = (columns[name], names.of[name])
        columns[name] = pa.DictionaryArray.from_arrays(*texts)
    return pa.table({**columns, "row": np.arange(piece.rows, dtype=np.int32)})


def _count(piece: Piece, tallies: Mapping[Total, Tally]) -> None:
    records = Records(piece)
    chosen = {filters: records.only(filters) for filters in {total.filters for total in TOTALS}}
    simple = {total.dimension: total for total in TOTALS if total.is_simple and total.records}
    for name, counted in records.count_each(simple):
        tallies[simple[name]].add(counted)
    for total, tally in tallies.items():
        if total.records and not total.is_simple:
            tally.add(chosen[total.filters].count(total.by))


def _totals(
    tallies: Mapping[Total, Tally], people: Mapping[Total, Sequence[Counted]], order: Order
) -> Iterator[pa.RecordBatch]:
    """The rows of each total after the other, and each let go when it has been written."""
    for total, tally in tallies.items():
        rows = tally.pop(order, people.get(total, ()))
        for start in range(0, rows.rows, daily.ROW_GROUP):
            yield _spelled(total, rows, slice(start, start + daily.ROW_GROUP), order)


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


def _of_cube(name: str, shares: Iterable[Counted], order: Order) -> Iterator[pa.RecordBatch]:
    for rows in shares:
        for start in range(0, rows.rows, daily.ROW_GROUP):
            span = slice(start, start + daily.ROW_GROUP)
            codes = {n: pa.array(numbers[span]) for n, numbers in rows.codes.items()}
            columns = {n: order.texts(n).take(c) for n, c in codes.items() if n != "date"}
            columns["date"] = codes["date"].cast(pa.int32())
            columns |= {n: pa.array(sums[span]) for n, sums in rows.measures.items()}
            yield _as_declared(columns, name)


def _latency(con: duckdb.DuckDBPyConnection, names: Names) -> Iterator[pa.RecordBatch]:
    """Rows with the texts of their columns' numbers."""
    found = con.cursor().sql(sql("sorted_latency"))
    for batch in found.to_arrow_reader(daily.ROW_GROUP):
        columns = {c: batch.column(c) for c in batch.schema.names}
        columns["site"] = names.of["site"].take(columns["site"])
        pages = names.of["page"].take(columns.pop("page"))
        of_site = pc.equal(columns["scope"], "site")
        columns["scope_value"] = pc.if_else(of_site, "", pages)
        yield _as_declared(columns, "latency")


def _as_declared(columns: dict[str, pa.Array], name: str) -> pa.RecordBatch:
    declared = daily.arrow_schema(name)
    return pa.RecordBatch.from_arrays(
        [columns[field.name].cast(field.type) for field in declared], schema=declared
    )
