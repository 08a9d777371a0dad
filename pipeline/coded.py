"""Events as a roll-up reads them: once, a piece at a time, with numbers in place of texts.

Parts hold their texts as dictionaries, so nothing but the dictionaries is looked at. A text has
the same number in all pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline import schema
from pipeline.cuts import CARRIED
from pipeline.fields import CONTENT

#: Records in memory at once; another piece is read meanwhile.
PIECE_ROWS = 1 << 18
#: What a record is read for besides the dimensions.
_NEEDED = ("site", "date", "time", "log_id", "offset", "visitor", "bytes", "duration_ms")
COLUMNS = (*_NEEDED, *(name for name in CARRIED if name != CONTENT))
TEXTS = (*(n for n in COLUMNS if schema.EVENTS.field(n).type == schema.TEXT), CONTENT)
_Unit = tuple[Path, pq.FileMetaData, int]


class Names:
    """The texts of each column so far. A text's number is its place, and never changes."""

    __slots__ = ("of",)

    def __init__(self) -> None:
        none = pa.array([], pa.string())
        self.of: dict[str, pa.Array] = dict.fromkeys(TEXTS, none)

    def coded(self, tables: Sequence[pa.Table]) -> pa.Table:
        """The rows of all tables, with numbers in place of texts."""
        columns = {
            name: self._codes(name, [c for t in tables for c in t.column(name).chunks])
            if name in self.of
            else pa.chunked_array([c for t in tables for c in t.column(name).chunks])
            for name in (*COLUMNS, CONTENT)
        }
        return pa.table(columns).combine_chunks()

    def _codes(self, name: str, arrays: Sequence[pa.DictionaryArray]) -> pa.ChunkedArray:
        # The first dictionary keeps its numbers, whatever the others add to it.
        known = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), self.of[name])
        both = pa.chunked_array([known, *arrays]).unify_dictionaries()
        self.of[name] = both.chunk(0).dictionary
        return pa.chunked_array([chunk.indices for chunk in both.chunks], pa.int32())


def pieces(parts: Sequence[Path], names: Names, threads: int) -> Iterator[pa.Table]:
    """All records of the parts, coded; at least one piece, though it may have no rows."""
    none = schema.EVENTS.empty_table().select(COLUMNS)
    with ThreadPoolExecutor(threads) as pool:
        due: list[Future[pa.Table]] = []
        for units in chain(_grouped(_units(parts)), [[]]):
            ahead = [pool.submit(_read, *unit) for unit in units]
            if due or not ahead:
                yield names.coded([future.result() for future in due] or [_with_content(none)])
            due = ahead


def _units(parts: Iterable[Path]) -> Iterator[_Unit]:
    for path in parts:
        found = pq.read_metadata(path)
        yield from ((path, found, group) for group in range(found.num_row_groups))


def _grouped(units: Iterable[_Unit]) -> Iterator[list[_Unit]]:
    """Units of about PIECE_ROWS together."""
    group: list[_Unit] = []
    size = 0
    for path, found, number in units:
        rows = found.row_group(number).num_rows
        if group and size + rows > PIECE_ROWS:
            yield group
            group, size = [], 0
        group.append((path, found, number))
        size += rows
    if group:
        yield group


def _read(path: Path, found: pq.FileMetaData, group: int) -> pa.Table:
    with pq.ParquetFile(path, metadata=found) as file:
        return _with_content(file.read_row_group(group, columns=COLUMNS, use_threads=False))


def _with_content(table: pa.Table) -> pa.Table:
    """With a column of content items, as type:id."""
    kinds, ids = table.column("content_type"), table.column("content_id")
    items = pa.chunked_array([pa.nulls(table.num_rows, schema.TEXT)])
    if kinds.null_count < len(kinds):
        texts = (kinds.cast(pa.string()), ids.cast(pa.string()))
        items = pc.binary_join_element_wise(*texts, ":").dictionary_encode()
    return table.append_column(CONTENT, items)
