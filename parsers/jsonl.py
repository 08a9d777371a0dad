"""Lines that are one JSON object each.

Only the values a format names are read. DuckDB takes them out of all lines of a chunk at once;
lines that it can't read, or reads in another way than Python does, are read one by one, which is
also what the reference engine does with every line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from parsers.cells import Cells, Coded, any_given, encode, first_given, given, merge
from parsers.jsonvalues import as_text, as_texts, load
from parsers.keys import keys_of
from parsers.lines import Lines, Longs
from parsers.registry import Format
from parsers.values import decode

REQUEST_FIELDS = ("request", "method", "url")
#: Where DuckDB may find a value and Python none: a comma before an end, `nan` in other letters.
LENIENT = r",[ \t\r\n]*[}\]]|[:\[,][ \t\r\n]*-?(?:[nN][aA]|[iI][nN])"
#: A line with more objects and arrays than these may be too deep for Python.
DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Objects:
    """Cells of the lines that are records; the numbers of those that are no JSON object, and of
    those that are but hold nothing of a request."""

    cells: Cells
    broken: Longs
    foreign: Longs


def read_objects(
    lines: Lines, numbers: Longs, fmt: Format, fast: bool = True, strict: bool = False
) -> Objects:
    """What the lines hold under the names that the format gives for its fields.

    With `strict` a line is foreign too that has none of the format's marks, or one of another's.
    """
    texts = decode(lines.bodies(numbers).cast(pa.binary()), "none").str.strip_chars(" \t\r\n")
    shaped = (texts.str.starts_with("{") & texts.str.ends_with("}")).to_numpy()
    names = {*fmt.visitor, *(name for choice in fmt.fields.values() for name in choice)}
    paths = sorted(names | {*fmt.marks, *fmt.foreign} if strict else names)
    read = _read_fast if fast else _read_singly
    found = read(texts.filter(pl.Series(shaped, dtype=pl.Boolean)), numbers[shaped], paths)
    cells = _cells(found, fmt)
    speaking = any_given(cells, REQUEST_FIELDS)
    if strict and fmt.marks:
        speaking &= any_given(found, fmt.marks)
    if strict and fmt.foreign:
        speaking &= ~any_given(found, fmt.foreign)
    broken = lines.without(numbers, found.numbers)
    return Objects(cells.take(speaking), broken, found.numbers[~speaking])


def _cells(found: Cells, fmt: Format) -> Cells:
    """The fields of the lines, whichever of their names has them."""
    columns = {field: first_given(names, found, fmt.missing) for field, names in fmt.fields.items()}
    given = {field: column for field, column in columns.items() if column is not None}
    if "agent" in fmt.fields and "agent" not in given:
        # A piece in which no line has an agent is no other log than the next one, in which some
        # have.
        nobody = np.zeros(len(found.numbers), dtype=np.int32)
        given = {"agent": Coded(nobody, pa.nulls(1, pa.binary()))} | given
    if fmt.visitor:
        given["subrequest"] = _subrequests(found, fmt)
    return Cells(found.numbers, given)


def _read_fast(texts: pl.Series, numbers: Longs, paths: Sequence[str]) -> Cells:
    """The values under `paths` of those texts that are objects; `numbers` are their lines."""
    if not len(texts):
        return _read_singly(texts, numbers, paths)
    hard = texts.str.contains(LENIENT) | (texts.str.count_matches(r"[\[{]") > DEEPEST)
    try:
        quick = _extract(texts.filter(~hard), paths)
    except (duckdb.InvalidInputException, UnicodeDecodeError):
        # The second is of the first one's message, which may break off within a character.
        # Not lost: what can't be read this way is read singly.
        hard |= ~readable(texts)
        quick = _extract(texts.filter(~hard), paths)
    odd = hard.to_numpy()
    slow = _read_singly(texts.filter(hard), numbers[odd], paths)
    return merge([Cells(numbers[~odd], quick), slow])


def _extract(texts: pl.Series, paths: Sequence[str]) -> dict[str, Coded]:
    """The values of texts that are JSON; InvalidInputException if one is none."""
    literals = ", ".join(_literal(path) for path in paths)
    found = _relation(texts).project(f"json_extract(text, [{literals}]) as found")
    places = (f"found[{n}] as v{n}" for n in range(1, len(paths) + 1))
    columns = found.project(", ".join(places)).to_arrow_table().combine_chunks().columns
    return {path: _decoded(column) for path, column in zip(paths, columns, strict=True)}


def readable(texts: pl.Series) -> pl.Series:
    """Which of the texts are JSON to DuckDB."""
    return pl.Series(_relation(texts).project("json_valid(text)").to_arrow_table().column(0))


def _relation(texts: pl.Series) -> duckdb.DuckDBPyRelation:
    table = pa.table({"text": texts.to_arrow().cast(pa.large_string())})
    return _database().cursor().from_arrow(table)


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """A database without data, in memory: to open one takes as long as to read thousands of lines.

    It has no threads of its own, and each thread of ours uses a cursor of its own.
    """
    return duckdb.connect(":memory:", config={"threads": 1})


def _literal(path: str) -> str:
    """A name as an SQL literal that holds the path in DuckDB's words."""
    keys = "".join(f'."{key}"' for key in keys_of(path))
    return "'$" + keys.replace("\\", "\\\\").replace("'", "''") + "'"


def _decoded(column: pa.ChunkedArray) -> Coded:
    found = encode(column.combine_chunks())
    texts = as_texts(pl.Series(found.values, dtype=pl.String))
    return Coded(found.codes, texts.to_arrow().cast(pa.binary()))


def _read_singly(texts: pl.Series, numbers: Longs, paths: Sequence[str]) -> Cells:
    """As _read_fast, one text after the other."""
    objects = [_object(text) for text in texts.to_list()]
    good = np.array([one is not None for one in objects], dtype=np.bool_)
    columns = {path: _column(objects, keys_of(path)) for path in paths}
    return Cells(numbers, columns).take(good)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = load(text)
    except (ValueError, RecursionError):
        return None  # Counted by the caller as a line that is no JSON object.
    return value if isinstance(value, dict) else None


def _column(objects: Sequence[Any], keys: Sequence[str]) -> Coded:
    """The value that these keys lead to in each object."""
    for key in keys:
        objects = [one.get(key) if isinstance(one, dict) else None for one in objects]
    found = pl.Series([as_text(value) for value in objects], dtype=pl.String)
    return encode(found.to_arrow().cast(pa.binary()))


def _subrequests(found: Cells, fmt: Format) -> Coded:
    """Whether a line is no request of a visitor: true or false, as text."""
    rows = np.zeros(len(found.numbers), dtype=np.bool_)
    for name, values in fmt.visitor.items():
        rows |= given(found.columns[name], {*fmt.missing, *values})
    return Coded(rows.astype(np.int32), pa.array([b"false", b"true"], pa.binary()))
