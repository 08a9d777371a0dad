"""What an engine finds in the lines: for each field the distinct values and who has which."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from parsers.lines import Longs, Mask

Codes = npt.NDArray[np.int32]

#: Times that an engine has read itself, in milliseconds; a row may have a `time` instead.
MILLIS = "millis"


@dataclass(frozen=True, slots=True)
class Coded:
    """A column: row i has the value `values[codes[i]]`. Values are binary, and may be null; those
    of the column MILLIS are numbers."""

    codes: Codes
    values: pa.Array

    def take(self, rows: Longs | Mask) -> Coded:
        return Coded(self.codes[rows], self.values)

    def through(self, codes: Codes) -> Coded:
        """The column of rows of which row i is what row codes[i] is here."""
        return Coded(self.codes[codes], self.values)


@dataclass(frozen=True, slots=True)
class Cells:
    """Fields of the lines `numbers`, which ascend."""

    numbers: Longs
    columns: Mapping[str, Coded]

    def take(self, rows: Longs | Mask) -> Cells:
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        return Cells(self.numbers[rows], columns)


def encode(values: pa.Array) -> Coded:
    """A column of one value a row as distinct values; null is one of them."""
    encoded = values.dictionary_encode(null_encoding="encode")
    return coded(encoded)


def runs(values: pa.Array) -> Coded:
    """A column of which only neighbours are looked at for equal values, none of them null."""
    begins = np.ones(len(values), dtype=np.bool_)
    if len(values):
        begins[1:] = pc.not_equal(values[1:], values[:-1]).to_numpy(zero_copy_only=False)
    return Coded(np.cumsum(begins, dtype=np.int32) - 1, values.filter(pa.array(begins)))


def coded(array: pa.DictionaryArray) -> Coded:
    """A dictionary column without null indices."""
    return Coded(array.indices.to_numpy(zero_copy_only=False), array.dictionary)


def merge(parts: list[Cells]) -> Cells:
    """The rows of several, in the order of their lines; a field one of them lacks is null there.

    A value that several have is then there several times, which costs less than to look for it.
    """
    parts = [part for part in parts if len(part.numbers)] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    names = dict.fromkeys(name for part in parts for name in part.columns)
    numbers = np.concatenate([part.numbers for part in parts])
    order = np.argsort(numbers, kind="stable")
    columns = {name: _concat([_column(part, name) for part in parts]) for name in names}
    return Cells(numbers, columns).take(order)


def _column(part: Cells, name: str) -> Coded:
    kind = pa.int64() if name == MILLIS else pa.binary()
    return part.columns.get(name) or absent(len(part.numbers), kind)


def _concat(columns: list[Coded]) -> Coded:
    starts = np.cumsum([0] + [len(column.values) for column in columns], dtype=np.int32)
    shifted = [column.codes + start for column, start in zip(columns, starts, strict=False)]
    return Coded(np.concatenate(shifted), pa.concat_arrays([column.values for column in columns]))


def first_given(names: Iterable[str], cells: Cells, missing: Collection[str]) -> Coded | None:
    """For each row the value of the first of these fields that has one there, if need be one
    that means "missing"; None if no row has any."""
    columns = [cells.columns[name] for name in names if name in cells.columns]
    columns = [column for column in columns if column.values.null_count < len(column.values)]
    if not columns:
        return None
    result = columns[0]
    for other in columns[1:]:
        result = filled(result, other, missing)
    return result


def filled(column: Coded, other: Coded, missing: Collection[str] = ()) -> Coded:
    """The column with the values of another one where it has none, or one of `missing`."""
    lacking = ~given(column, missing)
    if not lacking.any():
        return column
    rows = lacking & given(other)
    codes = np.where(rows, other.codes + np.int32(len(column.values)), column.codes)
    return Coded(codes, pa.concat_arrays([column.values, other.values]))


def given(column: Coded, missing: Collection[str] = ()) -> Mask:
    """Which rows have a value that is none of `missing`."""
    absent = pa.array([None, *(word.encode() for word in missing)], pa.binary())
    found: Mask = ~pc.is_in(column.values, absent).to_numpy(zero_copy_only=False)[column.codes]
    return found


def any_given(cells: Cells, names: Iterable[str]) -> Mask:
    """Which rows have a value in one of these fields."""
    rows = np.zeros(len(cells.numbers), dtype=np.bool_)
    for name in names:
        if name in cells.columns:
            rows |= given(cells.columns[name])
    return rows


def absent(count: int, kind: pa.DataType | None = None) -> Coded:
    """A column of so many rows without a value."""
    return Coded(np.zeros(count, dtype=np.int32), pa.nulls(1, kind or pa.binary()))
