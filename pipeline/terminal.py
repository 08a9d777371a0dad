"""Prints tables and JSON. Whatever came out of a log is cleaned first: a request can hold control
characters that would steer the reader's terminal."""

from __future__ import annotations

import datetime as dt
import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from textwrap import fill
from typing import Any

#: Marks that turn the direction of text, and so can make a line read as what it is not; and what
#: some terminals take for the end of a line.
_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0x2028, 0x2029)
_HIDDEN = dict.fromkeys(
    [code for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc"] + list(_BIDI)
)


def clean(text: str, keep: str = "") -> str:
    """`text` without control characters, but for those in `keep`."""
    hidden = {code: None for code in _HIDDEN if chr(code) not in keep}
    return text.translate(hidden).encode("utf-8", "replace").decode("utf-8")


def cell(value: Any) -> str:
    """One value as a reader wants it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, list):
        return f"{len(value):,}"
    return f"{value:,.2f}" if isinstance(value, float) else clean(str(value))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """A table on stdout, as wide as the terminal, or as it needs where there is none."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left")
    for index, name in enumerate(columns):
        numbers = all(isinstance(row[index], int | float | None) for row in rows) and rows
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    width = None if sys.stdout.isatty() else 10_000
    Console(file=sys.stdout, highlight=False, width=width).print(table)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Names and values, one a line; of a list how many, and below what they are."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):<{width}}  {cell(value)}")
    for name, value in facts.items():
        if isinstance(value, list) and value:
            print_table(
                list(value[0]), [list(row.values()) for row in value], name.replace("_", " ")
            )


def print_json(value: Any) -> None:
    """One JSON object; dates and paths as text."""
    print(json.dumps(value, default=str, ensure_ascii=True))


def show(found: dict[str, Any], as_json: bool, show_text: Callable[[dict[str, Any]], None]) -> None:
    """What a command found, in the form that was asked for."""
    if as_json:
        print_json(found)
    else:
        show_text(found)


def show_rows(rows: Iterable[dict[str, Any]], name: str, as_json: bool) -> None:
    """Rows that share their keys."""
    found = list(rows)
    if as_json:
        print_json({name: found})
    elif found:
        print_table(tuple(found[0]), [tuple(row.values()) for row in found])
    else:
        print(f"no {name}")


def print_answer(answer: Mapping[str, Any]) -> None:
    """What `tallylog query` found, and how exact it is."""
    names = answer["query"]["metrics"]
    columns = (*answer["query"]["dimensions"], *names)
    rows = [(*row["dimensions"], *row["metrics"]) for row in answer["results"]]
    if answer["query"]["compare"]:
        columns = (*columns, *(f"{name} before" for name in names))
        found = [row["comparison"]["metrics"] for row in answer["results"]]
        rows = [(*row, *before) for row, before in zip(rows, found, strict=True)]
    print_table(columns, rows)
    print_facts({name: value for name, value in answer["meta"].items() if isinstance(value, str)})
    for warning in answer["meta"]["warnings"]:
        print(clean(f"note: {warning}"))


def print_formats(found: Mapping[str, Any]) -> None:
    """The formats, each with a line of it below, and the wrappers."""
    width = max(len(row["name"]) for row in found["formats"])
    for row in found["formats"]:
        print(clean(f"{row['name']:<{width}}  {row['dialect']:<6}  {row['title']}"))
        for line in row["sample"].splitlines():
            print(f"    {clean(line, chr(9))}")
    print("\nEach may be in a wrapper, as in docker/combined:")
    for row in found["wrappers"]:
        print(clean(f"{row['name']:<{width}}  {row['title']}"))


def print_detection(found: Mapping[str, Any]) -> None:
    """What `tallylog formats --detect` found: the choice, the candidates, the first lines."""
    chosen = f"{found['format']}: {found['title']}" if found["format"] else "no known format"
    print(clean(f"{found['path']}: {chosen}"))
    print(f"  confidence {found['confidence']:.0%}")
    for reason in found["reasons"]:
        print(f"  {clean(reason)}")
    columns = {"name": "format", "lines": "lines", "told": "values", "line": "first line not read"}
    if found["candidates"]:
        rows = [[candidate[key] for key in columns] for candidate in found["candidates"]]
        print_table(tuple(columns.values()), rows)
    for line in found["first_lines"]:
        print(clean(line["text"]))
        for name, value in line.get("values", {"rejected": line.get("reason")}).items():
            print(f"  {name:<12} {clean(str(value))}")


def print_ledger(accounts: Iterable[Mapping[str, Any]]) -> None:
    """What became of every line: one sum a source and day of reading."""
    key = itemgetter("source_id", "path", "scope", "read_date")
    for (number, path, site, day), rows in groupby(accounts, key):
        counts = {row["outcome"]: row["records"] for row in rows}
        print(f"{number}  {clean(path)} · {clean(site) or 'by host'} · read {day}")
        terms = " + ".join(f"{n:,} {outcome}" for outcome, n in counts.items())
        text = f"{sum(counts.values()):,} = {terms}"
        print(fill(text, 78, initial_indent="   ", subsequent_indent="     "))


def print_summary(summary: Mapping[str, Any]) -> None:
    """What `tallylog backfill` read, as a sum that adds up."""
    outcomes = {name: summary[name] for name in ("known", "directives", "rejected", "excluded")}
    counts = {name: n for name, n in {**outcomes, **summary["classes"]}.items() if n}
    print(f"{summary['records']:,} records in {summary['files']:,} files, {_megabytes(summary)}")
    width = max(map(len, counts), default=0)
    for name, n in counts.items():
        print(f"  {name:<{width}} {n:>13,}")
    if known := summary["known"]:
        print(f"{known:,} lines already known, {summary['new_records']:,} new")
    print(f"{summary['bots']:,} of them by bots; {summary['days']:,} days changed")
    for row in summary["followed"]:
        lines = f"{row['lines']:,} lines are in {row['read_as']}, not in {row['format']}"
        print(clean(f"{row['path']}: {lines}"))


def _megabytes(summary: Mapping[str, Any]) -> str:
    return f"{summary['bytes'] / 1e6:,.1f} MB, {summary['seconds']:.1f} s"
