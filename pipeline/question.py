"""Questions: metrics by dimensions under filters over a range of days.

`parse` and `from_dict` make a `Query` from what users write, and say what is wrong with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline import fields, filters, ranges, schema
from pipeline.errors import QueryError
from pipeline.fields import NOT_OF_RECORDS, near
from pipeline.filter_words import as_json, parse_date, parse_text, parse_tree
from pipeline.filters import Tree
from pipeline.ranges import Range

__all__ = ["Bounds", "Query", "check", "from_dict", "near", "parse"]

METRICS = schema.METRICS
DEFAULT_METRICS = ("views", "visitors", "visits")
_OF_RECORDS = frozenset({*schema.RECORD_MEASURES, *schema.RECORD_DETAILS, schema.LATENCY})


@dataclass(frozen=True, slots=True)
class Query:
    """`order` is a metric (largest first) or a dimension (smallest first), with - the other way.
    All `filters` must fit."""

    site: str | None
    metrics: tuple[str, ...] = DEFAULT_METRICS
    by: tuple[str, ...] = ()
    range: Range = Range()
    filters: tuple[Tree, ...] = ()
    compare: str = ""
    order: str = ""
    limit: int | None = None
    offset: int = 0

    @property
    def measures(self) -> frozenset[str]:
        """The measures that the metrics are worked out from."""
        return frozenset(m for name in self.metrics for m in measures_of(name))

    def as_dict(self) -> dict[str, Any]:
        """What `from_dict` reads; of a range that is a word the days it meant go with it."""
        return {
            "site": self.site,
            "metrics": list(self.metrics),
            "dimensions": list(self.by),
            "range": self.range.word,
            "from": _moment(self.range.first, self.range.since),
            "to": _moment(self.range.last, self.range.until),
            "filters": as_json(self.filters),
            "compare": self.compare,
            "order": self.order,
            "limit": self.limit,
            "offset": self.offset,
        }


def measures_of(metric: str) -> tuple[str, ...]:
    """The measures that a metric is worked out from; of a ratio both, the upper one first."""
    if metric in schema.PERCENTILES:
        return (schema.LATENCY,)
    return ("conversions",) if metric == schema.CONVERSION_RATE else _ratio(metric)


def _ratio(metric: str) -> tuple[str, ...]:
    return schema.RATIOS[metric][:2] if metric in schema.RATIOS else (metric,)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a question from outside may be."""

    depth: int = 8
    tests: int = 100
    text: int = 2000
    rows: int = 10_000
    names: int = 20

    def bounded(self, query: Query) -> Query:
        """The question, with no more rows than allowed. Raises `QueryError` as `check` does."""
        self.check(query)
        return query if query.limit else replace(query, limit=self.rows)

    def check(self, query: Query) -> None:
        """Raises `QueryError` that says what is too much."""
        tests = [test for tree in query.filters for test in filters.leaves(tree)]
        facts = {
            "levels of filters": (max(map(filters.depth, query.filters), default=0), self.depth),
            "tests in filters": (len(tests), self.tests),
            "characters in a filter": (
                max((len(str(t.value)) for t in tests), default=0),
                self.text,
            ),
            "rows": (query.limit or 0, self.rows),
            "metrics and dimensions": (len(query.metrics) + len(query.by), self.names),
        }
        for what, (found, most) in facts.items():
            if found > most:
                raise QueryError(f"{found:,} {what} are too many.", f"at most {most:,} are allowed")


def parse(
    site: str | None,
    metrics: str | Sequence[str] = (),
    by: str | Sequence[str] = (),
    first: str | dt.date | None = None,
    last: str | dt.date | None = None,
    filters: Iterable[str | Tree] = (),
    limit: int | None = None,
    order: str = "",
    *,
    range: str = "",
    compare: str = "",
    offset: int = 0,
) -> Query:
    """A query from what users write; names as a list or with commas. Days win over a word.

    Raises `QueryError` for what does not exist or does not fit together.
    """
    query = Query(
        site,
        _names(metrics, _metric, "metric") or DEFAULT_METRICS,
        _names(by, fields.find, "dimension"),
        _range(range.strip(), first, last),
        tuple(parse_text(f) if isinstance(f, str) else f for f in filters),
        compare.strip(),
        order.strip(),
        limit,
        offset,
    )
    check(query)
    return query


#: Keys of JSON, the parameter of `parse` each is, and what it may be.
_KEYS: dict[str, tuple[str, tuple[type, ...]]] = {
    "site": ("site", (str, type(None))),
    "metrics": ("metrics", (str, list, tuple)),
    "dimensions": ("by", (str, list, tuple)),
    "range": ("range", (str,)),
    "from": ("first", (str, type(None))),
    "to": ("last", (str, type(None))),
    "filters": ("filters", (str, list, tuple, type(None))),
    "compare": ("compare", (str, type(None))),
    "order": ("order", (str,)),
    "limit": ("limit", (int, type(None))),
    "offset": ("offset", (int,)),
}


