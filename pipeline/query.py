"""Questions and their answers: metrics by dimensions under filters over a range of days.

`parse` makes a `Query` from what users write, and says what is wrong with it; `answer` plans which
days are answered from daily statistics and which from raw events, adds them up, and says so.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from pipeline import schema
from pipeline.cuts import NOT_OF_RECORDS, Filter, Value, column_type, dimensions_in
from pipeline.engine import DEFAULT, Limits, connection, sql
from pipeline.errors import QueryError
from pipeline.plan import Catalog, Plan, execute, plan

METRICS = {**schema.MEASURES, **{name: doc for name, (_, _, doc) in schema.RATIOS.items()}}
DEFAULT_METRICS = ("views", "visitors", "visits")
_FILTER = re.compile(r"\s*(\w+)\s*(==|!=|~)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Query:
    """`first` and `last` are days and both included; None is as far as there are records.
    `order` is a metric (largest first) or a dimension (smallest first), with - the other way."""

    site: str | None
    metrics: tuple[str, ...] = DEFAULT_METRICS
    by: tuple[str, ...] = ()
    first: dt.date | None = None
    last: dt.date | None = None
    filters: tuple[Filter, ...] = ()
    limit: int | None = None
    order: str = ""

    @property
    def measures(self) -> frozenset[str]:
        """The measures that the metrics are worked out from."""
        return frozenset(m for name in self.metrics for m in schema.RATIOS.get(name, (name,))[:2])


@dataclass(frozen=True, slots=True)
class Answer:
    query: dict[str, Any]
    results: list[dict[str, list[Any]]]
    meta: dict[str, Any]


def parse(
    site: str | None,
    metrics: str | Sequence[str] = (),
    by: str | Sequence[str] = (),
    first: str | dt.date | None = None,
    last: str | dt.date | None = None,
    filters: Iterable[str] = (),
    limit: int | None = None,
    order: str = "",
) -> Query:
    """A query from what users write; names as a list or with commas.

    Raises `QueryError` for what does not exist or does not fit together.
    """
    query = Query(
        site,
        _names(metrics, METRICS, "metric") or DEFAULT_METRICS,
        _names(by, schema.DIMENSIONS, "dimension"),
        _date(first),
        _date(last),
        tuple(map(parse_filter, filters)),
        limit,
        order.strip(),
    )
    _check(query)
    return query


def parse_filter(text: str) -> Filter:
    """`dim==value`, `dim!=value` or `dim~pattern`."""
    match = _FILTER.fullmatch(text)
    if not match:
        raise QueryError(
            f"{text!r} is not a filter.", "write dimension==value, !=value or ~pattern with * and ?"
        )
    (name,) = _names(match[1], schema.DIMENSIONS, "dimension")
    value = match[3].strip()
    return Filter(name, match[2], value if match[2] == "~" else _typed(name, value))


def _typed(dimension: str, value: str) -> Value:
    kind = column_type(dimension)
    if value == "" or pa.types.is_string(kind):
        return value
    if pa.types.is_date(kind):
        return _date(value) or value
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise QueryError(f"{dimension} is a whole number, not {value!r}.")
    return int(value)


def _names(given: str | Sequence[str], known: Iterable[str], what: str) -> tuple[str, ...]:
    words = given.split(",") if isinstance(given, str) else given
    names = tuple(word.strip() for word in words if word.strip())
    for name in names:
        if name not in known:
            raise QueryError(f"There is no {what} {name!r}.", near(name, known))
    if len(set(names)) < len(names):
        raise QueryError(f"A {what} is named twice: {', '.join(names)}.")
    return names


def near(name: str, known: Iterable[str]) -> str:
    """Advice after a wrong name: the names like it, or else all of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 3, 0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(names)}"


def _date(text: str | dt.date | None) -> dt.date | None:
    if text is None or isinstance(text, dt.date):
        return text
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise QueryError(f"{text!r} is not a day.", "write it as 2026-11-21") from error


def _check(query: Query) -> None:
    wrong = [m for m in query.metrics if m in schema.RECORD_MEASURES]
    by = sorted(NOT_OF_RECORDS & dimensions_in(query.by, query.filters))
    if wrong and by:
        raise QueryError(
            f"{', '.join(wrong)} can't be counted by {' or '.join(by)}: they count records, bots "
            "and assets included, and only a visit has an entry and an exit.",
            "ask for views, visitors or visits",
        )
    if query.first and query.last and query.first > query.last:
        raise QueryError(f"The range ends ({query.last}) before it begins ({query.first}).")
    if query.limit is not None and query.limit < 1:
        raise QueryError(f"A limit of {query.limit} leaves nothing.", "use 1 or more")
    known = (*query.metrics, *query.by)
    if query.order and query.order.removeprefix("-") not in known:
        raise QueryError(f"{query.order!r} is not asked for.", f"order by {' or '.join(known)}")


def answer(catalog: Catalog, query: Query, limits: Limits = DEFAULT) -> Answer:
    """Raises `QueryError` when none of the days can answer, and says in `meta` when some can't."""
    names = [site.name for site in catalog.sites()]
    if query.site is not None and query.site not in names:
        raise QueryError(f"There is no site {query.site!r}.", near(query.site, names))
    chosen = plan(catalog, query)
    with connection(limits) as con:
        execute(con, chosen, query)
        rows = _rows(con, query)
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
