"""DuckDB as everything that asks for numbers uses it: in memory, bounded, and with the SQL of
pipeline/sql. Nothing here knows what the numbers mean.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.errors import StoreError


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may use. What does not fit in memory spills to a folder of its own,
    made in `spill` (None: the system's place for temporary files) and removed at the end."""

    threads: int = 2
    memory: str = "512MB"
    spill: Path | None = None


DEFAULT = Limits()


class Engine:
    """DuckDB kept open, so that what it knows of files is known to the next question, too. Its
    memory is bounded for all that use it together."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tallylog-", dir=limits.spill)
        # An engine that lives as long as its process goes with it, and so does the folder.
        weakref.finalize(self, self._folder.cleanup)
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": limits.threads,
            "memory_limit": limits.memory,
            "temp_directory": self._folder.name,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "parquet_metadata_cache": True,
        }
        self._opened = duckdb.connect(":memory:", config=config)

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of one's own, whose temporary tables nobody else sees."""
        with self._opened.cursor() as con:
            con.execute("set timezone = 'UTC'")
            try:
                yield con
            except (duckdb.IOException, duckdb.InvalidInputException) as error:
                raise _unreadable(error) from error

    def close(self) -> None:
        self._opened.close()
        self._folder.cleanup()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def connection(limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB for one use."""
    with Engine(limits) as engine, engine.cursor() as con:
        yield con


def _unreadable(error: duckdb.Error) -> Exception:
    if ".parquet" not in str(error):
        return error
    return StoreError(
        f"A file of the store is missing or damaged: {str(error).splitlines()[0]}",
        "the store",
        "`tallylog check` lists all that is wrong, with --repair it mends what it can",
    )


def sql(name: str, **pieces: str) -> str:
    """A query of pipeline/sql; `pieces` are made from declared names, never from what users say."""
    text = resources.files("pipeline").joinpath("sql", f"{name}.sql").read_text("utf-8")
    return text.format(**pieces) if pieces else text


def view_files(
    con: duckdb.DuckDBPyConnection, name: str, files: Sequence[Path], schema: pa.Schema
) -> None:
    """Name a list of Parquet files; a column that they are older than is null, and an empty list
    is an empty table of the schema."""
    if not files:
        con.register(name, schema.empty_table())
        return
    # The folders are named site=… and date=…, and must not become columns.
    paths = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    read = f"read_parquet([{paths}], hive_partitioning = false, filename = true, {_UNITED})"
    found = {row[0] for row in con.execute(f"describe from {read}").fetchall()}
    missing = [f', null::{_sql_type(f.type)} as "{f.name}"' for f in schema if f.name not in found]
    con.execute(f"create temp view {name} as select *{''.join(missing)} from {read}")


_UNITED = "union_by_name = true"


def _sql_type(kind: pa.DataType) -> str:
    return _SQL_TYPES.get(str(kind), "varchar")


_SQL_TYPES = {"double": "double", "float": "float", "int64": "bigint", "bool": "boolean"}
