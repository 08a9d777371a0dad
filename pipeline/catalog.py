"""The SQL catalog: opened, migrated, and read. What changes it together is in `commit.py`.

SQLite in WAL mode with full synchronisation: many readers beside one writer, and a transaction
that has returned survives a power cut. Readers get lists of files from here, never from folders.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline import tables as t
from pipeline.errors import StoreError
from pipeline.folders import make_folder
from pipeline.publish import Versions, publish

#: A view of a site counts once, whatever tells of it.
AUTO = "auto"

#: How long a writer waits for another one's transaction before it gives up.
BUSY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Site:
    id: int
    name: str
    timezone: str
    views_from: str = AUTO


@dataclass(frozen=True, slots=True)
class Part:
    path: Path
    site: str
    date: dt.date
    rows: int


@dataclass(frozen=True, slots=True)
class Day:
    """`built` is the version its statistics were made from: stale where it is not `version`."""

    site: str
    date: dt.date
    version: int
    built: int | None
    generations: int
    salts: int
    imported: dt.datetime
    has_events: bool

    @property
    def sealed(self) -> bool:
        """Whether the raw events are gone and only statistics speak for the day."""
        return self.generations > 0 and not self.has_events

    @property
    def stale(self) -> bool:
        return self.built != self.version


@dataclass(frozen=True, slots=True)
class DailyPart:
    path: Path
    site: str
    date: dt.date
    generation: int


@dataclass(frozen=True, slots=True)
class Source:
    id: int
    scope: str
    path: str
    format: str
    offset: int
    lines: int
    created: dt.datetime
    updated: dt.datetime


@dataclass(frozen=True, slots=True)
class Account:
    source_id: int
    path: str
    scope: str
    read_date: dt.date
    outcome: str
    records: int
    bots: int


@dataclass(frozen=True, slots=True)
class Reject:
    source_id: int
    path: str
    offset: int
    length: int
    reason: str


def utcnow() -> dt.datetime:
    """Now, in UTC, without a zone: what the catalog stores."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


