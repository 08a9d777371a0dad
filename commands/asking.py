"""Commands that answer questions about what was counted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from commands.base import Place, command, days, names, site
from pipeline import terminal


@command
@site
@click.option(
    "--metrics",
    type=names,
    default="views,visitors,visits",
    show_default=True,
    help="What to count.",
)
@click.option("--by", type=names, default="", help="Dimensions to group by.")
@days
@click.option("--filter", "filters", multiple=True, help="Such as 'country==FR'; repeatable.")
@click.option("--order", default="", help="Metric or dimension to sort by; - before it turns it.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many rows.")
def query(place: Place, /, as_json: bool, **asked: Any) -> None:
    """Answer a question: metrics by dimensions, filtered."""
    from pipeline.query import answer
    from pipeline.question import parse

    found = answer(place.catalog(), parse(**asked))
    terminal.show(asdict(found), as_json, terminal.print_answer)


@command
@site
@days
def report(place: Place, /, as_json: bool, **asked: Any) -> None:
    """Print the report of a site."""
    from pipeline import report as reports
    from pipeline import report_text

    terminal.show(reports.report(place.catalog(), **asked), as_json, report_text.render)


@command
def sources(place: Place, /, as_json: bool) -> None:
    """List the logs that were read, and how far; lag is what `ingest` has not read yet."""
    from pipeline import status

    catalog = place.catalog()
    lags = status.lags(catalog.data_dir)
    rows = [asdict(source) | lags(source.id) for source in catalog.sources()]
    terminal.show_rows(rows, "sources", as_json)


@command
def rejects(place: Place, /, as_json: bool) -> None:
    """List lines that could not be read."""
    from pipeline.rejected import with_text

    terminal.show_rows(with_text(place.catalog().rejects()), "rejects", as_json)


@command
def accounts(place: Place, /, as_json: bool) -> None:
    """List what became of every line read."""
    rows = list(map(asdict, place.catalog().accounts()))
    terminal.show({"accounts": rows}, as_json, lambda found: terminal.print_ledger(rows))


COMMANDS = (query, report, sources, rejects, accounts)
