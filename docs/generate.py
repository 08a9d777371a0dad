"""Writes the pages that are made from the program itself: `python -m docs.generate`.

With `--check` nothing is written, and a page that is not what the program says is an error. Do
not edit these pages, nor the part of README.md between its two marks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import GenericAlias

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from parsers.raw import RAW_FIELDS, REASONS
from parsers.registry import KEYS, VARIANT_KEYS, Format, load_formats
from parsers.tokens import EXTRA_FIELDS
from parsers.values import ESCAPES
from parsers.wrappers import load_wrappers
from pipeline import schema
from pipeline.config import Config
from pipeline.config_file import keys, table_model
from tallylog import main
from webapp.script import script
from webapp.snippet import snippet

ROOT = Path(__file__).parent.parent


def pages() -> dict[Path, str]:
    """Every generated file and what it should hold."""
    found = {ROOT / "docs" / name: render() for name, render in _PAGES.items()}
    return {
        **{ROOT / name: _filled(ROOT / name, parts()) for name, parts in _PARTS.items()},
        **found,
    }


def _filled(path: Path, parts: dict[str, str]) -> str:
    """A written page, with what the program says between its marks."""
    text = path.read_text(encoding="utf-8")
    for name, made in parts.items():
        begin, end = f"<!-- begin: {name} -->\n", "<!-- end -->\n"
        before, rest = text.split(begin)
        text = f"{before}{begin}{made}{end}{rest.split(end, 1)[1]}"
    return text


def _readme() -> dict[str, str]:
    return {"tallylog --help": _fence(_help(main, "tallylog"))}


def _tracking() -> dict[str, str]:
    address = "https://stats.example.org/"
    return {
        "tallylog snippet": _fence(snippet("example.org", address).rstrip(), "html"),
        "version": f"Version {script().version}:\n\n"
        f"{_fence(snippet('example.org', address, integrity=True).rstrip(), 'html')}",
    }


def _cli() -> str:
    lines = ["# Commands", "", _MADE, ""]
    lines += [
        "Exit codes: 0 done, 1 refused or failed with a message on stderr, 2 wrong usage.",
        "",
    ]
    for name, command in _commands(main, "tallylog"):
        lines += [f"## {name}", "", _fence(_help(command, name))]
    return "\n".join(lines)


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for part in sorted(command.commands):
            yield from _commands(command.commands[part], f"{name} {part}")


def _help(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name, terminal_width=80, max_content_width=80)
    return command.get_help(context)


def _schema() -> str:
    kept = [_dimension(d) for d in schema.DIMENSIONS.values()]
    details = [_dimension(d) for d in schema.DETAILS.values()]
    times = [_dimension(d) for d in schema.TIMES.values()]
    ratios = [(f"`{name}`", f"`{n}` / `{d}`", doc) for name, (n, d, doc) in schema.RATIOS.items()]
    told = {*schema.MEASURES, *schema.DETAIL_MEASURES, *schema.RATIOS}
    others = _named({name: doc for name, doc in schema.METRICS.items() if name not in told})
    return "\n".join(
        [
            "# Columns, dimensions and metrics",
            "",
            _MADE,
            "",
            "What each number means is in [definitions.md](definitions.md).",
            *_section(
                "Events", ("column", "type", "what it holds"), _columns(schema.EVENTS_COLUMNS)
            ),
            *_section("Classes", ("class", "what it is"), _named(schema.CLASSES)),
            *_section("Outcomes that are not a class", ("outcome", ""), _named(schema.OUTCOMES)),
            *_section("Kinds of bots", ("`bot_category`", ""), _named(schema.BOT_CATEGORIES)),
            *_section("Channels", ("`channel`", "the visitor came by"), _named(schema.CHANNELS)),
            *_section(
                "Dimensions kept in daily totals", ("dimension", "level", "what it is"), kept
            ),
            *_section("Dimensions of raw events and cubes", ("dimension", "level", ""), details),
            *_section("Spans of time", ("dimension", "level", "what it is"), times),
            "",
            "`prop:NAME` is the property of that name of a custom event, of the record; `prop:*` "
            "are the names of all of its properties, as a JSON list.",
            *_section("Metrics", ("metric", "what it counts"), _named(schema.MEASURES)),
            *_section("Metrics of raw events", ("metric", ""), _named(schema.DETAIL_MEASURES)),
            *_section("Metrics worked out", ("metric", "from", "what it says"), ratios),
            *_section("Other metrics", ("metric", "what it says"), others),
            *_daily(),
            "",
        ]
    )


def _daily() -> Iterator[str]:
    """The tables that `tallylog sql` calls daily.NAME."""
    for name, columns in schema.DAILY.items():
        heads = ("column", "type", "what it holds")
        yield from _section(f"Daily table: {name}", heads, _columns(columns))
    yield from _section("Scopes of daily totals", ("`scope`", ""), _named(schema.SCOPES))


def _columns(columns: Iterable[schema.Column]) -> list[tuple[str, str, str]]:
    return [(f"`{c.name}`", f"`{_type(c.type)}`", c.doc) for c in columns]


def _dimension(found: schema.Dimension) -> tuple[str, str, str]:
    return f"`{found.name}`", f"of the {found.level}", found.doc


def _type(kind: object) -> str:
    return "text" if kind == schema.TEXT else str(kind)


def _configuration() -> str:
    rows = list(_settings(Config, ""))
    return "\n".join(
        [
            "# Configuration",
            "",
            _MADE,
            "",
            "`config.toml` in the folder where `tallylog` starts, or the file that `--config` "
            "names. Without one, everything has its default. The shipped `config.toml` shows "
            "every key in its place. A key that is not listed here is refused.",
            "",
            *_table(("key", "default", "what it says"), rows),
            "",
        ]
    )


def _settings(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for key, field in keys(model).items():
        inner = table_model(field)
        if inner is None:
            yield f"`{prefix}{key}`", _default(field), field.description or ""
        else:
            array = isinstance(field.annotation, GenericAlias)
            label = f"[[{prefix}{key}]]" if array else f"[{prefix}{key}]"
            yield f"`{label}`", "", f"**{field.description}**"
            yield from _settings(inner, f"{prefix}{key}.")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value == {}:
        return "none"
    if isinstance(value, tuple):
        return f"`{json.dumps(value)}`"
    if isinstance(value, bool | int):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`'


def _formats() -> str:
    formats = load_formats().values()
    escapes = ", ".join(f"`{name}`" for name in ESCAPES)
    fields = {name: doc for name, (_, doc) in RAW_FIELDS.items() if name != "offset"}
    return "\n".join(
        [
            "# Log formats",
            "",
            _MADE,
            "",
            "`--format auto` finds the format out from a log's first lines. `--format NAME` says "
            "it. Each format below is one file in `parsers/formats/`, and one of your own has "
            "the same keys, as `[format.NAME]` in `config.toml`.",
            "",
            *_table(
                ("name", "title", "dialect"), [(f"`{f.name}`", f.title, f.dialect) for f in formats]
            ),
            *_section(
                "Wrappers (any format may be in one: `docker/combined`)",
                ("name", "title"),
                [(f"`{w.name}`", w.title) for w in load_wrappers().values()],
            ),
            *_section("Keys of a format", ("key", "what it says"), _named(KEYS)),
            *_section("Keys of a variant", ("key", "what it says"), _named(VARIANT_KEYS)),
            "",
            f"Escapes: {escapes}.",
            *_section("Fields", ("field", "what it holds"), _named(fields | EXTRA_FIELDS)),
            *_section("Why a line is rejected", ("reason", "what it means"), _named(REASONS)),
            *_lines(formats),
            "",
        ]
    )


def _lines(formats: Iterable[Format]) -> Iterator[str]:
    yield from ("", "## A line of each format", "")
    yield from (f"`{fmt.name}`:\n\n{_fence(fmt.sample)}" for fmt in formats)


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from _table(heads, rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _named(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    return ((f"`{name}`", doc) for name, doc in texts.items())


def _fence(text: str, language: str = "text") -> str:
    return f"```{language}\n{text}\n```\n"


_MADE = "<!-- Made by `python -m docs.generate`; do not edit. -->"
_PAGES: dict[str, Callable[[], str]] = {
    "cli.md": _cli,
    "schema.md": _schema,
    "configuration.md": _configuration,
    "formats.md": _formats,
}
#: Written pages, of which some parts are made.
_PARTS: dict[str, Callable[[], dict[str, str]]] = {
    "README.md": _readme,
    "docs/tracking.md": _tracking,
}


def _run(check: bool) -> int:
    stale = {path: text for path, text in pages().items() if _stored(path) != text}
    for path, text in stale.items():
        if not check:
            path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)} {'is out of date' if check else 'written'}")
    if stale and check:
        print("run `make docs`", file=sys.stderr)
    return 1 if stale and check else 0


def _stored(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(_run("--check" in sys.argv))
