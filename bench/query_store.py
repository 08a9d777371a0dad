"""The stores of bench/query.py: a month of events, and years of statistics."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.parts import FIRST, Shape, day, fill
from bench.programs import TALLYLOG
from pipeline import daily, maintain, store
from pipeline import tables as t
from pipeline.build import build
from pipeline.catalog import Catalog, utcnow
from pipeline.merge_daily import merge_daily

DAYS, RAW_DAYS = 30, 7
LAST = FIRST + dt.timedelta(days=DAYS - 1)
NOW = dt.datetime.combine(LAST, dt.time(23, 59), dt.UTC)
YEARS_SITE = "site007"
SITES, SITE_ROWS = 50, 2_000


def fill_month(data: Path, rows: int) -> float:
    """Returns its size in GB."""
    catalog = Catalog(data)
    fill(catalog, Shape(rows, days=DAYS))
    subprocess.run([*map(str, TALLYLOG), "--data", str(data), "rollup"], check=True, stdout=-3)
    with catalog.write() as tx:
        for number in range(DAYS - RAW_DAYS):
            maintain.seal_day(catalog, tx, 1, FIRST + dt.timedelta(days=number))
    maintain.vacuum(catalog, dt.timedelta(0))
    catalog.close()
    return size(data)


def fill_years(data: Path, days: int) -> float:
    """One day's statistics of fifty sites, told of every day: a file of each table for each day,
    as they come where a day is rolled up when it is over, then merged by month. Returns its size
    in GB."""
    catalog = Catalog(data)
    names = [f"site{number:03}" for number in range(SITES)]
    ids = catalog.ensure_sites(dict.fromkeys(names, "UTC"))
    made = build([_part(data / "one.parquet", names)])
    folder = data / "daily"
    for number in range(days):
        date = LAST - dt.timedelta(days=number)
        paths = {}
        for name in ("totals", "latency"):
            dates = pa.array(np.full(made[name].num_rows, date), pa.date32())
            place = made[name].column_names.index("date")
            rows = made[name].set_column(place, "date", dates)
            paths[name] = daily.write(folder, name, rows.to_batches())
        _publish(catalog, ids, date, paths)
    merge_daily(catalog, LAST)
    catalog.close()
    return size(data)


def _part(path: Path, names: list[str]) -> Path:
    store.write(day(Shape(SITES * SITE_ROWS, pages=300, sites=SITES), 0, names), path)
    return path


def _publish(catalog: Catalog, ids: dict[str, int], date: dt.date, paths: dict[str, Path]) -> None:
    with catalog.write() as tx:
        for number in ids.values():
            of_day = {"site_id": number, "date": date}
            tx.execute(
                t.days.insert().values(
                    **of_day, version=1, built=1, generations=1, salts=1, imported=utcnow()
                )
            )
            for table, path in paths.items():
                name = str(path.relative_to(catalog.data_dir))
                tx.execute(t.daily.insert().values(**of_day, table=table, generation=0, path=name))


def size(data: Path) -> float:
    return round(sum(f.stat().st_size for f in data.rglob("*") if f.is_file()) / 1e9, 2)
