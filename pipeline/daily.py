"""Files of daily statistics: each of one table and many days, whole and synced before anybody
hears of them. Rows pass through in batches, so many take no more memory than few.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import schema, store

#: Rows are sorted by what readers choose them by: small groups let a reader skip the others.
ROW_GROUP = 1 << 14


def arrow_schema(name: str) -> pa.Schema:
    return pa.schema([(c.name, c.type) for c in schema.DAILY[name]])


def write(folder: Path, name: str, batches: Iterable[pa.RecordBatch]) -> Path:
    """A new file of the table. The caller syncs the folder when all of its files are there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{uuid.uuid4().hex}.parquet"
    unfinished = path.with_suffix(".tmp")
    with open(unfinished, "wb") as file:
        with pq.ParquetWriter(file, arrow_schema(name), **store.COMPRESSION) as writer:
            for batch in batches:
                writer.write_batch(batch)
        file.flush()
        os.fsync(file.fileno())
    os.rename(unfinished, path)
    return path
