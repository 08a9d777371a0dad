"""Views that a log and a pixel or script both tell of are counted once: the one place for the rule.

On a visitor's day with a view that a script or server sent (evidence 2 in sql/views.sql), what the
log has of views is the same again, as far as it is anything, and does not count. A pixel (evidence
1) stands for one page: the log's views of that page do not count on that day. What is left of a
log's views is unconfirmed; it has origin log.

A pixel that the collector took stands in the log of a web server in front of it as well: what two
sources tell of a visitor and page within two seconds, one of them a pixel, is one view.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

LOG, PIXEL, SCRIPT = 0, 1, 2
_DAY = ("site", "date", "visitor")
#: A web server writes whole seconds, and when it has answered.
APART_MS = 2000
#: More sources than there can be.
_MOST = 1 << 32

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
        twice |= _told_twice(seen, evidence, pages)
    return seen.filter(pa.array(~twice))


def _told_twice(seen: pa.Table, evidence: npt.NDArray[np.int8], pages: Longs) -> Mask:
    """Of views that two sources tell of at about the same time, all but one; a pixel's is the one
    that goes, of two pixels that of the later source."""
    log_ids, times = (np.asarray(seen.column(name)) for name in ("log_id", "time_ms"))
    rows = np.flatnonzero(evidence >= PIXEL)
    rows = rows[np.lexsort((times[rows], pages[rows]))]
    twice = np.zeros(len(evidence), bool)
    for distance in range(1, len(rows)):
        one, other = rows[:-distance], rows[distance:]
        near = (pages[one] == pages[other]) & (times[other] - times[one] < APART_MS)
        if not near.any():
            break
        pairs = near & (log_ids[one] != log_ids[other])
        one, other = one[pairs], other[pairs]
        rank = [evidence[r].astype(np.int64) * _MOST - log_ids[r] for r in (one, other)]
        gone = np.where(rank[0] < rank[1], one, other)
        twice[gone[evidence[gone] == PIXEL]] = True
    return twice


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