class Catalog:
    """The catalog of the store in `data_dir`; made there when it does not exist.

    Raises `StoreError` when the file cannot be opened, is damaged or is newer than the code.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.path = data_dir / "catalog.db"
        try:
            close_folder(data_dir)
            self._engine = _engine(self.path)
            self._prepare()
        except (OSError, sa.exc.DatabaseError) as error:
            raise StoreError(
                f"The catalog cannot be opened: {_cause(error)}.",
                str(self.path),
                "check that the folder is writable and not full; a damaged file is replaced "
                "from a backup",
            ) from error

    def _prepare(self) -> None:
        with self.read() as tx:
            names = set(sa.inspect(tx).get_table_names())
            found = tx.scalar(sa.select(t.alembic_version)) if "alembic_version" in names else None
        if found == t.REVISION:
            return
        if found is not None:
            from pipeline.migrations import upgrade

            return upgrade(self._engine, found)
        with self.write() as tx:
            # Another process may have been first: create what is missing, stamp once.
            t.metadata.create_all(tx)
            if tx.scalar(sa.select(t.alembic_version)) is None:
                tx.execute(t.alembic_version.insert().values(version_num=t.REVISION))

    @contextmanager
    def write(self, synced: bool = True) -> Iterator[sa.Connection]:
        """One write transaction: commits when the block ends, rolls back when it raises. One
        that is not `synced` may be lost in a power cut, unless a later one that is was not."""
        with self._engine.connect() as plain:
            tx = plain.execution_options(write=True, synced=synced)
            with tx.begin():
                yield tx

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent view of the catalog."""
        with self._engine.connect() as tx, tx.begin():
            yield tx

    def close(self) -> None:
        self._engine.dispose()

    def absolute(self, path: str) -> Path:
        """Paths are stored relative to the data folder, so that it can be moved."""
        return self.data_dir / path

    # -- what readers ask for ---------------------------------------------------------------

    def sites(self) -> list[Site]:
        with self.read() as tx:
            return [Site(*row) for row in tx.execute(sa.select(t.sites).order_by(t.sites.c.name))]

    def site_names(self, configured: Iterable[str]) -> list[str]:
        """Sites of the configuration, then those that only have records."""
        named = list(configured)
        return [*named, *(site.name for site in self.sites() if site.name not in named)]

    def event_parts(
        self,
        sites: Sequence[str] | None = None,
        first: dt.date | None = None,
        last: dt.date | None = None,
    ) -> list[Part]:
        """Event parts of the sites (None: all) from `first` to `last`, both included."""
        p = t.parts.c
        query = sa.select(p.path, t.sites.c.name, p.date, p.rows).join(t.sites)
        query = _within(query, p.date, sites, first, last).order_by(p.date, p.id)
        with self.read() as tx:
            return [Part(self.absolute(r[0]), *r[1:]) for r in tx.execute(query)]

    def days(
        self,
        sites: Sequence[str] | None = None,
        first: dt.date | None = None,
        last: dt.date | None = None,
    ) -> list[Day]:
        """Days that have, or had, records."""
        with self.read() as tx:
            return days_in(tx, sites, first, last)

    def daily_parts(
        self,
        table: str,
        sites: Sequence[str] | None = None,
        first: dt.date | None = None,
        last: dt.date | None = None,
    ) -> list[DailyPart]:
        """Files of a daily table; one holds many sites and dates: filter by both as well."""
        d = t.daily.c
        query = sa.select(d.path, t.sites.c.name, d.date, d.generation).join(t.sites)
        query = _within(query.where(d.table == table), d.date, sites, first, last)
        with self.read() as tx:
            rows = tx.execute(query.order_by(d.date, t.sites.c.name, d.generation))
            return [DailyPart(self.absolute(r[0]), *r[1:]) for r in rows]

    def sources(self) -> list[Source]:
        s = t.sources.c
        columns = (s.id, s.scope, s.path, s.format, s.offset, s.lines, s.created, s.updated)
        with self.read() as tx:
            return [Source(*row) for row in tx.execute(sa.select(*columns).order_by(s.id))]

    def accounts(
        self, sites: Sequence[str] | None = None, source_id: int | None = None
    ) -> list[Account]:
        """Line accounts, one row a source, day read and outcome."""
        a, s = t.accounts.c, t.sources.c
        query = sa.select(
            a.source_id, s.path, s.scope, a.read_date, a.outcome, a.records, a.bots
        ).join(t.sources)
        if sites is not None:
            query = query.where(s.scope.in_([*sites, ""]))
        if source_id is not None:
            query = query.where(a.source_id == source_id)
        with self.read() as tx:
            rows = tx.execute(query.order_by(a.source_id, a.read_date, a.outcome))
            return [Account(*row) for row in rows]

    def rejects(self, source_id: int | None = None, limit: int = 1000) -> list[Reject]:
        r, s = t.rejects.c, t.sources.c
        query = sa.select(r.source_id, s.path, r.offset, r.length, r.reason).join(t.sources)
        if source_id is not None:
            query = query.where(r.source_id == source_id)
        with self.read() as tx:
            rows = tx.execute(query.order_by(r.source_id, r.offset).limit(limit))
            return [Reject(*row) for row in rows]

    def publish_daily(self, versions: Versions, files: Mapping[str, Path]) -> None:
        """Let the files speak for these sites and dates, each where its content version is still
        the one its statistics were made from; a day that moved on stays stale."""
        paths = {name: str(path.relative_to(self.data_dir)) for name, path in files.items()}
        with self.write() as tx:
            replaced = publish(tx, versions, paths)
            self.discard(tx, [*replaced, *paths.values()])

    def discard(self, tx: sa.Connection, paths: Iterable[str]) -> None:
        """Put files that nothing refers to (any more) into the trash."""
        used = sa.union_all(sa.select(t.parts.c.path), sa.select(t.daily.c.path)).subquery()
        now = utcnow()
        for path in set(paths):
            if tx.scalar(sa.select(sa.func.count()).where(used.c.path == path)):
                continue
            if not tx.scalar(sa.select(sa.func.count()).where(t.trash.c.path == path)):
                tx.execute(t.trash.insert().values(path=path, since=now))

    def ensure_sites(self, timezones: Mapping[str, str]) -> dict[str, int]:
        """Ids of the sites, made where they are new.

        Raises `StoreError` when a site that has records is given another time zone: its
        days would no longer be the days they were counted in.
        """
        with self.write() as tx:
            found = {s.name: Site(*s) for s in tx.execute(sa.select(t.sites))}
            for name, zone in timezones.items():
                if name not in found:
                    tx.execute(t.sites.insert().values(name=name, timezone=zone))
                elif found[name].timezone != zone:
                    _move_zone(tx, found[name], zone)
            return {r.name: r.id for r in tx.execute(sa.select(t.sites.c.name, t.sites.c.id))}

    def views_from(self) -> dict[str, str]:
        """What tells of the views of sites, where it is not the rule that decides."""
        return {s.name: s.views_from for s in self.sites() if s.views_from != AUTO}

    def set_views_from(self, choices: Mapping[str, str]) -> None:
        """Statistics of days that still have events are then out of date."""
        with self.write() as tx:
            for site in (Site(*row) for row in tx.execute(sa.select(t.sites)).fetchall()):
                if choices.get(site.name, site.views_from) == site.views_from:
                    continue
                chosen = t.sites.update().where(t.sites.c.id == site.id)
                tx.execute(chosen.values(views_from=choices[site.name]))
                p = t.parts.c
                alive = sa.exists().where(p.site_id == site.id, p.date == t.days.c.date)
                stale = t.days.update().where(t.days.c.site_id == site.id, alive)
                tx.execute(stale.values(version=t.days.c.version + 1))


