"""Answers: which days are answered from daily statistics and which from raw events, added up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from pipeline import ranges, schema
from pipeline.catalog import Catalog
from pipeline.engine import DEFAULT, Engine, Limits, sql
from pipeline.errors import QueryError
from pipeline.execution import Task, execute
from pipeline.fields import column_type, near
from pipeline.holdings import Holdings, Span, look
from pipeline.plan import TABLES, Plan, meta, plan, warnings
from pipeline.question import Query
from pipeline.ranges import Period


@dataclass(frozen=True, slots=True)
class Answer:
    """`query` can be asked again as it is: see `question.from_dict`."""

    query: dict[str, Any]
    results: list[dict[str, Any]]
    meta: dict[str, Any]


def answer(catalog: Catalog, query: Query, limits: Limits = DEFAULT) -> Answer:
    """Raises `QueryError` when none of the days can answer, and says in `meta` when some can't."""
    return answers(catalog, [query], limits)[0]


def answers(
    catalog: Catalog,
    queries: Sequence[Query],
    limits: Limits = DEFAULT,
    *,
    engine: Engine | None = None,
    now: dt.datetime | None = None,
) -> list[Answer]:
    """The answers to several questions; what they read in common is read once. With an `engine`,
    `limits` are those it was made with."""
    asked = _Asked(catalog, now or dt.datetime.now(dt.UTC))
    found = [asked.tasks(query, number) for number, query in enumerate(queries)]
    with _cursor(engine, limits) as con:
        execute(con, [task for tasks in found for task in tasks])
        return [_answer(con, tasks) for tasks in found]


