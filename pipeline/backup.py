"""`tallylog backup`: a copy of a store that may be in use, without the keys of its hashes.

The catalog is copied first, as it is between two commits. Every file that it lists is whole by
then and never changes. A file that is deleted before its turn comes is one that no later catalog
lists, so the copy begins anew. The new catalog takes its name last: until then the backup that was
there before still holds.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from pipeline import tables as t
from pipeline.catalog import Catalog
from pipeline.enrich.salts import Salts
from pipeline.errors import StoreError
from pipeline.folders import sync_folder

#: Tells a backup, whose files may be deleted, from any other folder.
MARK = "backup.txt"
TOLD = """A backup that `tallylog backup` made of {store} on {now:%Y-%m-%d, %H:%M} UTC.
To restore it, copy the folder to where the configuration has the store.
"""
DATABASES = ("salts.db", "catalog.db")


@dataclass(frozen=True, slots=True)
class BackedUp:
    """Files of events and statistics: all, those that were not in the backup before and their
    bytes, and those that the store has no more."""

    files: int
    copied: int
    copied_bytes: int
    deleted: int


def backup(catalog: Catalog, target: Path) -> BackedUp:
    """Bring the backup in `target` up to date, or make one there.

    Raises `StoreError` where the folder holds something else, or a file of the store is missing.
    """
    _prepare(catalog.data_dir, target)
    before = _present(target)
    listed = _copy_all(catalog, target / "new", target)
    for name in DATABASES:
        for left in ("-wal", "-shm"):  # of somebody who opened the backup and crashed
            (target / f"{name}{left}").unlink(missing_ok=True)
        _publish(target / "new" / name, target / name)
    (target / "new").rmdir()
    copied, gone = listed - before, before - listed
    for path in gone:
        (target / path).unlink()
    size = sum((target / path).stat().st_size for path in copied)
    return BackedUp(len(listed), len(copied), size, len(gone))


def _prepare(data_dir: Path, target: Path) -> None:
    mark = target / MARK
    if target.resolve() == data_dir.resolve() or (
        target.exists() and not mark.exists() and any(target.iterdir())
    ):
        fix = "name a new folder, an empty one, or that of an earlier backup"
        raise StoreError("The folder holds something else than a backup.", str(target), fix)
    shutil.rmtree(target / "new", ignore_errors=True)
    (target / "new").mkdir(parents=True)
    mark.write_text(TOLD.format(store=data_dir, now=dt.datetime.now(dt.UTC)), "utf-8")


def _present(target: Path) -> set[str]:
    """Paths of events and statistics, as the catalog writes them."""
    found = (file for folder in ("events", "daily") for file in (target / folder).rglob("*"))
    return {str(file.relative_to(target)) for file in found if file.is_file()}


def _copy_all(catalog: Catalog, new: Path, target: Path) -> set[str]:
    """Copy the databases into `new`, and every file that they list; returns these."""
    lost = ""
    while True:
        listed = _copy_databases(catalog, new)
        try:
            for path in sorted(listed):
                _copy(catalog.absolute(path), target / path)
            return listed
        except FileNotFoundError as error:
            if error.filename == lost:
                raise StoreError("A file is missing.", lost, "see `tallylog check`") from error
            lost = error.filename


def _copy_databases(catalog: Catalog, new: Path) -> set[str]:
    """The salts last: a day that the catalog knows has its salt, and the number of it."""
    for name in DATABASES:
        (new / name).unlink(missing_ok=True)
    with closing(sqlite3.connect(catalog.path)) as database:
        database.execute("vacuum into ?", (str(new / "catalog.db"),))
    Salts(catalog.data_dir / "salts.db").copy_without_keys(new / "salts.db")
    copied = Catalog(new)
    try:
        with copied.read() as tx:
            return {*tx.scalars(sa.select(t.parts.c.path)), *tx.scalars(sa.select(t.daily.c.path))}
    finally:
        copied.close()


def _copy(file: Path, to: Path) -> None:
    """A file that is there is whole, and never another one of the same name."""
    if to.exists():
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    unfinished = to.with_suffix(".tmp")
    shutil.copyfile(file, unfinished)
    _publish(unfinished, to)


def _publish(file: Path, to: Path) -> None:
    """Give a file its name, whatever happens to the machine."""
    with open(file, "rb") as handle:
        os.fsync(handle.fileno())
    os.rename(file, to)
    sync_folder(to.parent)
