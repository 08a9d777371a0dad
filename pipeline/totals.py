"""What the daily totals can answer: rows that are about one value of one dimension."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from pipeline import schema
from pipeline.engine import sql
from pipeline.fields import Shift, column_type, expression
from pipeline.filters import Filter, named, where
from pipeline.question import Query
from pipeline.supplies import Supply, additive, asked_of, is_open, is_pinned, pinned_to

NOT_FOUND = Filter("status", "==", 404)
_ALL = {name: f"sum({name})" for name in schema.MEASURES}
#: What rows of totals by status say of errors.
_OF_STATUS = {
    "errors": "sum(hits) filter (status >= 400 or status = 0)",
    "not_found": "sum(hits) filter (status = 404)",
}
_OF_NOT_FOUND = {
    **{name: _ALL[name] for name in schema.RECORD_MEASURES},
    **dict.fromkeys(("errors", "not_found"), "sum(hits)"),
}


def of_totals(query: Query) -> Iterator[Supply]:
    """The rows that answer the query or some of it, if there are any."""
    if is_open(query):
        return
    asked = asked_of(query.by, query.filters) - {"date"}
    if not asked:
        yield Supply("totals", _ALL, query.filters, "site")
    elif len(asked) == 1 and asked <= set(schema.DIMENSIONS):
        yield _of_one(asked.pop(), query)
    elif asked == {"content_type", "content_id"}:
        yield from _of_content(query)
    asked = asked_of(query.by, query.filters) - {"date"}
    if asked <= {"status"}:
        columns = {"status": "value"}
        yield Supply("totals", _OF_STATUS, query.filters, "site", "status", columns)
    if asked <= {"page", "referrer", "status"}:
        yield from _of_not_found(query)


def _of_one(name: str, query: Query) -> Supply:
    known = _ALL if is_pinned(name, query) else {m: _ALL[m] for m in sorted(additive(name))}
    if name == "page":
        return Supply("totals", known, query.filters, "page", "", {"page": "scope_value"})
    return Supply("totals", known, query.filters, "site", name, {name: "value"})


def _of_content(query: Query) -> Iterator[Supply]:
    """One content item, if the question is about one."""
    found = [pinned_to(name, query.filters) for name in ("content_type", "content_id")]
    if not all(found):
        return
    kind = str(found[0].value) if found[0] else ""
    columns = {
        "content_type": f"left(scope_value, {len(kind)})",
        "content_id": f"substr(scope_value, {len(kind) + 2})",
    }
    yield Supply("totals", _ALL, query.filters, "content", "", columns)


def _of_not_found(query: Query) -> Iterator[Supply]:
    """Records that were answered with 404, by page, and by referrer. All of them are counted if
    that is asked for; else they alone are the ones not found."""
    left = tuple(f for f in query.filters if f != NOT_FOUND)
    asked = asked_of(query.by, left) - {"date"}
    if not asked <= {"page", "referrer"}:
        return
    known = _OF_NOT_FOUND if left != query.filters else {"not_found": "sum(hits)"}
    dimension = "referrer" if "referrer" in asked else ""
    columns = {"page": "scope_value", **({dimension: "value"} if dimension else {})}
    yield Supply("totals", known, left, "status:404", dimension, columns)


def of_latency(query: Query) -> Iterator[Supply]:
    """Response times of the site, or by page."""
    asked = asked_of(query.by, query.filters) - {"date"}
    if asked <= {"page"} and not is_open(query):
        scope = "page" if asked else "site"
        yield Supply("latency", {schema.LATENCY: ""}, query.filters, scope)


def latency_sql(supply: Supply, query: Query, shift: Shift) -> str:
    """Columns key0, key1, …, bucket and n."""
    keys = [
        f"({expression('timed', d, shift)})::varchar as key{i}," for i, d in enumerate(query.by)
    ]
    return sql(
        "from_latency",
        keys=" ".join(keys),
        scope=supply.scope,
        filters=where("timed", named(supply.filters)),
    )


def totals_sql(supply: Supply, query: Query, measures: list[str], shift: Shift) -> str:
    """Filter values are bound as the filters of the supply name them."""
    values = [f'{_typed(d, column)} as "{d}"' for d, column in supply.columns.items()]
    keys = [
        f"({expression('spoken', d, shift)})::varchar as key{i}," for i, d in enumerate(query.by)
    ]
    return sql(
        "from_totals",
        named_value=", ".join(values) or "null as nothing",
        scope=supply.scope,
        dimension=supply.dimension,
        keys=" ".join(keys),
        sums=", ".join(f"{supply.sums[name]} as {name}" for name in measures),
        filters=where("spoken", named(supply.filters)),
    )


def _typed(dimension: str, column: str) -> str:
    return f"{column}::bigint" if pa.types.is_integer(column_type(dimension)) else column
