"""Questions: metrics by dimensions under filters over a range of days.

`parse` makes a `Query` from what users write, and says what is wrong with it.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline import schema
from pipeline.cuts import NOT_OF_RECORDS, Filter, Value, column_type, dimensions_in
from pipeline.errors import QueryError

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
