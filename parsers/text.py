"""Lines of a layout: a fast engine and the reference, which give the same on any input.

The reference matches the layout's one pattern against each line. The fast engine cuts lines at
their quotes and matches the distinct values of each segment. It takes only lines that have as
many quotes as the layout and of which no quoted value ends in a lone backslash: on such a line
the two can't differ, because a segment then ends where the reference ends it. All other lines
go to the reference, and those that it can't match either are then read less strictly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from parsers.cells import Cells, Coded, Codes, coded, encode, runs
from parsers.columns import Cut, cut_columns
from parsers.layout import Layout, Piece, Segment
from parsers.lines import Lines, Longs, Mask


@dataclass(frozen=True, slots=True)
class Found:
    """Cells of the lines that have the layout, each part with some of the lines, and the numbers
    of those that have not."""

    parts: list[Cells]
    unmatched: Longs


Engine = Callable[[Lines, Longs, Layout], Found]


def read_fast(lines: Lines, numbers: Longs, layout: Layout) -> Found:
    """What the reference finds, by the fast engine where that is able to."""
    if not layout.segments or not len(numbers):
        return read_reference(lines, numbers, layout)
    easy = _cut_quotes(lines, numbers, layout)
    if len(easy.numbers) == len(numbers):
        return Found([easy], numbers[:0])
    rest = read_reference(lines, lines.without(numbers, easy.numbers), layout)
    return Found([easy, *rest.parts], rest.unmatched)


def read_reference(lines: Lines, numbers: Longs, layout: Layout) -> Found:
    """Each line matched as a whole."""
    return _read_whole(lines, numbers, layout.whole)


def read_loose(lines: Lines, found: Found, layout: Layout) -> Found:
    """What was found, and the lines of which at least time and status can be read."""
    if not len(found.unmatched):
        return found
    more = _read_whole(lines, found.unmatched, layout.loose)
    return Found([*found.parts, *more.parts], more.unmatched)


def _read_whole(lines: Lines, numbers: Longs, piece: Piece) -> Found:
    groups = _match(latin_lines(lines, numbers), piece)
    # A field after the status may be null although the line matches.
    matched = ~groups[piece.fields.index("status")].is_null().to_numpy()
    columns = {
        name: encode(bytes_of(group.filter(pl.Series(matched))))
        for name, group in zip(piece.fields, groups, strict=True)
    }
    return Found([Cells(numbers[matched], columns)], numbers[~matched])


def latin_lines(lines: Lines, numbers: Longs) -> pl.Series:
    """Lines as text of one character a byte."""
    if lines.source.isascii():
        texts = pl.Series(lines.column(numbers).cast(pa.large_string()), dtype=pl.String)
        return texts.str.strip_suffix("\n").str.strip_suffix("\r")
    text = bytes(lines.join(numbers)).decode("latin-1").removesuffix("\n")
    if not len(numbers):
        return pl.Series([], dtype=pl.String)
    return pl.Series([text]).str.split("\n").explode().str.strip_suffix("\r")


def _match(texts: pl.Series, piece: Piece) -> list[pl.Series]:
    """One series for each field of the piece; null where the text does not match."""
    groups = texts.str.extract_groups(piece.pattern or "").struct.unnest()
    return groups.get_columns()


def bytes_of(texts: pl.Series) -> pa.Array:
    """Latin-1 text back to the bytes it stands for."""
    values = texts.to_arrow().cast(pa.string())
    if pc.all(pc.string_is_ascii(values)).as_py() is not False:
        return values.cast(pa.binary())
    raw = [None if text is None else text.encode("latin-1") for text in values.to_pylist()]
    return pa.array(raw, pa.binary())


def _latin_of(values: pa.Array) -> pl.Series:
    """Bytes as text of one character a byte."""
    try:
        texts = values.cast(pa.string())
        if pc.all(pc.string_is_ascii(texts)).as_py() is not False:
            return pl.Series(texts, dtype=pl.String)
    except pa.ArrowInvalid:
        pass  # Not UTF-8, so not ASCII either: decoded below, and nothing is lost.
    return pl.Series([value.decode("latin-1") for value in values.to_pylist()], dtype=pl.String)


def _cut_quotes(lines: Lines, numbers: Longs, layout: Layout) -> Cells:
    """The lines that can be cut at their quotes and whose segments all match."""
    whole = numbers if lines.torn is None else numbers[~lines.torn[numbers]]
    count = len(layout.segments)
    plain = next((n for n, segment in enumerate(layout.segments) if segment.tail), -1)
    cut = cut_columns(lines, whole, '"', count, set(range(count)) - {plain}, plain)
    good = np.ones(len(cut.numbers), dtype=np.bool_)
    columns: dict[str, Coded] = {}
    for number, segment in enumerate(layout.segments):
        quoted = number % 2 == 1
        for piece, column in _parts(cut, number, segment, plain):
            good &= _take(piece, column, quoted, columns)
    cells = Cells(cut.numbers, columns)
    return cells if good.all() else cells.take(good)


def _parts(cut: Cut, number: int, segment: Segment, plain: int) -> list[tuple[Piece, Coded]]:
    """The pieces of a segment, each with its column."""
    column = cut.columns[number]
    if number != plain:
        whole = coded(column)
        if segment.tail is None:
            return [(segment.head, whole)]
        head, tail = _slice(whole.values, segment.tail)
        return [
            (segment.head, head.through(whole.codes)),
            (segment.tail, tail.through(whole.codes)),
        ]
    if segment.tail is None:
        raise AssertionError("only a segment with a tail is read row by row")
    head, tail = _slice(column, segment.tail)
    return [(segment.head, head), (segment.tail, tail)]


def _slice(values: pa.Array, tail: Piece) -> tuple[Coded, Coded]:
    """A text's fixed end cut off by position; what is too short for it will not match."""
    width = tail.width or 0
    head = pc.binary_slice(values, 0, -width)
    return encode(head), runs(pc.binary_slice(values, -width))


