"""What cells hold beside texts: times, statuses, sizes and durations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl
import pyarrow as pa

from parsers.cells import MILLIS, Cells, Coded
from parsers.lines import Longs, Mask
from parsers.registry import Format
from parsers.times import read_any, read_clock, read_date, read_shaped
from parsers.values import bare_number, decode, whole_number, with_unit

#: Field -> milliseconds a unit; a `duration` tells its unit itself.
DURATIONS = {
    "duration_ms": 1.0,
    "duration_s": 1e3,
    "duration_us": 1e-3,
    "duration_ns": 1e-6,
    "duration": 1.0,
}


def read_texts(column: Coded, fmt: Format, escape: str) -> pl.Series:
    """The distinct values as text, null for those that mean "missing"."""
    texts = decode(column.values, escape)
    for word in fmt.missing:
        found = (texts == word).fill_null(False)
        texts = texts.set(found, None) if found.any() else texts
    return texts


def _numbers(
    column: Coded, fmt: Format, read: Callable[[pl.Series], pl.Series]
) -> tuple[Longs, Mask]:
    """A value a row and whether it could be read. Nothing of a number is ever escaped."""
    values = read(read_texts(column, fmt, "none"))
    good = values.is_not_null().to_numpy()
    return values.fill_null(0).to_numpy()[column.codes], good[column.codes]


def read_time(cells: Cells, fmt: Format) -> tuple[Longs, Mask]:
    """Milliseconds since 1970, and which rows have a time; from date and clock where need be."""
    if MILLIS in cells.columns:
        return _millis(cells, fmt)
    apart = "date" in cells.columns and "clock" in cells.columns
    if "time" in cells.columns:
        # With a layout the times have the shape of the clock, or the line would not have matched.
        shaped = bool(fmt.layouts) and len(fmt.clocks) == 1
        read = partial(read_shaped, fmt.clocks[0]) if shaped else partial(read_any, fmt.clocks)
        time, timed = _numbers(cells.columns["time"], fmt, read)
        if timed.all() or not apart:
            return time, timed
        other, known = _date_and_clock(cells, fmt)
        return np.where(timed, time, other), timed | known
    if not apart:
        nothing = np.zeros(len(cells.numbers), dtype=np.int64)
        return nothing, nothing.astype(np.bool_)
    return _date_and_clock(cells, fmt)


def _millis(cells: Cells, fmt: Format) -> tuple[Longs, Mask]:
    """Times that were read already, or else those that were not."""
    column, others = cells.columns[MILLIS], dict(cells.columns)
    del others[MILLIS]
    values: pa.Array = column.values
    timed = values.is_valid().to_numpy(zero_copy_only=False)[column.codes]
    time = values.fill_null(0).to_numpy()[column.codes]
    if timed.all():
        return time, timed
    other, known = read_time(Cells(cells.numbers, others), fmt)
    return np.where(timed, time, other), timed | known


def _date_and_clock(cells: Cells, fmt: Format) -> tuple[Longs, Mask]:
    day, has_day = _numbers(cells.columns["date"], fmt, read_date)
    clock, has_clock = _numbers(cells.columns["clock"], fmt, read_clock)
    return day + clock, has_day & has_clock


def read_status(cells: Cells, fmt: Format) -> tuple[Longs, Mask]:
    """Three digits, or 0 for a dash; anything else can't be read."""
    column = cells.columns.get("status")
    if column is None:
        nothing = np.zeros(len(cells.numbers), dtype=np.int64)
        return nothing, nothing.astype(np.bool_)
    return _numbers(column, fmt, _read_status)


def _read_status(texts: pl.Series) -> pl.Series:
    shaped = texts.fill_null("0").str.extract(r"^([0-9]{3}|0)(?:\.0+)?$", 1)
    values = shaped.cast(pl.Int64)
    return values.set(values.is_between(1, 99), None)


def read_bytes(cells: Cells, fmt: Format) -> Longs:
    """Bytes sent; 0 for a dash or less than 0."""
    if "bytes" not in cells.columns:
        return np.zeros(len(cells.numbers), dtype=np.int64)
    values, _ = _numbers(cells.columns["bytes"], fmt, whole_number)
    return np.maximum(values, 0)


def read_duration(cells: Cells, fmt: Format) -> dict[str, pa.Array]:
    """The time taken, by the unit in the name of the field; null for a dash or less than 0."""
    for field, factor in DURATIONS.items():
        if field in cells.columns:
            column = cells.columns[field]
            texts = read_texts(column, fmt, "none")
            read = with_unit if field == "duration" else bare_number
            values = read(texts) * factor
            values = values.set(~values.is_finite().fill_null(False) | (values < 0), None)
            nulls = values.is_null().to_numpy()[column.codes]
            millis = values.fill_null(0.0).to_numpy()[column.codes]
            return {"duration_ms": pa.array(millis, mask=nulls)}
    return {}
