"""Counts of coded values added up, sorted, and given their texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.coded import Names
from pipeline.fields import COLUMN_OF
from pipeline.groups import Codes, Ints, grouped, packed

DAY = ("site", "date")
#: The texts of dimensions that are numbers: hours and three-digit statuses.
_NUMBERS = pa.array([str(number) for number in range(1000)])
#: So many rows are not worth adding up before the end.
_FEW = 1 << 17


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows of codes (of the site, the day's number, and of dimensions) with their measures; no
    two rows have the same codes."""

    codes: Mapping[str, Ints]
    measures: Mapping[str, Ints]

    @property
    def rows(self) -> int:
        return len(self.codes["date"])


class Order:
    """The texts of each column, sorted, and the rank that each code has among them."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[str, tuple[Codes, pa.Array]] = {}

    def ranks(self, dimension: str) -> Codes:
        """By code; the last one is for no value."""
        return self._of(dimension)[0]

    def texts(self, dimension: str) -> pa.Array:
        """By rank; the last one is null."""
        return self._of(dimension)[1]

    def _of(self, dimension: str) -> tuple[Codes, pa.Array]:
        name = COLUMN_OF.get(dimension, dimension)
        if name not in self._known:
            texts = self._names.of.get(name, _NUMBERS)
            order = pc.sort_indices(texts)
            ranks = np.empty(len(texts) + 1, np.int32)
            ranks[order.to_numpy()] = np.arange(len(texts), dtype=np.int32)
            ranks[-1] = len(texts)
            sorted_texts = pa.concat_arrays([texts.take(order), pa.nulls(1, texts.type)])
            self._known[name] = ranks, sorted_texts
        return self._known[name]


class Tally:
    """Counts that are added up as they come, so that many take no more memory than their values."""

    def __init__(self) -> None:
        self._counts: list[Counted] = []

    def add(self, count: Counted) -> None:
        self._counts.append(count)
        first, *more = (c.rows for c in self._counts)
        if sum(more) > max(first, _FEW):
            self._counts = [added(self._counts)]

    def pop(self, order: Order, people: Sequence[Counted] = ()) -> Counted:
        """All of them, with ranks for codes, and with those of people, who have ranks already."""
        counts, self._counts = self._counts, []
        ranked = [Counted(_ranked(c.codes, order), c.measures) for c in counts]
        return added([*ranked, *people]) if counts or len(people) > 1 else people[0]


def added(counts: Sequence[Counted]) -> Counted:
    """All rows, sorted by date, site and the dimensions in their order."""
    codes = {name: np.concatenate([c.codes[name] for c in counts]) for name in counts[0].codes}
    groups = grouped(*packed([codes[name] for name in by_day(codes)]))
    of, first = groups.of(), groups.rows()
    names = {name for count in counts for name in count.measures}
    sums = {name: np.zeros(len(groups), np.int64) for name in names}
    end = 0
    for count in counts:
        rows = of[end : (end := end + count.rows)]
        for name, values in count.measures.items():
            sums[name][rows] += values
    return Counted({name: values[first] for name, values in codes.items()}, sums)


def by_day(names: Iterable[str]) -> list[str]:
    """The columns in the order by which rows are sorted."""
    return [*DAY[::-1], *(name for name in names if name not in DAY)]


def _ranked(codes: Mapping[str, Ints], order: Order) -> dict[str, Ints]:
    return {n: v if n == "date" else order.ranks(n)[v] for n, v in codes.items()}
