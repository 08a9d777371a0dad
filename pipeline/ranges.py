"""Ranges of days: what their words mean today, and what a range is compared with.

All is told by the clock on the wall of the site: a range from 9:00 to 12:00 is that on any day,
summer time or not.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from pipeline.errors import QueryError
from pipeline.fields import TIME, UNMOVED, Shift, near
from pipeline.filters import Filter

DAY = dt.timedelta(days=1)
Days = tuple[dt.date | None, dt.date | None]
#: Words for ranges, and their first and last day as of today.
WORDS: dict[str, Callable[[dt.date], Days]] = {
    "today": lambda today: (today, today),
    "yesterday": lambda today: (today - DAY, today - DAY),
    "7d": lambda today: (today - 6 * DAY, today),
    "28d": lambda today: (today - 27 * DAY, today),
    "30d": lambda today: (today - 29 * DAY, today),
    "month": lambda today: (today.replace(day=1), today),
    "year": lambda today: (today.replace(month=1, day=1), today),
    "all": lambda today: (None, None),
    "custom": lambda today: (None, None),
}
_DAYS = re.compile(r"([1-9][0-9]{0,3})d")
#: Far from the ends of the calendar, so that a range can be moved.
YEARS = range(1970, 2201)
#: What a range can be compared with.
COMPARISONS = {
    "previous": "the range of as many days just before it",
    "year": "the same days of the year before",
    "weekday": "as many days before it, of the same weekdays",
}


@dataclass(frozen=True, slots=True)
class Period:
    """Days, and of these the times that count. Of the days in `cut` not all counts, so that only
    their raw events can tell; where these are gone and `whole` is set, the day counts whole."""

    first: dt.date | None
    last: dt.date | None
    clip: tuple[Filter, ...] = ()
    cut: frozenset[dt.date] = frozenset()
    shift: Shift = UNMOVED
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """A word, or days and the times on them: from `since` on, and up to but without `until`."""

    word: str = ""
    first: dt.date | None = None
    last: dt.date | None = None
    since: dt.time | None = None
    until: dt.time | None = None


def check_word(word: str) -> None:
    if word and word not in WORDS and not _DAYS.fullmatch(word):
        raise QueryError(f"There is no range {word!r}.", near(word, [*WORDS, "90d"]))


def check_days(*days: dt.date | None) -> None:
    for day in days:
        if day is not None and day.year not in YEARS:
            fix = f"name a day from {YEARS[0]} to {YEARS[-1]}"
            raise QueryError(f"{day.isoformat()} is too far away.", fix)


def settled(asked: Range, today: dt.date) -> Range:
    """The range with its days, if a word says which."""
    if not asked.word or asked.first or asked.last:
        return asked
    if match := _DAYS.fullmatch(asked.word):
        return replace(asked, first=today - (int(match[1]) - 1) * DAY, last=today)
    first, last = WORDS[asked.word](today)
    return replace(asked, first=first, last=last)


def period(asked: Range, zone: str) -> Period:
    """What a settled range means in the zone."""
    return _clipped(asked, zone)


def compared(asked: Range, with_what: str, now: dt.datetime) -> Period:
    """What a settled range is compared with. Of a range that goes on, as much is compared as
    there has been of it; `now` is in the zone of the site."""
    if asked.first is None or asked.last is None:
        raise QueryError(
            "Only a range with a first and a last day can be compared.",
            "name one, such as 30d, or both days",
        )
    days = (asked.last - asked.first).days + 1
    shift = _shift(with_what, days)
    last, until = asked.last, asked.until
    if asked.first <= now.date() <= asked.last and (until is None or last > now.date()):
        last, until = now.date(), now.time()
    moved = Range("", _back(asked.first, shift), _back(last, shift), asked.since, until)
    return replace(_clipped(moved, str(now.tzinfo)), shift=shift, whole=True)


def _shift(with_what: str, days: int) -> Shift:
    if with_what == "year":
        return Shift(years=1)
    return Shift(days=days if with_what == "previous" else -(-days // 7) * 7)


def _back(date: dt.date, shift: Shift) -> dt.date:
    if not shift.years:
        return date - shift.days * DAY
    last = 28 if (date.month, date.day) == (2, 29) else date.day
    return date.replace(year=date.year - shift.years, day=last)


def _clipped(asked: Range, zone: str) -> Period:
    clip: list[Filter] = []
    cut: set[dt.date] = set()
    for date, time, operator in ((asked.first, asked.since, ">="), (asked.last, asked.until, "<")):
        if date is not None and time is not None:
            moment = dt.datetime.combine(date, time, ZoneInfo(zone))
            clip.append(Filter(TIME, operator, int(moment.timestamp() * 1000)))
            cut.add(date)
    return Period(asked.first, asked.last, tuple(clip), frozenset(cut))
