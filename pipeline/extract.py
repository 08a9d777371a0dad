"""Rows to write out: raw events as they are stored, and the answer to a question."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import schema
from pipeline.catalog import Catalog, Part
from pipeline.errors import QueryError, StoreError
from pipeline.export import Rows
from pipeline.fields import column_type
from pipeline.progress import Meter
from pipeline.query import Answer
from pipeline.question import near

BATCH_ROWS = 50_000
#: Events with their texts as such, not as codes.
PLAIN = pa.schema(
    [(f.name, f.type.value_type if f.type == schema.TEXT else f.type) for f in schema.EVENTS]
)


def event_parts(
    catalog: Catalog, site: str | None, first: dt.date | None, last: dt.date | None
) -> list[Part]:
    """The files of the events that are kept, in the order of their days."""
    names = [one.name for one in catalog.sites()]
    if site is not None and site not in names:
        raise QueryError(f"There is no site {site!r}.", near(site, names))
    return catalog.event_parts(None if site is None else [site], first, last)


def events(parts: Sequence[Part], meter: Meter) -> Rows:
    return Rows(PLAIN, _events(parts, meter))


def _events(parts: Sequence[Part], meter: Meter) -> Iterator[pa.RecordBatch]:
    for part in parts:
        try:
            with pq.ParquetFile(part.path) as file:
                for batch in file.iter_batches(BATCH_ROWS):
                    yield _plain(batch)
                    meter.advance(0, batch.num_rows)
            meter.advance(part.path.stat().st_size, 0)
            meter.file_done(str(part.path))
        except FileNotFoundError as error:
            fix = "run it again: old events are dropped and small files merged meanwhile"
            raise StoreError("A file went away while it was read.", str(part.path), fix) from error


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A column that the file is older than is null."""
    columns = [
        batch.column(f.name).cast(f.type)
        if f.name in batch.schema.names
        else pa.nulls(batch.num_rows, f.type)
        for f in PLAIN
    ]
    return pa.record_batch(columns, schema=PLAIN)


def answer(found: Answer) -> Rows:
    """Dimensions, then metrics; with a comparison, what each was before and how much it changed."""
    by, metrics = found.query["dimensions"], found.query["metrics"]
    rows: list[list[Any]] = []
    for row in found.results:
        before = row.get("comparison", {})
        rows.append(
            [
                *row["dimensions"],
                *row["metrics"],
                *before.get("metrics", []),
                *before.get("change", []),
            ]
        )
    names = [*by, *metrics]
    if found.query.get("compare"):
        names += [f"{name}_before" for name in metrics] + [f"{name}_change" for name in metrics]
    columns = [
        _column(name, [row[index] for row in rows], name in by) for index, name in enumerate(names)
    ]
    table = pa.table(dict(zip(names, columns, strict=True)))
    return Rows(table.schema, table.to_batches() or [_empty(table.schema)])


def _column(name: str, values: list[Any], is_dimension: bool) -> pa.Array:
    if is_dimension:
        kind = column_type(name)
        return pa.array(values, pa.string() if pa.types.is_date(kind) else kind)
    whole = all(isinstance(value, int) or value is None for value in values)
    return pa.array(values, pa.int64() if whole else pa.float64())


def _empty(kind: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([pa.array([], f.type) for f in kind], schema=kind)
