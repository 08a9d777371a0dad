"""W3C extended logs: columns named by the file's own #Fields lines, or Zeek's #fields.

A format may name the columns itself for logs that have no such line. Where rows have a time of
day only, their day is that of the last #Date line.

Values are separated by tabs or by spaces, whichever comes first in the line. Between spaces a
value may stand in quotes, a quote in it doubled, and more than one space is as one. A row may
end early, as long as it has all that makes a record. The fast engine takes lines that have
as many columns as the first of them and nothing quoted; the reference takes the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa

from parsers.cells import Cells, Coded, coded, encode, merge
from parsers.columns import cut_columns
from parsers.lines import BOM, LONGEST, Lines, Longs, drop_nuls
from parsers.registry import Format
from parsers.text import bytes_of, latin_lines

DIRECTIVE = b"#"
#: Beginnings of lines that name the columns; Zeek has tabs between the names.
FIELDS = (b"#Fields:", b"#fields\t")
DATED = b"#Date:"
DATE = re.compile(rb"#Date:[ \t]*([0-9]{4}-[0-9]{2}-[0-9]{2})")
TOKEN = '"(?:[^"]|"")*"|[^ ]+'
#: What a row may not lack, each line one of these.
NEEDED = (("time", "date"), ("time", "clock"), ("status",), ("url", "request"))
#: What makes a line too hard for the fast engine: it may hold quotes or needless spaces.
HARD = (b"  ", b' "', b" \n", b" \r")


@dataclass(frozen=True, slots=True)
class Block:
    """Lines under the same #Fields, and the format as it is for them."""

    fmt: Format
    cells: Cells
    short: Longs
    long: Longs


@dataclass(frozen=True, slots=True)
class Rows:
    """What the lines are: blocks of rows, lines before any #Fields, and directives."""

    blocks: tuple[Block, ...]
    headless: Longs
    directives: int


def advance_fields(data: bytes, state: Mapping[str, str]) -> Mapping[str, str]:
    """The state after these lines: the last #Fields and #Date of them, if there are any."""
    data = drop_nuls(data)[0].removeprefix(BOM)
    found = [hit for mark in (*FIELDS, DATED) if (hit := _last(data, mark)) is not None]
    for _, line in sorted(found):
        state = _heed(line, state)
    return state


def _last(data: bytes, mark: bytes) -> tuple[int, bytes] | None:
    """The last line that begins like this and says something, and where it is."""
    end = len(data)
    while end > 0:
        start = data.rfind(b"\n" + mark, 0, end) + 1
        if start == 0 and not data.startswith(mark):
            break
        stop = data.find(b"\n", start)
        line = data[start : stop if stop >= 0 else len(data)]
        if b"\0" not in line and len(line) <= LONGEST and _heed(line, {}):
            return start, line
        end = start
    return None


def _heed(line: bytes, state: Mapping[str, str]) -> Mapping[str, str]:
    """The state after this directive."""
    if line.startswith(FIELDS):
        return {**state, "fields": " ".join(line.decode("utf-8", "replace").split()[1:])}
    date = DATE.match(line)
    return {**state, "date": date[1].decode()} if date else state


def read_rows(
    lines: Lines, numbers: Longs, fmt: Format, state: Mapping[str, str], fast: bool = True
) -> Rows:
    """The rows of these lines; `state` holds the #Fields in force before them."""
    first = np.frombuffer(lines.data, dtype=np.uint8)[lines.starts[numbers]]
    special = first == ord(DIRECTIVE)
    # A directive with NUL bytes in it says nothing that could be trusted.
    spoiled = special & lines.nul[numbers] if lines.nul is not None else special & False
    directives, rows = numbers[special & ~spoiled], numbers[~special]
    groups = _groups(lines, directives, rows, {"fields": " ".join(fmt.columns), **state})
    blank = [groups.pop(key) for key in list(groups) if not key[0]]
    headless = np.concatenate([*blank, numbers[spoiled]])
    blocks = tuple(_block(lines, group, fmt, *key, fast) for key, group in groups.items())
    return Rows(blocks, np.sort(headless), len(directives))


def _groups(
    lines: Lines, directives: Longs, rows: Longs, state: Mapping[str, str]
) -> dict[tuple[str, str], Longs]:
    """Names of the columns, and the date -> the lines they are in force for; the names are ""
    before there are any."""
    found: dict[tuple[str, str], list[Longs]] = {}
    start = 0
    for number in [*directives.tolist(), None]:
        after = state if number is None else _heed(lines.raw(number), state)
        if number is not None and after is state:
            continue
        end = len(rows) if number is None else int(np.searchsorted(rows, number))
        if end > start:
            key = state["fields"], state.get("date", "")
            found.setdefault(key, []).append(rows[start:end])
        start, state = end, after
    return {key: np.concatenate(parts) for key, parts in found.items()}


