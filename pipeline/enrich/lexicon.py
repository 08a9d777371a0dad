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
import pyarrow as pa

from pipeline.schema import EVENTS, TEXT

Numbers = npt.NDArray[np.int32]
Describe = Callable[[list[Any]], Sequence[Sequence[Any]]]

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

    def codes(self, values: Sequence[Hashable]) -> list[int]:
        known = self._codes
        found = [known.get(value) for value in values]
        if None in found:
            for i, code in enumerate(found):
                if code is None:
                    found[i] = self._add(values[i])
        return found  # type: ignore[return-value]  # no None is left

    def _add(self, value: Hashable) -> int:
        code = self._codes.setdefault(value, len(self.values))
        if code == len(self.values):
            self.values.append(value)
        return code


class Facts:
    """What is known of the distinct values of one kind: a code in each of some `Names`."""

    __slots__ = ("_columns", "_fields", "_numbers", "_size")

    def __init__(self, fields: Sequence[Names]) -> None:
        self._fields = fields
        self._numbers: dict[Any, int] = {}
        self._columns = [np.empty(1024, np.int32) for _ in fields]
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def columns(self, values: list[Any], describe: Describe) -> list[Numbers]:
        """For each field the codes of the values; those not met before are described."""
        known = self._numbers
        found = list(map(known.get, values))
        if None in found:
            new = list(dict.fromkeys(v for v, n in zip(values, found, strict=True) if n is None))
            self._learn(new, describe(new))
            found = list(map(known.get, values))
        numbers = np.array(found, np.int64)
        return [column[numbers] for column in self._columns]

    def _learn(self, values: list[Any], facts: Sequence[Sequence[Any]]) -> None:
        start, end = self._size, self._size + len(values)
        for i, (names, column) in enumerate(
            zip(self._fields, zip(*facts, strict=True), strict=True)
        ):
            if end > len(self._columns[i]):
                self._columns[i] = np.resize(self._columns[i], 2 * end)
            self._columns[i][start:end] = names.codes(column)
        self._numbers.update(zip(values, range(start, end), strict=True))
        self._size = end


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
        if 4 * len(codes) < len(names.values):
            found, at = np.unique(codes, return_inverse=True)
            used = found[found >= 0]
            places = at - (len(found) - len(used))
        else:
            seen = np.zeros(len(names.values) + 1, bool)  # the last one is for what is missing
            seen[codes] = True
            used = np.flatnonzero(seen[:-1]).astype(np.int32)
            places = (np.cumsum(seen) - 1)[codes]
        missing = codes < 0
        indices = pa.array(places.astype(np.int32), mask=missing if missing.any() else None)
        return pa.DictionaryArray.from_arrays(indices, names.texts(used), safe=False)
