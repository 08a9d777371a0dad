"""The report as one page of HTML that needs nothing else: to send, to keep or to print."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from pipeline.report import PANELS, TOTALS, Panel
from pipeline.report_text import NONE, ROWS, named, shown

#: The chart of days, in units of its drawing.
WIDTH, HEIGHT, WIDEST = 960, 160, 60


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the chart: its place, its size, and what is told about it."""

    x: float
    width: float
    height: float
    about: str


@dataclass(frozen=True, slots=True)
class Row:
    """`share` of 100 is the length of the bar behind the value."""

    value: str
    share: float
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: int


def save(report: Mapping[str, Any], path: Path) -> None:
    path.write_text(page(report), encoding="utf-8")


def page(report: Mapping[str, Any]) -> str:
    pages = Environment(
        loader=PackageLoader("pipeline"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    tables = [table for panel in PANELS if (table := _table(panel, report[panel.name])).rows]
    return pages.get_template("report.html").render(
        report=report,
        totals=[(named(name), shown(name, report["totals"][name])) for name in TOTALS],
        bars=list(_bars(report["days"]["results"])),
        width=WIDTH,
        height=HEIGHT,
        most=max(map(_first, report["days"]["results"]), default=0),
        tables=tables,
        warnings=list(dict.fromkeys(_warnings(report))),
        made=f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        version=version("tallylog"),
    )


def _warnings(report: Mapping[str, Any]) -> Iterator[str]:
    yield from report["meta"]["warnings"]
    if report["meta"]["visitors"] != "distinct":
        yield f"Visitors of several days: {report['meta']['visitors']}."
    for panel in PANELS:
        yield from report[panel.name]["warnings"]


def _bars(days: list[dict[str, Any]]) -> Iterator[Bar]:
    most = max(map(_first, days), default=0) or 1
    step = min(WIDTH / max(len(days), 1), WIDEST)
    for place, day in enumerate(days):
        about = f"{day['dimensions'][0]}: {_first(day):,} views"
        yield Bar(place * step, max(step - 2, 1), HEIGHT * _first(day) / most, about)


def _table(panel: Panel, found: Mapping[str, Any]) -> Table:
    most = max(map(_first, found["results"]), default=0) or 1
    rows = tuple(
        Row(
            _label(panel, row["dimensions"][0]),
            100 * _first(row) / most,
            tuple(
                shown(name, value)
                for name, value in zip(panel.metrics, row["metrics"], strict=True)
            ),
        )
        for row in (found["results"][-ROWS:] if panel.name == "days" else found["results"])
    )
    heads = (named(panel.by), *map(named, panel.metrics))
    return Table(panel.title, heads, rows, found["total_rows"] - len(rows))


def _label(panel: Panel, value: Any) -> str:
    return NONE.get(panel.by, "(unknown)") if value in (None, "") else str(value)


def _first(row: Mapping[str, Any]) -> float:
    return row["metrics"][0] or 0
