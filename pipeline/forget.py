"""Take a source back: its events, its accounts, and the memory of having read it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from pipeline import store
from pipeline import tables as t
from pipeline.catalog import Catalog, Part, Source
from pipeline.commit import release, renew
from pipeline.errors import SourceError, StoreError
from pipeline.rollup import rollup


@dataclass(frozen=True, slots=True)
class Forgotten:
    source: int
    path: str
    records: int
    days: int


def forget(catalog: Catalog, name: str) -> Forgotten:
    """Forget the source of that number or path; reading it again counts it again.

    Raises `SourceError` where there is none or several, `StoreError` where raw events of a day
    it has records in are gone: its share of that day's statistics cannot be told apart.
    """
    source = _named(catalog, name)
    writer = uuid.uuid4().hex[:12]
    with catalog.write() as tx:
        renew(tx, writer)
        touched = list(tx.execute(_touched(source.id)))
        _refuse_sealed(tx, source)
    parts = [part for site, date in touched for part in catalog.event_parts([site], date, date)]
    rewritten = {
        part: _without(catalog, part, source.id, writer, i) for i, part in enumerate(parts)
    }
    with catalog.write() as tx:
        _refuse_sealed(tx, source)
        for part, path in rewritten.items():
            _replace(catalog, tx, part, path)
        records = _erase(tx, source)
    release(catalog, writer)
    for site, date in touched:
        rollup(catalog, [site], date, date)
    return Forgotten(source.id, source.path, records, len(touched))


def _named(catalog: Catalog, name: str) -> Source:
    found = [s for s in catalog.sources() if name in (str(s.id), s.path)]
    if len(found) != 1:
        raise SourceError(
            f"{len(found) or 'No'} sources are called {name!r}.",
            "the catalog",
            "give the number of one, as `tallylog sources` lists it",
        )
    return found[0]


def _touched(source_id: int) -> sa.Select[str, dt.date]:
    d = t.source_days.c
    return sa.select(t.sites.c.name, d.date).join(t.sites).where(d.source_id == source_id)


def _refuse_sealed(tx: sa.Connection, source: Source) -> None:
    s, d = t.source_days.c, t.days.c
    query = (
        sa.select(s.date)
        .join(t.days, sa.and_(s.site_id == d.site_id, s.date == d.date))
        .where(s.source_id == source.id, d.generations > 0)
    )
    sealed = sorted(tx.scalars(query))
    if sealed:
        raise StoreError(
            f"The raw events of {len(sealed)} days of {source.path} are gone "
            f"({sealed[0]} to {sealed[-1]}).",
            f"source {source.id}",
            "a source can be forgotten while its raw events are kept: see [store.retention]",
        )


def _without(
    catalog: Catalog, part: Part, source_id: int, writer: str, number: int
) -> tuple[str, int, int] | None:
    """A new part with the other sources' rows: (path, rows, bytes); None where none are left."""
    table = pq.read_table(part.path, partitioning=None)
    table = table.filter(pc.not_equal(table.column("log_id"), source_id))
    if not table.num_rows:
        return None
    path = store.part_path(part.site, part.date, writer, number)
    return path, table.num_rows, store.write(store.compact(table), catalog.absolute(path))


def _replace(
    catalog: Catalog, tx: sa.Connection, part: Part, new: tuple[str, int, int] | None
) -> None:
    name = str(part.path.relative_to(catalog.data_dir))
    of_part = t.parts.c.path == name
    if new is None:
        gone = tx.execute(t.parts.delete().where(of_part))
    else:
        values = dict(zip(("path", "rows", "bytes"), new, strict=True))
        gone = tx.execute(t.parts.update().where(of_part).values(values))
    if gone.rowcount != 1:
        raise StoreError("The store was tidied up meanwhile.", name, "run the same command again")
    site_id = sa.select(t.sites.c.id).where(t.sites.c.name == part.site).scalar_subquery()
    of_day = sa.and_(t.days.c.site_id == site_id, t.days.c.date == part.date)
    tx.execute(t.days.update().where(of_day).values(version=t.days.c.version + 1))
    catalog.discard(tx, [name])


def _erase(tx: sa.Connection, source: Source) -> int:
    """Remove what the catalog knows of the source, and days that have nothing left."""
    rows = tx.scalar(
        sa.select(sa.func.sum(t.source_days.c.rows)).where(t.source_days.c.source_id == source.id)
    )
    for table in (t.checkpoints, t.accounts, t.source_days, t.rejects):
        tx.execute(table.delete().where(table.c.source_id == source.id))
    tx.execute(t.sources.delete().where(t.sources.c.id == source.id))
    for table in (t.daily, t.days):
        has_events = sa.exists().where(
            t.parts.c.site_id == table.c.site_id, t.parts.c.date == table.c.date
        )
        day = sa.exists().where(
            t.days.c.site_id == table.c.site_id,
            t.days.c.date == table.c.date,
            t.days.c.generations == 0,
        )
        condition = sa.and_(~has_events, day if table is t.daily else table.c.generations == 0)
        tx.execute(table.delete().where(condition))
    return int(rows or 0)
