"""The keys of the visitor hashes: 32 random bytes for every site and day, and their end.

They live in `salts.db`, apart from the catalog, so that a backup of the catalog holds none. A
salt is made when a day is first met, used by every writer until 48 hours after the later of the
day's end and that first use, and then overwritten. Its row stays, as the proof that it is gone.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LIFE = dt.timedelta(hours=48)

_TABLE = """
create table if not exists salts (
  site text not null, date text not null, serial integer not null,
  salt blob, made text not null, destroy_after text not null, destroyed text,
  primary key (site, date, serial)
)
"""


@dataclass(frozen=True, slots=True)
class Salt:
    """`serial` counts the salts a day has had: above 1, its visitors are an upper bound."""

    value: bytes
    serial: int


@dataclass(slots=True)
class Salts:
    """The salts of one store, with a cache of those this process has used.

    A process that outlives a salt must call `destroy`, which empties the cache as well.
    """

    path: Path
    _cache: dict[tuple[str, dt.date], Salt] = field(default_factory=dict)

    def of(self, keys: Iterable[tuple[str, dt.date]]) -> dict[tuple[str, dt.date], Salt]:
        """The live salt of each (site, date), made where there is none."""
        keys, cache = list(keys), self._cache  # `destroy`, called meanwhile, begins a new one
        missing = [key for key in keys if key not in cache]
        if missing:
            with self._transaction() as tx:
                for site, date in missing:
                    cache[site, date] = _live(tx, site, date)
        return {key: cache[key] for key in keys}

    def destroy(self, now: dt.datetime | None = None) -> int:
        """Overwrite the salts whose time is over; returns how many."""
        now = now or dt.datetime.now(dt.UTC)
        self._cache = {}
        with self._transaction() as tx:
            gone = tx.execute(
                "update salts set salt = null, destroyed = ? "
                "where salt is not null and destroy_after <= ?",
                (_text(now), _text(now)),
            ).rowcount
        if gone:
            with closing(self._connect()) as connection:
                # The old page images leave the write-ahead log as well.
                connection.execute("pragma wal_checkpoint(truncate)")
        return gone

    def states(self) -> list[tuple[str, str, int, str, str | None]]:
        """(site, date, serial, destroy after, destroyed) of every salt there ever was."""
        with self._transaction() as tx:
            return tx.execute(
                "select site, date, serial, destroy_after, destroyed from salts order by 1, 2, 3"
            ).fetchall()

    def copy_without_keys(self, path: Path) -> None:
        """Make another file of salts that are all destroyed. A day that gets a new one there is
        known to have had one before."""
        now = _text(dt.datetime.now(dt.UTC))
        with self._transaction() as tx:
            rows = tx.execute(
                "select site, date, serial, null, made, destroy_after, coalesce(destroyed, ?) "
                "from salts",
                (now,),
            ).fetchall()
        copy = Salts(path)
        with copy._transaction() as tx:
            tx.executemany("insert into salts values (?, ?, ?, ?, ?, ?, ?)", rows)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        for pragma in ("journal_mode = wal", "synchronous = full", "secure_delete = on"):
            connection.execute(f"pragma {pragma}")
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if not self.path.exists():
            # Only the owner may read what turns hashes back into addresses.
            os.close(os.open(self.path, os.O_CREAT, 0o600))
        with closing(self._connect()) as connection:
            connection.execute("begin immediate")
            connection.execute(_TABLE)
            yield connection
            connection.execute("commit")


def _live(tx: sqlite3.Connection, site: str, date: dt.date) -> Salt:
    row = tx.execute(
        "select salt, serial from salts where site = ? and date = ? order by serial desc limit 1",
        (site, date.isoformat()),
    ).fetchone()
    if row and row[0] is not None:
        return Salt(row[0], row[1])
    now = dt.datetime.now(dt.UTC)
    # Twelve hours after its end in UTC, the day has ended in every zone.
    day_end = dt.datetime.combine(date, dt.time(), dt.UTC) + dt.timedelta(days=1, hours=12)
    salt = Salt(os.urandom(32), row[1] + 1 if row else 1)
    tx.execute(
        "insert into salts values (?, ?, ?, ?, ?, ?, null)",
        (
            site,
            date.isoformat(),
            salt.serial,
            salt.value,
            _text(now),
            _text(max(now, day_end) + LIFE),
        ),
    )
    return salt


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")
