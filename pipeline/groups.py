"""Rows grouped by whole numbers. A place in an array for every possible group, where these are not
many more than the rows, makes it some milliseconds a million rows; else the rows are sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Codes = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]

#: Code of a row without a value.
NONE = -1
#: With more places than this for each row, only those that are used get one.
SPARSE = 4
_LARGEST = 1 << 62
#: Sums are made in floating point, which is exact up to here.
_EXACT = 1 << 53
_HALF = 31


def codes_of(column: pa.ChunkedArray) -> Codes:
    """Whole numbers, with NONE where there is none. (Arrow's fill_null takes twice as long.)"""
    array = column.cast(pa.int32()).combine_chunks()
    if array.null_count == len(array):
        return np.full(len(array), NONE, np.int32)
    codes = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array)]
    if not array.null_count:
        return codes
    return np.where(np.asarray(array.is_valid()), codes, np.int32(NONE))


def narrow(values: Ints) -> Ints:
    """The same whole numbers in as few bytes as they fit."""
    least, most = int(values.min(initial=0)), int(values.max(initial=0))
    kinds = (np.int8, np.int16, np.int32)
    kind = next(
        (k for k in kinds if np.iinfo(k).min <= least and most <= np.iinfo(k).max), np.int64
    )
    return values.astype(kind, copy=False)


def packed(columns: Sequence[Ints]) -> tuple[Ints, int]:
    """One number for the values of each row, which is larger where they come later, and what it
    is smaller than."""
    keys: Ints = np.zeros(len(columns[0]), np.int64)
    size = 1
    for column in columns:
        low = int(column.min(initial=0))
        width = int(column.max(initial=0)) - low + 1
        if width == 1:
            continue
        if size * width > _LARGEST:
            groups = grouped(keys, size)
            keys, size = groups.of(), len(groups)
        keys = keys * width if size > 1 else keys
        # A narrow column less a negative number might not fit into its own kind.
        keys, size = keys + (column - np.int64(low) if low else column), size * width
    return keys, size


class Groups:
    """Groups of rows with equal keys, in the order of these: its key, its rows, sums of these."""

    def __init__(self, of: Ints, size: int, used: Longs | None, keys: Ints) -> None:
        self._of, self._size, self._used = of, size, used
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    def of(self) -> Ints:
        """The group of each row."""
        if self._used is None:
            return self._of
        places = np.empty(self._size, np.int32)
        places[self._used] = np.arange(len(self._used), dtype=np.int32)
        return places[self._of]

    def rows(self) -> Longs:
        """The first row of each group."""
        rows = np.empty(self._size, np.int64)
        rows[self._of[::-1]] = np.arange(len(self._of))[::-1]
        return rows if self._used is None else rows[self._used]

    def counts(self) -> Longs:
        counts = np.bincount(self._of, minlength=self._size)
        return counts if self._used is None else counts[self._used]

    def sums(self, values: npt.NDArray[Any]) -> Longs:
        found = sums(self._of, values, self._size)
        return found if self._used is None else found[self._used]


def grouped(keys: Ints, size: int) -> Groups:
    """All keys are smaller than `size`."""
    if size <= SPARSE * len(keys):
        used = np.flatnonzero(np.bincount(keys, minlength=size))
        return Groups(keys, size, used, used)
    order, ordered = _sorted(keys, size)
    new = np.ones(len(order), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    of = np.empty(len(order), np.int64)
    of[order] = np.cumsum(new) - 1
    found = ordered[new]
    return Groups(of, len(found), None, found)


def _sorted(keys: Ints, size: int) -> tuple[Longs, Ints]:
    """The order of the rows, and their keys in it."""
    bits = len(keys).bit_length()
    if size >> (62 - bits):
        order = np.argsort(keys, kind="stable")
        return order, keys[order]
    # A key and its row in one number sort many times faster than rows by their keys.
    both = (keys.astype(np.int64) << bits) | np.arange(len(keys))
    both.sort()
    return both & ((1 << bits) - 1), both >> bits


def firsts(keys: Ints, size: int, chosen: Mask) -> Mask:
    """Which of the chosen rows have a key that none of them before had."""
    rows = np.flatnonzero(chosen)
    found = np.zeros(len(keys), bool)
    found[rows[grouped(keys[rows], size).rows()]] = True
    return found


def sums(places: Ints, values: npt.NDArray[Any], size: int) -> Longs:
    """The sum of the values at each of `size` places."""
    if values.dtype == bool:
        return np.bincount(places[np.flatnonzero(values)], minlength=size)
    if int(values.max(initial=0)) * len(values) < _EXACT and values.min(initial=0) >= 0:
        return np.bincount(places, values, size).astype(np.int64)
    high = np.bincount(places, values >> _HALF, size).astype(np.int64)
    low = np.bincount(places, values & ((1 << _HALF) - 1), size).astype(np.int64)
    return (high << _HALF) + low
