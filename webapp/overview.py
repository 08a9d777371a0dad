"""What the page of a site shows, worked out from a few questions that are put together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.catalog import Catalog
from pipeline.errors import QueryError
from pipeline.query import Answer
from pipeline.question import Query
from webapp.asking import Asking
from webapp.figures import FIGURES
from webapp.panels import Panel, Tab, panels, tiles
from webapp.periods import COMPARISONS, DEFAULT, PRESETS, Period, steps_for
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
    compared: Period | None
    today: dt.date
    known: Period | None
    moved: bool
    said: Mapping[str, Said]
    tiles: tuple[Tile, ...]
    series: Series | None
    tables: tuple[Table, ...]

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
    def is_empty(self) -> bool:
        """Nothing at all was counted."""
        return all(not tile.value for tile in self.tiles) and not any(t.rows for t in self.tables)

    @property
    def partial(self) -> bool:
        """Whether the range ends with a day that is not over."""
        return self.period.first <= self.today <= self.period.last


def today_in(zone: str) -> dt.date:
    return dt.datetime.now(ZoneInfo(zone)).date()


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
    today, known = today_in(zone), known_days(catalog, asking.site)
    period, moved = resolve(asking, today, known)
    compared = COMPARISONS[asking.compare].period(period)
    scope = Scope(asking, period)
    metrics = scope.askable(tiles(asking.who))
    if asking.metric not in metrics:
        asking = replace(asking, metric="")
    steps = steps_for(period)
    step = asking.step if asking.step in steps else steps[0]
    questions = _questions(scope, metrics, compared, "hour" if step == "hour" else "date")
    open_tabs = {panel.name: panel.shown(asking.tab(panel.name)) for panel in panels()}
    questions |= {
        panel.name: scope.of_tab(tab, None if tab.map else panel.rows)
        for panel in panels()
        for tab in [open_tabs[panel.name]]
    }
    said = answer_all(catalog, questions)
    series = series_of(said, metrics, period, compared, Span(known, today, step))
    return Overview(
        asking,
        period,
        compared,
        today,
        known,
        moved,
        said,
        _tiles(said, metrics, series),
        series,
        tuple(Table(panel, open_tabs[panel.name], said[panel.name]) for panel in panels()),
    )


def _questions(
    scope: Scope, metrics: tuple[str, ...], compared: Period | None, by: str
) -> dict[str, Query]:
    found = {"totals": scope.of_who(metrics), "series": scope.of_who(metrics, by)}
    if compared:
        found["base"] = scope.of_who(metrics, period=compared)
        found["base series"] = scope.of_who(metrics, by, compared)
    return found


def _tiles(
    said: Mapping[str, Said], metrics: Sequence[str], series: Series | None
) -> tuple[Tile, ...]:
    values, bases = _only_row(said["totals"]), _only_row(said.get("base"))
    return tuple(
        Tile(
            name,
            values[i] if values else None,
            bases[i] if bases else None,
            series.values[name] if series else (),
        )
        for i, name in enumerate(metrics)
    )


def _only_row(said: Said | None) -> list[Any] | None:
    if said is None or isinstance(said, QueryError) or not said.results:
        return None
    found: list[Any] = said.results[0]["metrics"]
    return found