@contextmanager
def _cursor(engine: Engine | None, limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    own = engine or Engine(limits)
    try:
        with own.cursor() as con:
            yield con
    finally:
        if engine is None:
            own.close()


class _Asked:
    """Questions that are asked of the same store at the same time."""

    def __init__(self, catalog: Catalog, now: dt.datetime) -> None:
        self._catalog, self._now = catalog, now
        self._zones = {site.name: site.timezone for site in catalog.sites()}
        self._held: dict[Span, Holdings] = {}

    def tasks(self, query: Query, number: int) -> list[Task]:
        """The question as it is meant today: of its range, and of what that is compared with."""
        zone = self._zone(query.site)
        now = self._now.astimezone(ZoneInfo(zone))
        query = replace(query, range=ranges.settled(query.range, now.date()))
        table = f"partial{number}"
        tasks = [self._task(query, ranges.period(query.range, zone), table, False)]
        if query.compare:
            before = ranges.compared(query.range, query.compare, now)
            tasks.append(self._task(query, before, table, True))
        return tasks

    def _task(self, query: Query, period: Period, table: str, compared: bool) -> Task:
        span = Span(query.site, period.first, period.last)
        if span not in self._held:
            self._held[span] = look(self._catalog, span, TABLES)
        return Task(query, period, plan(self._held[span], query, period), table, compared)

    def _zone(self, site: str | None) -> str:
        if site is None:
            zones = set(self._zones.values())
            return zones.pop() if len(zones) == 1 else "UTC"
        if site not in self._zones:
            raise QueryError(f"There is no site {site!r}.", near(site, self._zones))
        return self._zones[site]


def _answer(con: duckdb.DuckDBPyConnection, tasks: Sequence[Task]) -> Answer:
    query, chosen = tasks[0].query, tasks[0].plan
    rows, total = _rows(con, tasks)
    width, count = len(query.by), len(query.metrics)
    results: list[dict[str, Any]] = []
    for row in rows:
        told: dict[str, Any] = {
            "dimensions": list(row[:width]),
            "metrics": list(row[width : width + count]),
        }
        if query.compare:
            before = list(row[width + count :])
            change = list(map(_change, told["metrics"], before))
            told["comparison"] = {"metrics": before, "change": change}
        results.append(told)
    facts = {**meta(chosen, query), "total_rows": total}
    if query.compare:
        facts["comparison"] = _compared(tasks[1], query)
        facts["warnings"] += [f"compared: {text}" for text in warnings(tasks[1].plan)]
    return Answer(_executed(query, chosen), results, facts)


def _change(now: float | None, before: float | None) -> float | None:
    """Relative to what was before; unknown where that is nothing."""
    return None if now is None or not before else round((now - before) / before, 6)


def _compared(task: Task, query: Query) -> dict[str, Any]:
    first, last = task.period.first, task.period.last
    found = meta(task.plan, query)
    return {
        "from": first and first.isoformat(),
        "to": last and last.isoformat(),
        "cut": bool(task.period.clip) and not task.plan.whole,
        "visitors": found["visitors"],
        "source": found["source"],
    }


def _executed(query: Query, chosen: Plan) -> dict[str, Any]:
    asked = query.range
    range = replace(asked, first=asked.first or chosen.first, last=asked.last or chosen.last)
    return replace(query, range=range).as_dict()


def _rows(
    con: duckdb.DuckDBPyConnection, tasks: Sequence[Task]
) -> tuple[list[tuple[Any, ...]], int]:
    """The rows that were asked for, and how many there are without a limit."""
    query = tasks[0].query
    keys = [f"key{i}" for i in range(len(query.by))]
    typed = [f"{key}::{_shown(d)} as {key}," for key, d in zip(keys, query.by, strict=True)]
    sides = ["", "_before"][: len(tasks)]
    columns = [f"{name}{side}" for side in sides for name in query.metrics]
    kept = " or ".join(f"coalesce({column}, 0) <> 0" for column in columns)
    con.execute(
        sql(
            "answered",
            answered=f"answered_{tasks[0].table}",
            partial=tasks[0].table,
            keys=" ".join(f"{key}," for key in keys),
            sums=", ".join(_sums(query, sides)),
            typed_keys=" ".join(typed),
            metrics=", ".join(
                _metric(name, side, task.plan.unknown)
                for side, task in zip(sides, tasks, strict=True)
                for name in query.metrics
            ),
            kept=kept if keys else "true",
        )
    )
    rows = con.execute(
        sql(
            "answer",
            answered=f"answered_{tasks[0].table}",
            order=_order(query, keys),
            limit=f"limit {query.limit}" if query.limit else "",
            offset=f"offset {query.offset}" if query.offset else "",
        )
    ).fetchall()
    if not query.limit and not query.offset:
        return rows, len(rows)
    counted = con.execute(f"select count(*) from answered_{tasks[0].table}").fetchall()
    return rows, counted[0][0]


def _sums(query: Query, sides: Sequence[str]) -> Iterator[str]:
    for side in sides:
        of_side = " filter (compared)" if side else " filter (not compared)"
        for name in sorted(query.measures):
            yield f"coalesce(sum({name}){of_side}, 0)::bigint as {name}{side}"


def _shown(dimension: str) -> str:
    kind = column_type(dimension)
    if pa.types.is_boolean(kind):
        return "boolean"
    return "bigint" if pa.types.is_integer(kind) else "varchar"


def _metric(name: str, side: str, unknown: frozenset[str]) -> str:
    numerator, denominator = schema.RATIOS.get(name, (name, ""))[:2]
    if unknown.intersection((numerator, denominator)):
        return f"null::bigint as {name}{side}"
    if not denominator:
        return f"{name}{side}"
    return f"{numerator}{side} / nullif({denominator}{side}, 0) as {name}{side}"


def _order(query: Query, keys: Sequence[str]) -> str:
    """Times go forward; then the first metric decides, and the values where it is equal."""
    columns = {**dict(zip(query.by, keys, strict=True)), **{m: m for m in query.metrics}}
    terms = [columns[name] for name in query.by if name in ("date", "hour", *schema.TIMES)]
    terms.append(f"{query.metrics[0]} desc nulls last")
    if query.order:
        name = query.order.removeprefix("-")
        down = (name in query.metrics) != query.order.startswith("-")
        terms = [f"{columns[name]} {'desc' if down else 'asc'} nulls last"]
    terms += [f"{key} nulls last" for key in keys]
    return f"order by {', '.join(terms)}" if terms else ""
