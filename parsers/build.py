"""From cells to the RAW table: every distinct value is read once, rows only gather codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from parsers.cells import Cells, Coded
from parsers.lines import Lines, Longs, Mask
from parsers.raw import RAW_FIELDS, TEXT, UNTOLD
from parsers.registry import Format
from parsers.times import read_any, read_clock, read_date, read_shaped
from parsers.values import CLEANERS, decode, split_request, whole_number

#: Field -> milliseconds a unit.
DURATIONS = {"duration_ms": 1.0, "duration_s": 1e3, "duration_us": 1e-3, "duration_ns": 1e-6}
TEXTS = tuple(name for name, (kind, _) in RAW_FIELDS.items() if kind == TEXT)
ESCAPABLE = frozenset({*TEXTS, "request", "query"})


@dataclass(frozen=True, slots=True)
class Built:
    """The rows, and reason -> numbers of the lines that made none."""

    table: pa.Table
    refused: dict[str, Longs]


def build(cells: Cells, lines: Lines, fmt: Format) -> Built:
    """The RAW table of these cells. A row without a time or status is refused."""
    time, timed = _time(cells, fmt)
    status, known = _status(cells, fmt)
    keep = timed & known
    refused = {"time": cells.numbers[~timed], "status": cells.numbers[timed & ~known]}
    if not keep.all():
        cells, time, status = cells.take(keep), time[keep], status[keep]
    columns: dict[str, pa.Array] = {
        "offset": pa.array(lines.offsets(cells.numbers)),
        "time": pa.array(time),
        "status": pa.array(status.astype(np.int16)),
        "bytes": pa.array(_bytes(cells, fmt)),
    }
    columns |= _duration(cells, fmt) | _texts(cells, fmt) | _subrequest(cells)
    names = [name for name in RAW_FIELDS if name in columns]
    return Built(pa.table([columns[name] for name in names], names=names), refused)


def join(parts: Sequence[Built], lines: Lines, fmt: Format) -> Built:
    """Several into one, rows in the order of their lines."""
    if not parts:
        return build(Cells(np.empty(0, np.int64), {}), lines, fmt)
    if len(parts) == 1:
        return parts[0]
    tables = [part.table for part in parts]
    if len({"agent" in table.column_names for table in tables}) == 2:
        tables = [_told(table) for table in tables]
    table = pa.concat_tables(tables, promote_options="default")
    table = table.unify_dictionaries().combine_chunks()
    table = table.take(pc.sort_indices(table["offset"])).combine_chunks()
    reasons = dict.fromkeys(reason for part in parts for reason in part.refused)
    nothing = np.empty(0, np.int64)
    return Built(
        table.select([name for name in RAW_FIELDS if name in table.column_names]),
        {r: np.concatenate([part.refused.get(r, nothing) for part in parts]) for r in reasons},
    )


def _told(table: pa.Table) -> pa.Table:
    """The table with agents, if need be such as say that there is nothing told of them."""
    if "agent" in table.column_names:
        return table
    untold = pa.DictionaryArray.from_arrays(
        np.zeros(table.num_rows, np.int32), pa.array([UNTOLD], pa.string())
    )
    return table.append_column("agent", untold)


def _read(column: Coded, fmt: Format, field: str) -> pl.Series:
    """The distinct values as text, null for those that mean "missing"."""
    # Nothing of a number is ever escaped.
    texts = decode(column.values, fmt.escape_of(field) if field in ESCAPABLE else "none")
    for word in fmt.missing:
        texts = texts.set((texts == word).fill_null(False), None)
    return texts


def _numbers(
    column: Coded, fmt: Format, field: str, read: Callable[[pl.Series], pl.Series]
) -> tuple[Longs, Mask]:
    """A value a row and whether it could be read."""
    values = read(_read(column, fmt, field))
    good = values.is_not_null().to_numpy()
    return values.fill_null(0).to_numpy()[column.codes], good[column.codes]


def _time(cells: Cells, fmt: Format) -> tuple[Longs, Mask]:
    if "time" in cells.columns:
        # With a layout the times have the shape of the clock, or the line would not have matched.
        shaped = bool(fmt.layouts) and len(fmt.clocks) == 1
        read = partial(read_shaped, fmt.clocks[0]) if shaped else partial(read_any, fmt.clocks)
        return _numbers(cells.columns["time"], fmt, "time", read)
    if "date" not in cells.columns or "clock" not in cells.columns:
        nothing = np.zeros(len(cells.numbers), dtype=np.int64)
        return nothing, nothing.astype(np.bool_)
    day, has_day = _numbers(cells.columns["date"], fmt, "date", read_date)
    clock, has_clock = _numbers(cells.columns["clock"], fmt, "clock", read_clock)
    return day + clock, has_day & has_clock


def _status(cells: Cells, fmt: Format) -> tuple[Longs, Mask]:
    """Three digits, or 0 for a dash; anything else can't be read."""
    column = cells.columns.get("status")
    if column is None:
        nothing = np.zeros(len(cells.numbers), dtype=np.int64)
        return nothing, nothing.astype(np.bool_)
    return _numbers(column, fmt, "status", _read_status)


def _read_status(texts: pl.Series) -> pl.Series:
    shaped = texts.fill_null("0").str.extract(r"^([0-9]{3}|0)(?:\.0+)?$", 1)
    values = shaped.cast(pl.Int64)
    return values.set(values.is_between(1, 99), None)


