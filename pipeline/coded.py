"""Events as a roll-up reads them: once, a piece at a time, with numbers in place of texts.

Parts hold their texts as dictionaries, so nothing but the dictionaries is looked at; rows that a
backfill still holds have numbers already. A text has the same number in all pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline import schema
from pipeline.cuts import CARRIED
from pipeline.fields import CONTENT
from pipeline.groups import NONE, Codes, codes_of, grouped, packed
from pipeline.kept import Rows

#: Records in memory at once; another piece is read meanwhile.
PIECE_ROWS = 1 << 18
#: What a record is read for besides the dimensions.
_NEEDED = ("site", "date", "time", "log_id", "offset", "visitor", "bytes", "duration_ms")
COLUMNS = (*_NEEDED, *(name for name in CARRIED if name != CONTENT))
TEXTS = (*(n for n in COLUMNS if schema.EVENTS.field(n).type == schema.TEXT), CONTENT)
#: Columns that are numbers as they are, and what stands for none.
_NUMBERS = {"time": 0, "log_id": 0, "offset": 0, "visitor": 0, "bytes": 0, "duration_ms": np.nan}
_Unit = tuple[Path, pq.FileMetaData, int]
_Sized = TypeVar("_Sized")


@dataclass(frozen=True, slots=True)
class Piece:
    """Records as columns of numbers: texts are codes, days and times those that they are stored
    by. A column that is not there has no value in any of them."""

    rows: int
    columns: Mapping[str, npt.NDArray[Any]]

    def codes(self, name: str) -> Codes:
        """With NONE where there is no value."""
        found = self.columns.get(name)
        return np.full(self.rows, NONE, np.int32) if found is None else found

    def array(self, name: str, kind: pa.DataType) -> pa.Array:
        """As Arrow has it, with nulls. (Texts are not spelled.)"""
        if name not in self.columns:
            return pa.nulls(self.rows, kind)
        values = self.columns[name]
        if name in _NUMBERS or name == "date":
            return pa.array(values).view(kind)
        return pa.array(values, mask=values == NONE).cast(kind)


class Names:
    """The texts of each column so far. A text's number is its place, and never changes."""

    __slots__ = ("of",)

    def __init__(self) -> None:
        none = pa.array([], pa.string())
        self.of: dict[str, pa.Array] = dict.fromkeys(TEXTS, none)

    def codes(self, name: str, arrays: Sequence[pa.DictionaryArray]) -> Codes:
        """The number of each row's text."""
        # The first dictionary keeps its numbers, whatever the others add to it.
        known = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), self.of[name])
        both = pa.chunked_array([known, *arrays]).unify_dictionaries()
        self.of[name] = both.chunk(0).dictionary
        return codes_of(pa.chunked_array([chunk.indices for chunk in both.chunks], pa.int32()))

    def learn(self, name: str, texts: pa.Array) -> Codes:
        """The numbers of texts, of which no two are equal, and after these that of none."""
        every = pa.DictionaryArray.from_arrays(np.arange(len(texts), dtype=np.int32), texts)
        return np.append(self.codes(name, [every]), np.int32(NONE)).astype(np.int32)


def pieces(
    parts: Sequence[Path], names: Names, threads: int, kept: Mapping[Path, Sequence[Rows]]
) -> Iterator[Piece]:
    """All records of the parts, coded; at least one piece, though it may have no rows. Those that
    are kept need not be read."""
    if not parts:
        yield Piece(0, {})
    yield from _of_kept([rows for path in parts for rows in kept.get(path, ())], names)
    yield from _of_files([path for path in parts if path not in kept], names, threads)


def _of_kept(kept: Sequence[Rows], names: Names) -> Iterator[Piece]:
    lexicons = {id(lexicon): lexicon for lexicon, _ in kept}
    for key, lexicon in lexicons.items():
        tables = [table for of, table in kept if id(of) == key]
        learnt = {n: names.learn(n, lexicon.names(n).arrow()) for n in TEXTS if n != CONTENT}
        moved = {n: codes for n, codes in learnt.items() if (np.diff(codes[:-1]) != 1).any()}
        moved |= {n: codes for n, codes in learnt.items() if len(codes) > 1 and codes[0]}
        for group in _grouped((table, table.num_rows) for table in tables):
            table = pa.concat_tables(group)
            columns = {name: _plain(table, name) for name in table.column_names}
            columns |= {n: codes[columns[n]] for n, codes in moved.items() if n in columns}
            yield _with_content(columns, names)


def _of_files(parts: Sequence[Path], names: Names, threads: int) -> Iterator[Piece]:
    with ThreadPoolExecutor(threads) as pool:
        due: list[Future[pa.Table]] = []
        for units in chain(_grouped(_units(parts)), [[]]):
            ahead = [pool.submit(_read, *unit) for unit in units]
            if due:
                yield _coded([future.result() for future in due], names)
            due = ahead


def _units(parts: Iterable[Path]) -> Iterator[tuple[_Unit, int]]:
    for path in parts:
        found = pq.read_metadata(path)
        for group in range(found.num_row_groups):
            yield (path, found, group), found.row_group(group).num_rows


def _grouped(units: Iterable[tuple[_Sized, int]]) -> Iterator[list[_Sized]]:
    """Units, each with its rows, of about PIECE_ROWS together."""
    group: list[_Sized] = []
    size = 0
    for unit, rows in units:
        if group and size + rows > PIECE_ROWS:
            yield group
            group, size = [], 0
        group.append(unit)
        size += rows
    if group:
        yield group


def _read(path: Path, found: pq.FileMetaData, group: int) -> pa.Table:
    with pq.ParquetFile(path, metadata=found) as file:
        return file.read_row_group(group, columns=COLUMNS, use_threads=False)


def _coded(tables: Sequence[pa.Table], names: Names) -> Piece:
    """Of all tables; a column that some of them lack is null there."""
    table = pa.concat_tables(tables, promote_options="default")
    columns = {}
    for name in table.column_names:
        if name in TEXTS:
            columns[name] = names.codes(name, table.column(name).chunks)
        else:
            columns[name] = _plain(table, name)
    return _with_content(columns, names)


def _plain(table: pa.Table, name: str) -> npt.NDArray[Any]:
    """A column as numbers."""
    column = table.column(name)
    if name not in _NUMBERS:
        return codes_of(column)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    values: npt.NDArray[Any] = column.fill_null(_NUMBERS[name]).to_numpy()
    return values


def _with_content(columns: dict[str, npt.NDArray[Any]], names: Names) -> Piece:
    """With codes of content items, as type:id."""
    piece = Piece(len(columns["date"]), columns)
    kinds, ids = piece.codes("content_type"), piece.codes("content_id")
    rows = np.flatnonzero((kinds != NONE) & (ids != NONE))
    if len(rows):
        items = grouped(*packed([kinds[rows], ids[rows]]))
        first = rows[items.rows()]
        texts = [
            names.of[name].take(pa.array(columns[name][first]))
            for name in ("content_type", "content_id")
        ]
        columns[CONTENT] = np.full(piece.rows, NONE, np.int32)
        joined = pc.binary_join_element_wise(*texts, ":")
        columns[CONTENT][rows] = names.learn(CONTENT, joined)[items.of()]
    return piece
