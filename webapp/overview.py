"""What the page of a site shows, worked out from a few questions that are put together."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from pipeline.schema import PROPERTY
from webapp.asking import Asking, Condition
from webapp.figures import FIGURES
from webapp.panels import DETAILED, ENDS, Panel, Tab, panels, tiles
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
    def plottable(self) -> bool:
        return self.metric not in ENDS

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
    def rows(self) -> list[Row]:
        """Values of the dimension with their metrics; those that come first are first."""
        if self.answer is None:
            return []
        if self.tab.unfolded:
            return _unfolded(self.answer)
        rows = [Row(found["dimensions"], found["metrics"]) for found in self.answer.results]
        ahead = self.tab.first
        return sorted(rows, key=lambda r: ahead.index(r.value) if r.value in ahead else len(ahead))

    @property
    def total_rows(self) -> int:
        if self.tab.unfolded:
            return len(self.rows)
        return int(self.answer.meta["total_rows"]) if self.answer else 0

    @property
    def largest(self) -> float:
        """Of the first metric, for bars."""
        return max((row.metrics[0] or 0 for row in self.rows), default=0) or 1

    @property
    def tabs(self) -> list[Tab]:
        """Those of the panel; that of a property is there while it is open."""
        listed = [tab for tab in self.panel.tabs if tab.available]
        return listed if self.tab in listed else [*listed, self.tab]

    def link(self, asking: Asking, row: Row) -> str:
        """Where a value leads: to itself as a filter, from an event to its properties, and from
        the name of a property to its values."""
        if self.tab.unfolded:
            return asking.with_tab(self.panel.name, f"{PROPERTY}{row.value}")
        if self.tab.by == "event" and row.value:
            asking = replace(asking, tabs=asking.opened(self.panel.name, "properties"))
        return asking.with_filter(self.tab.by, row.value)

    def details(self, asking: Asking, row: Row) -> str:
        """The page of details of a value, if it has one."""
        subject = DETAILED.get(self.tab.by)
        if not subject or not row.value:
            return ""
        known_by = [Condition(self.tab.within, "==", str(row.within))] if row.within else []
        return asking.detailing(*known_by, Condition(subject, "==", str(row.value)))


@dataclass(frozen=True, slots=True)
class Row:
    """The values of the dimensions of a tab, the last being the one that is listed."""

    values: Sequence[Any]
    metrics: Sequence[float | None]

    @property
    def value(self) -> Any:
        return self.values[-1]

    @property
    def within(self) -> Any:
        return self.values[0] if len(self.values) > 1 else None


def _unfolded(answer: Answer) -> list[Row]:
    """A row for each name of the lists, with the sum of what was counted of them."""
    sums: Counter[str] = Counter()
    for row in answer.results:
        for name in json.loads(row["dimensions"][0] or "[]"):
            sums[name] += row["metrics"][0]
    return [Row([name], [count]) for name, count in sums.most_common()]


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
    def ends(self) -> dict[str, Answer]:
        """The answers that tell of visits that began or ended here."""
        told = {name: self.said[name] for name in ENDS if name in self.said}
        return {name: one for name, one in told.items() if isinstance(one, Answer)}

    @property
    def plotted(self) -> str:
        """The metric of the chart: the one that is asked for, or the first that is known."""
        known = [tile.metric for tile in self.tiles if tile.value is not None and tile.plottable]
        return self.asking.metric or (known or [self.tiles[0].metric])[0]

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
    metrics = scope.askable(tiles(asking.who, asking.subject, scope.of_events))
    plotted = tuple(name for name in metrics if name not in ENDS)
    if asking.metric not in plotted:
        asking = replace(asking, metric="")
    steps = steps_for(period)
    step = asking.step if asking.step in steps else steps[0]
    asked = panels(asking.who, asking.subject)
    shown = {panel.name: (panel, panel.shown(asking.tab(panel.name))) for panel in asked}
    scope.check()
    said = answer_all(_questions(scope, metrics, step, shown))
    found, span = said["series"], Span(step, period, known, now)
    series = None if isinstance(found, QueryError) else series_of(found, plotted, span)
    return Overview(
        asking,
        period,
        now.date(),
        known,
        moved,
        said,
        tuple(_tiles(said, metrics, series)),
        series,
        tuple(Table(panel, tab, said[name]) for name, (panel, tab) in shown.items()),
        tuple(notes.within(catalog, asking.site, period.first, period.last)),
    )


def _questions(
    scope: Scope, metrics: tuple[str, ...], step: str, shown: Mapping[str, tuple[Panel, Tab]]
) -> dict[str, Callable[[], Query]]:
    plotted = tuple(name for name in metrics if name not in ENDS)
    return {
        "totals": partial(scope.of_who, plotted),
        "series": partial(scope.of_who, plotted, f"time:{step}"),
        **{name: partial(scope.of_end, by) for name, by in ENDS.items() if name in metrics},
        **{
            name: partial(scope.of_tab, tab, None if tab.map or tab.unfolded else panel.rows)
            for name, (panel, tab) in shown.items()
        },
    }


def _tiles(
    said: Mapping[str, Said], metrics: Sequence[str], series: Series | None
) -> Iterator[Tile]:
    totals = said["totals"]
    counted = {} if isinstance(totals, QueryError) else _figures(totals)
    for end in ENDS.keys() & said.keys():
        found = said[end]
        if not isinstance(found, QueryError):
            counted[end] = _figures(found)["visits"]
    for name in metrics:
        value, base = counted.get(name, (None, None))
        spark = series.whole(name) if series and name in series.values else ()
        yield Tile(name, value, base, spark)


def _figures(answer: Answer) -> dict[str, tuple[Any, Any]]:
    """Each metric of a question without dimensions, and what it is compared with."""
    row, names = answer.results[0], answer.query["metrics"]
    bases = row.get("comparison", {}).get("metrics", [None] * len(names))
    return dict(zip(names, zip(row["metrics"], bases, strict=True), strict=True))
