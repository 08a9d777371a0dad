"""W3C extended logs: columns named by the file's own #Fields lines.

Values are separated by tabs or by spaces, whichever comes first in the line. Between spaces a
value may stand in quotes, a quote in it doubled, and more than one space is as one. A row may
end early, as long as it has all that makes a record. The fast engine takes lines that have
exactly the columns of #Fields and nothing quoted; the reference takes the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from parsers.cells import Cells, Coded, coded, encode, merge
from parsers.columns import cut_columns
from parsers.lines import BOM, LONGEST, Lines, Longs, drop_nuls
from parsers.registry import Format
from parsers.text import bytes_of, latin_lines

DIRECTIVE = b"#"
FIELDS = b"#Fields:"
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
    """The state after these lines: the last #Fields line of them, if there is one."""
    data, *_ = drop_nuls(data)
    end = len(data)
    while end > 0:
        start = data.rfind(b"\n" + FIELDS, 0, end) + 1
        if start == 0 and not data.removeprefix(BOM).startswith(FIELDS):
            break
        line = data[start:].split(b"\n", 1)[0] if start == 0 else _line(data, start)
        if b"\0" not in line and len(line) <= LONGEST:
            return {**state, "fields": _names(line.removeprefix(BOM))}
        end = start
    return state


def _line(data: bytes, start: int) -> bytes:
    end = data.find(b"\n", start)
    return data[start : end if end >= 0 else len(data)]


def _names(line: bytes) -> str:
    return " ".join(line[len(FIELDS) :].decode("utf-8", errors="replace").split())


def read_rows(
    lines: Lines, numbers: Longs, fmt: Format, state: Mapping[str, str], fast: bool = True
) -> Rows:
    """The rows of these lines; `state` holds the #Fields in force before them."""
    first = np.frombuffer(lines.data, dtype=np.uint8)[lines.starts[numbers]]
    special = first == ord(DIRECTIVE)
    # A directive with NUL bytes in it says nothing that could be trusted.
    spoiled = special & lines.nul[numbers] if lines.nul is not None else special & False
    directives, rows = numbers[special & ~spoiled], numbers[~special]
    groups = _groups(lines, directives, rows, state.get("fields", ""))
    headless = np.concatenate([groups.pop("", rows[:0]), numbers[spoiled]])
    blocks = tuple(_block(lines, group, fmt, names, fast) for names, group in groups.items())
    return Rows(blocks, headless, len(directives))


def _groups(lines: Lines, directives: Longs, rows: Longs, names: str) -> dict[str, Longs]:
    """Field names -> the lines they are in force for; the names are "" before there are any."""
    found: dict[str, list[Longs]] = {}
    start = 0
    for number in [*directives.tolist(), None]:
        line = b"" if number is None else bytes(lines.data[lines.starts[number] :][: len(FIELDS)])
        if number is not None and line != FIELDS:
            continue
        end = len(rows) if number is None else int(np.searchsorted(rows, number))
        if end > start:
            found.setdefault(names, []).append(rows[start:end])
        start = end
        if number is not None:
            names = _names(bytes(lines.data[lines.starts[number] : lines.ends[number]]))
    return {key: np.concatenate(parts) for key, parts in found.items()}


def _block(lines: Lines, numbers: Longs, fmt: Format, names: str, fast: bool) -> Block:
    fields = names.split()
    fmt = _vary(fmt, fields)
    wanted = {field: _place(choice, fields) for field, choice in fmt.fields.items()}
    places = {field: place for field, place in wanted.items() if place is not None}
    easy = _read_fast(lines, numbers, len(fields), places) if fast else None
    if easy is None:
        return _read_reference(lines, numbers, fmt, len(fields), places)
    left = lines.without(numbers, easy.numbers)
    rest = _read_reference(lines, left, fmt, len(fields), places)
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
    """Lines with exactly `count` values, or None if these are too hard for it."""
    whole = numbers if lines.torn is None else numbers[~lines.torn[numbers]]
    if count < 2 or not len(whole):
        return None
    head = bytes(lines.data[lines.starts[whole[0]] : lines.ends[whole[0]]])
    tab = _separator(head) == b"\t"
    if not tab and _hard(lines.source):
        return None
    cut = cut_columns(lines, whole, "\t" if tab else " ", count, {0, *places.values()}, -1)
    good = _leads(coded(cut.columns[0]), b" " if tab else b'\t"')
    columns = {field: coded(cut.columns[place]) for field, place in places.items()}
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
