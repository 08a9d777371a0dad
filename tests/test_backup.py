"""A backup is a whole store at any moment, without keys; a store can be moved and upgraded."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import maintain
from pipeline.backup import MARK, BackedUp, backup
from pipeline.catalog import Catalog
from pipeline.check import check
from pipeline.errors import StoreError
from pipeline.rollup import rollup
from tests.stores import PEOPLE, RECORDS, SAMPLE, Store, Table, configuration

ROOT = Path(__file__).parents[1]
FIRST = Path(__file__).parent / "first_store"
LINES = SAMPLE.read_bytes().splitlines(keepends=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data", configuration({"s": "UTC"}))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(b"".join(LINES[:300]))
    return path


def back_up(store: Store, target: Path) -> BackedUp:
    with opened(store) as catalog:
        return backup(catalog, target)


@contextmanager
def opened(store: Store) -> Iterator[Catalog]:
    catalog = Catalog(store.data)
    try:
        yield catalog
    finally:
        catalog.close()


def records(store: Store) -> list[Table]:
    """Statistics that do not depend on who a visitor is."""
    return [store.ask(RECORDS, by) for by in (["date"], ["page"])]


def people(store: Store) -> list[Table]:
    """Statistics that do, too."""
    return [store.ask(RECORDS + PEOPLE, by) for by in ([], ["page"])]


def test_backups_during_a_backfill_are_whole_and_go_on_where_they_stopped(
    store: Store, tmp_path: Path
) -> None:
    command = (sys.executable, "-m", "tests.small_steps", "--data", store.data, "backfill")
    words = ("--site", "s", "--format", "combined", SAMPLE)
    made: list[Store] = []
    with subprocess.Popen((*command, *words), cwd=ROOT, stdout=subprocess.PIPE) as filling:
        assert filling.stdout
        filling.stdout.readline()
        while filling.poll() is None:
            made.append(replace(store, data=tmp_path / f"backup-{len(made)}"))
            back_up(store, made[-1].data)
    assert filling.returncode == 0
    read = {lines_read(copy): copy for copy in made}
    partial = {lines: copy for lines, copy in read.items() if 0 < lines < len(LINES)}
    assert partial, "no backup fell between two commits"
    for copy in partial.values():
        assert not check(copy.data).damages
    lines, copy = sorted(partial.items())[len(partial) // 2]
    assert copy.backfill(SAMPLE)["new_records"] == len(LINES) - lines
    assert records(copy) == records(store)


def lines_read(store: Store) -> int:
    with opened(store) as catalog:
        return sum(source.lines for source in catalog.sources())


def test_no_key_is_in_a_backup_and_a_day_that_goes_on_there_says_so(
    store: Store, log: Path, tmp_path: Path
) -> None:
    store.backfill(log)
    copy = replace(store, data=tmp_path / "backup")
    back_up(store, copy.data)
    with closing(sqlite3.connect(store.data / "salts.db")) as database:
        keys = [key for (key,) in database.execute("select salt from salts")]
    held = b"".join(path.read_bytes() for path in copy.data.rglob("*") if path.is_file())
    assert keys and all(key and key not in held for key in keys)
    assert people(copy) == people(store)
    log.write_bytes(b"".join(LINES[:600]))
    copy.backfill(log)
    with opened(copy) as catalog:
        assert {day.salts for day in catalog.days()} == {2}


def test_a_backup_is_brought_up_to_date_with_what_changed_alone(
    store: Store, log: Path, tmp_path: Path
) -> None:
    copy = replace(store, data=tmp_path / "backup")
    for lines in (100, 200, 300, 400, 500):
        log.write_bytes(b"".join(LINES[:lines]))
        store.backfill(log)
    first = back_up(store, copy.data)
    assert (first.copied, first.deleted) == (first.files, 0)
    assert back_up(store, copy.data).copied == 0
    with opened(store) as catalog:
        assert maintain.compact(catalog) == 5
        rollup(catalog)
    merged = back_up(store, copy.data)
    assert (merged.copied, merged.deleted) == (1, 5)
    assert people(copy) == people(store)
    assert not check(copy.data).damages


def test_a_backup_that_broke_off_leaves_the_one_before(
    store: Store, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = replace(store, data=tmp_path / "backup")
    store.backfill(log)
    back_up(store, copy.data)
    before = people(copy)
    log.write_bytes(b"".join(LINES[:600]))
    store.backfill(log)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="space"):
        patch.setattr(shutil, "copyfile", full)
        back_up(store, copy.data)
    assert people(copy) == before
    assert back_up(store, copy.data).copied
    assert people(copy) == people(store)


def test_a_file_that_is_deleted_while_it_waits_for_its_turn_is_not_missed(
    store: Store, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for lines in (100, 200, 300, 400, 500):
        log.write_bytes(b"".join(LINES[:lines]))
        store.backfill(log)
    copyfile, done = shutil.copyfile, list[Path]()

    def compact_first(file: Path, to: Path) -> None:
        if not done:
            with opened(store) as catalog:
                maintain.compact(catalog)
                maintain.vacuum(catalog, grace=maintain.GRACE * 0)
        done.append(file)
        copyfile(file, to)

    monkeypatch.setattr(shutil, "copyfile", compact_first)
    copy = replace(store, data=tmp_path / "backup")
    back_up(store, copy.data)
    assert not check(copy.data).damages
    assert people(copy) == people(store)


def test_a_part_that_is_missing_for_good_is_named(store: Store, log: Path, tmp_path: Path) -> None:
    store.backfill(log)
    with opened(store) as catalog:
        catalog.event_parts()[0].path.unlink()
    with pytest.raises(StoreError, match="tallylog check"):
        back_up(store, tmp_path / "backup")


def test_a_folder_that_is_no_backup_is_left_alone(store: Store, log: Path, tmp_path: Path) -> None:
    store.backfill(log)
    for folder in (tmp_path, store.data):
        with pytest.raises(StoreError, match="something else"):
            back_up(store, folder)
        assert not (folder / MARK).exists()


def test_a_store_that_was_moved_goes_on_as_if_it_had_not_been(
    store: Store, log: Path, tmp_path: Path
) -> None:
    store.backfill(log)
    before = people(store)
    moved = replace(store, data=tmp_path / "elsewhere" / "data")
    moved.data.parent.mkdir()
    store.data.rename(moved.data)
    assert people(moved) == before
    assert moved.backfill(log)["new_records"] == 0
    log.write_bytes(b"".join(LINES[:600]))
    assert moved.backfill(log)["new_records"] == 300
    with opened(moved) as catalog:
        assert {day.salts for day in catalog.days()} == {1}


def test_a_store_of_the_first_version_is_upgraded_and_says_what_it_said(
    store: Store, log: Path, tmp_path: Path
) -> None:
    old = replace(store, data=tmp_path / "old")
    shutil.copytree(FIRST, old.data)
    script = old.data / "catalog.sql"
    with closing(sqlite3.connect(old.data / "catalog.db")) as database:
        database.executescript(script.read_text())
    log.write_bytes(b"".join(LINES[:40]))
    store.backfill(log)
    assert people(old) == people(store)
    log.write_bytes(b"".join(LINES[:300]))
    assert old.backfill(log)["new_records"] == store.backfill(log)["new_records"] == 260
    assert records(old) == records(store)
