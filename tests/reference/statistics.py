"""Visits and answers by brute force, word by word after docs/definitions.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from tests.reference.records import Record

HALF_AN_HOUR_MS = 30 * 60 * 1000
#: How the visitor came: the visit has the value of its first view.
FROM_FIRST_VIEW = (
    "referrer",
    "source",
    "channel",
    "utm_source",
    "utm_medium",
    "utm_campaign",
)
OF_THE_VISIT = ("entry", "exit", *FROM_FIRST_VIEW)
OF_RECORDS = ("hits", "bot_hits", "bytes", "errors", "not_found", "error_rate")

Key = tuple[object, ...]
#: (dimension, operator, value); None asks for no value, or with != for any value
Filter = tuple[str, str, object]


@dataclass(slots=True)
class Visit:
    """A run of one visitor's views and events."""

    steps: list[Record]

    @property
    def views(self) -> list[Record]:
        return [step for step in self.steps if step.view]

    @property
    def values(self) -> dict[str, object]:
        pages = [view.values["page"] for view in self.views] or [None]
        first = (self.views or self.steps)[0].values
        own = {"entry": pages[0], "exit": pages[-1]}
        return own | {name: first[name] for name in FROM_FIRST_VIEW}

    @property
    def bounce(self) -> bool:
        return len(self.steps) == len(self.views) == 1

    @property
    def seconds(self) -> int:
        return self.steps[-1].time_ms // 1000 - self.steps[0].time_ms // 1000


def visits_of(records: Iterable[Record]) -> list[Visit]:
    """Every visitor's views and events in order, cut where half an hour passes; days are apart
    already."""
    visits: list[Visit] = []
    open_visit: dict[Key, Visit] = {}
    for record in sorted(confirmed(list(records)), key=lambda r: (r.time_ms, r.log, r.offset)):
        if not record.view and not record.event:
            continue
        visit = open_visit.get(record.visitor)
        if visit and record.time_ms - visit.steps[-1].time_ms < HALF_AN_HOUR_MS:
            visit.steps.append(record)
        else:
            open_visit[record.visitor] = Visit([record])
            visits.append(open_visit[record.visitor])
    return visits


def confirmed(records: list[Record]) -> list[Record]:
    """Without the views of a log that a script's or a pixel's stand for."""
    views = [r for r in records if r.view]
    scripted = {r.visitor for r in views if r.values["origin"] in ("script", "api")}
    told = [r for r in views if r.values["origin"] in ("pixel", "script", "api")]
    again = {id(r) for r in told if any(is_again(r, other) for other in told)}
    records = [r for r in records if id(r) not in again]
    pixeled = {(r.visitor, r.values["page"]) for r in views if r.values["origin"] == "pixel"}
    return [
        r
        for r in records
        if not r.view
        or r.values["origin"] != "log"
        or (r.visitor not in scripted and (r.visitor, r.values["page"]) not in pixeled)
    ]


def is_again(pixel: Record, other: Record) -> bool:
    """Whether another source tells of the view that the pixel is, at about the same time."""
    if pixel.values["origin"] != "pixel":
        return False
    same = (pixel.visitor, pixel.values["page"]) == (other.visitor, other.values["page"])
    if not same or pixel.log == other.log or abs(pixel.time_ms - other.time_ms) >= 2000:
        return False
    return other.values["origin"] != "pixel" or other.log < pixel.log


def fits(values: dict[str, object], filters: Iterable[Filter]) -> bool:
    """Whether all filters hold."""
    return all(fits_one(values[name], operator, wanted) for name, operator, wanted in filters)


def fits_one(value: object, operator: str, wanted: object) -> bool:
    """Whole values; in a pattern * stands for any characters and ? for one."""
    if operator == "~":
        pattern = re.escape(str(wanted)).replace(r"\*", ".*").replace(r"\?", ".")
        return value is not None and re.fullmatch(pattern, str(value), re.DOTALL) is not None
    return (value == wanted) == (operator == "==")


