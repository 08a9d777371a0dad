"""Metrics along time, with every hour, day, week or month in its place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import QueryError
from webapp.periods import Period, start_of
from webapp.questions import Said

Value = float | None
Slot = dt.date | int


@dataclass(frozen=True, slots=True)
class Series:
    """The values of each metric at every slot (an hour, or the first day of a day, week or month),
    and those of the range that is compared with, slot by slot. `partial` says whether the last
    slot is not over."""

    step: str
    slots: tuple[Slot, ...]
    base_slots: tuple[Slot, ...]
    values: Mapping[str, tuple[Value, ...]]
    base: Mapping[str, tuple[Value, ...]]
    partial: bool


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a site that have records, and its day of today: outside of these nothing is
    known, which is not the same as zero."""

    known: Period | None
    today: dt.date
    step: str

    def has(self, slot: Slot) -> bool:
        return (
            isinstance(slot, int)
            or self.known is None
            or start_of(self.step, self.known.first) <= slot <= self.today
        )


#: Metrics that add up over days; others of a week are the mean of its days.
ADDITIVE = {"visitors", "visits", "views", "hits", "bot_hits", "bytes", "events", "not_found"}


def series_of(
    said: Mapping[str, Said],
    metrics: Sequence[str],
    period: Period,
    compared: Period | None,
    span: Span,
) -> Series | None:
    found = said["series"]
    if isinstance(found, QueryError):
        return None
    step = span.step
    slots = _slots(step, period, span.today)
    base_slots = _slots(step, compared, None) if compared else ()
    base = said.get("base series")
    return Series(
        step,
        slots,
        base_slots,
        _columns(found, metrics, slots, span),
        _columns(base, metrics, base_slots, span),
        period.first <= span.today <= period.last,
    )


def _slots(step: str, period: Period, today: dt.date | None) -> tuple[Slot, ...]:
    """Those that have begun."""
    if step == "hour":
        return tuple(range(24))
    days = [day for day in period.each() if today is None or day <= max(today, period.first)]
    return tuple(dict.fromkeys(start_of(step, day) for day in days))


def _columns(
    said: Said | None, metrics: Sequence[str], slots: Sequence[Slot], span: Span
) -> dict[str, tuple[Value, ...]]:
    if said is None or isinstance(said, QueryError):
        return {name: () for name in metrics}
    rows: dict[Slot, list[list[Value]]] = {}
    for row in said.results:
        rows.setdefault(_slot(span.step, row["dimensions"][0]), []).append(row["metrics"])
    return {
        name: tuple(
            _together(name, [row[i] for row in rows.get(slot, ())]) if span.has(slot) else None
            for slot in slots
        )
        for i, name in enumerate(metrics)
    }


def _slot(step: str, value: str | int) -> Slot:
    if step == "hour":
        return int(value)
    return start_of(step, dt.date.fromisoformat(str(value)))


def _together(metric: str, values: Sequence[Value]) -> Value:
    known = [value for value in values if value is not None]
    if metric in ADDITIVE:
        return sum(known)
    return sum(known) / len(known) if known else None
