"""Commands that answer questions about what was counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.base import Command, Place, command, days, names, site
from pipeline import terminal

if TYPE_CHECKING:
    from pipeline.query import Answer


def tree(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not JSON: {error}") from error


_QUESTION: tuple[Callable[[Any], Any], ...] = (
    site,
    click.option(
        "--metrics",
        type=names,
        default="views,visitors,visits",
        show_default=True,
        help="What to count.",
    ),
    click.option("--by", type=names, default="", help="Dimensions to group by."),
    days,
    click.option(
        "--range", default="", help="In place of days: today, yesterday, 30d, month, year."
    ),
    click.option("--compare", default="", help="With what: previous, year or weekday."),
    click.option("--filter", "filters", multiple=True, help="Such as 'country==FR'; repeatable."),
    click.option("--where", type=tree, help='Filters as JSON: ["not", ["is", "page", ["/"]]].'),
    click.option(
        "--order", default="", help="Metric or dimension to sort by; - before it turns it."
    ),
    click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many rows."),
    click.option(
        "--offset", type=click.IntRange(0), default=0, metavar="N", help="Leave out the first N."
    ),
)


def question(command: Command) -> Command:
    """The options of a question."""
    for option in reversed(_QUESTION):
        command = option(command)
    return command


def answered(place: Place, filters: tuple[str, ...], where: Any, **asked: Any) -> Answer:
    """What the options ask."""
    from pipeline.filter_words import parse_tree
    from pipeline.query import answer
    from pipeline.question import parse

    return answer(place.catalog(), parse(filters=(*filters, *parse_tree(where)), **asked))


@command
@question
def query(place: Place, /, as_json: bool, **asked: Any) -> None:
    """Answer a question: metrics by dimensions, filtered."""
    found = answered(place, **asked)
    terminal.show(asdict(found), as_json, terminal.print_answer)


@command
@site
@days
@click.option("--html", type=Path, metavar="FILE", help="Write it as one page of HTML instead.")
def report(place: Place, /, as_json: bool, html: Path | None, **asked: Any) -> None:
    """Print the report of a site."""
    from pipeline import report as reports
    from pipeline import report_html, report_text

    if html:
        report_html.save(reports.report(place.catalog(), **asked), html)
        return
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
