"""Texts by number: every distinct value of a run is described once, rows only carry codes.

A `Lexicon` only grows, so codes that it gave stay good for as long as anybody holds it. When it
has grown large a new one takes its place, which keeps memory flat in the length of a log.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from pipeline.schema import EVENTS, TEXT

Numbers = npt.NDArray[np.int32]
#: For each field what there is to say of many texts, and the same the other way round.
Describe = Callable[[pl.Series], Sequence[pl.Series | Sequence[Any]]]
DescribeEach = Callable[[list[Any]], Sequence[Sequence[Any]]]

#: EVENTS with a code in the place of each text.
CODED = pa.schema([(f.name, pa.int32() if f.type == TEXT else f.type) for f in EVENTS])
#: The code of a missing text.
NOTHING = -1
#: Values after which a lexicon makes way for a new one; each takes some 300 bytes.
FULL = 250_000


class Names:
    """Distinct values, numbered in order of appearance; None is -1."""

    __slots__ = ("_arrow", "_codes", "values")

    def __init__(self) -> None:
        self._codes: dict[Any, int] = {None: NOTHING}
        self._arrow = pa.array([], pa.string())
        self.values: list[Any] = []

    def texts(self, codes: Numbers) -> pa.Array:
        """The texts of ascending codes."""
        if len(codes) and codes[-1] >= len(self._arrow):
            return self.arrow().take(pa.array(codes))
        return self._arrow.take(pa.array(codes))

    def arrow(self) -> pa.Array:
        """All texts, each in the place that its code says."""
        if len(self._arrow) < len(self.values):
            self._arrow = pa.array(self.values, pa.string())
        return self._arrow

    def codes(self, values: pl.Series | Sequence[Hashable]) -> Numbers:
        """The number of each value, a new one for those not met before."""
        if isinstance(values, pl.Series):
            found = np.full(len(values), NOTHING, np.int32)
            told = values.is_not_null().to_numpy()
            if told.any():
                found[told] = self.codes(values.filter(told).to_list())
            return found
        known = self._codes
        codes = [known.get(value) for value in values]
        if None in codes:
            codes = [self._add(v) if n is None else n for v, n in zip(values, codes, strict=True)]
        return np.array(codes, np.int32)

    def _add(self, value: Hashable) -> int:
        code = self._codes.setdefault(value, len(self.values))
        if code == len(self.values):
            self.values.append(value)
        return code


class Facts:
    """What is known of the distinct texts of one kind: a code in each of some `Names`."""

    __slots__ = ("_columns", "_fields", "_known", "_numbers")

    def __init__(self, fields: Sequence[Names]) -> None:
        self._fields = fields
        # Gives each text a number outside the interpreter's lock. The numbers stay for as long
        # as there is a series that may have some.
        self._numbers = pl.Series([], dtype=pl.Categorical(pl.Categories.random()))
        self._columns = [np.empty(0, np.int32) for _ in fields]
        self._known = np.empty(0, np.bool_)

    def __len__(self) -> int:
        return int(self._known.sum())

    def columns(self, values: Sequence[str | None], describe: DescribeEach) -> list[Numbers]:
        """For each field the codes of the values; those not met before are described."""
        return self.of(
            pl.Series(values, dtype=pl.String),
            lambda new: list(zip(*describe(new.to_list()), strict=True)),
        )

    def of(self, values: pl.Series, describe: Describe) -> list[Numbers]:
        """The same, described field by field."""
        numbers = values.cast(self._numbers.dtype).to_physical().cast(pl.Int64)
        places = (numbers + 1).fill_null(0).to_numpy()  # the first place is that of null
        self._reach(int(places.max(initial=0)) + 1)
        unknown = np.flatnonzero(~self._known[places])
        if len(unknown):
            at, first = np.unique(places[unknown], return_index=True)
            self._learn(at, describe(values.gather(unknown[first])))
        return [column.take(places) for column in self._columns]

    def _reach(self, size: int) -> None:
        if size > len(self._known):
            known = np.zeros(2 * size, np.bool_)
            known[: len(self._known)] = self._known
            self._known = known
            self._columns = [np.resize(column, 2 * size) for column in self._columns]

    def _learn(
        self, places: npt.NDArray[np.int64], facts: Sequence[pl.Series | Sequence[Any]]
    ) -> None:
        for names, column, values in zip(self._fields, self._columns, facts, strict=True):
            column[places] = names.codes(values)
        self._known[places] = True


class Lexicon:
    """The names of every text column of EVENTS, and the facts about each kind of value."""

    __slots__ = ("_facts", "_names", "lock")

    def __init__(self) -> None:
        self._names: dict[str, Names] = {}
        self._facts: dict[Hashable, Facts] = {}
        self.lock = threading.Lock()

    def names(self, column: str) -> Names:
        return self._names.setdefault(column, Names())

    def facts(self, kind: Hashable, fields: Sequence[str]) -> Facts:
        if kind not in self._facts:
            self._facts[kind] = Facts([self.names(field) for field in fields])
        return self._facts[kind]

    @property
    def full(self) -> bool:
        return sum(map(len, self._facts.values())) > FULL

    def texts(self, rows: pa.Table) -> pa.Table:
        """The rows with their texts, each column with just the values that it uses."""
        columns = [
            self._texts(field.name, np.asarray(rows.column(field.name)))
            if EVENTS.field(field.name).type == TEXT
            else rows.column(field.name)
            for field in rows.schema
        ]
        return pa.table(columns, schema=EVENTS)

    def _texts(self, column: str, codes: Numbers) -> pa.DictionaryArray:
        names = self.names(column)
        if codes.max(initial=NOTHING) == NOTHING:
            none = pa.nulls(len(codes), pa.int32())
            return pa.DictionaryArray.from_arrays(none, names.texts(codes[:0]))
        if 4 * len(codes) < len(names.values):
            found, at = np.unique(codes, return_inverse=True)
            used = found[found >= 0]
            places = (at - (len(found) - len(used))).astype(np.int32)
        else:
            seen = np.zeros(len(names.values) + 1, bool)  # the last one is for what is missing
            seen[codes] = True
            used = np.flatnonzero(seen[:-1]).astype(np.int32)
            places = (np.cumsum(seen, dtype=np.int32) - 1).take(codes, mode="wrap")
        missing = codes < 0
        indices = pa.array(places, mask=missing if missing.any() else None)
        return pa.DictionaryArray.from_arrays(indices, names.texts(used), safe=False)
