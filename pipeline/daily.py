"""Files of daily statistics: each of one table and one date, whole and synced before anybody
hears of them. Rows pass through in batches, so a large day takes no more memory than a small one.
"""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import schema, store

#: Rows are sorted by what readers choose them by: small groups let a reader skip the others.
ROW_GROUP = 1 << 14
_EPOCH = dt.date(1970, 1, 1)


def arrow_schema(name: str) -> pa.Schema:
    return pa.schema([(c.name, c.type) for c in schema.DAILY[name]])


def write(
    folder: Path, name: str, batches: Iterable[pa.RecordBatch], dates: Sequence[dt.date]
) -> dict[dt.date, Path]:
    """A file for each of the dates, though it may have no rows; batches are sorted by date."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = (piece for batch in batches for piece in _by_date(batch))
    files = {
        date: _write(folder, name, date, (rows for _, rows in group))
        for date, group in groupby(pieces, key=itemgetter(0))
    }
    files |= {date: _write(folder, name, date, ()) for date in dates if date not in files}
    # Makes the renames survive a power cut: once for all, before any of the files is published.
    store.sync_folder(folder)
    return files


def _by_date(batch: pa.RecordBatch) -> Iterator[tuple[dt.date, pa.RecordBatch]]:
    days = batch.column("date").cast(pa.int32()).to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(days)) + 1)] if len(days) else []
    for start, end in zip(starts, [*starts[1:], len(days)], strict=True):
        yield _EPOCH + dt.timedelta(days=int(days[start])), batch.slice(start, end - start)


def _write(folder: Path, name: str, date: dt.date, rows: Iterable[pa.RecordBatch]) -> Path:
    path = folder / f"{name}-{date.isoformat()}-{uuid.uuid4().hex}.parquet"
    unfinished = path.with_suffix(".tmp")
    with open(unfinished, "wb") as file:
        with pq.ParquetWriter(file, arrow_schema(name), **store.COMPRESSION) as writer:
            for batch in rows:
                writer.write_batch(batch)
        file.flush()
        os.fsync(file.fileno())
    os.rename(unfinished, path)
    return path
