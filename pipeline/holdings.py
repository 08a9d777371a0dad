"""What the store holds of a site in a span of days, as one look at the catalog saw it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.catalog import Catalog, DailyPart, Day, Part

DayKey = tuple[str, dt.date]


@dataclass(frozen=True, slots=True)
class Span:
    """A site, or all of them, and the days from `first` to `last`; None is without an end."""

    site: str | None
    first: dt.date | None
    last: dt.date | None

    @property
    def sites(self) -> Sequence[str] | None:
        return None if self.site is None else [self.site]


@dataclass(frozen=True, slots=True)
class Holdings:
    """Days, the parts of their raw events, and the files of their statistics by table, day and
    generation."""

    days: tuple[Day, ...]
    parts: Mapping[DayKey, tuple[Part, ...]]
    daily: Mapping[str, Mapping[DayKey, Mapping[int, DailyPart]]]


def days_of(catalog: Catalog, span: Span) -> tuple[Day, ...]:
    return tuple(catalog.days(span.sites, span.first, span.last))


def look(catalog: Catalog, span: Span, tables: Sequence[str]) -> Holdings:
    """Looked at anew when raw events went away meanwhile."""
    while True:
        # The days come first: what is committed or published meanwhile is then not looked for.
        days = days_of(catalog, span)
        daily = {name: _files(catalog, span, name) for name in tables}
        parts: dict[DayKey, tuple[Part, ...]] = {}
        for part in catalog.event_parts(span.sites, span.first, span.last):
            key = (part.site, part.date)
            parts[key] = (*parts.get(key, ()), part)
        if all((day.site, day.date) in parts for day in days if day.has_events):
            return Holdings(days, parts, daily)


def _files(catalog: Catalog, span: Span, table: str) -> dict[DayKey, dict[int, DailyPart]]:
    found: dict[DayKey, dict[int, DailyPart]] = {}
    for file in catalog.daily_parts(table, span.sites, span.first, span.last):
        found.setdefault((file.site, file.date), {})[file.generation] = file
    return found
