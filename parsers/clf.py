"""Times as the common log format has them, in milliseconds since 1970-01-01 UTC.

Most logs write them so, and hardly two lines have the same: they are read by arithmetic on columns
of characters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Ints = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
#: Character codes, one row for each position and one column for each text.
Characters = npt.NDArray[np.uint8]

Longs = npt.NDArray[np.int64]

CLF_WIDTH = 26
#: Where in such a time the time of day is: the rest stays the same for a day.
CLOCK = slice(12, 20)
#: No such time of day, and nothing that has even the shape of one.
WRONG, NO_CLOCK = -1, -2
#: Of eight characters as one number: what tells digits from colons, and `00:00:00`; what no
#: digit is too large for that this can be added to it.
_SHAPE, _ZEROS, _SIX = (
    np.uint64(number) for number in (0xF0F0FFF0F0FFF0F0, 0x30303A30303A3030, 0x0606000606000606)
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH_LENGTHS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int32)


def read_clf(texts: pl.Series) -> pl.Series:
    """Each text, of the shape `10/Oct/2000:13:55:36 -0700`; null where there is no such time."""
    columns = _characters(texts, CLF_WIDTH)
    digits = columns - np.uint8(48)
    hour, minute, second = (_number(digits[start : start + 2]) for start in (12, 15, 18))
    zone_hour, zone_minute = _number(digits[22:24]), _number(digits[24:26])
    day, bad = _clf_days(columns)
    bad |= (hour > 23) | (minute > 59) | (second > 60) | (zone_hour > 23) | (zone_minute > 59)
    zone = np.where(columns[21] == ord("-"), -1, 1) * (zone_hour * 60 + zone_minute)
    minutes = (day * 24 + hour) * 60 + minute - zone
    millis = minutes.astype(np.int64) * 60_000 + second * 1000
    return pl.Series("time", millis).set(pl.Series(bad), None)


def split_clocks(texts: pa.Array, width: int, start: int) -> tuple[Characters, Longs]:
    """Binary texts of that width that have a time at `start`, as rows of characters in which the
    time of day is `00:00:00`; and the time of day in milliseconds, WRONG or NO_CLOCK."""
    raw = np.frombuffer(texts.buffers()[2] or b"", dtype=np.uint8)
    begin = int(np.frombuffer(texts.buffers()[1], dtype=np.int32)[texts.offset])
    grid = raw[begin : begin + len(texts) * width].reshape(len(texts), width).copy()
    place = slice(start + CLOCK.start, start + CLOCK.stop)
    words = grid[:, place].copy().view("<u8")[:, 0].astype(np.uint64, copy=False)
    grid[:, place] = np.frombuffer(b"00:00:00", dtype=np.uint8)
    shaped = ((words & _SHAPE) == _ZEROS) & (((words + _SIX) & _SHAPE) == _ZEROS)
    hour, minute, second = (_pair(words, shift) for shift in (0, 24, 48))
    millis = ((hour * 60 + minute) * 60 + second) * 1000
    millis[(hour > 23) | (minute > 59) | (second > 60)] = WRONG
    millis[~shaped] = NO_CLOCK
    return grid, millis


def _pair(words: npt.NDArray[np.uint64], shift: int) -> Longs:
    """The number that two digits are, the first of which is at this bit of each word."""
    tens, ones = (((words >> np.uint64(bit)) & np.uint64(15)) for bit in (shift, shift + 8))
    return (tens * np.uint64(10) + ones).astype(np.int64)


def _clf_days(columns: Characters) -> tuple[Ints, Mask]:
    """Days since 1970-01-01, and which dates there are none of.

    A log goes forward in time, so each run of equal dates is looked at once.
    """
    dates = columns[:11]
    begins = np.ones(dates.shape[1], dtype=np.bool_)
    begins[1:] = (dates[:, 1:] != dates[:, :-1]).any(axis=0)
    heads = np.ascontiguousarray(dates[:, begins])
    digits = heads - np.uint8(48)
    day, month, year = _number(digits[0:2]), _months(heads[3:6]), _number(digits[7:11])
    bad = (month == 0) | (day < 1) | (day > MONTH_LENGTHS[month])
    bad |= (month == 2) & (day == 29) & ~_leap(year)
    run = np.cumsum(begins) - 1
    return _days(year, month, day)[run], bad[run]


def _characters(texts: pl.Series, width: int) -> Characters:
    """One row for each character position of texts that are all ASCII and `width` long."""
    array = texts.to_arrow().cast(pa.string())
    start = array.offset * width
    raw = np.frombuffer(array.buffers()[2] or b"", dtype=np.uint8)
    grid = raw[start : start + len(texts) * width].reshape(len(texts), width)
    return np.ascontiguousarray(grid.T)


def _number(digits: Characters) -> Ints:
    total: Ints = digits[0].astype(np.int32)
    for column in digits[1:]:
        total = total * 10 + column
    return total


def _months(letters: Characters) -> Ints:
    """The number of each month, 0 for three letters that are none."""
    first, second, third = letters.astype(np.int32) | 32
    keys = (first << 16) | (second << 8) | third
    result = np.zeros(len(keys), dtype=np.int32)
    for number, name in enumerate(MONTHS, start=1):
        result[keys == int.from_bytes(name.encode(), "big")] = number
    return result


def _leap(year: Ints) -> Mask:
    leap: Mask = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return leap


def _days(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days since 1970-01-01; the year is taken to begin in March, so that leap days come last."""
    late = month <= 2
    years = year - late
    months = month + np.where(late, 9, -3)
    whole = years * 365 + years // 4 - years // 100 + years // 400
    return whole + (153 * months + 2) // 5 + day - 1 - 719468
