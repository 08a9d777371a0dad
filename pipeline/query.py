"""Answers: which days are answered from daily statistics and which from raw events, added up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from pipeline import ranges, schema
from pipeline.adding import Read, Row, rows
from pipeline.cache import Cache
from pipeline.catalog import Catalog, Day
from pipeline.cuts import choose_evidence
from pipeline.deadline import Deadline
from pipeline.engine import DEFAULT, Engine, Limits
from pipeline.errors import QueryError, QueryTooLarge
from pipeline.execution import Task, execute
from pipeline.fields import is_of_events, near
from pipeline.filters import Tree, leaves, tested
from pipeline.holdings import Holdings, Span, days_of, look
from pipeline.plan import TABLES, Plan, meta, plan, warnings
from pipeline.question import Query
from pipeline.ranges import Period

#: So many questions are answered in two shares.
SEVERAL = 4


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
    cache: Cache | None = None,
    deadline: Deadline | None = None,
    now: dt.datetime | None = None,
) -> list[Answer]:
    """The answers to several questions; what they read in common is read once. With an `engine`,
    `limits` are those it was made with. Raises `QueryStopped` when the deadline ends it."""
    asked = _Asked(catalog, now or dt.datetime.now(dt.UTC))
    settled = [asked.settled(query) for query in queries]
    keys = [asked.key(one) for one in settled]
    known = {key: cache.get(key) for key in keys} if cache else {}
    due = {key: one for key, one in zip(keys, settled, strict=True) if known.get(key) is None}
    if due:
        reads = [asked.read(one, number) for number, one in enumerate(due.values())]
        found = _answered(reads, engine, limits, deadline or Deadline(), asked.views_from)
        for key, made in zip(due, found, strict=True):
            known[key] = made
            if cache:
                cache.put(key, made)
    return [one for key in keys if (one := known[key])]


def _answered(
    reads: Sequence[Read],
    engine: Engine | None,
    limits: Limits,
    deadline: Deadline,
    views_from: Mapping[str, str],
) -> list[Answer]:
    """In two shares side by side where there are several: each question is small, and alone would
    leave a core idle most of the time."""
    shares = _shares(reads)
    with nullcontext(engine) if engine else Engine(limits) as used, ExitStack() as stack:
        cons = [stack.enter_context(used.cursor()) for _ in shares]
        stack.enter_context(deadline.watch(*cons))
        pool = stack.enter_context(ThreadPoolExecutor(len(shares)))

        def answered(con: duckdb.DuckDBPyConnection, share: Sequence[int]) -> list[Answer]:
            return _share(con, [reads[n] for n in share], deadline, views_from)

        found: dict[int, Answer] = {}
        for share, made in zip(shares, pool.map(answered, cons, shares), strict=True):
            found.update(zip(share, made, strict=True))
    return [found[number] for number in range(len(reads))]


def _shares(reads: Sequence[Read]) -> list[list[int]]:
    """The numbers of the questions. Those of raw events stay together, because what is staged of
    these costs more than all else."""
    numbers = list(range(len(reads)))
    if len(reads) < SEVERAL:
        return [numbers]
    raw = [number for number in numbers if _reads_events(reads[number])]
    others = [number for number in numbers if number not in raw]
    shares = [raw, others] if raw else [others[::2], others[1::2]]
    return [share for share in shares if share]


def _reads_events(read: Read) -> bool:
    tasks = (*read.tasks, *read.base)
    return any(reading.parts for task in tasks for reading in task.plan.readings)


def _share(
    con: duckdb.DuckDBPyConnection,
    reads: Sequence[Read],
    deadline: Deadline,
    views_from: Mapping[str, str],
) -> list[Answer]:
    """What they read in common is read once."""
    choose_evidence(con, views_from)
    _check_patterns(con, reads)
    try:
        tasks = [task for read in reads for task in (*read.tasks, *read.base)]
        execute(con, tasks, deadline)
        return [_answer(con, read) for read in reads]
    except duckdb.OutOfMemoryException as error:
        raise QueryTooLarge from error


def _check_patterns(con: duckdb.DuckDBPyConnection, reads: Sequence[Read]) -> None:
    """Only the engine knows which regular expressions it reads."""
    tests = {leaf for read in reads for tree in read.query.filters for leaf in leaves(tree)}
    for pattern in {test.value for test in tests if test.operator == "=~"}:
        try:
            con.execute("select regexp_matches('', $1, 's')", [pattern])
        except duckdb.InvalidInputException as error:
            reason = str(error).removeprefix("Invalid Input Error: ")
            raise QueryError(
                f"{pattern!r} is not a regular expression: {reason}.",
                "write it as RE2 has them, without looking ahead or back",
            ) from error


@dataclass(frozen=True, slots=True)
class _Settled:
    """A question as it is meant today: of its range, and of what that is compared with."""

    query: Query
    periods: tuple[Period, ...]


class _Asked:
    """Questions that are asked of the same store at the same time."""

    def __init__(self, catalog: Catalog, now: dt.datetime) -> None:
        self._catalog, self._now = catalog, now
        self._zones = {site.name: site.timezone for site in catalog.sites()}
        self.views_from = catalog.views_from()
        self._days: dict[Span, tuple[Day, ...]] = {}
        self._held: dict[Span, Holdings] = {}

    def settled(self, query: Query) -> _Settled:
        zone = self._zone(query.site)
        # A minute is one moment: so that a question asked again in it is the same.
        now = self._now.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0)
        query = replace(query, range=ranges.settled(query.range, now.date()))
        periods = [ranges.period(query.range, zone)]
        if query.compare:
            periods.append(ranges.compared(query.range, query.compare, now))
        return _Settled(query, tuple(periods))

    def key(self, asked: _Settled) -> Hashable:
        """What the answer depends on: the question, and the state of the days it is about."""
        spans = [_span(asked.query, period) for period in asked.periods]
        for span in spans:
            if span not in self._days:
                self._days[span] = days_of(self._catalog, span)
        return (asked, *(self._days[span] for span in spans), *self.views_from.items())

    def read(self, asked: _Settled, number: int) -> Read:
        query = asked.query
        tasks = self._tasks(query, asked.periods, f"partial{number}")
        if schema.CONVERSION_RATE not in query.metrics:
            return Read(tasks)
        left = tuple(tree for tree in query.filters if not _tests_events(tree))
        by = tuple(name for name in query.by if not is_of_events(name))
        visits = replace(query, metrics=("visits",), by=by, filters=left)
        # Shares are of the days that tell of events.
        gone = [frozenset(task.plan.missing) for task in tasks]
        return Read(tasks, self._tasks(visits, asked.periods, f"base{number}", gone))

    def _tasks(
        self,
        query: Query,
        periods: Sequence[Period],
        table: str,
        without: Sequence[frozenset[Day]] = (frozenset(), frozenset()),
    ) -> tuple[Task, ...]:
        plans = [self._plan(query, p, gone) for p, gone in zip(periods, without, strict=False)]
        return tuple(
            Task(query, period, found, table, number > 0)
            for number, (period, found) in enumerate(zip(periods, plans, strict=True))
        )

    def _plan(self, query: Query, period: Period, without: frozenset[Day]) -> Plan:
        span = _span(query, period)
        if span not in self._held:
            self._held[span] = look(self._catalog, span, TABLES)
        held = self._held[span]
        days = tuple(day for day in held.days if day not in without)
        return plan(replace(held, days=days), query, period)

    def _zone(self, site: str | None) -> str:
        if site is None:
            zones = set(self._zones.values())
            return zones.pop() if len(zones) == 1 else "UTC"
        if site not in self._zones:
            raise QueryError(f"There is no site {site!r}.", near(site, self._zones))
        return self._zones[site]


def _span(query: Query, period: Period) -> Span:
    return Span(query.site, period.first, period.last)


def _tests_events(tree: Tree) -> bool:
    return any(is_of_events(test.dimension) for test in tested(tree))


def _answer(con: duckdb.DuckDBPyConnection, read: Read) -> Answer:
    query, chosen = read.query, read.tasks[0].plan
    found, total = rows(con, read)
    facts = {**meta(chosen, query), "total_rows": total}
    if query.compare:
        facts["comparison"] = _compared(read.tasks[1], query)
        facts["warnings"] += [f"compared: {text}" for text in warnings(read.tasks[1].plan)]
    asked = query.range
    range = replace(asked, first=asked.first or chosen.first, last=asked.last or chosen.last)
    results = [_result(row, query) for row in found]
    return Answer(replace(query, range=range).as_dict(), results, facts)


def _result(row: Row, query: Query) -> dict[str, Any]:
    width, count = len(query.by), len(query.metrics)
    metrics: list[Any] = list(row[width : width + count])
    told: dict[str, Any] = {"dimensions": list(row[:width]), "metrics": metrics}
    if query.compare:
        before: list[Any] = list(row[width + count :])
        told["comparison"] = {"metrics": before, "change": list(map(_change, metrics, before))}
    return told


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
