"""Dictionary-coded columns: look at each distinct value once, then gather codes for the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Codes = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Coded:
    """`values[codes[i]]` is the value of row i; the last value is None, for rows without one."""

    codes: Codes
    values: list[str | None]


@dataclass(frozen=True, slots=True)
class Texts:
    """The same with the values as a column: for those too many to be Python's."""

    codes: Codes
    values: pl.Series


def coded(table: pa.Table, name: str) -> Coded:
    """A text column of RAW; all None when the log does not have it."""
    found = texts(table, name)
    return Coded(found.codes, found.values.to_list())


def texts(table: pa.Table, name: str) -> Texts:
    """The same as a column."""
    none = pl.Series([None], dtype=pl.String)
    if name not in table.column_names:
        return Texts(np.zeros(table.num_rows, np.int64), none)
    array = _whole(table.column(name))
    values = pl.Series(array.dictionary, dtype=pl.String).append(none)
    codes = array.indices
    if codes.null_count:
        codes = codes.fill_null(len(values) - 1)
    # Of the width that numpy takes places in, or each use would make them so.
    return Texts(codes.to_numpy().astype(np.int64), values)


def _whole(column: pa.ChunkedArray) -> pa.DictionaryArray:
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        return array.chunk(0) if array.num_chunks else pa.array([], pa.string()).dictionary_encode()
    return array


def numbers(table: pa.Table, name: str) -> npt.NDArray[Any]:
    """A number column of RAW as one array."""
    return np.asarray(table.column(name))


def distinct(keys: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Codes]:
    """The distinct keys in order of appearance, and for each row which of them it has."""
    array = pa.array(keys).dictionary_encode()
    return array.dictionary.to_numpy(), array.indices.to_numpy()


def combine(*parts: tuple[Codes, int]) -> npt.NDArray[np.int64]:
    """One key a row for (codes, how many values) of several columns; `split` undoes it."""
    key = parts[0][0].astype(np.int64)
    for codes, size in parts[1:]:
        key = key * size + codes
    return key


def split(keys: npt.NDArray[np.int64], *sizes: int) -> list[list[int]]:
    """For each combined column its code in every key; sizes of all columns but the first."""
    columns: list[list[int]] = []
    for size in reversed(sizes):
        keys, codes = np.divmod(keys, size)
        columns.append(codes.tolist())
    columns.append(keys.tolist())
    return columns[::-1]
