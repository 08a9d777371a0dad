"""Hits, bot hits and bytes of a piece of coded events, as sql/records.sql defines them.

Every record counts under every dimension, so this is where a roll-up would spend its time. A
place in an array for every value of every day makes it some milliseconds a million records.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.coded import Names
from pipeline.fields import COLUMN_OF
from pipeline.filters import Filter
from pipeline.tally import DAY, NONE, Counted, Longs

#: With more places than this for each record, only those that are used get one.
_SPARSE = 4
#: Sums are made in floating point, which is exact up to here.
_EXACT = 1 << 53
_HALF = 31


class Records:
    """Records that are counted several ways."""

    def __init__(self, events: pa.Table, names: Names) -> None:
        self._events, self._names = events, names
        self._bots = np.asarray(events.column("bot_category").is_valid())
        self._bytes = events.column("bytes").fill_null(0).to_numpy()
        dates = events.column("date").cast(pa.int32()).to_numpy().astype(np.int64)
        self._first = int(dates.min(initial=0))
        sites, self._sites = self._codes("site")
        days = (dates - self._first) * self._sites + sites
        self._days, self._day = _compact(days, int(days.max(initial=0)) + 1)

    def only(self, chosen: Sequence[Filter]) -> Records:
        """Those whose own values fit."""
        if not chosen:
            return self
        mask = np.logical_and.reduce([self._fits(f) for f in chosen])
        return Records(self._events.filter(pa.array(mask)), self._names)

    def _fits(self, chosen: Filter) -> npt.NDArray[np.bool_]:
        """A whole number, or (for any other dimension) any value at all."""
        column = self._events.column(chosen.dimension)
        if chosen == Filter(chosen.dimension, "!=", ""):
            return np.asarray(column.is_valid())
        return np.asarray(pc.equal(column, chosen.value).fill_null(False))

    def count(self, by: Sequence[str]) -> Counted:
        coded = [self._codes(name) for name in by]
        places = self._day
        for codes, size in coded:
            places = places * size + codes
        found, measures = self._measured(places, prod([len(self._days), *(s for _, s in coded)]))
        values: list[Longs] = []
        for _, size in reversed(coded):
            codes = found % size
            values.insert(0, np.where(codes == size - 1, NONE, codes))
            found = found // size
        days = self._days[found]
        of_day = (days % self._sites, days // self._sites + self._first)
        return Counted(dict(zip((*DAY, *by), (*of_day, *values), strict=True)), measures)

    def _codes(self, dimension: str) -> tuple[Longs, int]:
        """A small number for each record, and how many there are; the last one is for no value."""
        name = COLUMN_OF.get(dimension, dimension)
        column = self._events.column(name)
        texts = self._names.of.get(name)
        last = pc.max(column).as_py() if texts is None else len(texts) - 1
        none = (-1 if last is None else int(last)) + 1
        whole = column if column.type == pa.int32() else column.cast(pa.int32())
        return whole.fill_null(none).to_numpy(), none + 1

    def _measured(self, places: Longs, size: int) -> tuple[Longs, dict[str, Longs]]:
        """The places that are used, and the measures of each."""
        used = None
        if size > _SPARSE * len(places):
            used, places = np.unique(places, return_inverse=True)
            size = len(used)
        people, bots = np.bincount(places * 2 + self._bots, minlength=2 * size).reshape(-1, 2).T
        hits = people + bots
        found = np.flatnonzero(hits)
        sums = _sums(places, self._bytes, size)
        measures = {"hits": hits[found], "bot_hits": bots[found], "bytes": sums[found]}
        return found if used is None else used[found], measures


def _compact(numbers: Longs, size: int) -> tuple[Longs, Longs]:
    """The distinct numbers, all below `size`, and the place of each one's among them."""
    if size > _SPARSE * len(numbers):
        return np.unique(numbers, return_inverse=True)
    used = np.bincount(numbers, minlength=size) > 0
    return np.flatnonzero(used), (np.cumsum(used) - 1)[numbers]


def _sums(places: Longs, values: Longs, size: int) -> Longs:
    if int(values.max(initial=0)) * len(values) < _EXACT and values.min(initial=0) >= 0:
        return np.bincount(places, values, size).astype(np.int64)
    high = np.bincount(places, values >> _HALF, size).astype(np.int64)
    low = np.bincount(places, values & ((1 << _HALF) - 1), size).astype(np.int64)
    return (high << _HALF) + low
