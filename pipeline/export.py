"""Data out: rows of any origin as CSV, JSON, XLSX or Parquet, batch by batch, so that memory does
not grow with what is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from pipeline.errors import QueryError
from pipeline.folders import sync_folder

#: What a spreadsheet takes for the beginning of a formula, and what it skips before one.
_FORMULA = "^[=+\\-@\\t\\r\\n]"
#: A sheet holds no more; the rest goes on the next one.
SHEET_ROWS = 1_048_575
#: A cell of a sheet holds no more characters.
CELL_CHARACTERS = 32_767


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to write: their columns, and themselves in batches."""

    schema: pa.Schema
    batches: Iterable[Any]


@dataclass(frozen=True, slots=True)
class Format:
    name: str
    content_type: str
    write: Callable[[Rows, BinaryIO], None]


def save(rows: Rows, path: Path, form: str) -> None:
    """Write a file, which has its name when it is whole."""
    chosen = format_named(form)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with open(unfinished, "wb") as file:
            chosen.write(rows, file)
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.resolve().parent)


def format_named(name: str) -> Format:
    if name not in FORMATS:
        raise QueryError(f"There is no format {name!r}.", f"there are: {', '.join(FORMATS)}")
    return FORMATS[name]


def counted(rows: Rows, note: Callable[[int], None]) -> Rows:
    """The same rows; `note` is told how many went by."""

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows.batches:
            yield batch
            note(batch.num_rows)

    return Rows(rows.schema, batches())


def _csv(rows: Rows, file: BinaryIO) -> None:
    """Texts that a spreadsheet would take for a formula get an apostrophe in front."""
    schema = pa.schema([(f.name, _as_text(f.type)) for f in rows.schema])
    with pyarrow.csv.CSVWriter(file, schema) as writer:
        for batch in rows.batches:
            columns = [
                _harmless(column.cast(kind))
                for column, kind in zip(batch.columns, schema.types, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _as_text(kind: pa.DataType) -> pa.DataType:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.string() if pa.types.is_large_string(plain) else plain


def _harmless(column: pa.Array) -> pa.Array:
    if not pa.types.is_string(column.type):
        return column
    risky = pc.match_substring_regex(column, _FORMULA)
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)


def _json(rows: Rows, file: BinaryIO) -> None:
    """A list of objects, one a line."""
    file.write(b"[")
    begun = b"\n"
    for batch in rows.batches:
        if batch.num_rows:
            lines = pl.DataFrame(pl.from_arrow(_exact(batch))).write_ndjson().encode()
            # A line end within a text is escaped: those that are left end the objects.
            file.write(begun + lines.rstrip(b"\n").replace(b"\n", b",\n"))
            begun = b",\n"
    file.write(b"\n]\n")


def _exact(batch: pa.RecordBatch) -> pa.Table:
    """Whole numbers of 64 bits as texts: those who read them elsewhere would round them."""
    table = pa.Table.from_batches([batch])
    for index, field in enumerate(table.schema):
        if field.type == pa.uint64():
            text = table.column(index).cast(pa.string())
            table = table.set_column(index, field.name, text)
    return table


def _parquet(rows: Rows, file: BinaryIO) -> None:
    with pq.ParquetWriter(file, rows.schema, compression="zstd") as writer:
        for batch in rows.batches:
            writer.write_batch(batch)


def _xlsx(rows: Rows, file: BinaryIO) -> None:
    try:
        import xlsxwriter
    except ImportError as error:
        fix = "install it with `pip install tallylog[xlsx]`, or choose csv"
        raise QueryError("XLSX needs the library xlsxwriter.", fix) from error
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
        "remove_timezone": True,
        "default_date_format": "yyyy-mm-dd hh:mm:ss",
    }
    with xlsxwriter.Workbook(file, options) as book:
        dates = book.add_format({"num_format": "yyyy-mm-dd"})
        _fill(book, rows, [dates if pa.types.is_date(f.type) else None for f in rows.schema])


def _fill(book: Any, rows: Rows, forms: list[Any]) -> None:
    sheet, place = _sheet(book, rows.schema), 1
    for batch in rows.batches:
        for row in zip(*(column.to_pylist() for column in _exact(batch).columns), strict=True):
            if place > SHEET_ROWS:
                sheet, place = _sheet(book, rows.schema), 1
            for index, value in enumerate(row):
                if value is not None:
                    cell = value[:CELL_CHARACTERS] if isinstance(value, str) else value
                    sheet.write(place, index, cell, forms[index])
            place += 1


def _sheet(book: Any, schema: pa.Schema) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, schema.names)
    return sheet


FORMATS = {
    one.name: one
    for one in (
        Format("csv", "text/csv; charset=utf-8", _csv),
        Format("json", "application/json", _json),
        Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx),
        Format("parquet", "application/vnd.apache.parquet", _parquet),
    )
}