def answer(
    records: Sequence[Record],
    metrics: Sequence[str],
    by: Sequence[str] = (),
    filters: Sequence[Filter] = (),
    first: date | None = None,
    last: date | None = None,
) -> dict[Key, list[object]]:
    """The metrics of every combination of dimension values that occurs."""
    chosen = [
        r
        for r in records
        if (first is None or r.date >= first) and (last is None or r.date <= last)
    ]
    groups: dict[Key, Group] = {}
    _add_records(groups, chosen, by, filters)
    _add_steps(groups, visits_of(chosen), by, filters)
    if not by:
        groups.setdefault((), Group())
    asked = {*by, *(dimension for dimension, _, _ in filters)}
    scripted = {
        (r.site, r.date) for r in chosen if r.view and r.values["origin"] in ("script", "api")
    }
    for group in groups.values():
        group.scripted_days = scripted
    void = OF_RECORDS if asked & {"entry", "exit"} else ()
    return {
        key: [None if name in void else group.metric(name) for name in metrics]
        for key, group in groups.items()
    }


class Group:
    """The records, views, events and visits that share a key."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.views: list[Record] = []
        self.events: list[Record] = []
        self.visits: list[Visit] = []
        self.scripted_days: set[tuple[object, ...]] = set()

    def metric(self, name: str) -> object:
        """A number by its name."""
        if name in ("views", "events", "visits"):
            return len(getattr(self, name))
        value: object = getattr(self, name)()
        return value

    def hits(self) -> int:
        return len(self.records)

    def bot_hits(self) -> int:
        return sum(1 for r in self.records if not r.human)

    def bytes(self) -> int:
        return sum(r.bytes for r in self.records)

    def errors(self) -> int:
        return sum(1 for r in self.records if _status(r) == 0 or _status(r) >= 400)

    def not_found(self) -> int:
        return sum(1 for r in self.records if _status(r) == 404)

    def error_rate(self) -> float | None:
        return self.errors() / len(self.records) if self.records else None

    def visitors(self) -> int:
        return len({r.visitor for r in self.views})

    def _checked(self) -> list[Record]:
        return [r for r in self.views if (r.site, r.date) in self.scripted_days]

    def checked_visitors(self) -> int:
        return len({r.visitor for r in self._checked()})

    def unscripted_visitors(self) -> int:
        views = self._checked()
        told = {r.visitor for r in views if r.values["origin"] in ("script", "api")}
        return len({r.visitor for r in views} - told)

    def unscripted_rate(self) -> float | None:
        checked = self.checked_visitors()
        return self.unscripted_visitors() / checked if checked else None

    def bounces(self) -> int:
        return sum(1 for v in self.visits if v.bounce)

    def duration_s(self) -> int:
        return sum(v.seconds for v in self.visits)

    def bounce_rate(self) -> float | None:
        return self.bounces() / len(self.visits) if self.visits else None

    def visit_duration(self) -> float | None:
        return self.duration_s() / len(self.visits) if self.visits else None

    def views_per_visit(self) -> float | None:
        return len(self.views) / len(self.visits) if self.visits else None


def _status(record: Record) -> int:
    status = record.values["status"]
    assert isinstance(status, int)
    return status


def _add_records(
    groups: dict[Key, Group],
    records: Iterable[Record],
    by: Sequence[str],
    filters: Sequence[Filter],
) -> None:
    """Hits count under the record's own values; by entry and exit they have none."""
    asked = {*by, *(dimension for dimension, _, _ in filters)}
    if asked & {"entry", "exit"}:
        return
    for record in records:
        if fits(record.values, filters):
            key = tuple(record.values[name] for name in by)
            groups.setdefault(key, Group()).records.append(record)


def _add_steps(
    groups: dict[Key, Group],
    visits: Iterable[Visit],
    by: Sequence[str],
    filters: Sequence[Filter],
) -> None:
    """A view or event counts under its own values and its visit's; a visit once in every group
    where one of them is."""
    for visit in visits:
        touched: set[Key] = set()
        of_visit = visit.values
        for step in visit.steps:
            values = step.values | of_visit
            if not fits(values, filters):
                continue
            key = tuple(values[name] for name in by)
            group = groups.setdefault(key, Group())
            (group.views if step.view else group.events).append(step)
            if key not in touched:
                touched.add(key)
                group.visits.append(visit)