def _block(lines: Lines, numbers: Longs, fmt: Format, names: str, date: str, fast: bool) -> Block:
    fields = names.split()
    fmt = _vary(fmt, fields)
    wanted = {field: _place(choice, fields) for field, choice in fmt.fields.items()}
    places = {field: place for field, place in wanted.items() if place is not None}
    block = _read(lines, numbers, fmt, len(fields), places, fast)
    if not date or "date" in places or "clock" not in places:
        return block
    same = np.zeros(len(block.cells.numbers), dtype=np.int32)
    dated = {**block.cells.columns, "date": Coded(same, pa.array([date.encode()], pa.binary()))}
    return replace(block, cells=Cells(block.cells.numbers, dated))


def _read(
    lines: Lines, numbers: Longs, fmt: Format, count: int, places: Mapping[str, int], fast: bool
) -> Block:
    easy = _read_fast(lines, numbers, count, places) if fast else None
    if easy is None:
        return _read_reference(lines, numbers, fmt, count, places)
    left = lines.without(numbers, easy.numbers)
    rest = _read_reference(lines, left, fmt, count, places)
    return Block(fmt, merge([easy, rest.cells]), rest.short, rest.long)


def _vary(fmt: Format, names: Sequence[str]) -> Format:
    """The format as it is for a file with these fields."""
    for variant in fmt.variants:
        if variant.when in names:
            fields = {**fmt.fields, **variant.fields}
            fmt = replace(fmt, fields=fields, escape={**fmt.escape, **variant.escape})
    return fmt


def _place(choice: Iterable[str], names: Sequence[str]) -> int | None:
    return next((names.index(name) for name in choice if name in names), None)


def _read_fast(lines: Lines, numbers: Longs, count: int, places: Mapping[str, int]) -> Cells | None:
    """Lines with as many values as the first, or None if these are too hard for it."""
    whole = numbers if lines.torn is None else numbers[~lines.torn[numbers]]
    if not len(whole):
        return None
    head = bytes(lines.data[lines.starts[whole[0]] : lines.ends[whole[0]]])
    tab = _separator(head) == b"\t"
    have = head.count(b"\t" if tab else b" ") + 1
    if have < max(2, _least(places, count)) or have > count or (not tab and _hard(lines.source)):
        return None
    found = {field: place for field, place in places.items() if place < have}
    cut = cut_columns(lines, whole, "\t" if tab else " ", have, {0, *found.values()}, -1)
    good = _leads(coded(cut.columns[0]), b" " if tab else b'\t"')
    nothing = Coded(np.zeros(len(cut.numbers), dtype=np.int32), pa.nulls(1, pa.binary()))
    columns = dict.fromkeys(places, nothing)
    columns |= {field: coded(cut.columns[place]) for field, place in found.items()}
    return Cells(cut.numbers, columns).take(good)


def _separator(line: bytes) -> bytes:
    return b"\t" if b"\t" in line.split(b" ", 1)[0] else b" "


def _hard(source: bytes) -> bool:
    return source.endswith(b" ") or any(mark in source for mark in HARD)


def _leads(first: Coded, forbidden: bytes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows have a first value that is there and holds none of these bytes."""
    values = first.values.to_pylist()
    good = [bool(value) and not any(byte in value for byte in forbidden) for value in values]
    return np.array(good, dtype=np.bool_)[first.codes]


def _read_reference(
    lines: Lines, numbers: Longs, fmt: Format, count: int, places: Mapping[str, int]
) -> Block:
    """Each line cut into its values."""
    texts = latin_lines(lines, numbers)
    tabs = texts.str.contains("^[^ \t]*\t")
    # Values between tabs are never quoted.
    cut = texts.str.split("\t").zip_with(tabs, texts.str.extract_all(TOKEN))
    have = cut.list.len().to_numpy().astype(np.int64)
    long, short = have > count, have < _least(places, count)
    good = pl.Series(~(long | short), dtype=pl.Boolean)
    kept, bare = cut.filter(good), tabs.filter(good)
    columns = {
        field: encode(bytes_of(_unquote(kept.list.get(place, null_on_oob=True), bare)))
        for field, place in places.items()
    }
    cells = Cells(numbers[good.to_numpy()], columns)
    return Block(fmt, cells, numbers[short], numbers[long])


def _unquote(values: pl.Series, bare: pl.Series) -> pl.Series:
    inner = values.str.extract('^"((?s:.*))"$', 1).str.replace_all('""', '"', literal=True)
    return values.zip_with(bare | inner.is_null(), inner)


def _least(places: Mapping[str, int], count: int) -> int:
    """How many values a row needs to be a record, whatever else it lacks."""
    found = [[places[field] for field in choice if field in places] for choice in NEEDED]
    return max((min(choice) + 1 for choice in found if choice), default=count)