def from_dict(given: Mapping[str, Any]) -> Query:
    """A query from JSON, as `Query.as_dict` writes it. Raises `QueryError`."""
    known: dict[str, Any] = {"site": None}
    for key, value in given.items():
        if key not in _KEYS:
            raise QueryError(f"A question has no {key!r}.", near(key, _KEYS))
        name, kinds = _KEYS[key]
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise QueryError(f"{key} can't be {value!r}.", f"give {_said(kinds)}")
        if isinstance(value, list) and key != "filters" and not _are_texts(value):
            raise QueryError(f"{key} can't be {value!r}.", "give a list of names")
        known[name] = value
    known["filters"] = parse_tree(known.get("filters"))
    known["compare"] = known.get("compare") or ""
    return parse(**known)


def _said(kinds: Iterable[type]) -> str:
    words = {str: "a text", list: "a list", int: "a whole number", type(None): "null"}
    return " or ".join(words[kind] for kind in kinds if kind in words)


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _names(given: str | Sequence[str], find: Callable[[str], object], what: str) -> tuple[str, ...]:
    words = given.split(",") if isinstance(given, str) else given
    names = tuple(word.strip() for word in words if word.strip())
    for name in names:
        find(name)
    if len(set(names)) < len(names):
        raise QueryError(f"A {what} is named twice: {', '.join(names)}.")
    return names


def _metric(name: str) -> None:
    if name not in schema.METRICS:
        raise QueryError(f"There is no metric {name!r}.", near(name, schema.METRICS))


def _range(word: str, first: str | dt.date | None, last: str | dt.date | None) -> Range:
    ranges.check_word(word)
    (begin, since), (end, until) = _date(first), _date(last)
    return Range(word, begin, end, since, until)


def _date(given: str | dt.date | None) -> tuple[dt.date | None, dt.time | None]:
    """A day, or a day and a time on it."""
    if given is None or given == "":
        return None, None
    if isinstance(given, dt.datetime):
        return given.date(), given.time()
    if isinstance(given, dt.date):
        return given, None
    day, mark, time = given.strip().replace(" ", "T").partition("T")
    if not mark:
        return parse_date(day), None
    try:
        at = dt.time.fromisoformat(time)
    except ValueError as error:
        raise QueryError(f"{time!r} is not a time.", "write it as 2026-11-21T14:30") from error
    if at.tzinfo is not None:
        raise QueryError(f"{given!r} has a zone.", "times are those of the site: leave it out")
    return parse_date(day), at


def _moment(date: dt.date | None, time: dt.time | None) -> str | None:
    if date is None:
        return None
    return date.isoformat() if time is None else dt.datetime.combine(date, time).isoformat()


def check(query: Query) -> None:
    """Raises `QueryError` where its parts don't fit together."""
    wrong = [m for m in query.metrics if _OF_RECORDS.intersection(measures_of(m))]
    asked = {*query.by, *filters.dimensions_of(query.filters)}
    if wrong and (by := sorted(NOT_OF_RECORDS & asked)):
        raise QueryError(
            f"{', '.join(wrong)} can't be counted by {' or '.join(by)}: they count records, bots "
            "and assets included, and only a visit has an entry and an exit.",
            "ask for views, visitors or visits",
        )
    _check_range(query)
    if query.limit is not None and query.limit < 1:
        raise QueryError(f"A limit of {query.limit} leaves nothing.", "use 1 or more")
    if query.offset < 0:
        raise QueryError(f"An offset of {query.offset} is before the first row.", "use 0 or more")
    known = (*query.metrics, *query.by)
    if query.order and query.order.removeprefix("-") not in known:
        raise QueryError(f"{query.order!r} is not asked for.", f"order by {' or '.join(known)}")


def _check_range(query: Query) -> None:
    first, last = query.range.first, query.range.last
    ranges.check_days(first, last)
    start = first and dt.datetime.combine(first, query.range.since or dt.time.min)
    end = last and dt.datetime.combine(last, query.range.until or dt.time.max)
    if start and end and start >= end:
        raise QueryError(f"The range ends ({last}) before it begins ({first}).")
    if not query.compare:
        return
    if query.compare not in ranges.COMPARISONS:
        known = ranges.COMPARISONS
        raise QueryError(f"There is no comparison {query.compare!r}.", near(query.compare, known))
    if "time:minute" in query.by:
        raise QueryError("Minutes can't be compared.", "ask by time:hour, or without a comparison")
    if not (first and last) and query.range.word in ("", "all", "custom"):
        raise QueryError(
            "Only a range with a first and a last day can be compared.",
            "name one, such as 30d, or both days",
        )
