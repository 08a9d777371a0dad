"""The catalog: its migrations make the declared tables, and its transactions are all or nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from pipeline import migrations, tables
from pipeline.catalog import Catalog, _engine
from pipeline.commit import Advance, NewPart, SourceMoved, claim, commit
from pipeline.errors import StoreError
from pipeline.identity import Trail, Verdict

DAY = dt.date(2026, 5, 17)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "data")


def test_the_migrations_make_exactly_the_declared_tables(tmp_path):
    engine = _engine(tmp_path / "catalog.db")
    migrations.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables.metadata) == []
        assert connection.scalar(sa.select(tables.alembic_version)) == tables.REVISION


def test_a_catalog_of_the_first_version_is_brought_up_to_date_with_what_it_holds(tmp_path):
    engine = _engine(tmp_path / "catalog.db")
    migrations.upgrade(engine, to="0001")
    with engine.connect() as plain, plain.begin():
        plain.execute(tables.sites.insert().values(name="a", timezone="Asia/Tokyo"))
        assert plain.scalar(sa.select(tables.alembic_version)) == "0001"
    engine.dispose()
    catalog = Catalog(tmp_path)
    assert [(site.name, site.timezone) for site in catalog.sites()] == [("a", "Asia/Tokyo")]
    with catalog.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), tables.metadata) == []


def test_a_catalog_of_a_newer_version_is_refused_with_advice(tmp_path, catalog):
    with catalog.write() as tx:
        tx.execute(tables.alembic_version.update().values(version_num="9999"))
    with pytest.raises(StoreError, match="newer version"):
        Catalog(tmp_path / "data")


def test_a_damaged_catalog_is_refused_with_advice(tmp_path):
    (tmp_path / "catalog.db").write_bytes(b"this is not a database, whatever its name says" * 99)
    with pytest.raises(StoreError, match="backup"):
        Catalog(tmp_path)


def test_a_site_with_days_keeps_its_time_zone(catalog):
    ids = catalog.ensure_sites({"a": "UTC"})
    assert catalog.ensure_sites({"a": "Europe/Paris"}) == ids
    commit(catalog, "w", [], [_part(catalog, "p", ids["a"])])
    with pytest.raises(StoreError, match="Europe/Paris"):
        catalog.ensure_sites({"a": "UTC"})


def test_the_second_of_two_writers_of_one_source_changes_nothing(catalog):
    ids = catalog.ensure_sites({"a": "UTC"})
    source = _claim(catalog)
    step = Advance(source, "x.log", 0, 4, lines=1, end_digest=b"d", outcomes={"page": 1})
    commit(catalog, "one", [step], [_part(catalog, "p1", ids["a"])])
    with pytest.raises(SourceMoved):
        commit(catalog, "two", [step], [_part(catalog, "p2", ids["a"])])
    assert [part.path.name for part in catalog.event_parts()] == ["p1"]
    assert [account.records for account in catalog.accounts()] == [1]


def test_a_part_that_vanished_is_not_committed(catalog):
    ids = catalog.ensure_sites({"a": "UTC"})
    with pytest.raises(FileNotFoundError):
        commit(catalog, "w", [], [NewPart("gone", ids["a"], DAY, 1, 1, {}, 1)])
    assert catalog.days() == []


def test_statistics_of_an_older_version_leave_the_day_stale(catalog):
    ids = catalog.ensure_sites({"a": "UTC"})
    for name in ("p1", "p2"):
        commit(catalog, "w", [], [_part(catalog, name, ids["a"])])
    (catalog.data_dir / "t").write_bytes(b"")
    catalog.publish_daily({("a", DAY): 1}, {"totals": catalog.data_dir / "t"})
    assert [day.stale for day in catalog.days()] == [True]
    catalog.publish_daily({("a", DAY): 2}, {"totals": catalog.data_dir / "t"})
    assert [day.stale for day in catalog.days()] == [False]


def _claim(catalog: Catalog) -> int:
    trail = Trail()
    trail.feed(b"one\ntwo\n")
    with catalog.write() as tx:
        return claim(tx, "a", "x.log", "combined", trail, Verdict("new"))


def _part(catalog: Catalog, name: str, site_id: int) -> NewPart:
    (catalog.data_dir / name).write_bytes(b"")
    return NewPart(name, site_id, DAY, 1, 0, {}, 1)
