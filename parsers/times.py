"""How a log writes the time, and what that is in milliseconds since 1970-01-01 UTC.

Every function takes distinct texts and returns one integer each, null where the text is no time.
A time without a zone is UTC unless the clock says otherwise. Fractions are cut, not rounded, to
milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Ints = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
#: Character codes, one row for each position and one column for each text.
Characters = npt.NDArray[np.uint8]

CLF_WIDTH = 26
CLF_PATTERN = "[0-9]{2}/[A-Za-z]{3}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}"
ISO_PATTERN = (
    "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}"
    "(?:[.,][0-9]{1,12})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
#: How a time ends that tells its zone, in ISO 8601.
ZONE_PATTERN = ":[0-9]{2}[.,0-9]*(?:Z|[+-][0-9]{2}:?[0-9]{2})$"
EPOCH_PATTERN = r"[0-9]{1,19}(?:\.[0-9]{1,12})?"
DATE_PATTERN = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
CLOCK_PATTERN = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,12})?"

#: strptime letter -> (pattern, width or None where it varies)
DIRECTIVES: dict[str, tuple[str, int | None]] = {
    "Y": ("[0-9]{4}", 4),
    "m": ("[0-9]{2}", 2),
    "d": ("[0-9]{2}", 2),
    "e": ("[ 0-9][0-9]", 2),
    "b": ("[A-Za-z]{3}", 3),
    "a": ("[A-Za-z]{3}", 3),
    "H": ("[0-9]{2}", 2),
    "M": ("[0-9]{2}", 2),
    "S": ("[0-9]{2}", 2),
    "f": ("[0-9]{1,9}", None),
    "z": ("[+-][0-9]{4}", 5),
    "%": ("%", 1),
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH_LENGTHS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int32)
#: Whole seconds have at most 11 digits until the year 5138; three more digits are the next unit.
EPOCH_LIMITS = ((10**11, 1000), (10**14, 1), (10**17, -1000), (10**20, -1000000))


@dataclass(frozen=True, slots=True)
class Clock:
    """One way to write a time: its shape, its width where that is fixed, and how to read it."""

    pattern: str
    width: int | None
    read: Callable[[pl.Series], pl.Series]


def clock(name: str, zone: str = "UTC") -> Clock:
    """The clock called `name`: clf, iso8601, epoch, or a pattern of strptime letters.

    A time that is written without its zone is one of `zone`, by the name that IANA gave it.
    """
    one = _clock(name)
    if zone == "UTC" or name in ("clf", "epoch") or "%z" in name:
        return one
    try:
        ZoneInfo(zone)
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(f"zone {zone!r}: not the name of a time zone") from error
    return replace(one, read=partial(_read_local, one.read, zone))


def _read_local(read: Callable[[pl.Series], pl.Series], zone: str, texts: pl.Series) -> pl.Series:
    """Of two equal times when clocks go back, the first; null for what they leap over."""
    millis = read(texts)
    there = millis.cast(pl.Datetime("ms")).dt.replace_time_zone(
        zone, ambiguous="earliest", non_existent="null"
    )
    told = texts.str.contains(ZONE_PATTERN).fill_null(False)
    return millis.zip_with(told, there.dt.epoch("ms"))


def _clock(name: str) -> Clock:
    named = {
        "clf": Clock(CLF_PATTERN, CLF_WIDTH, read_clf),
        "iso8601": Clock(ISO_PATTERN, None, read_iso),
        "epoch": Clock(EPOCH_PATTERN, None, read_epoch),
    }
    return named[name] if name in named else _strptime(name)


def read_shaped(one: Clock, texts: pl.Series) -> pl.Series:
    """Each text, or null, read by a clock whose shape they are known to have."""
    if not texts.null_count():
        return one.read(texts)
    where = texts.is_not_null().arg_true()
    empty = pl.Series("time", [None] * len(texts), dtype=pl.Int64)
    return empty.scatter(where, one.read(texts.gather(where))) if len(where) else empty


def read_any(clocks: tuple[Clock, ...], texts: pl.Series) -> pl.Series:
    """Each text read by the first clock whose shape it has."""
    result = pl.Series("time", [None] * len(texts), dtype=pl.Int64)
    for one in clocks:
        fits = texts.str.contains(f"^(?:{one.pattern})$") & result.is_null()
        where = fits.fill_null(False).arg_true()
        if len(where):
            result = result.scatter(where, one.read(texts.gather(where)))
    return result


def _strptime(text: str) -> Clock:
    pattern, width, position = "", 0, 0
    varies = False
    for match in re.finditer("%(.)", text):
        if match[1] not in DIRECTIVES:
            known = " ".join(f"%{letter}" for letter in DIRECTIVES)
            raise ValueError(f"time {text!r}: {match[0]} is not known; known are {known}")
        literal = text[position : match.start()]
        part, size = DIRECTIVES[match[1]]
        pattern += re.escape(literal) + part
        width += len(literal) + (size or 0)
        varies |= size is None
        position = match.end()
    if position == 0:
        raise ValueError(f"time {text!r}: neither clf, iso8601, epoch nor a %-pattern")
    pattern += re.escape(text[position:])
    fixed = None if varies else width + len(text) - position
    return Clock(pattern, fixed, partial(_read_strptime, text))


def _read_strptime(text: str, values: pl.Series) -> pl.Series:
    # "%.f" is the reader's word for a fraction with its dot; "%f" alone would count nanoseconds.
    layout = text.replace(".%f", "%.f")
    parsed = values.str.to_datetime(layout, strict=False, time_unit="ms")
    return parsed.dt.epoch("ms")


def read_clf(texts: pl.Series) -> pl.Series:
    """`10/Oct/2000:13:55:36 -0700`, by arithmetic on columns of characters."""
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


def read_iso(texts: pl.Series) -> pl.Series:
    """ISO 8601 or RFC 3339, date and time joined by a T or a space."""
    base = texts.str.slice(0, 19).str.replace(" ", "T", literal=True)
    whole = base.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="ms")
    rest = texts.str.slice(19)
    zone = rest.str.extract_groups("([+-])([0-9]{2}):?([0-9]{2})$").struct.unnest()
    hour, minute = (zone[n].cast(pl.Int64).fill_null(0) for n in ("2", "3"))
    sign = (zone["1"] == "-").fill_null(False).cast(pl.Int64) * -2 + 1
    return whole.dt.epoch("ms") + _fraction(rest) - sign * (hour * 60 + minute) * 60000


def _fraction(rest: pl.Series) -> pl.Series:
    digits = rest.str.extract("^[.,]([0-9]{1,3})", 1).fill_null("0")
    return digits.str.pad_end(3, "0").cast(pl.Int64)


def read_epoch(texts: pl.Series) -> pl.Series:
    """Seconds, milli-, micro- or nanoseconds since 1970, told apart by their size."""
    parts = texts.str.extract_groups(r"^([0-9]{1,19})(\..*)?$").struct.unnest()
    whole = parts["1"].cast(pl.Int64, strict=False)
    result = pl.Series("time", [None] * len(texts), dtype=pl.Int64)
    for limit, factor in reversed(EPOCH_LIMITS):
        value = whole * factor if factor > 0 else whole // -factor
        if factor == 1000:
            value = value + _fraction(parts["2"].fill_null(""))
        below = whole.cast(pl.Int128) < limit
        result = value.zip_with(below.fill_null(False), result)
    return result


def read_date(texts: pl.Series) -> pl.Series:
    """`2024-03-12` as milliseconds."""
    good = texts.str.extract(f"^({DATE_PATTERN})$", 1)
    days = good.str.to_date("%Y-%m-%d", strict=False)
    return days.cast(pl.Int32).cast(pl.Int64) * 86_400_000


def read_clock(texts: pl.Series) -> pl.Series:
    """`15:22:28` as milliseconds of the day."""
    good = texts.str.extract(f"^({CLOCK_PATTERN})$", 1)
    parts = good.str.extract_groups(r"^(..):(..):(..)(.*)$").struct.unnest()
    hour, minute, second = (parts[n].cast(pl.Int64) for n in ("1", "2", "3"))
    seconds = (hour * 60 + minute) * 60 + second
    millis = seconds * 1000 + _fraction(parts["4"].fill_null(""))
    return millis.set((hour > 23) | (minute > 59) | (second > 60), None)
