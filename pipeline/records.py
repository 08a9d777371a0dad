"""Hits, bot hits and bytes of a piece of coded events, as sql/records.sql defines them.

Every record counts under every dimension, so this is where a roll-up would spend its time. Most
dimensions have few values, and go with others: a browser has its systems, a class its statuses.
So the records are first put into a few small cubes of several dimensions, and these are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.coded import Piece
from pipeline.fields import COLUMN_OF
from pipeline.filters import Filter
from pipeline.groups import NONE, Codes, Groups, Ints, Longs, grouped, packed
from pipeline.tally import DAY, Counted

_INT = (1 << 31) - 1
#: A cube has at most this part of the places that there are records.
ROOM = 4


class Records:
    """Records that are counted several ways; only the chosen rows of them, if it is said which."""

    def __init__(self, events: Piece, rows: Longs | None = None) -> None:
        self._events, self._rows = events, rows
        self._made: dict[str, tuple[Codes, int]] = {}
        self._bots = self._of("bot_category") != NONE
        self._bytes = self._chosen(events.columns.get("bytes", np.zeros(events.rows, np.int64)))
        days = grouped(*packed([self._of("date"), self._of("site")]))
        first = days.rows()
        self._days = {name: self._of(name)[first].astype(np.int64) for name in DAY}
        self._day = days.of().astype(np.int32)

    def only(self, chosen: Sequence[Filter]) -> Records:
        """Those whose own values fit."""
        if not chosen:
            return self
        mask = np.logical_and.reduce([self._fits(f) for f in chosen])
        return Records(self._events, np.flatnonzero(mask))

    def _fits(self, chosen: Filter) -> npt.NDArray[np.bool_]:
        """A whole number, or (for any other dimension) any value at all."""
        codes = self._of(chosen.dimension)
        if chosen == Filter(chosen.dimension, "!=", ""):
            return np.asarray(codes != NONE)
        return np.asarray(codes == chosen.value)

    def _of(self, dimension: str) -> Codes:
        """The code of each record."""
        return self._coded(dimension)[0]

    def _coded(self, dimension: str) -> tuple[Codes, int]:
        """The code of each record, and the largest that there is."""
        name = COLUMN_OF.get(dimension, dimension)
        if name not in self._made:
            codes = self._chosen(self._events.codes(name))
            self._made[name] = codes, int(codes.max(initial=NONE))
        return self._made[name]

    def _chosen(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values if self._rows is None else values[self._rows]

    def count(self, by: Sequence[str]) -> Counted:
        """By these dimensions together."""
        cube = self._cube()
        for name in by:
            cube.add(name, *self._coded(name))
        return self._counted(cube)

    def count_each(self, dimensions: Iterable[str]) -> Iterator[tuple[str, Counted]]:
        """By each of the dimensions."""
        cube = self._cube()
        for name in dimensions:
            if not cube.has_room(self._coded(name)[1]):
                yield from self._counted_each(cube)
                cube = self._cube()
            cube.add(name, *self._coded(name))
        yield from self._counted_each(cube)

    def _cube(self) -> Cube:
        return Cube(self._days, self._day)

    def _counted(self, cube: Cube) -> Counted:
        groups = cube.close()
        hits, bots = groups.counts(), groups.sums(self._bots)
        measures = {"hits": hits, "bot_hits": bots, "bytes": groups.sums(self._bytes)}
        return Counted(cube.codes, measures)

    def _counted_each(self, cube: Cube) -> Iterator[tuple[str, Counted]]:
        whole = self._counted(cube)
        for name in cube.added:
            codes = {key: whole.codes[key] for key in (*DAY, name)}
            groups = grouped(*packed(list(codes.values())))
            rows = groups.rows()
            measures = {key: groups.sums(values) for key, values in whole.measures.items()}
            yield name, Counted({key: values[rows] for key, values in codes.items()}, measures)


class Cube:
    """Records that are put together by more and more dimensions: the place of each, and the codes
    that each of the places stands for."""

    def __init__(self, days: Mapping[str, Longs], day: Ints) -> None:
        self.codes, self._keys = dict(days), day
        self._size = len(days["date"])
        self._radix: list[tuple[str, int]] = []
        self.added: list[str] = []

    def has_room(self, largest: int) -> bool:
        """Whether there will be far fewer places than records with one more dimension."""
        most = len(self._keys) // ROOM
        width = largest + 2
        if self._size * width > most:
            self.close(again=True)
        return not self.added or self._size * width <= most

    def add(self, name: str, codes: Codes, largest: int) -> None:
        width = largest + 2
        self._radix.append((name, width))
        self.added.append(name)
        if width > 1:
            wide = np.int64 if self._size * width > _INT else self._keys.dtype
            keys = self._keys.astype(wide) * width
            keys += codes
            keys += 1
            self._keys, self._size = keys, self._size * width

    def close(self, again: bool = False) -> Groups:
        """The places that are used. They are numbered anew if more is to be added."""
        groups = grouped(self._keys, self._size)
        left = groups.keys.astype(np.int64)
        new: dict[str, Longs] = {}
        for name, width in reversed(self._radix):
            new[name] = left % width - 1
            left = left // width
        codes = {name: values[left] for name, values in self.codes.items()} | new
        self.codes = {name: codes[name] for name in (*DAY, *self.added)}
        self._radix.clear()
        if again:
            self._keys, self._size = groups.of().astype(np.int32), len(groups)
        return groups
