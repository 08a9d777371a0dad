"""Parquet parts: written whole, synced, under a name of their own. The catalog lists them."""

from __future__ import annotations

import datetime as dt
import os
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.folders import make_folder, sync_folder
from pipeline.schema import EVENTS

#: Measured on a realistic log: level 1 costs a third of level 3 and gives a tenth more bytes.
COMPRESSION = {"compression": "zstd", "compression_level": 1}
ROW_GROUP = 1 << 18
#: Texts and what often comes again by dictionary, numbers that climb by their steps. Only long
#: texts are compressed then: of the rest that would take a tenth, and a quarter of the time.
_DICTIONARY = ["status", "hour", "agent_hash", "log_id", "date", "visitor", "ip_hash", "bytes"]
_STEPS = {"offset": "DELTA_BINARY_PACKED", "time": "DELTA_BINARY_PACKED"}
_LONG = ("page", "query", "referrer_url", "agent", "title", "properties")
#: A chunk whose days change more often than this is sorted by day.
MOST_RUNS = 64


def part_path(site: str, date: dt.date, writer: str, number: int) -> str:
    """Path of a new part, relative to the data folder. It names its writer, whose lease says
    whether a file that the catalog does not list is still being worked on."""
    folder = f"events/site={urllib.parse.quote(site, safe='')}/date={date.isoformat()}"
    return f"{folder}/{writer}-{number}.parquet"


def writer_of(path: Path) -> str:
    return path.name.rsplit("-", 1)[0]


def write(events: pa.Table, path: Path) -> int:
    """Write and sync; returns the size in bytes. After a crash the name holds all or nothing.

    Columns without any value are left out: to readers, what a part lacks is null.
    """
    told = [f.name for f in events.schema if _tells(events.column(f.name))]
    events = events.select(told)
    texts = [f.name for f in events.schema if pa.types.is_dictionary(f.type)]
    make_folder(path.parent)
    unfinished = path.with_suffix(".tmp")
    with open(unfinished, "wb") as file:
        pq.write_table(
            events,
            file,
            row_group_size=ROW_GROUP,
            use_dictionary=texts + _DICTIONARY,
            column_encoding={name: _STEPS[name] for name in told if name in _STEPS},
            compression={name: "zstd" if name in _LONG else "none" for name in told},
            compression_level={name: 1 for name in told if name in _LONG},
            write_statistics=False,
        )
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
    os.rename(unfinished, path)
    sync_folder(path.parent)
    return size


def _tells(column: pa.ChunkedArray) -> bool:
    return column.null_count < len(column) or not len(column)


def by_day(events: pa.Table, names: Sequence[str]) -> dict[tuple[str, dt.date], pa.Table]:
    """The rows of each (site, day), in their order; a site is a code of `names`."""
    dates = np.asarray(events.column("date").cast(pa.int32()))
    keys = (np.asarray(events.column("site")).astype(np.int64) << 32) + dates
    cuts = np.flatnonzero(np.diff(keys)) + 1
    if len(keys) and len(cuts) <= MOST_RUNS:
        groups = _runs(keys, cuts, events)
    else:
        order = np.argsort(keys, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)
        groups = {int(keys[rows[0]]): events.take(rows) for rows in parts if len(rows)}
    first = dt.date(1970, 1, 1).toordinal()
    return {
        # The lower half of a key is the date, which may be negative.
        (names[(key - _date(key)) >> 32], dt.date.fromordinal(first + _date(key))): table
        for key, table in groups.items()
    }


def _date(key: int) -> int:
    return (key + (1 << 31)) % (1 << 32) - (1 << 31)


def _runs(
    keys: npt.NDArray[np.int64], cuts: npt.NDArray[np.int64], events: pa.Table
) -> dict[int, pa.Table]:
    """Slices, as long as there are few: a log is nearly in order, and a slice costs nothing."""
    edges = [0, *cuts.tolist(), len(keys)]
    slices: dict[int, list[pa.Table]] = {}
    for start, end in zip(edges, edges[1:], strict=False):
        slices.setdefault(int(keys[start]), []).append(events.slice(start, end - start))
    return {key: pa.concat_tables(tables) for key, tables in slices.items()}


def join(tables: Sequence[pa.Table]) -> pa.Table:
    """The tables one after the other, each text column under one dictionary that holds just
    the values that its rows use. A column that came later than a table is missing in its rows.
    """
    table = pa.concat_tables([compact(table) for table in tables], promote_options="default")
    # Columns that came later stand where new parts have them.
    names = [name for name in EVENTS.names if name in table.column_names]
    return table.select(names).unify_dictionaries().combine_chunks()


def compact(table: pa.Table) -> pa.Table:
    """Drop the dictionary values that no row uses: a part must not carry those of its batch."""
    columns = [
        _compacted(column) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, schema=table.schema)


def _compacted(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    size = len(array.dictionary)
    if not size:
        return array
    missing = np.asarray(array.is_null()) if array.null_count else None
    codes = array.indices.fill_null(0).to_numpy() if array.null_count else array.indices.to_numpy()
    used = np.zeros(size, bool)
    used[codes if missing is None else codes[~missing]] = True
    if used.all():
        return array
    place = np.cumsum(used, dtype=np.int32) - 1
    rows = pa.array(place[codes], mask=missing)
    values = array.dictionary.take(pa.array(np.flatnonzero(used)))
    return pa.DictionaryArray.from_arrays(rows, values, safe=False)
