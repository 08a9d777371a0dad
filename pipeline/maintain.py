"""What keeps the store from growing: salts destroyed, raw events and cubes that are past their
time dropped, small parts merged, files that nobody needs deleted. Each step is one transaction,
may be repeated, and runs beside writers and readers.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import sqlalchemy as sa

from pipeline import store
from pipeline import tables as t
from pipeline.catalog import Catalog, Day, Part, days_in, utcnow
from pipeline.commit import release, renew
from pipeline.config import Retention
from pipeline.enrich.salts import Salts
from pipeline.merge_daily import merge_daily
from pipeline.rollup import rollup

#: Files that nothing refers to are kept this long, for readers that have them open.
GRACE = dt.timedelta(hours=1)
#: A day with more parts than this is merged, unless its parts are this large anyhow.
PARTS_A_DAY = 4
LARGE_PART_ROWS = 250_000
#: Tables of a day that are dropped with the cubes; `totals` and `latency` are not.
CUBES = ("visits", "pages")


@dataclass(frozen=True, slots=True)
class Maintained:
    """What was done: counts of salts, days, parts and files."""

    salts_destroyed: int
    days_built: int
    days_sealed: int
    cubes_dropped: int
    totals_dropped: int
    parts_merged: int
    files_deleted: int


def maintain(
    catalog: Catalog,
    retention: Retention,
    grace: dt.timedelta = GRACE,
    today: dt.date | None = None,
) -> Maintained:
    """Do all of it, in the order in which one makes way for the next."""
    today = today or dt.datetime.now(dt.UTC).date()
    salts = Salts(catalog.data_dir / "salts.db").destroy()
    built = len(rollup(catalog))
    sealed, cubes, totals = retain(catalog, retention, today)
    merged = compact(catalog) + merge_daily(catalog, today)
    return Maintained(salts, built, sealed, cubes, totals, merged, vacuum(catalog, grace))


def retain(catalog: Catalog, retention: Retention, today: dt.date) -> tuple[int, int, int]:
    """Drop what is past its time; returns the days sealed, and the cubes and totals dropped."""
    return (
        seal(catalog, retention.raw, today),
        drop_daily(catalog, CUBES, retention.cubes, today),
        drop_daily(catalog, ("totals", "latency"), retention.totals, today),
    )


def seal(catalog: Catalog, keep_days: int, today: dt.date) -> int:
    """Drop the raw events of days past their time, a site's day whole; returns how many.

    Only where the day's statistics are current: they are all that remains of it.
    """
    if not keep_days:
        return 0
    sealed = 0
    with catalog.write() as tx:
        for day in days_in(tx):
            if not day.has_events or day.stale or _age(day, today) < keep_days:
                continue
            seal_day(catalog, tx, _site_id(tx, day.site), day.date)
            sealed += 1
    return sealed


def seal_day(catalog: Catalog, tx: sa.Connection, site_id: int, date: dt.date) -> None:
    """Let the day's statistics speak for it from now on, in the place of its raw events."""
    of_day = sa.and_(t.parts.c.site_id == site_id, t.parts.c.date == date)
    paths = list(tx.scalars(sa.select(t.parts.c.path).where(of_day)))
    tx.execute(t.parts.delete().where(of_day))
    tx.execute(
        t.days.update()
        .where(t.days.c.site_id == site_id, t.days.c.date == date)
        .values(generations=t.days.c.generations + 1)
    )
    catalog.discard(tx, paths)


def drop_daily(catalog: Catalog, tables: Sequence[str], keep_days: int, today: dt.date) -> int:
    """Drop these tables of sealed days past their time; returns how many of a day were let go.

    A file goes with the last of its days.
    """
    if not keep_days:
        return 0
    dropped, gone = 0, set[str]()
    d = t.daily.c
    with catalog.write() as tx:
        for day in days_in(tx):
            if day.has_events or _age(day, today) < keep_days:
                continue
            of_day = sa.and_(
                d.site_id == _site_id(tx, day.site), d.date == day.date, d.table.in_(tables)
            )
            paths = list(tx.scalars(sa.select(d.path).where(of_day)))
            tx.execute(t.daily.delete().where(of_day))
            gone.update(paths)
            dropped += len(paths)
        catalog.discard(tx, gone)
    return dropped


