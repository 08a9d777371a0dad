"""Dictionary-coded columns: look at each distinct value once, then gather codes for the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Codes = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Coded:
    """`values[codes[i]]` is the value of row i; the last value is None, for rows without one."""

    codes: Codes
    values: list[str | None]


def coded(table: pa.Table, name: str) -> Coded:
    """A text column of RAW; all None when the log does not have it."""
    if name not in table.column_names:
        return Coded(np.zeros(table.num_rows, np.int32), [None])
    column = table.column(name)
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = (
            array.chunk(0) if array.num_chunks else pa.array([], pa.string()).dictionary_encode()
        )
    values = [*array.dictionary.to_pylist(), None]
    codes = array.indices
    if codes.null_count:
        codes = codes.fill_null(len(values) - 1)
    return Coded(codes.to_numpy(), values)


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
