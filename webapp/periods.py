"""Ranges of days by name, the ranges that they are compared with, and the steps of a series."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.ranges import WORDS
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


@dataclass(frozen=True, slots=True)
class Preset:
    """A range of `pipeline.ranges` by its word, with its title and the key that chooses it."""

    word: str
    title: str
    key: str

    def period(self, today: dt.date, known: Period) -> Period:
        """What it means today; `known` are the days that have records."""
        first, last = WORDS[self.word](today)
        return Period(first or known.first, last or known.last)


PRESETS = {
    preset.word: preset
    for preset in (
        Preset("today", mark("Today"), "d"),
        Preset("yesterday", mark("Yesterday"), "e"),
        Preset("7d", mark("Last 7 days"), "w"),
        Preset("28d", mark("Last 28 days"), "f"),
        Preset("30d", mark("Last 30 days"), "t"),
        Preset("month", mark("Month to date"), "m"),
        Preset("year", mark("Year to date"), "y"),
        Preset("all", mark("All time"), "a"),
    )
}
DEFAULT = "28d"
#: What `pipeline.ranges` compares with; the first is usual.
COMPARISONS = {
    "previous": mark("Previous period"),
    "weekday": mark("Previous period, same weekdays"),
    "year": mark("Same days a year before"),
    "none": mark("No comparison"),
}

#: How long a range may be at most, in days, for a series by this step.
STEPS = {"hour": 7, "day": 400, "week": 3000, "month": 100_000}
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
    if days < 3:
        return [step for step in fitting if step == "hour" or (step == "day" and days > 1)]
    usual = "day" if days <= 92 else "week" if days <= 730 else "month"
    least = {"week": 14, "month": 56}
    return [usual, *(s for s in fitting if s != usual and days >= least.get(s, 0))]


def start_of(step: str, day: dt.date) -> dt.date:
    """The first day of the week or month that a day is in."""
    if step == "week":
        return day - day.weekday() * DAY
    return day.replace(day=1) if step == "month" else day
