"""From cells to the RAW table: every distinct value is read once, rows only gather codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from parsers.cells import Cells, Coded
from parsers.lines import Lines, Longs
from parsers.measures import read_bytes, read_duration, read_status, read_texts, read_time
from parsers.raw import RAW_FIELDS, TEXT, UNTOLD
from parsers.registry import Format
from parsers.values import CLEANERS, split_request

TEXTS = tuple(name for name, (kind, _) in RAW_FIELDS.items() if kind == TEXT)


@dataclass(frozen=True, slots=True)
class Built:
    """The rows, and reason -> numbers of the lines that made none."""

    table: pa.Table
    refused: dict[str, Longs]


def build(cells: Cells, lines: Lines, fmt: Format) -> Built:
    """The RAW table of these cells. A row without a time or status is refused."""
    time, timed = read_time(cells, fmt)
    status, known = read_status(cells, fmt)
    keep = timed & known
    refused = {"time": cells.numbers[~timed], "status": cells.numbers[timed & ~known]}
    if not keep.all():
        cells, time, status = cells.take(keep), time[keep], status[keep]
    columns: dict[str, pa.Array] = {
        "offset": pa.array(lines.offsets(cells.numbers)),
        "time": pa.array(time),
        "status": pa.array(status.astype(np.int16)),
        "bytes": pa.array(read_bytes(cells, fmt)),
    }
    columns |= read_duration(cells, fmt) | _texts(cells, fmt) | _subrequest(cells)
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
    return table.append_column("agent", _always(UNTOLD, table.num_rows))


def _subrequest(cells: Cells) -> dict[str, pa.Array]:
    if "subrequest" not in cells.columns:
        return {}
    column = cells.columns["subrequest"]
    return {"subrequest": pc.equal(column.values, b"true").take(pa.array(column.codes))}


def _texts(cells: Cells, fmt: Format) -> dict[str, pa.Array]:
    """The text columns; method, url and protocol always. A layout without methods is of GETs."""
    columns = {
        name: _text(cells.columns[name], fmt, name) for name in TEXTS if name in cells.columns
    }
    if "request" in cells.columns:
        columns = _prefer(_request(cells.columns["request"], fmt), columns)
    if "query" in cells.columns and "url" in columns:
        columns["url"] = _with_query(columns["url"], _text(cells.columns["query"], fmt, "query"))
    if fmt.layouts and "method" not in columns:
        columns["method"] = _always("GET", len(cells.numbers))
    empty = pa.nulls(len(cells.numbers), pa.int32())
    nothing = pa.DictionaryArray.from_arrays(empty, pa.array([], pa.string()))
    columns = {"method": nothing, "url": nothing, "protocol": nothing} | columns
    if columns["url"].null_count:
        # Without a target there was no request, whatever the other fields say.
        asked = columns["url"].is_valid()
        columns |= {n: _where(asked, columns[n]) for n in ("method", "protocol")}
    return columns


def _always(text: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([text], pa.string()))


def _where(rows: pa.Array, column: pa.DictionaryArray) -> pa.DictionaryArray:
    codes = pc.if_else(rows, column.indices, pa.scalar(None, pa.int32()))
    return pa.DictionaryArray.from_arrays(codes, column.dictionary)


def _text(column: Coded, fmt: Format, name: str) -> pa.DictionaryArray:
    texts = read_texts(column, fmt, fmt.escape_of(name))
    return gather(CLEANERS[name](texts) if name in CLEANERS else texts, column)


def _request(column: Coded, fmt: Format) -> dict[str, pa.DictionaryArray]:
    parts = split_request(read_texts(column, fmt, fmt.escape_of("request")))
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
