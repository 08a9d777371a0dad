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

import polars as pl

from parsers.clf import CLF_WIDTH, read_clf

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
