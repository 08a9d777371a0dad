"""Metrics along time, with every hour, day, week or month in its place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.query import Answer
from webapp.periods import Period, start_of

Value = float | None
#: An hour, or the first day of a day, week or month.
Slot = dt.date | dt.datetime
#: How `time:…` dimensions write a slot.
FORMS = {"hour": "%Y-%m-%dT%H:00", "day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m"}


@dataclass(frozen=True, slots=True)
class Series:
    """The values of each metric at every slot, and those of the range that is compared with, slot
    by slot. `partial` says whether the last slot is not over."""

    step: str
    slots: tuple[Slot, ...]
    base_slots: tuple[Slot, ...]
    values: Mapping[str, tuple[Value, ...]]
    base: Mapping[str, tuple[Value, ...]]
    partial: bool

    def whole(self, metric: str) -> tuple[Value, ...]:
        """Without a slot that is not over, which would look like a fall."""
        values = self.values[metric]
        return values[:-1] if self.partial and len(values) > 2 else values


@dataclass(frozen=True, slots=True)
class Span:
    """What a series is drawn over: a range in steps, the days of the site that have records, and
    now by its clock. Outside of these days nothing is known, which is not the same as zero."""

    step: str
    period: Period
    known: Period | None
    now: dt.datetime

    def slots(self) -> tuple[Slot, ...]:
        """Those that have begun, or the first one where none has."""
        days = [d for d in self.period.each() if d <= self.now.date()] or [self.period.first]
        if self.step != "hour":
            return tuple(dict.fromkeys(start_of(self.step, day) for day in days))
        hours = [dt.datetime.combine(day, dt.time(hour)) for day in days for hour in range(24)]
        now = self.now.replace(tzinfo=None)
        return tuple(hour for hour in hours if hour <= now) or (hours[0],)

    def knows(self, slot: Slot) -> bool:
        if self.known is None:
            return True
        day = slot.date() if isinstance(slot, dt.datetime) else slot
        return start_of(self.step, self.known.first) <= day

    @property
    def is_open(self) -> bool:
        return self.period.first <= self.now.date() <= self.period.last


def series_of(found: Answer, metrics: Sequence[str], span: Span) -> Series:
    slots = span.slots()
    rows = {row["dimensions"][0]: row for row in found.results}
    listed = [rows.get(slot.strftime(FORMS[span.step])) for slot in slots]
    based = _based(found, slots, span)
    values, base = {}, {}
    for i, name in enumerate(metrics):
        empty = 0 if name in ADDITIVE else None
        values[name] = tuple(
            (row["metrics"][i] if row else empty) if span.knows(slot) else None
            for row, slot in zip(listed, slots, strict=True)
        )
        base[name] = tuple(
            (row["comparison"]["metrics"][i] if row else empty) if span.knows(slot) else None
            for row, slot in zip(listed, based, strict=False)
        )
    return Series(span.step, slots, based, values, base, span.is_open)


#: Metrics that are zero where nothing was counted; the others are unknown there.
ADDITIVE = {
    *("visitors", "visits", "views", "content_views", "hits", "bot_hits", "bytes"),
    *("events", "conversions", "not_found"),
}


def _based(found: Answer, slots: Sequence[Slot], span: Span) -> tuple[Slot, ...]:
    """The slots of the range that is compared with."""
    told = found.meta.get("comparison")
    if not told or not told["from"]:
        return ()
    moved = span.period.first - dt.date.fromisoformat(told["from"])
    earlier = [slot - moved for slot in slots]
    if span.step in ("week", "month"):
        return tuple(start_of(span.step, slot) for slot in earlier)
    return tuple(earlier)
