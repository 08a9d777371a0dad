"""Ranges of days by name, the ranges that they are compared with, and the steps of a series."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from webapp.languages import mark

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def each(self) -> list[dt.date]:
        return [self.first + n * DAY for n in range(self.days)]

    def moved(self, days: int) -> Period:
        return Period(self.first + days * DAY, self.last + days * DAY)

    def years_before(self, years: int) -> Period:
        return Period(_year_before(self.first, years), _year_before(self.last, years))


def _year_before(day: dt.date, years: int) -> dt.date:
    last = calendar.monthrange(day.year - years, day.month)[1]
    return day.replace(year=day.year - years, day=min(day.day, last))


@dataclass(frozen=True, slots=True)
class Preset:
    """A range by its word in the address, its title, the key that chooses it, and what it is when
    today and the days that have records are known."""

    word: str
    title: str
    key: str
    period: Callable[[dt.date, Period], Period]


def _ending_yesterday(days: int) -> Callable[[dt.date, Period], Period]:
    return lambda today, _: Period(today - days * DAY, today - DAY)


PRESETS = {
    preset.word: preset
    for preset in (
        Preset("today", mark("Today"), "d", lambda today, _: Period(today, today)),
        Preset("yesterday", mark("Yesterday"), "e", _ending_yesterday(1)),
        Preset("7d", mark("Last 7 days"), "w", _ending_yesterday(7)),
        Preset("28d", mark("Last 28 days"), "f", _ending_yesterday(28)),
        Preset("30d", mark("Last 30 days"), "t", _ending_yesterday(30)),
        Preset(
            "month",
            mark("Month to date"),
            "m",
            lambda today, _: Period(today.replace(day=1), today),
        ),
        Preset(
            "year",
            mark("Year to date"),
            "y",
            lambda today, _: Period(today.replace(month=1, day=1), today),
        ),
        Preset("all", mark("All time"), "a", lambda _, known: known),
    )
}
DEFAULT = "28d"


@dataclass(frozen=True, slots=True)
class Comparison:
    word: str
    title: str
    period: Callable[[Period], Period | None]


COMPARISONS = {
    one.word: one
    for one in (
        Comparison("previous", mark("Previous period"), lambda p: p.moved(-p.days)),
        Comparison(
            "weekday", mark("Previous period, same weekdays"), lambda p: p.moved(-_weeks(p.days))
        ),
        Comparison("year", mark("Same days a year before"), lambda p: p.years_before(1)),
        Comparison("none", mark("No comparison"), lambda _: None),
    )
}


def _weeks(days: int) -> int:
    return -(-days // 7) * 7


#: How long a range may be at most, in days, for a series by this step.
STEPS = {"hour": 1, "day": 400, "week": 3000, "month": 100_000}
STEP_TITLES = {
    "hour": mark("Hours"),
    "day": mark("Days"),
    "week": mark("Weeks"),
    "month": mark("Months"),
}


def steps_for(period: Period) -> list[str]:
    """The steps that draw a series of the range that can be read, the usual one first."""
    days = period.days
    fitting = [step for step, most in STEPS.items() if days <= most]
    if days > 13:
        usual = "day" if days <= 92 else "week" if days <= 400 else "month"
        return [usual, *(step for step in fitting if step not in (usual, "hour"))]
    return [step for step in fitting if step in ("hour", "day")] or ["day"]


def start_of(step: str, day: dt.date) -> dt.date:
    """The first day of the week or month that a day is in."""
    if step == "week":
        return day - day.weekday() * DAY
    return day.replace(day=1) if step == "month" else day
