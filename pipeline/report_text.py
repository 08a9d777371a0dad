"""The report as text: 80 columns are enough, and colour is for terminals only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.report import PANELS, Panel
from pipeline.terminal import cell, clean

#: More rows than these are left out of a table, and the count of them said.
ROWS = 31
#: What a missing value means to a reader.
NONE = {"source": "(direct)", "page": "(unreadable request)"}
HEADINGS = {"bot_hits": "by bots", "bot_category": "kind of bot"}
BAR = 12


def render(report: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the report; on the standard output, unless told otherwise."""
    console = console or Console(highlight=False)
    console.print(Text(_heading(report), "bold"))
    console.print(_totals(report))
    warnings = dict.fromkeys(report["meta"]["warnings"])
    for panel in PANELS:
        found = report[panel.name]
        warnings |= dict.fromkeys(found["warnings"])
        if found["results"]:
            console.print(_table(panel, found))
    console.print(_ledger(report["ledger"]))
    for warning in warnings:
        console.print(Text(f"Note: {clean(warning)}"))


def _heading(report: Mapping[str, Any]) -> str:
    site = clean(report["site"] or "all sites")
    if report["from"] is None:
        return f"{site}: nothing counted"
    return f"{site}, {report['from']} to {report['to']}"


def _totals(report: Mapping[str, Any]) -> Table:
    """Names and numbers side by side, three to a line."""
    grid = Table.grid(padding=(0, 2))
    for _ in range(3):
        grid.add_column()
        grid.add_column(justify="right")
    facts = [
        (Text(named(name)), Text(shown(name, value), "bold"))
        for name, value in report["totals"].items()
    ]
    for start in range(0, len(facts), 3):
        grid.add_row(*(piece for fact in facts[start : start + 3] for piece in fact))
    if report["meta"]["visitors"] != "distinct":
        grid.add_row("", "", Text(f"visitors: {report['meta']['visitors']}"))
    return grid


def _table(panel: Panel, found: Mapping[str, Any]) -> Table:
    rows = found["results"][-ROWS:] if panel.name == "days" else found["results"][:ROWS]
    left = found["total_rows"] - len(rows)
    table = Table(
        box=SIMPLE_HEAD,
        title=Text(panel.title, "bold"),
        title_justify="left",
        caption=Text(f"and {left:,} more") if left else None,
        caption_justify="left",
    )
    for name in found["dimensions"]:
        table.add_column(named(name), overflow="fold")
    for name in found["metrics"]:
        table.add_column(named(name), justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, style="cyan")
    bars = _bars([row["metrics"][0] for row in rows])
    for row, bar in zip(rows, bars, strict=True):
        table.add_row(*_cells(found, row), bar)
    return table


def _cells(found: Mapping[str, Any], row: Mapping[str, Any]) -> Iterable[Text]:
    for name, value in zip(found["dimensions"], row["dimensions"], strict=True):
        missing = value is None or value == ""
        yield Text(NONE.get(name, "(unknown)") if missing else clean(str(value)))
    for name, value in zip(found["metrics"], row["metrics"], strict=True):
        yield Text(shown(name, value))


def _bars(numbers: Sequence[int | float | None]) -> list[Text]:
    """How large each is beside the largest."""
    largest = max((number or 0 for number in numbers), default=0) or 1
    return [Text("■" * round(BAR * (number or 0) / largest)) for number in numbers]


def named(name: str) -> str:
    return HEADINGS.get(name, name.replace("_", " "))


def shown(metric: str, value: int | float | None) -> str:
    """A number in the unit a reader thinks in."""
    if value is None:
        return cell(None)
    if metric == "bounce_rate":
        return f"{100 * value:.1f} %"
    if metric == "visit_duration":
        return f"{int(value) // 60}:{int(value) % 60:02}"
    return _size(value) if metric == "bytes" else cell(value)


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def _ledger(ledger: Mapping[str, Any]) -> Text:
    """Every record that was read, as a sum that adds up."""
    outcomes = {name: ledger[name] for name in ("directives", "rejected", "excluded")}
    terms = {**ledger["classes"], **outcomes}
    total = " + ".join(f"{number:,} {name}" for name, number in terms.items() if number) or "0"
    sources = "1 source" if ledger["sources"] == 1 else f"{ledger['sources']:,} sources"
    return Text(
        f"\nEvery record of {sources}, accounted for:\n"
        f"{ledger['records']:,} records = {total}; {ledger['bots']:,} of them by bots."
    )
