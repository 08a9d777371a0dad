"""Plans carried out: what is read by several questions is opened once, and each question's rows
are put where they can be added up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline import schema
from pipeline.catalog import DailyPart
from pipeline.cubes import cube_sql
from pipeline.cuts import Level, cut, latency_cut, stage, together, unstage
from pipeline.deadline import Deadline
from pipeline.engine import sql, view_files
from pipeline.filters import parameters
from pipeline.plan import Plan, Reading
from pipeline.question import Query
from pipeline.ranges import Period
from pipeline.totals import latency_sql, totals_sql

QUOTE = "'"
Source = tuple[str, tuple[DailyPart, ...], tuple[Path, ...]]


@dataclass(frozen=True, slots=True)
class Task:
    """A plan for one period of a question. Its rows go into `table`, and how many records took
    how long into another of that name and _timed."""

    query: Query
    period: Period
    plan: Plan
    table: str
    compared: bool


def execute(con: duckdb.DuckDBPyConnection, tasks: Sequence[Task], deadline: Deadline) -> None:
    """Fill the tables of the tasks; their rows are still to be added up."""
    for task in tasks:
        if not task.compared:
            _create(con, task)
    sources: dict[Source, list[tuple[Task, Reading]]] = {}
    for task in tasks:
        for reading in task.plan.readings:
            source = (reading.supply.table, reading.files, reading.parts)
            sources.setdefault(source, []).append((task, reading))
    for source, wanted in sources.items():
        with _opened(con, source, wanted) as level:
            for task, reading in wanted:
                deadline.check()
                _insert(con, task, reading, level)


def _create(con: duckdb.DuckDBPyConnection, task: Task) -> None:
    keys = "".join(f"key{i} varchar, " for i in range(len(task.query.by)))
    sums = "".join(f", {name} bigint" for name in sorted(task.query.measures - {schema.LATENCY}))
    con.execute(f"create temp table {task.table} ({keys}compared boolean{sums})")
    if schema.LATENCY in task.query.measures:
        timed = f"{keys}compared boolean, bucket integer, n bigint"
        con.execute(f"create temp table {task.table}_timed ({timed})")


@contextmanager
def _opened(
    con: duckdb.DuckDBPyConnection, source: Source, wanted: Sequence[tuple[Task, Reading]]
) -> Iterator[Level]:
    table, files, parts = source
    if not parts:
        _choose(con, table, files)
        yield Level.RECORDS
        con.execute(f"drop view {table}; drop view {table}_files")
        con.unregister(f"{table}_days")
        return
    level = stage(con, together([r.staged(task.query, task.period) for task, r in wanted]))
    yield level
    unstage(con, level)


def _choose(con: duckdb.DuckDBPyConnection, table: str, files: Sequence[DailyPart]) -> None:
    """Name the rows of the files that speak for the chosen days."""
    columns = pa.schema([(c.name, c.type) for c in schema.DAILY[table]])
    view_files(con, f"{table}_files", sorted({file.path for file in files}), columns)
    rows = [{"path": str(f.path), "site": f.site, "date": f.date} for f in files]
    con.register(f"{table}_days", pa.Table.from_pylist(rows))
    text = sql("spoken", files=f"{table}_files", chosen=_spoken(table, files))
    con.execute(f"create temp view {table} as {text}")


def _spoken(table: str, files: Sequence[DailyPart]) -> str:
    sites = ", ".join(f"'{site.replace(QUOTE, QUOTE * 2)}'" for site in {f.site for f in files})
    # The sites are said outright, so that row groups of others are passed over.
    return f"site in ({sites}) and (filename, site, date) in (from {table}_days)"


def _insert(con: duckdb.DuckDBPyConnection, task: Task, reading: Reading, level: Level) -> None:
    keys = "".join(f"key{i}, " for i in range(len(task.query.by)))
    raw = replace(task.query, filters=(*task.query.filters, *task.period.clip))
    bound = parameters(raw.filters if reading.parts else reading.supply.filters)
    if schema.LATENCY in reading.measures:
        told = f"{keys}{task.compared} as compared, bucket, n"
        text = _latency(raw, task, reading)
        con.execute(f"insert into {task.table}_timed by name select {told} from ({text})", bound)
    if measures := sorted(reading.measures - {schema.LATENCY}):
        told = f"{keys}{task.compared} as compared, {', '.join(measures)}"
        text = _sums(raw, task, reading, measures, level)
        con.execute(f"insert into {task.table} by name select {told} from ({text})", bound)


def _latency(raw: Query, task: Task, reading: Reading) -> str:
    if reading.parts:
        return latency_cut(raw.by, raw.filters, task.period.shift)
    return latency_sql(reading.supply, task.query, task.period.shift)


def _sums(raw: Query, task: Task, reading: Reading, measures: list[str], level: Level) -> str:
    if reading.parts:
        return cut(raw.by, raw.filters, measures, level, task.period.shift)
    write = totals_sql if reading.supply.table == "totals" else cube_sql
    return write(reading.supply, task.query, measures, task.period.shift)