def close_folder(folder: Path) -> int:
    """Make the folder of a store if there is none, and let nobody but its owner in. Returns the
    rights that others had."""
    make_folder(folder, 0o700)
    found = folder.stat()
    others = found.st_mode & 0o077
    if others and found.st_uid == os.geteuid():
        folder.chmod(found.st_mode & 0o700)
    return others


def days_in(
    tx: sa.Connection,
    sites: Sequence[str] | None = None,
    first: dt.date | None = None,
    last: dt.date | None = None,
) -> list[Day]:
    d, p = t.days.c, t.parts.c
    has_events = sa.exists().where(p.site_id == d.site_id, p.date == d.date)
    query = sa.select(
        t.sites.c.name, d.date, d.version, d.built, d.generations, d.salts, d.imported, has_events
    ).join(t.sites)
    query = _within(query, d.date, sites, first, last).order_by(t.sites.c.name, d.date)
    return [Day(*row) for row in tx.execute(query)]


def _move_zone(tx: sa.Connection, site: Site, zone: str) -> None:
    if tx.scalar(sa.select(sa.func.count()).where(t.days.c.site_id == site.id)):
        raise StoreError(
            f"Site {site.name} has days counted in {site.timezone}, not in {zone}.",
            "timezone of the site",
            f'set timezone = "{site.timezone}", or use a new site name or data folder',
        )
    tx.execute(t.sites.update().where(t.sites.c.id == site.id).values(timezone=zone))


def _within(
    query: sa.Select[Any],
    column: sa.ColumnElement[dt.date],
    sites: Sequence[str] | None,
    first: dt.date | None,
    last: dt.date | None,
) -> sa.Select[Any]:
    if sites is not None:
        query = query.where(t.sites.c.name.in_(list(sites)))
    if first is not None:
        query = query.where(column >= first)
    if last is not None:
        query = query.where(column <= last)
    return query


def _cause(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error)


def _engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS, "isolation_level": None}
    )
    sa.event.listen(engine, "connect", _configure)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: Any, _record: Any) -> None:
    _use_log(connection)
    for pragma in ("synchronous = full", "foreign_keys = on"):
        connection.execute(f"pragma {pragma}")


def _use_log(connection: Any) -> None:
    """SQLite does not wait here for others who open the new file: it says that it is locked."""
    last = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > last:
                raise
        time.sleep(0.01)


def _begin(connection: sa.Connection) -> None:
    # A writer takes the lock at once: a read that turns into a write cannot wait, it fails.
    options = connection.get_execution_options()
    if not options.get("write", False):
        connection.exec_driver_sql("begin")
        return
    synced = "full" if options.get("synced", True) else "normal"
    connection.exec_driver_sql(f"pragma synchronous = {synced}")
    connection.exec_driver_sql("begin immediate")
