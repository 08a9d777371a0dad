"""Lines of one format read by the engine of its dialect."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from parsers.build import Built, build, join
from parsers.jsonl import read_objects
from parsers.labels import STYLES, read_labels
from parsers.lines import Lines, Longs
from parsers.registry import Format
from parsers.text import Engine, read_fast, read_layouts, read_reference
from parsers.w3c import read_rows

State = Mapping[str, str]


def read(
    lines: Lines, numbers: Longs, fmt: Format, state: State, fast: bool, strict: bool
) -> tuple[Built, int]:
    """Rows and refused lines of those that are asked for, and how many are directives.

    With `strict` a line is refused that does not have the format's shape, though it may be a
    record.
    """
    if fmt.dialect == "w3c":
        return _w3c(lines, numbers, fmt, state, fast)
    if fmt.dialect == "json":
        return _json(lines, numbers, fmt, fast, strict), 0
    if fmt.dialect in STYLES:
        return _labels(lines, numbers, fmt, fast), 0
    return _text(lines, numbers, fmt, read_fast if fast else read_reference, strict), 0


def _text(lines: Lines, numbers: Longs, fmt: Format, engine: Engine, strict: bool) -> Built:
    found = read_layouts(lines, numbers, fmt.layouts, engine, strict)
    # Where a layout has no agents, its lines do not tell of them, whatever others do.
    parts = [part for part in found.parts if len(part.numbers)] or found.parts[:1]
    built = join([build(part, lines, fmt) for part in parts], lines, fmt)
    return Built(built.table, built.refused | {"layout": found.unmatched})


def _json(lines: Lines, numbers: Longs, fmt: Format, fast: bool, strict: bool) -> Built:
    found = read_objects(lines, numbers, fmt, fast, strict)
    built = build(found.cells, lines, fmt)
    return Built(built.table, built.refused | {"json": found.broken, "fields": found.foreign})


def _labels(lines: Lines, numbers: Longs, fmt: Format, fast: bool) -> Built:
    found = read_labels(lines, numbers, fmt, fast)
    built = build(found.cells, lines, fmt)
    return Built(built.table, built.refused | {"layout": found.foreign})


def _w3c(lines: Lines, numbers: Longs, fmt: Format, state: State, fast: bool) -> tuple[Built, int]:
    found = read_rows(lines, numbers, fmt, state, fast)
    built = join([build(block.cells, lines, block.fmt) for block in found.blocks], lines, fmt)
    short = [found.headless, *(block.short for block in found.blocks)]
    long = [numbers[:0], *(block.long for block in found.blocks)]
    refused = {"fields": np.concatenate(short), "layout": np.concatenate(long)}
    return Built(built.table, built.refused | refused), found.directives