def compact(catalog: Catalog) -> int:
    """Merge the parts of days that have many small ones; returns how many parts went.

    The events stay the same, so the content version of the day does not move.
    """
    merged = 0
    parts = sorted(catalog.event_parts(), key=lambda part: (part.site, part.date))
    for (_, _), group in groupby(parts, key=lambda part: (part.site, part.date)):
        small = [part for part in group if part.rows < LARGE_PART_ROWS]
        if len(small) > PARTS_A_DAY:
            merged += sum(_merge(catalog, parts) for parts in _bounded(small) if len(parts) > 1)
    return merged


def _bounded(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Neighbours that make no more than a large part: what is merged has to be in memory."""
    group: list[Part] = []
    for part in parts:
        if sum(p.rows for p in group) + part.rows > LARGE_PART_ROWS:
            yield group
            group = []
        group.append(part)
    yield group


def _merge(catalog: Catalog, parts: Sequence[Part]) -> int:
    writer = uuid.uuid4().hex[:12]
    site, date = parts[0].site, parts[0].date
    with catalog.write() as tx:
        renew(tx, writer)
    path = store.part_path(site, date, writer, 0)
    table = store.join([pq.read_table(part.path, partitioning=None) for part in parts])
    size = store.write(table, catalog.absolute(path))
    names = [str(part.path.relative_to(catalog.data_dir)) for part in parts]
    with catalog.write() as tx:
        gone = tx.execute(t.parts.delete().where(t.parts.c.path.in_(names))).rowcount
        if gone != len(parts):
            tx.rollback()  # they were merged or sealed meanwhile; ours is an orphan
            return 0
        tx.execute(
            t.parts.insert().values(
                path=path, site_id=_site_id(tx, site), date=date, rows=table.num_rows, bytes=size
            )
        )
        catalog.discard(tx, names)
    release(catalog, writer)
    return len(parts)


def vacuum(catalog: Catalog, grace: dt.timedelta = GRACE) -> int:
    """Delete files of the store that nothing refers to, past the grace period; returns how many."""
    with catalog.write() as tx:
        tx.execute(t.leases.delete().where(t.leases.c.expires < utcnow()))
        files = _unneeded(catalog, tx, grace)
        for file in files:
            file.unlink(missing_ok=True)
        names = tx.scalars(sa.select(t.trash.c.path))
        gone = [name for name in names if not catalog.absolute(name).exists()]
        tx.execute(t.trash.delete().where(t.trash.c.path.in_(gone)))
    return len(files)


def unneeded(catalog: Catalog, grace: dt.timedelta = GRACE) -> list[Path]:
    """Files of the store that nothing refers to, past the grace period."""
    with catalog.read() as tx:
        return _unneeded(catalog, tx, grace)


def _unneeded(catalog: Catalog, tx: sa.Connection, grace: dt.timedelta) -> list[Path]:
    """Files of a writer whose lease runs are left alone, listed or not."""
    now = utcnow()
    writers = set(tx.scalars(sa.select(t.leases.c.writer).where(t.leases.c.expires >= now)))
    used = {*tx.scalars(sa.select(t.parts.c.path)), *tx.scalars(sa.select(t.daily.c.path))}
    trash: dict[str, dt.datetime] = {
        path: since for path, since in tx.execute(sa.select(t.trash.c.path, t.trash.c.since))
    }
    return [
        file
        for folder in ("events", "daily")
        for file in (catalog.data_dir / folder).rglob("*")
        if file.is_file()
        and (name := str(file.relative_to(catalog.data_dir))) not in used
        and store.writer_of(file) not in writers
        and now - (trash.get(name) or _modified(file)) >= grace
    ]


def _modified(file: Path) -> dt.datetime:
    return dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC).replace(tzinfo=None)


def _age(day: Day, today: dt.date) -> int:
    """Days since the later of the day itself and its import."""
    return (today - max(day.date, day.imported.date())).days


def _site_id(tx: sa.Connection, name: str) -> Any:
    return tx.scalar(sa.select(t.sites.c.id).where(t.sites.c.name == name))