def _take(piece: Piece, column: Coded, quoted: bool, columns: dict[str, Coded]) -> Mask:
    """Put the piece's fields into `columns`; say which rows match it."""
    if piece.pattern is None:
        for name in piece.fields:
            columns[name] = column
        return _rows(_closed(column.values), column.codes)
    texts = _latin_of(column.values)
    if not piece.fields:
        return _rows(texts.str.contains(piece.pattern).to_numpy(), column.codes)
    if piece.inner is not None:
        matched = texts.str.contains(piece.pattern).to_numpy()
        inner = pc.binary_slice(column.values, *piece.inner)
        if not matched.all():
            inner = pc.if_else(pa.array(matched), inner, pa.scalar(None, pa.binary()))
        columns[piece.fields[0]] = Coded(column.codes, inner)
        return _rows(matched, column.codes)
    groups = _match(texts, piece)
    # A group's values are not distinct where the piece has several, which only costs time.
    for name, group in zip(piece.fields, groups, strict=True):
        columns[name] = Coded(column.codes, bytes_of(group))
    return _rows(~groups[0].is_null().to_numpy(), column.codes)


def _rows(good: Mask, codes: Codes) -> Mask:
    return np.ones(len(codes), dtype=np.bool_) if good.all() else good[codes]


def _closed(values: pa.Array) -> Mask:
    """Whether the quote after each quoted value is a real one, not escaped by a backslash."""
    ends = pc.equal(pc.binary_slice(values, -1), b"\\")
    good: Mask = ~ends.to_numpy(zero_copy_only=False)
    for number in np.flatnonzero(~good):
        raw = values[int(number)].as_py()
        good[number] = (len(raw) - len(raw.rstrip(b"\\"))) % 2 == 0
    return good
