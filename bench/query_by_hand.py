"""Some questions as SQL written by hand, for the same files, by DuckDB and by chdb."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from bench.query_store import FIRST, LAST
from pipeline.catalog import Catalog
from pipeline.query import Answer
from pipeline.question import Query, from_dict

Ask = Callable[[Sequence[Query]], list[Answer]]
#: What it is, the table, the question, and the SQL: {files} are the files of the table.
BY_HAND = (
    (
        "sources by country and device",
        "visits",
        {
            "metrics": "visits,views",
            "dimensions": "source",
            "filters": ["country==country 3", "device==device 1"],
        },
        """select source, sum(visits) as visits, sum(views) as views from {files}
        where country = 'country 3' and device = 'device 1'
        group by source order by visits desc, source limit 9""",
    ),
    (
        "top pages",
        "totals",
        {"metrics": "visitors,views", "dimensions": "page"},
        """select scope_value as page, sum(visitors) as visitors, sum(views) as views from {files}
        where scope = 'page' and dimension = ''
        group by scope_value order by visitors desc, page limit 9""",
    ),
    (
        "top pages of raw events",
        "events",
        {
            "metrics": "hits,bytes",
            "dimensions": "page",
            "filters": ["country==country 3", "status==200"],
            "range": "7d",
        },
        """select page, count(*) as hits, sum(bytes) as bytes from {files}
        where country = 'country 3' and status = 200
        group by page order by hits desc, page limit 9""",
    ),
)


def by_hand(catalog: Catalog, ask: Ask, runs: int) -> None:
    print(f"\n{'ms, p50':34}{'tallylog':>9}{'DuckDB':>9}{'times':>7}{'chdb':>9}")
    con = duckdb.connect(config={"threads": 2})
    con.execute("set parquet_metadata_cache = true")
    for name, table, question, text in BY_HAND:
        given = {"site": "site000", "range": "30d", "limit": 9, **question}
        asked = from_dict(given)
        paths = _files(catalog, table)
        read = f"read_parquet({paths}, hive_partitioning = false)"
        found = con.sql(text.format(files=read)).fetchall()
        ours = [(*row["dimensions"], *row["metrics"]) for row in ask([asked])[0].results]
        assert [tuple(row) for row in found] == ours, (name, found, ours)
        mine = _median(lambda asked=asked: ask([asked]), runs)
        theirs = _median(
            lambda text=text, read=read: con.sql(text.format(files=read)).fetchall(), runs
        )
        other = _chdb(text, paths, runs)
        print(f"{name:34}{mine:9.1f}{theirs:9.1f}{mine / theirs:7.2f}{other:>9}", flush=True)


def _files(catalog: Catalog, table: str) -> list[str]:
    if table == "events":
        return [str(part.path) for part in catalog.event_parts(None, FIRST, LAST)]
    return sorted({str(part.path) for part in catalog.daily_parts(table)})


def _pattern(paths: Sequence[str]) -> str:
    """Files of one folder by their names; of several, all that lie in folders beside these."""
    folders = {Path(path).parent for path in paths}
    if len(folders) == 1:
        return f"{folders.pop()}/{{{','.join(Path(path).name for path in paths)}}}"
    return f"{Path(paths[0]).parents[1]}/*/*.parquet"


def _chdb(text: str, paths: Sequence[str], runs: int) -> str:
    if not find_spec("chdb"):
        return "-"
    import chdb

    asked = text.format(files=f"file('{_pattern(paths)}', Parquet)")
    try:
        return f"{_median(lambda: chdb.query(asked, 'CSV'), runs):.1f}"
    except RuntimeError as error:
        return str(error)[:60]


def _median(work: Callable[[], Any], runs: int) -> float:
    found = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        found.append((time.perf_counter() - started) * 1000)
    return median(found)
