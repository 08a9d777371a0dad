"""What was read for a question, added up to the rows of its answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipeline import schema
from pipeline.engine import sql
from pipeline.execution import Task
from pipeline.fields import column_type
from pipeline.question import Query, measures_of

Row = tuple[object, ...]
#: Names of the numbers of the range, and of what it is compared with.
SIDES = ("", "_before")


@dataclass(frozen=True, slots=True)
class Read:
    """What was read for a question: for its range, and for what that is compared with. `base`
    is the visits that conversions are shares of, if these are asked for."""

    tasks: tuple[Task, ...]
    base: tuple[Task, ...] = ()

    @property
    def query(self) -> Query:
        return self.tasks[0].query

    @property
    def sides(self) -> tuple[str, ...]:
        return SIDES[: len(self.tasks)]

    def unknown(self, side: int) -> frozenset[str]:
        return self.tasks[side].plan.unknown


def rows(con: duckdb.DuckDBPyConnection, read: Read) -> tuple[list[Row], int]:
    """Keys, metrics and the metrics before of the rows that were asked for; and how many there
    are without a limit."""
    query, answered = read.query, f"answered_{read.tasks[0].table}"
    con.execute(_answered(read, answered))
    found = con.execute(
        sql(
            "answer",
            answered=answered,
            order=_order(query),
            limit=f"limit {query.limit}" if query.limit else "",
            offset=f"offset {query.offset}" if query.offset else "",
        )
    ).fetchall()
    if not query.limit and not query.offset:
        return found, len(found)
    return found, con.execute(f"select count(*) from {answered}").fetchall()[0][0]


def _answered(read: Read, answered: str) -> str:
    query, keys = read.query, _keys(read.query)
    typed = [f"summed.{key}::{_shown(d)} as {key}," for key, d in zip(keys, query.by, strict=True)]
    columns = [f"{name}{side}" for side in read.sides for name in query.metrics]
    kept = " or ".join(f"coalesce({column}, 0) <> 0" for column in columns)
    return sql(
        "answered",
        answered=answered,
        partial=_partial(read),
        keys=" ".join(f"{key}," for key in keys),
        sums=", ".join(_sums(read)),
        base=_base(read),
        typed_keys=" ".join(typed),
        metrics=", ".join(
            f"{_metric(name, side, read.unknown(number))} as {name}{side}"
            for number, side in enumerate(read.sides)
            for name in query.metrics
        ),
        kept=kept if keys else "true",
    )


def _keys(query: Query) -> list[str]:
    return [f"key{i}" for i in range(len(query.by))]


def _partial(read: Read) -> str:
    """The rows that were read, and the percentiles as rows of their own."""
    table = read.tasks[0].table
    if schema.LATENCY not in read.query.measures:
        return table
    ranks = [
        f"min(middle) filter (up_to * 100 >= {schema.PERCENTILES[name][0]} * total) as {name}"
        for name in _percentiles(read.query)
    ]
    timed = sql(
        "percentiles",
        keys="".join(f"{key}, " for key in _keys(read.query)),
        percentiles=", ".join(ranks),
        timed=f"{table}_timed",
        buckets_per_octave=str(schema.BUCKETS_PER_OCTAVE),
    )
    return f"(from {table} union all by name {timed})"


def _percentiles(query: Query) -> list[str]:
    return [name for name in query.metrics if name in schema.PERCENTILES]


def _sums(read: Read) -> Iterator[str]:
    """Nothing to add up where nothing was read: a sum is needed all the same."""
    yield "count(*) as read_rows"
    for side in read.sides:
        of_side = "filter (compared)" if side else "filter (not compared)"
        for name in sorted(read.query.measures - {schema.LATENCY}):
            yield f"coalesce(sum({name}) {of_side}, 0)::bigint as {name}{side}"
        for name in _percentiles(read.query):
            yield f"max({name}) {of_side} as {name}{side}"


def _base(read: Read) -> str:
    """The visits that conversions are shares of, beside the sums of the same values."""
    if not read.base:
        return ""
    query, base = read.query, read.base[0].query
    places = {name: f"key{i}" for i, name in enumerate(base.by)}
    same = [
        f"summed.{key} is not distinct from base.{places[name]}"
        for key, name in zip(_keys(query), query.by, strict=True)
        if name in places
    ]
    sums = [
        f"coalesce(sum(visits) filter ({'compared' if side else 'not compared'}), 0) as base{side}"
        for side in read.sides
    ]
    return sql(
        "base",
        keys="".join(f"{key}, " for key in places.values()),
        sums=", ".join(sums),
        partial=read.base[0].table,
        same=" and ".join(same) or "true",
    )


def _shown(dimension: str) -> str:
    kind = column_type(dimension)
    if pa.types.is_boolean(kind):
        return "boolean"
    return "bigint" if pa.types.is_integer(kind) else "varchar"


def _metric(name: str, side: str, unknown: frozenset[str]) -> str:
    if unknown.intersection(measures_of(name)):
        return "null::bigint"
    if name == schema.CONVERSION_RATE:
        return f"conversions{side} / nullif(base{side}, 0)"
    if name not in schema.RATIOS:
        return f"{name}{side}"
    numerator, denominator = measures_of(name)
    return f"{numerator}{side} / nullif({denominator}{side}, 0)"


def _order(query: Query) -> str:
    """Times go forward; then the first metric decides, and the values where it is equal."""
    keys = _keys(query)
    columns = {**dict(zip(query.by, keys, strict=True)), **{m: m for m in query.metrics}}
    terms = [columns[name] for name in query.by if name in ("date", "hour", *schema.TIMES)]
    terms.append(f"{query.metrics[0]} desc nulls last")
    if query.order:
        name = query.order.removeprefix("-")
        down = (name in query.metrics) != query.order.startswith("-")
        terms = [f"{columns[name]} {'desc' if down else 'asc'} nulls last"]
    terms += [f"{key} nulls last" for key in keys]
    return f"order by {', '.join(terms)}"
