"""Lines that are one JSON object each.

Only the keys a format names are read. All lines of a chunk are read at once; where that fails
the chunk is halved until the bad lines are found, and these are read one by one, which is also
what the reference engine does with every line. A number stands for its digits, an array for its
first element; an object is no value. Of two equal keys the first counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from parsers.cells import Cells, Coded, encode
from parsers.keys import key_tree
from parsers.lines import Lines, Longs, Mask
from parsers.registry import Format

#: A key of our own in front of every object. If its values come back as they were given, no
#: line was torn into two objects and no two lines were glued into one.
MARK = "#"
SMALLEST = 32
REQUEST_FIELDS = ("request", "method", "url")

#: name in the log (dotted path) -> a value a line
Values = Mapping[str, pl.Series]


@dataclass(frozen=True, slots=True)
class Objects:
    """Cells of the lines that are records; the numbers of those that are no JSON object, and of
    those that are but hold nothing of a request."""

    cells: Cells
    broken: Longs
    foreign: Longs


def read_objects(lines: Lines, numbers: Longs, fmt: Format, fast: bool = True) -> Objects:
    """What the lines hold under the names that the format gives for its fields."""
    paths = sorted({path for names in fmt.fields.values() for path in names})
    texts = _texts(lines, numbers)
    shaped = (texts.str.starts_with("{") & texts.str.ends_with("}")).to_numpy()
    whole = texts.filter(pl.Series(shaped, dtype=pl.Boolean))
    values, read = _read(whole, paths, fast)
    good = numbers[shaped][read]
    found = {field: _first(names, values, fmt) for field, names in fmt.fields.items()}
    # A piece in which no line has an agent is no other log than the next one, in which some have.
    missing = {"agent": pl.Series([None] * len(good), dtype=pl.String)}
    columns = {field: column for field, column in found.items() if column is not None}
    columns = {f: c for f, c in missing.items() if f in fmt.fields} | columns
    speaking = _any_of(columns, len(good))
    cells = Cells(good, {field: _coded(column) for field, column in columns.items()})
    broken = np.sort(np.concatenate([numbers[~shaped], numbers[shaped][~read]]))
    return Objects(cells.take(speaking), broken, good[~speaking])


def _texts(lines: Lines, numbers: Longs) -> pl.Series:
    """Lines as text without white space around, with U+FFFD for what is not UTF-8."""
    column = lines.column(numbers)
    try:
        texts = pl.Series(column.cast(pa.large_string()), dtype=pl.String)
    except pa.ArrowInvalid:
        raw = column.to_pylist()
        texts = pl.Series([line.decode("utf-8", errors="replace") for line in raw], dtype=pl.String)
    return texts.str.strip_chars(" \t\r\n")


def _read(texts: pl.Series, paths: Sequence[str], fast: bool) -> tuple[Values, Mask]:
    """The values of the objects, and which of the texts are one."""
    # The fast reader makes something else than U+FFFD of half a pair of surrogates.
    odd = pl.Series([True], dtype=pl.Boolean).new_from_index(0, len(texts))
    if fast:
        odd = texts.str.contains(r"\ud", literal=True) | texts.str.contains(r"\uD", literal=True)
    if not odd.any():
        values, some = _read_block(texts, paths)
        return values, np.isin(np.arange(len(texts)), some, assume_unique=True)
    together, some = _read_block(texts.filter(~odd), paths)
    singly, others = _read_singly(texts.filter(odd), paths)
    places = np.concatenate([(~odd).arg_true().to_numpy()[some], odd.arg_true().to_numpy()[others]])
    order = pl.Series(np.argsort(places, kind="stable"))
    values = {path: pl.concat([together[path], singly[path]]).gather(order) for path in paths}
    read = np.zeros(len(texts), dtype=np.bool_)
    read[places] = True
    return values, read


def _read_block(texts: pl.Series, paths: Sequence[str]) -> tuple[Values, Longs]:
    """As _read; halves what can't be read at once."""
    if len(texts) <= SMALLEST:
        return _read_singly(texts, paths)
    values = _read_at_once(texts, paths)
    if values is not None:
        return values, np.arange(len(texts))
    middle = len(texts) // 2
    left, some = _read_block(texts[:middle], paths)
    right, others = _read_block(texts[middle:], paths)
    values = {path: pl.concat([left[path], right[path]]) for path in paths}
    return values, np.concatenate([some, others + middle])


def _read_at_once(texts: pl.Series, paths: Sequence[str]) -> Values | None:
    """The values of all objects, or None if one of them can't be read this way."""
    numbers = pl.Series("n", range(len(texts)), dtype=pl.Int64)
    bodies = texts.str.strip_prefix("{")
    head = pl.lit('{"' + MARK + '":')
    marked = pl.select(pl.concat_str(head, numbers, pl.lit(","), bodies)).to_series()
    tree = {MARK: pl.Int64(), **_types(key_tree(paths))}
    try:
        decoded = marked.str.json_decode(pl.Struct(tree))
    except pl.exceptions.ComputeError:
        return None  # Not lost: the caller halves the block and looks closer.
    if len(decoded) != len(texts) or not decoded.struct.field(MARK).eq_missing(numbers).all():
        return None
    return {path: _at(decoded, path) for path in paths}


def _types(tree: Mapping[str, Any]) -> dict[str, pl.DataType]:
    # A list also takes a lone value, so that one type fits both.
    return {
        key: pl.Struct(_types(below)) if below else pl.List(pl.String)
        for key, below in tree.items()
    }


def _at(decoded: pl.Series, path: str) -> pl.Series:
    for key in path.split("."):
        decoded = decoded.struct.field(key)
    return decoded.list.first().alias(path)


def _read_singly(texts: pl.Series, paths: Sequence[str]) -> tuple[Values, Longs]:
    """As _read, one object after the other."""
    objects = [_object(text) for text in texts.to_list()]
    good = [number for number, one in enumerate(objects) if one is not None]
    values = {
        path: pl.Series(path, [_value(objects[n], path) for n in good], dtype=pl.String)
        for path in paths
    }
    return values, np.array(good, dtype=np.int64)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text, strict=False, object_pairs_hook=_first_wins)
    except (ValueError, RecursionError):
        return None  # Counted by the caller as a line that is no JSON object.
    return value if isinstance(value, dict) else None


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _value(value: Any, path: str) -> str | None:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(np.format_float_positional(value, trim="-"))
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode() if _halves(value) else value
    return str(value) if isinstance(value, int) else None


def _halves(text: str) -> bool:
    """Whether half a pair of surrogates is in it, which UTF-8 can't hold."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _first(names: Sequence[str], values: Values, fmt: Format) -> pl.Series | None:
    """For each line the first of these names that has a value there; None if no line has one."""
    found = [values[name] for name in names if values[name].null_count() < len(values[name])]
    if not found:
        return None
    result = found[0]
    for other in found[1:]:
        lacking = result.is_null() | result.is_in(list(fmt.missing)).fill_null(True)
        result = other.zip_with(lacking & other.is_not_null(), result)
    return result


def _any_of(columns: Mapping[str, pl.Series], count: int) -> Mask:
    speaking = np.zeros(count, dtype=np.bool_)
    for field in REQUEST_FIELDS:
        if field in columns:
            speaking |= columns[field].is_not_null().to_numpy()
    return speaking


def _coded(column: pl.Series) -> Coded:
    found = encode(column.to_arrow().cast(pa.string()))
    return Coded(found.codes, found.values.cast(pa.binary()))
