"""Which days of a question are answered by what: totals, cubes or raw events.

Each measure is taken from the first table that can tell it exactly, day by day, and from the raw
events where none can. A day whose statistics are behind its events is always answered from the
events. What nothing can tell of a day is named, never counted as zero; a measure that is not known
of some days is not read of the others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import schema
from pipeline.catalog import DailyPart, Day, Part
from pipeline.cubes import of_cubes
from pipeline.cuts import Staged, level_of, needed
from pipeline.errors import QueryError
from pipeline.holdings import Holdings
from pipeline.question import Query
from pipeline.ranges import Period
from pipeline.supplies import Supply
from pipeline.totals import of_latency, of_totals

#: Tables that questions are answered from.
TABLES = ("totals", "visits", "pages", "latency")
EVENTS = Supply("events", {}, ())


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Measures that are taken from the same rows: of files of a daily table, or of raw parts."""

    supply: Supply
    measures: frozenset[str]
    files: tuple[DailyPart, ...] = ()
    parts: tuple[Path, ...] = ()

    def staged(self, query: Query, period: Period) -> Staged:
        level = level_of(self.measures, query.by, query.filters)
        chosen = (*query.filters, *period.clip)
        return Staged(self.parts, needed(query.by, chosen), level, chosen)


@dataclass(frozen=True, slots=True)
class Plan:
    """`missing` are days that nothing can answer, `unknown` the measures that of some days
    nothing can tell; `spoken` has the days by what they are answered from."""

    days: tuple[Day, ...]
    readings: tuple[Reading, ...]
    missing: tuple[Day, ...]
    unknown: frozenset[str]
    spoken: Mapping[str, Collection[dt.date]]
    whole: frozenset[dt.date] = frozenset()

    @property
    def first(self) -> dt.date | None:
        return min((day.date for day in self.days), default=None)

    @property
    def last(self) -> dt.date | None:
        return max((day.date for day in self.days), default=None)


def plan(held: Holdings, query: Query, period: Period) -> Plan:
    """Raises `QueryError` where none of the days can answer."""
    chosen = _Choice(held, query, period)
    for day in held.days:
        chosen.add(day)
    found = chosen.made()
    if found.missing and not found.readings:
        raise QueryError(
            f"The raw events of all {len(found.missing)} days are gone, and what is kept of them "
            "cannot answer this.",
            "ask for fewer dimensions and filters at once",
        )
    return found


class _Choice:
    """A plan in the making."""

    def __init__(self, held: Holdings, query: Query, period: Period) -> None:
        self._held, self._query, self._period = held, query, period
        self._supplies: Sequence[Supply] = (*of_totals(query), *of_latency(query), *of_cubes(query))
        self._files: dict[tuple[int, frozenset[str]], list[DailyPart]] = {}
        self._parts: dict[frozenset[str], list[Part]] = {}
        self._missing: list[Day] = []
        self._unknown: set[str] = set()
        self._whole: set[dt.date] = set()

    def add(self, day: Day) -> None:
        gone = not day.has_events
        cut = day.date in self._period.cut and not (gone and self._period.whole)
        if day.date in self._period.cut and not cut:
            self._whole.add(day.date)
        for generation in range(day.generations):
            self._note(day, frozenset() if cut else self._read(day, generation))
        if day.has_events:
            current = not day.stale and not cut
            told = self._read(day, day.generations) if current else frozenset()
            if left := self._query.measures - told:
                parts = self._held.parts[day.site, day.date]
                self._parts.setdefault(left, []).extend(parts)

    def _read(self, day: Day, generation: int) -> frozenset[str]:
        """The measures that the statistics of this generation tell."""
        left = self._query.measures
        for number, supply in enumerate(self._supplies):
            files = self._held.daily[supply.table].get((day.site, day.date), {})
            if generation in files and (known := left.intersection(supply.sums)):
                self._files.setdefault((number, known), []).append(files[generation])
                left -= known
        return self._query.measures - left

    def _note(self, day: Day, told: frozenset[str]) -> None:
        if told:
            self._unknown |= self._query.measures - told
        else:
            self._missing.append(day)

    def made(self) -> Plan:
        if any(day.has_events for day in self._missing):
            self._unknown |= self._query.measures & {"conversions"}  # which are a share of more
        readings: dict[Reading, set[dt.date]] = {}
        for (number, known), files in self._files.items():
            if known := known - self._unknown:
                reading = Reading(self._supplies[number], known, files=tuple(files))
                readings[reading] = {file.date for file in files}
        for known, parts in self._parts.items():
            if known := known - self._unknown:
                reading = Reading(EVENTS, known, parts=tuple(part.path for part in parts))
                readings[reading] = {part.date for part in parts}
        spoken: dict[str, set[dt.date]] = {}
        for reading, dates in readings.items():
            spoken.setdefault(reading.supply.table, set()).update(dates)
        return Plan(
            self._held.days,
            tuple(readings),
            tuple(self._missing),
            frozenset(self._unknown),
            spoken,
            frozenset(self._whole),
        )


def meta(found: Plan, query: Query) -> dict[str, Any]:
    """What the answer says about itself."""
    daily = any(reading.files for reading in found.readings)
    events = any(reading.parts for reading in found.readings)
    precision = {"latency": schema.LATENCY_WITHIN} if schema.LATENCY in query.measures else {}
    return {
        "source": ("mixed" if daily else "events") if events else "daily",
        "visitors": _visitors(found, query),
        **precision,
        "warnings": warnings(found),
        "answered_by": {table: _spans(dates) for table, dates in sorted(found.spoken.items())},
    }


def _visitors(found: Plan, query: Query) -> str:
    if "visitors" in found.unknown:
        return "unknown"
    if any(day.salts > 1 or day.generations + day.has_events > 1 for day in found.days):
        return "upper bound"
    dates = {day.date for day in found.days}
    daily = {"date", "time:day", "time:hour"} & set(query.by)
    by_date = daily and len({day.site for day in found.days}) <= 1
    return "distinct" if by_date or len(dates) < 2 else "sum of days"


def warnings(found: Plan) -> list[str]:
    said = []
    if dates := sorted({day.date for day in found.missing}):
        said.append(
            f"{len(dates)} of the days from {dates[0]} to {dates[-1]} are not in this answer: "
            "their raw events are gone, and what is kept of them cannot answer this"
        )
    if found.unknown:
        names = ", ".join(sorted(found.unknown))
        said.append(f"not known: {names}; of some days what is kept cannot tell")
    said += [
        f"{date} counts whole, though only some of its hours are asked for: its raw events are gone"
        for date in sorted(found.whole)
    ]
    return said


def _spans(dates: Collection[dt.date]) -> list[list[str]]:
    """The dates as first and last days of spans without gaps."""
    spans: list[list[dt.date]] = []
    for date in sorted(dates):
        if spans and date - spans[-1][1] == dt.timedelta(days=1):
            spans[-1][1] = date
        else:
            spans.append([date, date])
    return [[first.isoformat(), last.isoformat()] for first, last in spans]


assert set(schema.DAILY) >= set(TABLES)
