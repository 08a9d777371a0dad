"""Lines of a layout: a fast engine and the reference, which give the same on any input.

The reference matches the layout's one pattern against each line. The fast engine cuts lines at
their quotes and matches the distinct values of each segment. It settles only lines that have as
many quotes as the layout and of which no quoted value ends in a lone backslash: on such a line
the two can't differ, because a segment then ends where the reference ends it. All other lines
go to the reference, and those that have no layout are then read less strictly.

If the layout has an end that may hold anything, lines may have more quotes: those that the layout
has come first, and what was said above holds for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from parsers.cells import MILLIS, Cells, Coded, Codes, coded, encode, merge, runs
from parsers.clf import NO_CLOCK, split_clocks
from parsers.columns import Cut, by_count, cut_counted
from parsers.layout import Layout, Piece, Segment
from parsers.lines import Lines, Longs, Mask
from parsers.times import clock, read_shaped


@dataclass(frozen=True, slots=True)
class Found:
    """Cells of the lines that have the layout, each part with some of the lines, and the numbers
    of those that have not."""

    parts: list[Cells]
    unmatched: Longs


Engine = Callable[[Lines, Longs, Layout], Found]


def read_layouts(
    lines: Lines, numbers: Longs, layouts: Sequence[Layout], engine: Engine, strict: bool
) -> Found:
    """For each layout one part: the lines that have it and none before it, and unless `strict`
    the damaged ones that tell most by it."""
    parts = []
    for layout in layouts:
        found = engine(lines, numbers, layout)
        parts.append(merge(found.parts))
        numbers = found.unmatched
    if strict or not len(numbers):
        return Found(parts, numbers)
    loose = _read_loose(lines, numbers, layouts)
    pairs = zip(parts, loose.parts, strict=True)
    return Found([merge([part, more]) for part, more in pairs], loose.unmatched)


def read_fast(lines: Lines, numbers: Longs, layout: Layout) -> Found:
    """What the reference finds, by the fast engine where that is able to."""
    if not layout.segments or not len(numbers):
        return read_reference(lines, numbers, layout)
    easy = _cut_quotes(lines, numbers, layout)
    read = [part.numbers for part in easy.parts]
    if sum(map(len, read)) == len(numbers):
        return easy
    rest = lines.without(numbers, np.concatenate([*read, easy.unmatched]))
    # Each quote of the layout needs one in the line.
    likely = rest[lines.count(rest, '"') >= len(layout.segments) - 1]
    hard = read_reference(lines, likely, layout)
    parts = [*easy.parts, *hard.parts]
    return Found(parts, lines.without(numbers, np.concatenate([part.numbers for part in parts])))


def read_reference(lines: Lines, numbers: Longs, layout: Layout) -> Found:
    """Each line matched as a whole."""
    groups = _match(latin_lines(lines, numbers), layout.whole)
    # A field after the status may be null although the line matches.
    matched = ~groups[layout.whole.fields.index("status")].is_null().to_numpy()
    return Found([_cells(numbers, groups, layout.whole, matched)], numbers[~matched])


def _read_loose(lines: Lines, numbers: Longs, layouts: Sequence[Layout]) -> Found:
    """Lines of which at least time and status can be read, each in the part of the layout by
    which most of its fields can."""
    texts = latin_lines(lines, numbers)
    groups = [_match(texts, layout.loose) for layout in layouts]
    told = np.array([sum(g.is_not_null().to_numpy().astype(np.int64) for g in gs) for gs in groups])
    best = told.argmax(axis=0)
    parts = [
        _cells(numbers, groups[n], layout.loose, (best == n) & (told[n] > 0))
        for n, layout in enumerate(layouts)
    ]
    return Found(parts, numbers[told.max(axis=0) == 0])


def _cells(numbers: Longs, groups: list[pl.Series], piece: Piece, rows: Mask) -> Cells:
    """The fields of a piece that was matched against lines, for some of these."""
    columns = {
        name: encode(bytes_of(group.filter(pl.Series(rows))))
        for name, group in zip(piece.fields, groups, strict=True)
    }
    return Cells(numbers[rows], columns)


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


def latin_of(values: pa.Array) -> pl.Series:
    """Bytes as text of one character a byte."""
    try:
        texts = values.cast(pa.string())
        if pc.all(pc.string_is_ascii(texts)).as_py() is not False:
            return pl.Series(texts, dtype=pl.String)
    except pa.ArrowInvalid:
        pass  # Not UTF-8, so not ASCII either: decoded below, and nothing is lost.
    return pl.Series([value.decode("latin-1") for value in values.to_pylist()], dtype=pl.String)


def _cut_quotes(lines: Lines, numbers: Longs, layout: Layout) -> Found:
    """The lines that can be cut at their quotes and whose segments all match; those of which the
    segments tell that they have not the layout."""
    whole = numbers if lines.torn is None else numbers[~lines.torn[numbers]]
    count = len(layout.segments)
    if layout.open:
        kinds = by_count(lines, whole, '"', count)
    else:
        kinds = [(count, whole[lines.count(whole, '"') == count - 1])]
    found = [_cut(lines, some, layout, n) for n, some in kinds]
    parts = [part for one in found for part in one.parts]
    return Found(parts, np.concatenate([numbers[:0], *(one.unmatched for one in found)]))


def _cut(lines: Lines, numbers: Longs, layout: Layout, columns: int) -> Found:
    """As above, of lines that have so many columns."""
    count = len(layout.segments)
    plain = next((n for n, segment in enumerate(layout.segments) if segment.tail), -1)
    cut = cut_counted(lines, numbers, '"', columns, set(range(count)) - {plain}, plain)
    good = np.ones(len(cut.numbers), dtype=np.bool_)
    whole = good.copy()
    found: dict[str, Coded] = {}
    for number, segment in enumerate(layout.segments):
        if segment.escaped:
            whole &= _closed(cut.columns[number])
        pieces = _parts(cut, number, segment, plain)
        if number == count - 1 and columns > count:
            pieces[-1] = (pieces[-1][0], _quoted(pieces[-1][1]))
        for piece, column in pieces:
            good &= _take(piece, column, found)
    cells, good = Cells(cut.numbers, found), good & whole
    if good.all():
        return Found([cells], numbers[:0])
    return Found([cells.take(good)], cut.numbers[whole & ~good])


def _quoted(column: Coded) -> Coded:
    """With the quote at which it was cut: only the end that may hold anything goes on there."""
    return Coded(column.codes, pc.binary_join_element_wise(column.values, b'"', b""))


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
    head, end = pc.binary_slice(values, 0, -width), pc.binary_slice(values, -width)
    # Hardly two lines have the same time, but most the same day.
    row_by_row = Coded(np.arange(len(end), dtype=np.int32), end)
    return encode(head), row_by_row if tail.clf else runs(end)


def _take(piece: Piece, column: Coded, columns: dict[str, Coded]) -> Mask:
    """Put the piece's fields into `columns`; say which rows match it."""
    if piece.pattern is None:
        for name in piece.fields:
            columns[name] = column
        return np.ones(len(column.codes), dtype=np.bool_)
    if piece.clf and pc.min(pc.binary_length(column.values)).as_py() == piece.width:
        return _take_times(piece, column, columns)
    texts = latin_of(column.values)
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
    for name, group in zip(piece.fields, groups, strict=True):
        values = bytes_of(group)
        distinct = len(groups) == 1
        columns[name] = (
            Coded(column.codes, values) if distinct else encode(values).through(column.codes)
        )
    return _rows(~groups[0].is_null().to_numpy(), column.codes)


