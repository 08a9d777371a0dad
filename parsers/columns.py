"""Lines cut at a byte by Arrow's CSV reader, into columns of distinct values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from parsers.lines import BOM, Lines, Longs

#: How many counts of columns are looked at, and the highest of them.
KINDS, WIDEST = 16, 100
CODED = pa.dictionary(pa.int32(), pa.binary())
#: What the reader works on at a time; it should fit the processor's cache.
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Cut:
    """The lines that have exactly the asked number of columns, and these columns by number."""

    numbers: Longs
    columns: dict[int, pa.Array]


def cut_columns(
    lines: Lines, numbers: Longs, delimiter: str, count: int, coded: Collection[int], plain: int
) -> Cut:
    """The lines `numbers` (none blank, none torn) cut at `delimiter`, where that gives `count`."""
    fits = lines.count(numbers, delimiter) == count - 1
    numbers = numbers if fits.all() else numbers[fits]
    return cut_counted(lines, numbers, delimiter, count, coded, plain)


def cut_counted(
    lines: Lines, numbers: Longs, delimiter: str, count: int, coded: Collection[int], plain: int
) -> Cut:
    """The lines `numbers` cut at `delimiter`, which all have so many columns.

    Columns in `coded` come with distinct values, the column `plain` row by row, others not at
    all. What begins with a byte order mark may be left out.
    """
    if not lines.source.isascii():
        # The reader would take a byte order mark for one of the file it is given.
        marked = takewhile(lambda number: lines.raw(int(number)).startswith(BOM), numbers)
        numbers = numbers[sum(1 for _ in marked) :]
    wanted = sorted({*coded, plain} - {-1})
    if not len(numbers):
        return Cut(numbers, {n: pa.array([], _type(n, plain)) for n in wanted})
    longest = int(np.diff(lines.starts).max())
    table = _read(lines.runs(numbers), delimiter, count, wanted, longest)
    if len(numbers) != table.num_rows:
        raise AssertionError(f"{len(numbers)} lines were cut into {table.num_rows} rows")
    return Cut(numbers, {n: _whole(table[str(n)], n != plain) for n in wanted})


def by_count(lines: Lines, numbers: Longs, delimiter: str, least: int) -> list[tuple[int, Longs]]:
    """For each of the most usual counts of columns, if it is not less than `least`, the lines
    that have as many."""
    counts = lines.count(numbers, delimiter) + 1
    kinds, sizes = np.unique(counts, return_counts=True)
    usual = kinds[np.argsort(-sizes, kind="stable")[:KINDS]]
    return [(int(n), numbers[counts == n]) for n in usual if least <= n <= WIDEST]


def _type(column: int, plain: int) -> pa.DataType:
    return pa.binary() if column == plain else CODED


class _Pieces:
    """Pieces of whole lines as a file: so they need not be copied together."""

    def __init__(self, pieces: list[memoryview]) -> None:
        self._pieces = iter(pieces)
        self._left = memoryview(b"")
        self.closed = False

    def read(self, size: int = -1) -> memoryview:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left = piece
        end = len(self._left) if size < 0 else size
        found, self._left = self._left[:end], self._left[end:]
        return found

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def _read(
    data: list[memoryview], delimiter: str, count: int, wanted: list[int], longest: int
) -> pa.Table:
    """The wanted columns of rows that all have `count` of them. `longest` is no less than any
    row: the reader refuses one that is not within two of its blocks."""
    types = dict.fromkeys(map(str, range(count)), pa.binary())
    return csv.read_csv(
        _Pieces(data),
        read_options=csv.ReadOptions(
            use_threads=False, block_size=max(BLOCK, longest), column_names=list(types)
        ),
        parse_options=csv.ParseOptions(
            delimiter=delimiter, quote_char=False, double_quote=False, escape_char=False
        ),
        convert_options=csv.ConvertOptions(
            check_utf8=False, column_types=types, include_columns=[str(n) for n in wanted]
        ),
    )


def _whole(column: pa.ChunkedArray, distinct: bool) -> pa.Array:
    """The column as one array. The reader itself would look for distinct values in each of its
    blocks, and these would have to be brought together."""
    if distinct:
        chunks = column.dictionary_encode().chunks
        codes = pa.concat_arrays([chunk.indices for chunk in chunks])
        return pa.DictionaryArray.from_arrays(codes, chunks[-1].dictionary, safe=False)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
