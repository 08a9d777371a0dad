"""Commands that hand out what was counted: as files, and to questions in SQL."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.asking import answered, question
from commands.base import Place, command, days, plain, site
from pipeline import terminal

if TYPE_CHECKING:
    from pipeline.export import Rows

#: Rows that `tallylog sql` prints, unless told otherwise.
SHOWN = 1000
_format = click.option(
    "--format", "form", help="csv, json, xlsx or parquet.  [default: as FILE ends]"
)
_file = click.argument("file", metavar="FILE")


@click.group()
def export() -> None:
    """Write what was counted to a file.

    FILE is a name, or - for standard output.
    """


@plain
@_file
@_format
@site
@days
def events(place: Place, file: str, form: str | None, **which: Any) -> None:
    """Write the raw events that are kept, in the order of their days."""
    from pipeline import extract, progress

    catalog = place.catalog()
    parts = extract.event_parts(catalog, which["site"], which["first"], which["last"])
    meter = progress.meter()
    meter.start(sum(part.path.stat().st_size for part in parts), len(parts))
    try:
        _write(extract.events(parts, meter), file, form)
    finally:
        meter.finish()


@plain
@_file
@_format
@question
def query(place: Place, file: str, form: str | None, **asked: Any) -> None:
    """Write the answer to a question."""
    from pipeline import extract

    _write(extract.answer(answered(place, **asked)), file, form)


@command
@click.argument("statement")
@click.option("--out", metavar="FILE", help="Write the rows to a file, or - for standard output.")
@_format
@click.option("--limit", type=click.IntRange(1), default=SHOWN, metavar="N", help="Print N rows.")
def sql(
    place: Place, /, statement: str, out: str | None, form: str | None, limit: int, as_json: bool
) -> None:
    """Ask the store in SQL, which reads and changes nothing.

    STATEMENT is one SELECT, such as 'select page, count(*) from events group by all'. The tables
    are events, daily.totals, daily.visits, daily.pages, daily.latency and accounts.
    """
    from pipeline import shell

    with shell.ask(place.catalog(), statement) as rows:
        if out:
            _write(rows, out, form)
        else:
            _print(rows, limit, as_json)


def _print(rows: Rows, limit: int, as_json: bool) -> None:
    shown: list[list[Any]] = []
    for batch in rows.batches:
        columns = [column.to_pylist() for column in batch.columns]
        shown += [list(map(_number, row)) for row in zip(*columns, strict=True)]
        if len(shown) > limit:
            break
    found = {"columns": rows.schema.names, "rows": shown[:limit], "more": len(shown) > limit}
    terminal.show(found, as_json, _print_rows)


def _number(value: Any) -> Any:
    """Sums of whole numbers come as decimals without places."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def _print_rows(found: dict[str, Any]) -> None:
    terminal.print_table(found["columns"], found["rows"])
    if found["more"]:
        click.echo(f"There are more than these {len(found['rows']):,} rows: see --limit and --out.")


def _write(rows: Rows, file: str, form: str | None) -> None:
    from pipeline import export as exports

    if file == "-":
        exports.format_named(form or "csv").write(rows, sys.stdout.buffer)
        return
    exports.save(rows, Path(file), form or Path(file).suffix.removeprefix(".").lower())


export.add_command(events)
export.add_command(query)

COMMANDS = (export, sql)
