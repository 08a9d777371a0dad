"""Files of totals merged by month: a year that is rolled up day by day would else be answered from
hundreds of files. The statistics stay the same, so no content version moves.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import sqlalchemy as sa

from pipeline import daily, schema
from pipeline import tables as t
from pipeline.catalog import Catalog, DailyPart
from pipeline.engine import DEFAULT, Engine, sql, view_files
from pipeline.folders import sync_folder

#: Tables that are kept for long. Cubes are not: a file goes with the last of its days.
TABLES = ("totals", "latency")
#: A month that is over and told by more files than this is merged.
FILES_A_MONTH = 4
_SITE: sa.BindParameter[str] = sa.bindparam("of_site")
_DATE: sa.BindParameter[dt.date] = sa.bindparam("of_date")
_PATH: sa.BindParameter[str] = sa.bindparam("of_path")


def merge_daily(catalog: Catalog, today: dt.date) -> int:
    """Returns how many files were merged."""
    merged = 0
    for table in TABLES:
        months: dict[tuple[int, int], list[DailyPart]] = {}
        for file in _alone(catalog.daily_parts(table)):
            months.setdefault((file.date.year, file.date.month), []).append(file)
        for month, files in months.items():
            if month < (today.year, today.month) and len(_paths(files)) > FILES_A_MONTH:
                merged += _merge(catalog, table, files)
    return merged


def _alone(files: Sequence[DailyPart]) -> list[DailyPart]:
    """Those of days with one generation: in a file, nothing tells generations apart."""
    many = Counter((file.site, file.date) for file in files)
    return [file for file in files if many[file.site, file.date] == 1]


def _paths(files: Sequence[DailyPart]) -> list[str]:
    return sorted({str(file.path) for file in files})


def _merge(catalog: Catalog, table: str, files: Sequence[DailyPart]) -> int:
    folder = catalog.data_dir / "daily"
    with Engine(DEFAULT) as engine, engine.cursor() as con:
        columns = daily.arrow_schema(table)
        view_files(con, "files", sorted({file.path for file in files}), columns)
        rows = [{"path": str(f.path), "site": f.site, "date": f.date} for f in files]
        con.register("days", pa.Table.from_pylist(rows))
        names = ", ".join(f'"{column.name}"' for column in schema.DAILY[table])
        order = "scope, dimension, site, date" if table == "totals" else "scope, site, date"
        found = con.sql(sql("merged", columns=names, order=order))
        batches = (batch.cast(columns) for batch in found.to_arrow_reader(daily.ROW_GROUP))
        path = daily.write(folder, table, batches)
    sync_folder(folder)
    return len(_paths(files)) if _replace(catalog, table, files, path) else 0


def _replace(catalog: Catalog, table: str, files: Sequence[DailyPart], path: object) -> bool:
    """Let the merged file speak for all of the days, or, where one of them has been built anew or
    dropped meanwhile, for none."""
    root = catalog.data_dir
    name = str(path).removeprefix(f"{root}/")
    old = {str(file.path.relative_to(root)) for file in files}
    d = t.daily.c
    site = sa.select(t.sites.c.id).where(t.sites.c.name == _SITE).scalar_subquery()
    of_day = (d.table == table, d.site_id == site, d.date == _DATE, d.path == _PATH)
    days = [
        {"of_site": f.site, "of_date": f.date, "of_path": str(f.path.relative_to(root))}
        for f in files
    ]
    with catalog.write() as tx:
        moved = sum(
            tx.execute(t.daily.update().where(*of_day).values(path=name), day).rowcount
            for day in days
        )
        if moved != len(days):
            tx.rollback()  # the file is an orphan, which vacuum takes
            return False
        catalog.discard(tx, old)
    return True
