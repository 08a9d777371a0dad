"""Views that a log and a pixel or script both tell of are counted once: the one place for the rule.

On a visitor's day with a view that a script or server sent (evidence 2 in sql/views.sql), what the
log has of views is the same again, as far as it is anything, and does not count. A pixel (evidence
1) stands for one page: the log's views of that page do not count on that day. What is left of a
log's views is unconfirmed; it has origin log.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

LOG, PIXEL, SCRIPT = 0, 1, 2
_DAY = ("site", "date", "visitor")

Mask = npt.NDArray[np.bool_]
Longs = npt.NDArray[np.int64]


def confirmed(seen: pa.Table) -> pa.Table:
    """Whole days of what was seen, without views of logs that something else stands for."""
    evidence = seen.column("evidence").to_numpy()
    if not evidence.any():
        return seen
    days = _numbered([seen.column(name) for name in _DAY])
    is_log = (evidence == LOG) & (seen.column("is_view").to_numpy() == 1)
    twice = is_log & _same(days, days[evidence == SCRIPT])
    if (evidence == PIXEL).any():
        pages = _numbered([pa.chunked_array([days]), seen.column("page")])
        twice |= is_log & _same(pages, pages[evidence == PIXEL])
    return seen.filter(pa.array(~twice))


def _same(values: Longs, found: Longs) -> Mask:
    """Which of the numbers are among those that were found."""
    among = np.zeros(int(values.max()) + 1, bool)
    among[found] = True
    return among[values]


def _numbered(columns: list[pa.ChunkedArray]) -> Longs:
    """One number for each combination of values, counted from 0."""
    numbers: Longs = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        codes, size = _codes(column)
        numbers = np.unique(numbers * size + codes, return_inverse=True)[1].astype(np.int64)
    return numbers


def _codes(column: pa.ChunkedArray) -> tuple[npt.NDArray[Any], int]:
    encoded = column.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode(null_encoding="encode")
    size = len(encoded.dictionary)
    return encoded.indices.fill_null(size).to_numpy().astype(np.int64), size + 1
