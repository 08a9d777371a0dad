"""What is said of a store that lost a file or was damaged, and what is left of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline import catalog as catalogs
from pipeline.catalog import Catalog
from pipeline.check import Checked, check, repair
from pipeline.config import Config
from pipeline.errors import StoreError
from pipeline.rollup import rollup
from tallylog import main
from tests.stores import SAMPLE, Store, Table, statistics


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Of two days, with statistics that are current."""
    store = Store(tmp_path / "data", Config())
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    (tmp_path / "a.log").write_bytes(b"".join(lines[:3000]))
    store.backfill(tmp_path / "a.log")
    return store


def totals(store: Store) -> Table:
    """What daily statistics answer alone."""
    return store.ask(["views", "visitors", "hits"], ["date"])


def files(store: Store, folder: str) -> list[Path]:
    return sorted((store.data / folder).rglob("*.parquet"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def run(store: Store, *words: str) -> Result:
    return CliRunner().invoke(main, ["--data", str(store.data), *words])


def test_nothing_is_found_where_nothing_is_wrong(store: Store) -> None:
    assert check(store.data) == Checked(len(files(store, "events")) + 4, 0, False, [])


@pytest.mark.parametrize("damage", [Path.unlink, cut])
def test_a_day_that_lost_events_keeps_its_statistics(
    store: Store, damage: Callable[[Path], None]
) -> None:
    before, part = totals(store), files(store, "events")[0]
    damage(part)
    told = run(store, "check")
    assert told.exit_code == 1 and part.name in told.output
    assert run(store, "check", "--repair").exit_code == 0
    assert check(store.data).damages == []
    assert totals(store) == before
    with_late = run(store, "rollup")
    assert with_late.exit_code == 0 and totals(store) == before


def test_a_day_that_lost_events_before_it_was_built_is_counted_without_them(
    store: Store, tmp_path: Path
) -> None:
    before = totals(store)
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    (tmp_path / "b.log").write_bytes(b"".join(lines[3000:4000]))
    old = set(files(store, "events"))
    store.backfill(tmp_path / "b.log")
    whole = totals(store)
    catalog = Catalog(store.data)
    with catalog.write() as tx:
        tx.exec_driver_sql("update days set built = null")
    for part in set(files(store, "events")) - old:
        part.unlink()
    refused = run(store, "query", "--site", "s")
    assert refused.exit_code == 1 and "`tallylog check` lists" in refused.output
    mends = {damage.mend for damage in repair(store.data).damages}
    assert mends == {"the day is counted without them"}
    rollup(catalog)
    catalog.close()
    assert totals(store) == before != whole


def test_lost_statistics_are_built_again_from_events(store: Store) -> None:
    before = statistics(store)
    files(store, "daily")[0].unlink()
    assert [damage.what for damage in repair(store.data).damages] == ["missing"]
    catalog = Catalog(store.data)
    assert len(rollup(catalog)) == len(files(store, "events"))
    catalog.close()
    assert statistics(store) == before
    assert check(store.data).damages == []


@pytest.mark.parametrize("name", ["catalog.db", "salts.db"])
def test_a_damaged_database_is_named(store: Store, name: str) -> None:
    path = store.data / name
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * (path.stat().st_size - 100))
    with pytest.raises(StoreError, match=f"{name} is damaged"):
        check(store.data)
    for words in (["check"], ["check", "--repair"]):
        done = run(store, *words)
        assert done.exit_code == 1 and "backup" in done.output


def test_a_command_on_a_damaged_catalog_says_so(store: Store) -> None:
    path = store.data / "catalog.db"
    path.write_bytes(b"\xff" * path.stat().st_size)
    done = run(store, "sources")
    assert done.exit_code == 1
    assert "The catalog cannot be opened" in done.output and "backup" in done.output


def test_a_locked_catalog_is_named_and_can_be_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogs, "BUSY_SECONDS", 0.1)
    other = sqlite3.connect(store.data / "catalog.db", isolation_level=None)
    other.execute("begin immediate")
    try:
        done = run(store, "backfill", "--site", "s", "--format", "combined", str(SAMPLE))
        assert done.exit_code == 1
        assert "locked the catalog" in done.output
        assert run(store, "query", "--site", "s").exit_code == 0
    finally:
        other.close()
