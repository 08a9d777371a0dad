"""Bytes of a log in, RAW rows and rejects out; every line is accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from parsers.build import Built, build, join
from parsers.jsonl import read_objects
from parsers.lines import Lines, Longs, split_lines, unreadable
from parsers.raw import REJECTS
from parsers.registry import Format
from parsers.text import Engine, read_fast, read_layouts, read_reference
from parsers.w3c import advance_fields, read_rows

State = Mapping[str, str]
#: Reasons that come second to NUL bytes in the line.
SHAPELESS = ("blank", "layout", "json", "fields")


@dataclass(frozen=True, slots=True)
class Parsed:
    """Rows in the order of their lines, refused lines likewise, and how many lines there were."""

    table: pa.Table
    rejects: pa.Table
    directives: int
    lines: int


def parse(
    data: bytes, offset: int, fmt: Format, state: State, fast: bool = True, strict: bool = False
) -> Parsed:
    """Parse whole lines, of which the first begins at `offset` of the decompressed source.

    `state` is what `advance` gave for the lines before, or empty. Without `fast` the reference
    engine reads every line; the result is the same. With `strict` a line is refused that does
    not have the format's layout, though it may be a record.
    """
    lines = split_lines(data, offset)
    refused = unreadable(lines)
    numbers = _others(lines, refused)
    directives = 0
    if fmt.dialect == "w3c":
        built, directives = _w3c(lines, numbers, fmt, state, fast)
    elif fmt.dialect == "json":
        built = _json(lines, numbers, fmt, fast)
    else:
        built = _text(lines, numbers, fmt, read_fast if fast else read_reference, strict)
    return _account(lines, built, refused, directives)


def advance(data: bytes, fmt: Format, state: State) -> State:
    """The state after these whole lines, without parsing them."""
    return advance_fields(data, state) if fmt.dialect == "w3c" else state


def _text(lines: Lines, numbers: Longs, fmt: Format, engine: Engine, strict: bool) -> Built:
    found = read_layouts(lines, numbers, fmt.layouts, engine, strict)
    # Where a layout has no agents, its lines do not tell of them, whatever others do.
    parts = [part for part in found.parts if len(part.numbers)] or found.parts[:1]
    built = join([build(part, lines, fmt) for part in parts], lines, fmt)
    return Built(built.table, built.refused | {"layout": found.unmatched})


def _json(lines: Lines, numbers: Longs, fmt: Format, fast: bool) -> Built:
    found = read_objects(lines, numbers, fmt, fast)
    built = build(found.cells, lines, fmt)
    return Built(built.table, built.refused | {"json": found.broken, "fields": found.foreign})


def _w3c(lines: Lines, numbers: Longs, fmt: Format, state: State, fast: bool) -> tuple[Built, int]:
    found = read_rows(lines, numbers, fmt, state, fast)
    built = join([build(block.cells, lines, block.fmt) for block in found.blocks], lines, fmt)
    short = [found.headless, *(block.short for block in found.blocks)]
    long = [numbers[:0], *(block.long for block in found.blocks)]
    refused = {"fields": np.concatenate(short), "layout": np.concatenate(long)}
    return Built(built.table, built.refused | refused), found.directives


def _others(lines: Lines, refused: Mapping[str, Longs]) -> Longs:
    numbers = np.arange(len(lines), dtype=np.int64)
    return np.delete(numbers, np.concatenate(list(refused.values()))) if refused else numbers


def _account(lines: Lines, built: Built, refused: Mapping[str, Longs], directives: int) -> Parsed:
    """The result; AssertionError if a line was lost or counted twice."""
    reasons = [*refused.items(), *built.refused.items()]
    numbers = np.concatenate([np.empty(0, np.int64), *(lost for _, lost in reasons)])
    words = np.repeat([reason for reason, _ in reasons], [len(lost) for _, lost in reasons])
    words = np.where(np.isin(words, SHAPELESS) & lines.nulled(numbers), "nul", words)
    order = np.argsort(numbers, kind="stable")
    numbers, words = numbers[order], words[order]
    columns = [lines.offsets(numbers), lines.lengths(numbers), words]
    rejects = pa.table(
        [pa.array(c, t) for c, t in zip(columns, REJECTS.types, strict=True)], schema=REJECTS
    )
    if built.table.num_rows + len(numbers) + directives != len(lines):
        raise AssertionError(
            f"{len(lines)} lines gave {built.table.num_rows} rows, {len(numbers)} rejects"
            f" and {directives} directives"
        )
    return Parsed(built.table, rejects, directives, len(lines))
