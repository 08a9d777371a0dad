"""Answers: which days are answered from daily statistics and which from raw events, added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from pipeline import schema
from pipeline.catalog import Catalog
from pipeline.cuts import column_type
from pipeline.engine import DEFAULT, Limits, connection, sql
from pipeline.errors import QueryError
from pipeline.plan import Plan, execute, plan
from pipeline.question import Query, near


@dataclass(frozen=True, slots=True)
class Answer:
    query: dict[str, Any]
    results: list[dict[str, list[Any]]]
    meta: dict[str, Any]


def answer(catalog: Catalog, query: Query, limits: Limits = DEFAULT) -> Answer:
    """Raises `QueryError` when none of the days can answer, and says in `meta` when some can't."""
    return answers(catalog, [query], limits)[0]


def answers(catalog: Catalog, queries: Sequence[Query], limits: Limits = DEFAULT) -> list[Answer]:
    """The answers to several questions, for which DuckDB is started once."""
    with connection(limits) as con:
        return [_answer(con, catalog, query) for query in queries]


def _answer(con: duckdb.DuckDBPyConnection, catalog: Catalog, query: Query) -> Answer:
    names = [site.name for site in catalog.sites()]
    if query.site is not None and query.site not in names:
        raise QueryError(f"There is no site {query.site!r}.", near(query.site, names))
    chosen = plan(catalog, query)
    con.begin()  # what is made for this question goes with it
    execute(con, chosen, query)
    rows = _rows(con, query)
    con.rollback()
    width = len(query.by)
    results = [{"dimensions": list(r[:width]), "metrics": list(r[width:-1])} for r in rows]
    meta = {**chosen.meta(), "total_rows": rows[0][-1] if rows else 0}
    return Answer(_executed(query, chosen), results, meta)


def _executed(query: Query, chosen: Plan) -> dict[str, Any]:
    first, last = query.first or chosen.first, query.last or chosen.last
    return {
        "site": query.site,
        "metrics": list(query.metrics),
        "dimensions": list(query.by),
        "from": first and first.isoformat(),
        "to": last and last.isoformat(),
        "filters": [f"{f.dimension}{f.operator}{f.value}" for f in query.filters],
        "order": query.order,
        "limit": query.limit,
    }


def _rows(con: duckdb.DuckDBPyConnection, query: Query) -> list[tuple[Any, ...]]:
    keys = [f"key{i}" for i in range(len(query.by))]
    typed = [f"{key}::{_shown(d)} as {key}," for key, d in zip(keys, query.by, strict=True)]
    kept = " or ".join(f"coalesce({name}, 0) <> 0" for name in query.metrics)
    text = sql(
        "answer",
        keys=" ".join(f"{key}," for key in keys),
        sums=", ".join(f"coalesce(sum({m}), 0)::bigint as {m}" for m in sorted(query.measures)),
        typed_keys=" ".join(typed),
        metrics=", ".join(map(_metric, query.metrics)),
        kept=kept if keys else "true",
        order=_order(query, keys),
        limit=f"limit {query.limit}" if query.limit else "",
    )
    return con.execute(text).fetchall()


def _shown(dimension: str) -> str:
    return "bigint" if pa.types.is_integer(column_type(dimension)) else "varchar"


def _metric(name: str) -> str:
    if name not in schema.RATIOS:
        return name
    numerator, denominator, _ = schema.RATIOS[name]
    return f"{numerator} / nullif({denominator}, 0) as {name}"


def _order(query: Query, keys: Sequence[str]) -> str:
    """Times go forward; then the first metric decides, and the values where it is equal."""
    columns = {**dict(zip(query.by, keys, strict=True)), **{m: m for m in query.metrics}}
    terms = [columns[name] for name in query.by if name in ("date", "hour")]
    terms.append(f"{query.metrics[0]} desc nulls last")
    if query.order:
        name = query.order.removeprefix("-")
        down = (name in query.metrics) != query.order.startswith("-")
        terms = [f"{columns[name]} {'desc' if down else 'asc'} nulls last"]
    terms += [f"{key} nulls last" for key in keys]
    return f"order by {', '.join(terms)}" if terms else ""
