"""`tallylog sql`: questions in SQL to the open store, which can be read and nothing else.

Two locks. The text is parsed first: one SELECT, from the tables named here and from functions that
make rows out of nothing. And the engine that runs it may open the files of these tables alone,
takes no settings and loads nothing; it has no way to write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline import schema
from pipeline.catalog import Account, Catalog
from pipeline.engine import DEFAULT, Engine, Limits, sql, view_files
from pipeline.errors import QueryError
from pipeline.export import Rows
from pipeline.question import near

BATCH_ROWS = 50_000
ACCOUNTS = pa.schema(
    [
        ("source_id", pa.int64()),
        ("path", pa.string()),
        ("scope", pa.string()),
        ("read_date", pa.date32()),
        ("outcome", pa.string()),
        ("records", pa.int64()),
        ("bots", pa.int64()),
    ]
)
TABLES = ("events", *(f"daily.{name}" for name in schema.DAILY), "accounts")
#: Functions that make rows without reading anything.
ROW_FUNCTIONS = {"generate_series", "range", "unnest"}
#: Beginnings of functions that tell of the engine or of files instead of the data.
SECRETIVE = (
    *("current_setting", "duckdb_", "getenv", "getvariable", "glob", "has_", "parquet_"),
    *("pg_", "pragma_", "query", "read_", "set", "sniff_", "which_secret"),
)
#: Beginnings of names that the engine has, or that `_open` makes beside the tables.
ENGINES = (
    *("sqlite_", "pg_", "duckdb_", "information_schema", "pragma_"),
    *("files_", "chosen_", "rows_"),
)


@contextmanager
def ask(catalog: Catalog, text: str, limits: Limits = DEFAULT) -> Iterator[Rows]:
    """Rows of the answer, while the context lasts. Raises `QueryError`."""
    with Engine(limits) as engine, engine.cursor() as con:
        check(con, text)
        _open(con, catalog)
        try:
            reader: Any = con.sql(text).to_arrow_reader(BATCH_ROWS)
            yield Rows(reader.schema, reader)
        except duckdb.Error as error:
            if isinstance(error, duckdb.IOException):
                raise
            raise QueryError(
                f"{str(error).strip()}", "see docs/export.md for the tables"
            ) from error


def check(con: duckdb.DuckDBPyConnection, text: str) -> None:
    """Raises `QueryError` for what is not one SELECT from our tables."""
    (answer,) = con.execute("select json_serialize_sql(?, skip_null := true)", [text]).fetchall()
    parsed = json.loads(answer[0])
    if parsed["error"] or len(parsed["statements"]) != 1:
        said = parsed.get("error_message", "there are several statements")
        raise QueryError(f"That is not one SELECT: {said}.", "write `select … from events`")
    nodes = list(_nodes(parsed["statements"]))
    named = {
        entry["key"].lower() for node in nodes for entry in node.get("cte_map", {}).get("map", ())
    }
    # A name that the statement makes counts outside of where it was made, too: so it must be none
    # by which there is something else.
    own = {name for name in named if "." not in name and not name.startswith(ENGINES)}
    for node in nodes:
        _check_node(node, own)


def _check_node(node: dict[str, Any], own: set[str]) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        name = ".".join(node["qualified_name"]["path"]).lower()
        if name not in TABLES and name not in own:
            raise QueryError(f"There is no table {name!r}.", near(name, TABLES))
    elif kind == "SHOW_REF" and "query" not in node:
        raise QueryError("Tables can't be listed.", f"there are: {', '.join(TABLES)}")
    elif kind == "TABLE_FUNCTION":
        name = node["function"].get("function_name", "").lower()
        if name not in ROW_FUNCTIONS:
            known = ", ".join(sorted(ROW_FUNCTIONS))
            raise QueryError(f"{name!r} can't stand for a table.", f"use a table, or {known}")
    elif kind == "FUNCTION" and node.get("function_name", "").lower().startswith(SECRETIVE):
        raise QueryError(f"{node['function_name']!r} can't be called here.", "ask the tables")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of the parsed statement."""
    waiting = [tree]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            yield found
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)


def _open(con: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Name the tables, then lock all doors but those to their files."""
    files = {part.path for part in catalog.event_parts()}
    _name(con, "events", "events", files, schema.EVENTS)
    con.execute("create schema daily")
    for name, columns in schema.DAILY.items():
        files |= _open_daily(con, catalog, name, pa.schema([(c.name, c.type) for c in columns]))
    con.register("rows_accounts", _accounts(catalog.accounts()))
    con.execute("create temp view accounts as from rows_accounts")
    con.execute("set allowed_paths = $1", [sorted(map(str, files))])
    for setting in ("enable_external_access = false", "python_enable_replacements = false"):
        con.execute(f"set {setting}")
    con.execute("set lock_configuration = true")


def _open_daily(
    con: duckdb.DuckDBPyConnection, catalog: Catalog, name: str, columns: pa.Schema
) -> set[Path]:
    """A file may hold days whose rows in it are out of date: the catalog says which count."""
    parts = catalog.daily_parts(name)
    rows = [{"filename": str(p.path), "site": p.site, "date": p.date} for p in parts]
    kind = pa.schema([("filename", pa.string()), ("site", pa.string()), ("date", pa.date32())])
    con.register(f"chosen_{name}", pa.Table.from_pylist(rows, kind))
    chosen = f"(filename, site, date) in (from chosen_{name})" if parts else "true"
    files = {part.path for part in parts}
    _name(con, f"daily.{name}", name, files, columns, chosen)
    return files


def _name(
    con: duckdb.DuckDBPyConnection,
    view: str,
    name: str,
    files: set[Path],
    columns: pa.Schema,
    chosen: str = "true",
) -> None:
    view_files(con, f"files_{name}", sorted(files), columns)
    names = ", ".join(f'"{column}"' for column in columns.names)
    kind = "" if "." in view else "temp"
    pieces = {"kind": kind, "view": view, "files": f"files_{name}", "columns": names}
    con.execute(sql("shell", **pieces, chosen=chosen))


def _accounts(accounts: Sequence[Account]) -> pa.Table:
    return pa.Table.from_pylist([asdict(account) for account in accounts], ACCOUNTS)
