"""`tallylog sql` reads the store, and neither anything else nor to any other end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from pipeline import rollup, shell
from pipeline.catalog import Catalog
from pipeline.engine import Engine
from pipeline.errors import QueryError
from pipeline.schema import DAILY, EVENTS
from tallylog import main
from tests.events import DAY, add, bot, event

NEXT = DAY.replace(day=2)
ROWS = [
    event("09:00:00", "/", 1, country="FR"),
    event("09:01:00", "/a", 1, country="FR"),
    event("09:00:00", "/", 2, date=NEXT),
    bot("10:00:00", "/"),
]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    found = Catalog(tmp_path_factory.mktemp("shell"))
    add(found, ROWS)
    rollup.rollup(found)
    add(found, [event("11:00:00", "/late", 3)])
    rollup.rollup(found)
    return found


def rows(catalog: Catalog, text: str) -> list[dict[str, Any]]:
    with shell.ask(catalog, text) as found:
        return [row for batch in found.batches for row in batch.to_pylist()]


def test_events_can_be_asked(catalog) -> None:
    asked = "select page, count(*) as n from events where bot is null group by page order by page"
    assert rows(catalog, asked) == [
        {"page": "/", "n": 2},
        {"page": "/a", "n": 1},
        {"page": "/late", "n": 1},
    ]


def test_daily_tables_hold_the_rows_that_speak_and_no_others(catalog) -> None:
    """The first statistics of the day lie in a file that still speaks for the next one."""
    asked = (
        "select date, views from daily.totals where scope = 'site' and dimension = '' order by 1"
    )
    assert [(row["date"], row["views"]) for row in rows(catalog, asked)] == [(DAY, 3), (NEXT, 1)]


@pytest.mark.parametrize("table", ["events", *(f"daily.{name}" for name in DAILY)])
def test_a_table_has_the_columns_that_are_documented(catalog, table: str) -> None:
    columns = EVENTS.names if table == "events" else [c.name for c in DAILY[table[6:]]]
    found = rows(catalog, f"describe {table}")
    assert [row["column_name"] for row in found] == columns


def test_accounts_can_be_asked(catalog) -> None:
    assert rows(catalog, "select count(*) as n from accounts") == [{"n": 0}]


def test_a_store_without_anything_has_its_tables(tmp_path: Path) -> None:
    empty = Catalog(tmp_path / "data")
    for table in shell.TABLES:
        assert rows(empty, f"select * from {table}") == []


ALLOWED = (
    "with t as (select page from events) select count(*) from t",
    "select * from (select 1 as x) join range(3) on true",
    "from events select count(*)",
    "select e.page from events e semi join daily.pages p using (page)",
    "select unnest([1, 2])",
    "select 1 union all select 2",
    "summarize events",
    "select count(*) filter (where status = 200), median(bytes) from events",
    "values (1), (2)",
    "select regexp_extract(page, '^/([a-z]*)', 1) from events",
    "select * from events order by time limit 1",
)


@pytest.mark.parametrize("text", ALLOWED)
def test_whatever_asks_the_tables_is_answered(catalog, text: str) -> None:
    assert rows(catalog, text)


HOSTILE = (
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('{data}/secret.key')",
    "select * from read_parquet('{part}')",
    "select * from parquet_metadata('{part}')",
    "select * from '{part}'",
    'select * from "{part}"',
    "select * from read_json('/etc/passwd')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from glob('/etc/*')",
    "select glob('/etc/*')",
    "select getenv('HOME')",
    "select current_setting('temp_directory')",
    "select getvariable('x')",
    "select * from duckdb_settings()",
    "select * from duckdb_tables()",
    "select * from duckdb_secrets()",
    "select * from pragma_database_list()",
    "select * from information_schema.tables",
    "select * from pg_catalog.pg_class",
    "select * from sqlite_master",
    "select * from files_events",
    "select * from rows_accounts",
    "select * from chosen_totals",
    "select * from temp.events",
    "select * from (with sqlite_master as (select 1) select 1) x, sqlite_master",
    "select * from (with SQLITE_MASTER as (select 1) select 1) x, sqlite_master",
    "select * from (with files_events as (select 1) select 1) x, files_events",
    'select * from (with "information_schema.tables" as (select 1) select 1) x, '
    "information_schema.tables",
    'select * from (with "temp.events" as (select 1) select 1) x, temp.events',
    "select * from (with duckdb_views as (select 1) select 1) x, duckdb_views",
    "select * from query('select 1')",
    "select * from query_table('files_events')",
    "select (select content from read_text('/etc/passwd'))",
    "with t as (select * from read_text('/etc/passwd')) select * from t",
    "select * from events where page in (select content from read_text('/etc/passwd'))",
    "from (describe select * from read_csv('/etc/passwd'))",
    "copy events to '{out}'",
    "copy (select 1) to '{out}'",
    "copy (select 1) to '{part}'",
    "export database '{out}'",
    "attach '{out}' as x",
    "attach '{data}/catalog.db' as x (type sqlite)",
    "create table x as select 1",
    "create view events as select 1",
    "insert into events select * from events",
    "delete from events",
    "update events set page = ''",
    "drop view events",
    "alter view events rename to x",
    "pragma database_list",
    "pragma enable_external_access = true",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "reset lock_configuration",
    "set variable x = 1",
    "install httpfs",
    "load httpfs",
    "call pragma_version()",
    "checkpoint",
    "use temp",
    "show tables",
    "show all tables",
    "prepare p as select 1",
    "execute p",
    "explain analyze select * from read_text('/etc/passwd')",
    "begin",
    "select 1; drop view events",
    "select 1; select 2",
    "",
    ";",
    "--",
    "select",
    "select nothing from events",
    "select * from nothing",
    "select * from locals",
    "select * from catalog",
    "pivot events on page using count(*)",
)


@pytest.fixture(scope="module")
def locked(catalog: Catalog) -> Iterator[duckdb.DuckDBPyConnection]:
    """What the text of a question runs in, were it not looked at before."""
    with Engine() as engine, engine.cursor() as con:
        shell._open(con, catalog)
        yield con


def filled_in(text: str, catalog: Catalog, folder: Path) -> str:
    part = catalog.event_parts()[0].path
    return text.format(data=catalog.data_dir, part=part, out=folder / "out")


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_would_do_anything_else_is_refused(
    catalog, locked, tmp_path: Path, text: str
) -> None:
    asked = filled_in(text, catalog, tmp_path)
    with pytest.raises((QueryError, duckdb.BinderException, duckdb.CatalogException)):
        shell.check(locked, asked)
        locked.execute(asked)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_second_lock_holds_where_the_first_is_open(
    catalog, locked, tmp_path: Path, text: str
) -> None:
    """Without a look at the text, no file is read but those of the tables, and none written."""
    (catalog.data_dir / "secret.key").write_bytes(b"root:")
    parts = {part.path: part.path.read_bytes() for part in catalog.event_parts()}
    asked = filled_in(text, catalog, tmp_path)
    with locked.cursor() as con, suppress(duckdb.Error):
        assert "root:" not in str(con.execute("begin; " + asked).fetchall())
    assert not list(tmp_path.iterdir())
    assert parts == {path: path.read_bytes() for path in parts}
    for setting in ("enable_external_access", "lock_configuration"):
        (told,) = locked.execute(f"select current_setting('{setting}')").fetchall()
        assert told[0] == (setting == "lock_configuration")


def test_the_command_prints_rows_or_writes_them(catalog, tmp_path: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(main, ["--data", str(catalog.data_dir), "sql", *words])

    asked = "select count(*) as n, sum(views) as v from daily.totals where dimension = 'country'"
    told = json.loads(run(asked, "--json").stdout)
    assert told["columns"] == ["n", "v"] and told["rows"][0][1] == 4 and not told["more"]
    many = run("select * from range(5)", "--limit", "2")
    assert many.exit_code == 0 and "more than these 2 rows" in many.stdout
    out = tmp_path / "out.csv"
    assert run("select * from range(2)", "--out", str(out)).exit_code == 0
    assert out.read_text() == '"range"\n0\n1\n'
    wrong = run("drop view events")
    assert wrong.exit_code == 1 and wrong.stderr.startswith("Error: That is not one SELECT")
