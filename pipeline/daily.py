"""Files of daily statistics: each of one table and many days, whole and synced before anybody
hears of them. Rows pass through in batches, so many take no more memory than few.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import schema, store
from pipeline.folders import make_folder

#: Rows are sorted by what readers choose them by: small groups let a reader skip the others.
ROW_GROUP = 1 << 14
#: Sorted columns of many texts.
_PATHS = {"scope_value", "page"}


def arrow_schema(name: str) -> pa.Schema:
    return pa.schema([(c.name, c.type) for c in schema.DAILY[name]])


def write(folder: Path, name: str, batches: Iterable[pa.RecordBatch]) -> Path:
    """A new file of the table. The caller syncs the folder when all of its files are there."""
    make_folder(folder)
    path = folder / f"{name}-{uuid.uuid4().hex}.parquet"
    unfinished = path.with_suffix(".tmp")
    with open(unfinished, "wb") as file:
        with pq.ParquetWriter(file, arrow_schema(name), **_how(name)) as writer:
            for table in _grouped(batches):
                writer.write_table(table, row_group_size=ROW_GROUP)
        file.flush()
        os.fsync(file.fileno())
    os.rename(unfinished, path)
    return path


def _how(name: str) -> dict[str, Any]:
    """Texts that come again by dictionary, sorted ones by what they begin with, counts by their
    steps: a quarter quicker than what is usual, and no larger. Statistics of columns are kept for
    what rows are chosen by."""
    columns = schema.DAILY[name]
    paths = {c.name for c in columns} & _PATHS
    counts = {c.name for c in columns if c.type == pa.int64()}
    chosen_by = [c.name for c in columns if c.name not in counts]
    return {
        "use_dictionary": [name for name in chosen_by if name not in paths],
        "column_encoding": {
            **dict.fromkeys(counts, "DELTA_BINARY_PACKED"),
            **dict.fromkeys(paths, "DELTA_BYTE_ARRAY"),
        },
        "write_statistics": chosen_by,
        **store.COMPRESSION,
    }


def _grouped(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches put together until they fill a row group."""
    group: list[pa.RecordBatch] = []
    for batch in batches:
        group.append(batch)
        if sum(b.num_rows for b in group) >= ROW_GROUP:
            yield pa.Table.from_batches(group)
            group = []
    if group:
        yield pa.Table.from_batches(group)
