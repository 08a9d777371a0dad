"""Lines of labelled values in any order: LTSV (label:value between tabs) and logfmt (key=value
between blanks, the value in quotes where it holds blanks).

`fields` says which labels a field may have, the best first; `#2` stands for the second piece of a
line, labelled or not. Of two equal labels in a line the first counts. The fast engine cuts lines
at the separator and looks at the distinct values of each place; where a separator stands between
quotes it looks for the pieces of each line. The reference takes one line after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from parsers.cells import Cells, Coded, absent, any_given, encode, filled, first_given, merge
from parsers.columns import Cut, by_count, cut_counted
from parsers.lines import Lines, Longs, Mask
from parsers.registry import Format
from parsers.text import bytes_of, latin_lines, latin_of

REQUEST_FIELDS = frozenset({"request", "method", "url"})


@dataclass(frozen=True, slots=True)
class Style:
    """What stands between the pieces of a line, and between a label and its value; patterns of
    one piece: of any, as it is found in a line, and of one that is a label (first group) with its
    value (second or third)."""

    separator: str
    mark: str
    piece: str
    pair: str


STYLES = {
    "ltsv": Style("\t", ":", "[^\t]+", "^([^:\t#][^:\t]*):([^\t]*)$"),
    "logfmt": Style(
        " ",
        "=",
        r'(?:[^ ="]+="(?:[^"\\]|\\.)*"|[^ ]+)',
        r'^([^="#][^="]*)=(?:"((?:[^"\\]|\\.)*)"|([^"]*))$',
    ),
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """Cells of the lines that hold anything of a request, and one of the format's marks if it has
    some; the numbers of the others."""

    cells: Cells
    foreign: Longs


def read_labels(lines: Lines, numbers: Longs, fmt: Format, fast: bool = True) -> Labelled:
    """What the lines hold under the labels that the format gives for its fields."""
    style = STYLES[fmt.dialect]
    labels = {*fmt.marks, *(label for names in fmt.fields.values() for label in names)}
    parts = list(_cut(lines, numbers, style, labels)) if fast else []
    done = np.concatenate([numbers[:0], *(part.numbers for part in parts)])
    slow = _by_pieces if fast else _singly
    parts.append(slow(lines, lines.without(numbers, done), style, labels))
    found = merge(parts)
    columns = {f: first_given(names, found, fmt.missing) for f, names in fmt.fields.items()}
    # A piece in which no line has an agent is no other log than one in which some have.
    nobody = {"agent": absent(len(numbers))} if "agent" in columns else {}
    told = {field: column for field, column in columns.items() if column is not None}
    cells = Cells(found.numbers, nobody | told)
    speaking = any_given(cells, REQUEST_FIELDS)
    if fmt.marks:
        speaking &= any_given(found, fmt.marks)
    return Labelled(cells.take(speaking), found.numbers[~speaking])


def _cut(lines: Lines, numbers: Longs, style: Style, labels: set[str]) -> Iterator[Cells]:
    """The lines that the fast engine can read, those with as many pieces together."""
    whole = numbers if lines.torn is None else numbers[~lines.torn[numbers]]
    for count, some in by_count(lines, whole, style.separator, 1):
        cut = cut_counted(lines, some, style.separator, count, range(count), -1)
        yield _of_columns(cut, style, labels)


def _of_columns(cut: Cut, style: Style, labels: set[str]) -> Cells:
    """The labelled values in these columns, of lines in which none is cut within quotes."""
    count = len(cut.numbers)
    good = np.ones(count, dtype=np.bool_)
    columns: dict[str, Coded] = {}
    for place, column in cut.columns.items():
        codes = column.indices.to_numpy(zero_copy_only=False)
        texts = latin_of(column.dictionary)
        names, values = _split(texts, style)
        good &= _unhurt(texts, names)[codes]
        if f"#{place + 1}" in labels:
            _put(columns, f"#{place + 1}", Coded(codes, column.dictionary))
        for name in names.filter(names.is_in(list(labels))).unique():
            one = pl.select(pl.when(names == name).then(values)).to_series()
            _put(columns, name, Coded(codes, bytes_of(one)))
    cells = Cells(cut.numbers, columns)
    return cells if good.all() else cells.take(good)


def _split(texts: pl.Series, style: Style) -> tuple[pl.Series, pl.Series]:
    """Label and value of each piece; null where it is not such a pair."""
    groups = texts.str.extract_groups(style.pair).struct.unnest().get_columns()
    values = groups[1]
    for other in groups[2:]:
        values = values.zip_with(values.is_not_null(), other)
    return groups[0], values


def _unhurt(texts: pl.Series, names: pl.Series) -> Mask:
    """Which pieces are not empty, nor a part of a longer one that was cut within its quotes."""
    whole = names.is_not_null() | ~texts.str.contains('"', literal=True)
    found: Mask = (whole & (texts != "")).to_numpy()
    return found


def _put(columns: dict[str, Coded], name: str, column: Coded) -> None:
    """Add the values of one place in the lines to those that have this label elsewhere."""
    columns[name] = filled(columns[name], column) if name in columns else column


def _by_pieces(lines: Lines, numbers: Longs, style: Style, labels: set[str]) -> Cells:
    """Lines by their pieces, wherever these end."""
    found = latin_lines(lines, numbers).str.extract_all(style.piece)
    counts = found.list.len().to_numpy().astype(np.int64)
    owners = np.repeat(np.arange(len(numbers)), counts)
    pieces = found.explode().drop_nulls()
    names, values = _split(pieces, style)
    starts, columns = np.cumsum(counts) - counts, dict[str, Coded]()
    for label in labels:
        if label.startswith("#"):
            place = int(label[1:]) - 1
            rows = np.flatnonzero(counts > place)
            texts = pieces.gather(starts[rows] + place)
        else:
            where = (names == label).fill_null(False)
            rows, first = np.unique(owners[where.to_numpy()], return_index=True)
            texts = values.filter(where).gather(first)
        if len(rows):
            columns[label] = _spread(texts, rows, len(numbers))
    return Cells(numbers, columns)


def _spread(texts: pl.Series, rows: Longs, count: int) -> Coded:
    """A column of `count` rows in which these have the texts, and others no value."""
    values = encode(bytes_of(texts))
    codes = np.full(count, len(values.values), dtype=np.int32)
    codes[rows] = values.codes
    return Coded(codes, pa.concat_arrays([values.values, pa.nulls(1, pa.binary())]))


def _singly(lines: Lines, numbers: Longs, style: Style, labels: set[str]) -> Cells:
    """One line after the other."""
    piece, pair = re.compile(style.piece), re.compile(style.pair)
    rows = [_pieces(lines.raw(int(n)).decode("latin-1"), piece, pair) for n in numbers]
    columns = {}
    for label in sorted(labels):
        values = [row[label].encode("latin-1") if label in row else None for row in rows]
        if any(value is not None for value in values):
            columns[label] = encode(pa.array(values, pa.binary()))
    return Cells(numbers, columns)


def _pieces(text: str, piece: re.Pattern[str], pair: re.Pattern[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for place, match in enumerate(piece.finditer(text), 1):
        found[f"#{place}"] = match[0]
        label = pair.match(match[0])
        if label:
            value = next((group for group in label.groups()[1:] if group is not None), "")
            found.setdefault(label[1], value)
    return found
