"""`tallylog check`: is all there that the catalog speaks of, and can it be read? And what can be
done where not.

A day's statistics are kept where they were current when events of the day were lost: the day is
sealed with them, as if its raw events had been dropped for their age. Where they were not, the
day is built again from what is left, and the check says how many events that lacks.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from pipeline import tables as t
from pipeline.catalog import Catalog, Part, close_folder, days_in
from pipeline.errors import StoreError
from pipeline.maintain import seal_day, unneeded
from pipeline.schema import DAILY

DATABASES = ("catalog.db", "salts.db")
FROM_BACKUP = "restore it from a backup; it cannot be mended"


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that is missing or cannot be read, what it held, and what mends that."""

    file: str
    what: str
    held: str
    mend: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`unlisted` files are of writers that died; `maintain` deletes them. The folder was
    `open_to_others` than its owner; it is closed now, if the owner is who asked."""

    files: int
    unlisted: int
    open_to_others: bool
    damages: list[Damage]


def check(data_dir: Path) -> Checked:
    """Look at every file. Raises `StoreError` where a database is damaged: nothing else can be
    told then."""
    others = close_folder(data_dir)
    for name in DATABASES:
        _check_database(data_dir / name)
    catalog = Catalog(data_dir)
    try:
        parts = catalog.event_parts()
        statistics = _statistics(catalog)
        damages = [*_event_damages(catalog, parts), *_daily_damages(catalog, statistics)]
        return Checked(len(parts) + len(statistics), len(unneeded(catalog)), others != 0, damages)
    finally:
        catalog.close()


def repair(data_dir: Path) -> Checked:
    """Mend what can be mended; returns what was found before."""
    found = check(data_dir)
    broken = {damage.file for damage in found.damages}
    catalog = Catalog(data_dir)
    try:
        with catalog.write() as tx:
            for part in catalog.event_parts():
                if _name(catalog, part.path) in broken:
                    _let_go(catalog, tx, part)
            for name in broken:
                _forget_daily(tx, name)
    finally:
        catalog.close()
    return found


def _check_database(path: Path) -> None:
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as db:
            verdict = str(db.execute("pragma integrity_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        verdict = str(error)
    if verdict != "ok":
        raise StoreError(f"{path.name} is damaged: {verdict}.", str(path), FROM_BACKUP)


def _statistics(catalog: Catalog) -> dict[Path, int]:
    """Days that each file of statistics speaks for."""
    found: dict[Path, int] = {}
    for table in DAILY:
        for part in catalog.daily_parts(table):
            found[part.path] = found.get(part.path, 0) + 1
    return found


def _event_damages(catalog: Catalog, parts: list[Part]) -> Iterator[Damage]:
    current = {(day.site, day.date) for day in catalog.days() if not day.stale}
    for part in parts:
        if what := _wrong(part.path, part.rows):
            held = f"{part.rows:,} events of {part.site}, {part.date}"
            mend = "the day's statistics are kept as they are"
            if (part.site, part.date) not in current:
                mend = "the day is counted without them"
            yield Damage(_name(catalog, part.path), what, held, mend)


def _daily_damages(catalog: Catalog, statistics: dict[Path, int]) -> Iterator[Damage]:
    for path, days in statistics.items():
        if what := _wrong(path):
            mend = "built again from events where they are kept; else restore it from a backup"
            yield Damage(_name(catalog, path), what, f"statistics of {days:,} days", mend)


def _wrong(path: Path, rows: int | None = None) -> str:
    """Every page is read: a footer alone would not show what rotted."""
    try:
        found = pq.ParquetFile(path).read().num_rows
    except FileNotFoundError:
        return "missing"
    except (OSError, pa.ArrowException) as error:
        return f"cannot be read: {str(error).splitlines()[0][:100]}"
    return "" if rows in (None, found) else f"holds {found:,} rows, not {rows:,}"


def _name(catalog: Catalog, path: Path) -> str:
    return str(path.relative_to(catalog.data_dir))


def _let_go(catalog: Catalog, tx: sa.Connection, part: Part) -> None:
    site_id: Any = tx.scalar(sa.select(t.sites.c.id).where(t.sites.c.name == part.site))
    day = next(iter(days_in(tx, [part.site], part.date, part.date)), None)
    if day is None or not day.has_events:
        return  # sealed with another part of the day
    if not day.stale:
        seal_day(catalog, tx, site_id, part.date)
        return
    name = _name(catalog, part.path)
    tx.execute(t.parts.delete().where(t.parts.c.path == name))
    _touch(tx, site_id, part.date)
    catalog.discard(tx, [name])


def _touch(tx: sa.Connection, site_id: int, date: dt.date) -> None:
    d = t.days.c
    changed = t.days.update().where(d.site_id == site_id, d.date == date)
    tx.execute(changed.values(version=d.version + 1))


def _forget_daily(tx: sa.Connection, name: str) -> None:
    """Let the file speak for no day; those that have events will be built again."""
    d, day = t.daily.c, t.days.c
    of_day = sa.and_(d.site_id == day.site_id, d.date == day.date, d.generation == day.generations)
    query = sa.select(day.site_id, day.date).join(t.daily, of_day).where(d.path == name).distinct()
    for site_id, date in list(tx.execute(query)):
        _touch(tx, site_id, date)
    tx.execute(t.daily.delete().where(d.path == name))