def _bytes(cells: Cells, fmt: Format) -> Longs:
    if "bytes" not in cells.columns:
        return np.zeros(len(cells.numbers), dtype=np.int64)
    values, _ = _numbers(cells.columns["bytes"], fmt, "bytes", whole_number)
    return np.maximum(values, 0)


def _duration(cells: Cells, fmt: Format) -> dict[str, pa.Array]:
    """The time taken, by the unit in the name of the field; null for a dash or less than 0."""
    for field, factor in DURATIONS.items():
        if field in cells.columns:
            column = cells.columns[field]
            values = _read(column, fmt, field).cast(pl.Float64, strict=False) * factor
            values = values.set(~values.is_finite().fill_null(False) | (values < 0), None)
            nulls = values.is_null().to_numpy()[column.codes]
            millis = values.fill_null(0.0).to_numpy()[column.codes]
            return {"duration_ms": pa.array(millis, mask=nulls)}
    return {}


def _subrequest(cells: Cells) -> dict[str, pa.Array]:
    if "subrequest" not in cells.columns:
        return {}
    column = cells.columns["subrequest"]
    return {"subrequest": pc.equal(column.values, b"true").take(pa.array(column.codes))}


def _texts(cells: Cells, fmt: Format) -> dict[str, pa.Array]:
    """The text columns; method, url and protocol always."""
    columns = {
        name: _text(cells.columns[name], fmt, name) for name in TEXTS if name in cells.columns
    }
    if "request" in cells.columns:
        columns = _prefer(_request(cells.columns["request"], fmt), columns)
    if "query" in cells.columns and "url" in columns:
        columns["url"] = _with_query(columns["url"], _text(cells.columns["query"], fmt, "query"))
    empty = pa.nulls(len(cells.numbers), pa.int32())
    nothing = pa.DictionaryArray.from_arrays(empty, pa.array([], pa.string()))
    columns = {"method": nothing, "url": nothing, "protocol": nothing} | columns
    if columns["url"].null_count:
        # Without a target there was no request, whatever the other fields say.
        asked = columns["url"].is_valid()
        columns |= {n: _where(asked, columns[n]) for n in ("method", "protocol")}
    return columns


def _where(rows: pa.Array, column: pa.DictionaryArray) -> pa.DictionaryArray:
    codes = pc.if_else(rows, column.indices, pa.scalar(None, pa.int32()))
    return pa.DictionaryArray.from_arrays(codes, column.dictionary)


def _text(column: Coded, fmt: Format, name: str) -> pa.DictionaryArray:
    texts = _read(column, fmt, name)
    return gather(CLEANERS[name](texts) if name in CLEANERS else texts, column)


def _request(column: Coded, fmt: Format) -> dict[str, pa.DictionaryArray]:
    parts = split_request(_read(column, fmt, "request"))
    return {
        name: gather(part, column)
        for name, part in zip(("method", "url", "protocol"), parts, strict=True)
    }


def gather(texts: pl.Series, column: Coded) -> pa.DictionaryArray:
    """A dictionary column of `texts`, one of which belongs to each distinct value of `column`.

    Only values that a row has get into the dictionary, each once.
    """
    used = np.zeros(len(texts), dtype=np.bool_)
    used[column.codes] = True
    kept = texts.to_arrow().cast(pa.string())
    if not used.all():
        kept = pc.if_else(pa.array(used), kept, pa.scalar(None, pa.string()))
    encoded = kept.dictionary_encode()
    indices = encoded.indices.take(pa.array(column.codes))
    return pa.DictionaryArray.from_arrays(indices, encoded.dictionary)


def _prefer(
    first: dict[str, pa.DictionaryArray], second: dict[str, pa.DictionaryArray]
) -> dict[str, pa.DictionaryArray]:
    """Columns of `first`; where a row of it is null, that of `second`."""
    merged = dict(second)
    for name, column in first.items():
        if name not in second or not column.null_count:
            merged[name] = column
            continue
        filled = pc.coalesce(column.cast(pa.string()), second[name].cast(pa.string()))
        merged[name] = filled.dictionary_encode()
    return merged


def _with_query(url: pa.DictionaryArray, query: pa.DictionaryArray) -> pa.DictionaryArray:
    """The target with its query, unless it has one; joined once per distinct pair."""
    width = len(query.dictionary) + 1
    left = url.indices.fill_null(len(url.dictionary)).to_numpy(zero_copy_only=False)
    right = query.indices.fill_null(width - 1).to_numpy(zero_copy_only=False)
    pairs, codes = np.unique(left.astype(np.int64) * width + right, return_inverse=True)
    paths = _or_null(url.dictionary).take(pa.array(pairs // width))
    queries = _or_null(query.dictionary).take(pa.array(pairs % width))
    joined = pc.binary_join_element_wise(paths, queries, "?")
    texts = pc.if_else(pc.match_substring(paths, "?"), paths, pc.coalesce(joined, paths))
    return gather(pl.Series(texts, dtype=pl.String), Coded(codes.astype(np.int32), texts))


def _or_null(values: pa.Array) -> pa.Array:
    return pa.concat_arrays([values, pa.nulls(1, values.type)])
