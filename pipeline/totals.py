"""What the daily totals can answer: rows that are about one value of one dimension."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from pipeline import schema
from pipeline.cuts import Filter, column_type, dimensions_in, named, where
from pipeline.engine import sql
from pipeline.question import Query

NOT_FOUND = Filter("status", "==", 404)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of totals that add up to an answer: their scope and dimension, the columns that hold
    values of dimensions, and the filters that are still to be applied."""

    scope: str
    dimension: str
    columns: dict[str, str]
    filters: tuple[Filter, ...]


def total_for(query: Query) -> Rows | None:
    """The rows that answer the query, if there are any."""
    asked = dimensions_in(query.by, query.filters) - {"date"}
    if not asked:
        return Rows("site", "", {}, query.filters)
    if len(asked) == 1:
        (name,) = asked
        return _of_one(name, query) if is_pinned(name, query) else None
    return _of_not_found(query) if NOT_FOUND in query.filters else None


def is_pinned(dimension: str, query: Query) -> bool:
    """Whether each row of the answer is about one value of the dimension."""
    return dimension in query.by or any(
        f.dimension == dimension and f.operator == "==" and f.value != "" for f in query.filters
    )


def _of_one(name: str, query: Query) -> Rows:
    if name == "page":
        return Rows("page", "", {"page": "scope_value"}, query.filters)
    return Rows("site", name, {name: "value"}, query.filters)


def _of_not_found(query: Query) -> Rows | None:
    """Records that were answered with 404, by page, and by referrer."""
    left = tuple(f for f in query.filters if f != NOT_FOUND)
    asked = dimensions_in(query.by, left) - {"date"}
    if not asked <= {"page", "referrer"} or not query.measures <= set(schema.RECORD_MEASURES):
        return None
    dimension = "referrer" if "referrer" in asked else ""
    columns = {"page": "scope_value", **({dimension: "value"} if dimension else {})}
    return Rows("status:404", dimension, columns, left)


def totals_sql(rows: Rows, query: Query) -> str:
    """Filter values are bound as $filter0, …, numbered as in `rows.filters`."""
    values = [f'{_typed(d, column)} as "{d}"' for d, column in rows.columns.items()]
    return sql(
        "from_totals",
        named_value=", ".join(values) or "null as nothing",
        scope=rows.scope,
        dimension=rows.dimension,
        keys=" ".join(f'spoken."{d}"::varchar as key{i},' for i, d in enumerate(query.by)),
        sums=", ".join(f"sum({name}) as {name}" for name in schema.MEASURES),
        filters=where("spoken", named(rows.filters)),
    )


def _typed(dimension: str, column: str) -> str:
    return f"{column}::bigint" if pa.types.is_integer(column_type(dimension)) else column