def _take_times(piece: Piece, column: Coded, columns: dict[str, Coded]) -> Mask:
    """The same of a piece with a time, of values as long as it: read at once, a day and a zone
    at a time."""
    width, (start, end) = piece.width or 0, piece.inner or (0, 0)
    grid, clocks = split_clocks(column.values, width, start)
    rows = grid.view(f"S{width}")[:, 0]
    begins = np.append(True, rows[1:] != rows[:-1])
    heads = pl.Series([row.decode("latin-1") for row in rows[begins].tolist()], dtype=pl.String)
    matched = heads.str.contains(piece.pattern or "")
    days = read_shaped(clock("clf"), heads.set(~matched, None).str.slice(start, end - start))
    run = np.cumsum(begins) - 1
    none = days.is_null().to_numpy()[run] | (clocks < 0)
    millis = days.fill_null(0).to_numpy()[run] + clocks
    columns[MILLIS] = Coded(column.codes, pa.array(millis, mask=none))
    return _rows(matched.to_numpy()[run] & (clocks > NO_CLOCK), column.codes)


def _rows(good: Mask, codes: Codes) -> Mask:
    return np.ones(len(codes), dtype=np.bool_) if good.all() else good[codes]


def _closed(column: pa.Array) -> Mask:
    """Whether the quote after each quoted value is a real one, not escaped by a backslash."""
    if isinstance(column, pa.DictionaryArray):
        return _rows(_closed(column.dictionary), coded(column).codes)
    ends = pc.equal(pc.binary_slice(column, -1), b"\\")
    good: Mask = ~ends.to_numpy(zero_copy_only=False)
    for number in np.flatnonzero(~good):
        raw = column[int(number)].as_py()
        good[number] = (len(raw) - len(raw.rstrip(b"\\"))) % 2 == 0
    return good
