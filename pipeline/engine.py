"""DuckDB as everything that asks for numbers uses it: in memory, bounded, and with the SQL of
pipeline/sql. Nothing here knows what the numbers mean.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

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


@contextmanager
def connection(limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(prefix="tallylog-", dir=limits.spill) as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": limits.threads,
            "memory_limit": limits.memory,
            "temp_directory": folder,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "parquet_metadata_cache": True,
        }
        with duckdb.connect(":memory:", config=config) as opened:
            opened.execute("set timezone = 'UTC'")
            try:
                yield opened
            except (duckdb.IOException, duckdb.InvalidInputException) as error:
                raise _unreadable(error) from error


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
    """Name a list of Parquet files; an empty list is an empty table of the schema."""
    if not files:
        con.from_arrow(schema.empty_table()).create(name)
        return
    # The folders are named site=… and date=…, and must not become columns.
    paths = [str(file) for file in files]
    con.read_parquet(paths, hive_partitioning=False, filename=True).create_view(name)


def run(
    con: duckdb.DuckDBPyConnection,
    statements: Sequence[tuple[str, Mapping[str, Any]]],
    threads: int,
) -> None:
    """Independent statements side by side, each on one thread: for many small ones that costs a
    quarter less than one after the other on all threads."""

    def one(statement: tuple[str, Mapping[str, Any]]) -> None:
        with con.cursor() as cursor:
            cursor.execute(*statement)

    con.execute("set threads = 1")
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, statements))
    con.execute("set threads = ?", [threads])
