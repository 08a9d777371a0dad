"""What the page of a site shows, worked out from a few questions that are put together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from pipeline import notes
from pipeline.catalog import Catalog
from pipeline.errors import QueryError
from pipeline.notes import Note
from pipeline.query import Answer
from pipeline.question import Query
from webapp.asking import Asking
from webapp.figures import FIGURES
from webapp.panels import Panel, Tab, panels, tiles
from webapp.periods import DEFAULT, PRESETS, Period, steps_for
from webapp.questions import Said, Scope, answer_all, known_days, nearest
from webapp.series import Series, Span, series_of


@dataclass(frozen=True, slots=True)
class Tile:
    """A large figure: its value, that of the range it is compared with, and its series."""

    metric: str
    value: float | None
    base: float | None
    spark: tuple[float | None, ...]

    @property
    def change(self) -> float | None:
        """Relative to what it was; None where that is nothing or unknown."""
        if not self.base or self.value is None:
            return None
        return self.value / self.base - 1

    @property
    def tone(self) -> str:
        """Whether the change is good news."""
        direction = FIGURES[self.metric].good * (self.change or 0)
        return "good" if direction > 0 else "bad" if direction < 0 else "even"


@dataclass(frozen=True, slots=True)
class Table:
    """A panel with the answer to the tab that is open."""

    panel: Panel
    tab: Tab
    said: Said

    @property
    def answer(self) -> Answer | None:
        return None if isinstance(self.said, QueryError) else self.said

    @property
    def metrics(self) -> list[str]:
        return list(self.answer.query["metrics"]) if self.answer else []

    @property
    def rows(self) -> list[tuple[Any, list[Any]]]:
        """Values of the dimension with their metrics; those that come first are first."""
        if self.answer is None:
            return []
        rows = [(row["dimensions"][0], row["metrics"]) for row in self.answer.results]
        ahead = self.tab.first
        return sorted(rows, key=lambda row: ahead.index(row[0]) if row[0] in ahead else len(ahead))

    @property
    def total_rows(self) -> int:
        return int(self.answer.meta["total_rows"]) if self.answer else 0

    @property
    def largest(self) -> float:
        """Of the first metric, for bars."""
        return max((metrics[0] or 0 for _, metrics in self.rows), default=0) or 1


@dataclass(frozen=True, slots=True)
class Overview:
    asking: Asking
    period: Period
    today: dt.date
    known: Period | None
    moved: bool
    said: Mapping[str, Said]
    tiles: tuple[Tile, ...]
    series: Series | None
    tables: tuple[Table, ...]
    notes: tuple[Note, ...]

    @property
    def compared(self) -> Period | None:
        """The days that the totals are compared with."""
        totals = self.said["totals"]
        told = None if isinstance(totals, QueryError) else totals.meta.get("comparison")
        if not told or not told["from"]:
            return None
        return Period(dt.date.fromisoformat(told["from"]), dt.date.fromisoformat(told["to"]))

    @property
    def word(self) -> str:
        """The preset that is shown, if it is one."""
        if self.moved or self.asking.first:
            return ""
        return self.asking.range or ("" if self.period.days == 1 else DEFAULT)

    @property
    def steps(self) -> list[str]:
        return steps_for(self.period)

    @property
    def before(self) -> Period:
        return self.period.moved(-self.period.days)

    @property
    def after(self) -> Period:
        return self.period.moved(self.period.days)

    @property
    def nearest(self) -> Period:
        return nearest(self.known, self.period) if self.known else self.period

    @property
    def problem(self) -> QueryError | None:
        """Why not even the totals can be told; mostly, that this is not kept any more."""
        totals = self.said["totals"]
        return totals if isinstance(totals, QueryError) else None

    @property
    def is_empty(self) -> bool:
        """Nothing at all was counted."""
        return all(not tile.value for tile in self.tiles) and not any(t.rows for t in self.tables)


def now_in(zone: str) -> dt.datetime:
    return dt.datetime.now(ZoneInfo(zone))


def resolve(asking: Asking, today: dt.date, known: Period | None) -> tuple[Period, bool]:
    """The days that are meant, and whether they were moved to where there are records: that is
    done for a page that asks for no range."""
    if asking.first and asking.last:
        return Period(asking.first, asking.last), False
    usual = PRESETS[asking.range or DEFAULT].period(today, known or Period(today, today))
    if asking.range or known is None:
        return usual, False
    if known.first >= today:
        return Period(today, today), False
    if known.last < usual.first or usual.last < known.first:
        return nearest(known, usual), True
    return usual, False


def overview(catalog: Catalog, asking: Asking, zone: str) -> Overview:
    """Everything of the page, from one round of questions."""
    now, known = now_in(zone), known_days(catalog, asking.site)
    period, moved = resolve(asking, now.date(), known)
    scope = Scope(asking, period)
    metrics = scope.askable(tiles(asking.who))
    if asking.metric not in metrics:
        asking = replace(asking, metric="")
    steps = steps_for(period)
    step = asking.step if asking.step in steps else steps[0]
    asked = panels(asking.who)
    shown = {panel.name: (panel, panel.shown(asking.tab(panel.name))) for panel in asked}
    scope.check()
    said = answer_all(_questions(scope, metrics, step, shown))
    found, span = said["series"], Span(step, period, known, now)
    series = None if isinstance(found, QueryError) else series_of(found, metrics, span)
    return Overview(
        asking,
        period,
        now.date(),
        known,
        moved,
        said,
        _tiles(said["totals"], metrics, series),
        series,
        tuple(Table(panel, tab, said[name]) for name, (panel, tab) in shown.items()),
        tuple(notes.within(catalog, asking.site, period.first, period.last)),
    )


def _questions(
    scope: Scope, metrics: tuple[str, ...], step: str, shown: Mapping[str, tuple[Panel, Tab]]
) -> dict[str, Callable[[], Query]]:
    return {
        "totals": partial(scope.of_who, metrics),
        "series": partial(scope.of_who, metrics, f"time:{step}"),
        **{
            name: partial(scope.of_tab, tab, None if tab.map else panel.rows)
            for name, (panel, tab) in shown.items()
        },
    }


def _tiles(said: Said, metrics: Sequence[str], series: Series | None) -> tuple[Tile, ...]:
    row = {} if isinstance(said, QueryError) else said.results[0]
    values = row.get("metrics", [None] * len(metrics))
    bases = row.get("comparison", {}).get("metrics", [None] * len(metrics))
    return tuple(
        Tile(name, value, base, series.whole(name) if series else ())
        for name, value, base in zip(metrics, values, bases, strict=True)
    )
