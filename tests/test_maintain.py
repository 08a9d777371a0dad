"""Retention, sealing, late records, compaction, vacuum, forgetting, and the audit."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline import maintain
from pipeline.audit import audit
from pipeline.backfill import backfill
from pipeline.catalog import Catalog
from pipeline.config import Config, Retention
from pipeline.errors import SourceError, StoreError
from pipeline.forget import forget

TODAY = dt.datetime.now(dt.UTC).date()
NOW = dt.timedelta()
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def line(day: int, client: str, path: str = "/", second: int = 0) -> str:
    return (
        f'{client} - - [{day:02}/May/2015:10:05:{second:02} +0000] "GET {path} HTTP/1.1" 200 100 '
        f'"-" "{AGENT}"\n'
    )


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.logs = 0

    def read(self, *lines: str, again: bool = False, name: str = ""):
        self.logs += 1
        log = self.folder / (name or f"{self.logs}.log")
        log.write_text("".join(lines))
        return backfill(Config(), self.data, [str(log)], "a", "combined", again=again)

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.data)

    def totals(self) -> dict[str, int]:
        """Views and visitors of all days, from the files that the catalog lists."""
        sums = {"views": 0, "visitors": 0}
        for part in self.catalog.daily_parts("totals"):
            for row in pq.ParquetFile(part.path).read().to_pylist():
                day = (row["scope"], row["dimension"], row["site"], row["date"])
                if day == ("site", "", part.site, part.date):
                    sums = {name: sums[name] + row[name] for name in sums}
        return sums

    def files(self) -> set[Path]:
        return {p for f in ("events", "daily") for p in (self.data / f).rglob("*") if p.is_file()}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_raw_events_go_when_their_time_is_over_and_the_totals_stay(store):
    store.read(line(17, "192.0.2.1"), line(17, "192.0.2.2"), line(18, "192.0.2.1"))
    before = store.totals()
    later = TODAY + dt.timedelta(days=7)
    done = maintain.maintain(store.catalog, Retention(), NOW, later)
    assert done.days_sealed == 2 and not store.catalog.event_parts()
    assert store.totals() == before == {"views": 3, "visitors": 3}
    assert all(day.sealed for day in store.catalog.days())


def test_age_counts_from_the_import_so_that_a_backfill_is_not_deleted_on_arrival(store):
    store.read(line(17, "192.0.2.1"))
    almost = TODAY + dt.timedelta(days=6)
    assert maintain.maintain(store.catalog, Retention(), NOW, almost).days_sealed == 0
    assert store.catalog.event_parts()


def test_cubes_go_after_the_raw_events_and_totals_only_if_asked(store):
    store.read(line(17, "192.0.2.1"))
    later = TODAY + dt.timedelta(days=30)
    assert maintain.maintain(store.catalog, Retention(), NOW, later).cubes_dropped == 2
    assert not store.catalog.daily_parts("visits") and not store.catalog.daily_parts("pages")
    assert store.totals()["views"] == 1
    far = TODAY + dt.timedelta(days=400)
    assert maintain.maintain(store.catalog, Retention(totals=365), NOW, far).totals_dropped == 2


def test_zero_keeps_raw_events_for_ever(store):
    store.read(line(17, "192.0.2.1"))
    far = TODAY + dt.timedelta(days=4000)
    assert maintain.maintain(store.catalog, Retention(raw=0), NOW, far).days_sealed == 0


def test_records_of_a_sealed_day_that_come_late_are_added_as_a_further_generation(store):
    store.read(line(17, "192.0.2.1"), line(17, "192.0.2.2"))
    later = TODAY + dt.timedelta(days=10)
    maintain.maintain(store.catalog, Retention(), NOW, later)
    store.read(line(17, "192.0.2.1", "/late"), line(17, "192.0.2.3", "/late"))
    parts = store.catalog.daily_parts("totals")
    assert [part.generation for part in parts] == [0, 1]
    assert store.totals() == {"views": 4, "visitors": 4}
    maintain.maintain(store.catalog, Retention(), NOW, TODAY + dt.timedelta(days=20))
    store.read(line(17, "192.0.2.9", "/later"))
    assert store.totals() == {"views": 5, "visitors": 5}


def test_small_parts_are_merged_without_changing_a_number_or_making_a_day_stale(store):
    for second in range(6):
        store.read(line(17, f"192.0.2.{second}", second=second))
    versions = [day.version for day in store.catalog.days()]
    rows = lambda: sorted(  # noqa: E731
        (row["log_id"], row["offset"], row["visitor"], row["page"], row["time"])
        for part in store.catalog.event_parts()
        for row in pq.ParquetFile(part.path).read().to_pylist()
    )
    before = rows()
    assert maintain.compact(store.catalog) == 6
    assert len(store.catalog.event_parts()) == 1 and rows() == before
    assert [(d.version, d.stale) for d in store.catalog.days()] == [(versions[0], False)]


def test_no_more_is_merged_at_once_than_makes_a_large_part(store, monkeypatch):
    monkeypatch.setattr(maintain, "LARGE_PART_ROWS", 2)
    monkeypatch.setattr(maintain, "PARTS_A_DAY", 1)
    for second in range(3):
        store.read(line(17, f"192.0.2.{second}", second=second))
    assert maintain.compact(store.catalog) == 2
    assert sorted(part.rows for part in store.catalog.event_parts()) == [1, 2]
    assert maintain.compact(store.catalog) == 0


def test_vacuum_deletes_what_nothing_refers_to_but_not_what_a_live_writer_owns(store):
    store.read(line(17, "192.0.2.1"))
    catalog = store.catalog
    kept = store.files()
    folder = next(iter(p for p in kept if "events" in p.parts)).parent
    (folder / "deadbeef-1.parquet").write_bytes(b"orphan")
    (folder / "alive-1.parquet").write_bytes(b"being written")
    with catalog.write() as tx:
        maintain.renew(tx, "alive")
    assert maintain.vacuum(catalog) == 0, "younger than the grace period"
    assert maintain.vacuum(catalog, NOW) == 1
    assert store.files() == kept | {folder / "alive-1.parquet"}


def test_replaced_statistics_are_deleted_after_the_grace_period(store):
    store.read(line(17, "192.0.2.1"))
    store.read(line(17, "192.0.2.2"))
    catalog = store.catalog
    assert maintain.vacuum(catalog) == 0
    assert maintain.vacuum(catalog, NOW) == 4
    listed = {
        p.path
        for table in ("totals", "latency", "visits", "pages")
        for p in catalog.daily_parts(table)
    }
    assert store.files() == listed | {p.path for p in catalog.event_parts()}


def test_a_forgotten_source_is_gone_from_every_number_and_can_be_read_again(store):
    store.read(line(17, "192.0.2.1"), name="keep.log")
    wrong = (line(17, "192.0.2.7"), line(18, "192.0.2.7"))
    store.read(*wrong, name="wrong.log")
    done = forget(store.catalog, str(store.folder / "wrong.log"))
    assert (done.records, done.days) == (2, 2)
    assert store.totals() == {"views": 1, "visitors": 1}
    assert [day.date.day for day in store.catalog.days()] == [17]
    assert {account.path for account in store.catalog.accounts()} == {
        str(store.folder / "keep.log")
    }
    assert store.read(*wrong, name="wrong.log").as_dict()["new_records"] == 2


def test_a_source_whose_raw_events_are_gone_cannot_be_forgotten(store):
    store.read(line(17, "192.0.2.1"), name="x.log")
    maintain.maintain(store.catalog, Retention(), NOW, TODAY + dt.timedelta(days=10))
    with pytest.raises(StoreError, match="raw events"):
        forget(store.catalog, str(store.folder / "x.log"))


def test_forgetting_what_is_not_there_says_how_to_find_the_name(store):
    with pytest.raises(SourceError, match="tallylog sources"):
        forget(store.catalog, "nothing.log")


def test_again_reads_known_lines_only_of_days_that_have_nothing_left(store):
    lines = (line(17, "192.0.2.1"), line(18, "192.0.2.1"), line(18, "192.0.2.2"))
    store.read(*lines, name="x.log")
    assert store.read(*lines, name="x.log", again=True).as_dict()["new_records"] == 0
    far = TODAY + dt.timedelta(days=400)
    maintain.maintain(store.catalog, Retention(totals=365), NOW, far)
    assert store.totals()["views"] == 0
    assert store.read(*lines, name="x.log").as_dict()["new_records"] == 0
    again = store.read(*lines, name="x.log", again=True).as_dict()
    assert (again["known"], again["new_records"]) == (0, 3)
    assert store.totals() == {"views": 3, "visitors": 3}
    assert store.read(*lines, name="x.log", again=True).as_dict()["new_records"] == 0


def test_the_audit_finds_no_address_in_the_store_and_accounts_for_every_salt(store):
    store.read(
        line(17, "192.0.2.1", "/?ip=198.51.100.7"),
        line(17, "2001:db8::7", "/host/198.51.100.8/x"),
        line(17, "192.0.2.1", "/rejected").replace("200", "x"),
    )
    found = audit(store.catalog).as_dict()
    assert found["clean"] and found["files"] == 5 and found["values"] > 50
    assert [salt["date"] for salt in found["salts_alive"]] == ["2015-05-17"]


def test_the_audit_sees_an_address_that_should_not_be_there(store):
    store.read(line(17, "192.0.2.1"))
    (part,) = store.catalog.event_parts()
    table = pq.ParquetFile(part.path).read()
    table = table.append_column("query", [["from 192.0.2.1"] * table.num_rows])
    pq.write_table(table, part.path)
    (finding,) = audit(store.catalog).findings
    assert (finding.column, finding.values) == ("query", 1)
